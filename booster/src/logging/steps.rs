//! A set of steps, compact if they are evenly spaced.

use std::collections::BTreeMap;

/// A set of steps, stored as non-overlapping, evenly spaced runs, keyed by first step.
#[derive(Debug, Default)]
pub(super) struct Steps(BTreeMap<u64, Run>);

#[derive(Clone, Copy, Debug)]
struct Run {
    last: u64,
    /// The distance between steps; 1 in a run of one step.
    stride: u64,
}

impl Steps {
    pub(super) fn contains(&self, step: u64) -> bool {
        self.run_before(step).is_some_and(|(first, run)| step <= run.last && (step - first).is_multiple_of(run.stride))
    }

    /// Adds a step that the set does not contain.
    pub(super) fn insert(&mut self, step: u64) {
        let Some((first, run)) = self.run_before(step) else {
            self.0.insert(step, Run::of(step));
            return;
        };
        let (run, new) = if step < run.last {
            let before = step - (step - first) % run.stride;
            let after = before + run.stride;
            self.0.insert(after, Run { last: run.last, ..run });
            (Run { last: before, ..run }, true)
        } else if first == run.last {
            (Run { last: step, stride: step - first }, false)
        } else if step - run.last == run.stride {
            (Run { last: step, ..run }, false)
        } else {
            (run, true)
        };
        self.0.insert(first, run);
        if new {
            self.0.insert(step, Run::of(step));
        }
    }

    /// Returns the last run that starts at or before `step`.
    fn run_before(&self, step: u64) -> Option<(u64, Run)> {
        self.0.range(..=step).next_back().map(|(&first, &run)| (first, run))
    }
}

impl Run {
    fn of(step: u64) -> Self {
        Self { last: step, stride: 1 }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::Steps;

    fn of(steps: impl IntoIterator<Item = u64>) -> Steps {
        let mut set = Steps::default();
        steps.into_iter().for_each(|step| set.insert(step));
        set
    }

    #[test]
    fn evenly_spaced_steps_are_one_run() {
        assert_eq!(of((1..=1000).map(|epoch| 500 * epoch)).0.len(), 1);
        assert_eq!(of([0, u64::MAX]).0.len(), 1);
        // Two interleaved series, such as training and validation with separate counters.
        assert_eq!(of((1..=1000).flat_map(|epoch| [epoch, 1_000_000 + 500 * epoch])).0.len(), 3);
    }

    proptest! {
        #[test]
        fn a_set_holds_what_was_put_into_it(steps in prop::collection::vec(0u64..60, 0..60)) {
            let (mut set, mut expected) = (Steps::default(), BTreeSet::new());
            for step in steps {
                prop_assert_eq!(set.contains(step), expected.contains(&step));
                if expected.insert(step) {
                    set.insert(step);
                }
                for step in 0..60 {
                    prop_assert_eq!(set.contains(step), expected.contains(&step), "{} of {:?}", step, expected);
                }
            }
        }
    }
}
