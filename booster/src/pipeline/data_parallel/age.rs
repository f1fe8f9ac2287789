//! What may have been written to the master's parameters since a replica got them.

/// How often something happened after which parameters may be others.
///
/// libtorch counts writes to a tensor, but not all: its SGD writes past the count, and so does whoever gives a variable
/// other memory that changes. So that the count is the same proves nothing where an optimizer may have a gradient to go
/// by, or where this is another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Age {
    /// Changes by other means than optimizers.
    changes: u64,
    /// Steps of optimizers, and evaluations that may lead to one.
    steps: u64,
    /// Whether there is a gradient, or a graph, for an optimizer to step on.
    has_gradients: bool,
}

impl Age {
    /// An evaluation is recorded: an optimizer may step at any time.
    pub(super) fn record(&mut self) {
        self.steps += 1;
        self.has_gradients = true;
    }

    /// An optimizer has stepped on all gradients that there were.
    pub(super) fn step(&mut self) {
        self.steps += 1;
        self.has_gradients = false;
    }

    /// The variables were written.
    pub(super) fn change(&mut self) {
        self.changes += 1;
    }

    /// Whether a parameter that an optimizer may step on is as it was then, as far as libtorch counts.
    pub(super) fn keeps_trained(self, then: Self) -> bool {
        !self.has_gradients && self == then
    }

    /// Whether a parameter that no optimizer steps on is as it was then, as far as libtorch counts.
    pub(super) fn keeps_frozen(self, then: Self) -> bool {
        self.changes == then.changes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_kept_from_a_step_to_the_next_gradient() {
        let mut age = Age::default();
        assert!(age.keeps_trained(age));
        age.record();
        let recorded = age;
        assert!(!age.keeps_trained(recorded) && age.keeps_frozen(Age::default()));
        age.step();
        assert!(!age.keeps_trained(recorded) && age.keeps_trained(age));
        let stepped = age;
        age.change();
        assert!(!age.keeps_trained(stepped) && !age.keeps_frozen(stepped));
    }
}
