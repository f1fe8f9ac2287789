//! An optimizer over libtorch's fused kernels: parameter groups, each with its rule and its state.

use std::fmt;

use booster_sys::fused::{Parameters, Refused};
use tch::Tensor;
use tch::nn::VarStore;

use super::parameter::{Parameter, trainable};
use super::{Optimizer, no_such_group};
use crate::error::{Error, Result};
use crate::sealed::Sealed;

/// The update rule of an optimizer: [`AdamOptions`](super::AdamOptions) or [`SgdOptions`](super::SgdOptions).
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an optimizer options type",
    label = "not an optimizer's options",
    note = "use `AdamOptions` or `SgdOptions`; for an update of your own, implement `booster::optim::Optimizer`"
)]
pub trait Rule: Sealed + Clone + fmt::Debug + 'static {
    #[doc(hidden)]
    const NAME: &'static str;

    /// The names of the state's tensors.
    #[doc(hidden)]
    fn columns(&self) -> &'static [&'static str];

    #[doc(hidden)]
    fn check(&self) -> Result<()>;

    #[doc(hidden)]
    fn learning_rate_mut(&mut self) -> &mut f64;

    #[doc(hidden)]
    fn step(&self, parameters: Parameters<'_>) -> Result<(), Refused>;
}

/// The options of an optimizer with several parameter groups.
#[must_use = "call `build`"]
pub struct Builder<R> {
    rule: R,
    groups: Vec<(Predicate, R)>,
    of: Option<Predicate>,
}

type Predicate = Box<dyn Fn(&Parameter) -> bool>;

impl<R: Rule> Builder<R> {
    pub(super) fn new(rule: R) -> Self {
        Self { rule, groups: Vec::new(), of: None }
    }

    /// Adds a parameter group with its own options.
    ///
    /// `options` receives the options of group 0 and returns those of the new group. Group 0 holds the parameters that
    /// no predicate selects; added groups are numbered from 1. A parameter that several predicates select belongs to
    /// the first of their groups.
    pub fn group(mut self, predicate: impl Fn(&Parameter) -> bool + 'static, options: impl FnOnce(R) -> R) -> Self {
        self.groups.push((Box::new(predicate), options(self.rule.clone())));
        self
    }

    /// Restricts the optimizer to the parameters that `predicate` selects. By default it holds all of them.
    pub fn of(mut self, predicate: impl Fn(&Parameter) -> bool + 'static) -> Self {
        self.of = Some(Box::new(predicate));
        self
    }

    /// Builds the optimizer for a store's trainable parameters.
    ///
    /// Parameters that are currently frozen are included, and are updated once they are unfrozen. Parameters created
    /// later are not included.
    ///
    /// # Errors
    /// Returns [`Error::Mismatch`] if an option is out of range, or if the optimizer would hold no parameters.
    pub fn build(self, store: &VarStore) -> Result<Fused<R>> {
        let Self { rule, groups, of } = self;
        let (predicates, others): (Vec<_>, Vec<_>) = groups.into_iter().unzip();
        let mut groups = std::iter::once(rule).chain(others).map(Group::new).collect::<Result<Vec<_>>>()?;
        for parameter in trainable(store) {
            if of.as_ref().is_some_and(|of| !of(&parameter)) {
                continue;
            }
            let group = predicates.iter().position(|predicate| predicate(&parameter)).map_or(0, |index| index + 1);
            groups[group].push(parameter);
        }
        if groups.iter().all(|group| group.names.is_empty()) {
            let found = "none of the store's trainable parameters";
            return Err(Error::argument(R::NAME, "parameters", "non-empty", found));
        }
        Ok(Fused { groups })
    }
}

impl<R: fmt::Debug> fmt::Debug for Builder<R> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let groups = self.groups.iter().map(|(_, rule)| rule).collect::<Vec<_>>();
        formatter.debug_struct("Builder").field("rule", &self.rule).field("groups", &groups).finish_non_exhaustive()
    }
}

/// An optimizer that updates each parameter and its state in one pass: [`Sgd`](super::Sgd), [`Adam`](super::Adam) or
/// [`AdamW`](super::AdamW).
///
/// Parameters without a gradient are skipped. A parameter's state is allocated at its first step, with the parameter's
/// kind and device, and follows later changes of either.
#[must_use = "an optimizer does nothing until it steps"]
pub struct Fused<R> {
    groups: Vec<Group<R>>,
}

/// Parameters with the same options. All lists but `states` have one entry per parameter.
struct Group<R> {
    rule: R,
    names: Vec<String>,
    parameters: Vec<Tensor>,
    /// One list per name in [`Rule::columns`].
    states: Vec<Vec<Tensor>>,
    steps: Vec<Tensor>,
}

impl<R: Rule> Group<R> {
    fn new(rule: R) -> Result<Self> {
        rule.check()?;
        let states = rule.columns().iter().map(|_| Vec::new()).collect();
        Ok(Self { rule, names: Vec::new(), parameters: Vec::new(), states, steps: Vec::new() })
    }

    fn push(&mut self, parameter: Parameter) {
        let (name, tensor) = parameter.into_parts();
        self.names.push(name);
        self.parameters.push(tensor);
        self.states.iter_mut().for_each(|states| states.push(Tensor::new()));
        self.steps.push(Tensor::new());
    }

    fn step(&mut self) -> Result<()> {
        let Self { rule, names, parameters, states, steps } = self;
        let stepped = rule.step(Parameters { parameters, states, steps, grad_scale: None, found_inf: None });
        stepped.map_err(|Refused { parameter, error }| {
            let error = Error::from(error);
            match parameter.and_then(|index| names.get(index)) {
                Some(name) => error.during(format!("updating `{name}`")),
                None => error,
            }
        })
    }
}

impl<R: Rule> Fused<R> {
    /// Returns the names of the parameters in the group with this zero-based index; none if there is no such group.
    pub fn names(&self, group: usize) -> impl Iterator<Item = &str> {
        self.groups.get(group).into_iter().flat_map(|group| &group.names).map(String::as_str)
    }

    /// Returns the options of the group with this zero-based index, if there is one.
    pub fn options_of(&self, group: usize) -> Option<&R> {
        self.groups.get(group).map(|group| &group.rule)
    }

    /// Returns the state of a parameter under PyTorch's names, such as `exp_avg` and `step`.
    ///
    /// The iterator is empty for an unknown name, and before the parameter's first step.
    pub fn state(&self, parameter: &str) -> impl Iterator<Item = (&'static str, &Tensor)> {
        let place = self.groups.iter().find_map(|group| {
            let index = group.names.iter().position(|name| name == parameter)?;
            Some((group, index))
        });
        place.into_iter().flat_map(|(group, index)| {
            let states =
                group.rule.columns().iter().zip(&group.states).map(move |(&name, states)| (name, &states[index]));
            states.chain([("step", &group.steps[index])]).filter(|(_, tensor)| tensor.defined())
        })
    }
}

impl<R: Rule> Optimizer for Fused<R> {
    fn parameters(&self) -> Vec<Tensor> {
        self.groups.iter().flat_map(|group| &group.parameters).map(Tensor::shallow_clone).collect()
    }

    /// # Errors
    /// Returns [`Error::During`] with the parameter's name if its gradient is sparse or its kind is not supported. In
    /// that case, parameters in earlier groups may already be updated, but none in the parameter's own group.
    fn step(&mut self) -> Result<()> {
        self.groups.iter_mut().try_for_each(Group::step)
    }

    fn set_learning_rate(&mut self, rate: f64) {
        self.groups.iter_mut().for_each(|group| *group.rule.learning_rate_mut() = rate);
    }

    fn set_group_learning_rate(&mut self, group: usize, rate: f64) -> Result<()> {
        let of = self.groups.get_mut(group).ok_or_else(|| no_such_group(group))?;
        *of.rule.learning_rate_mut() = rate;
        Ok(())
    }
}

impl<R: Rule> fmt::Debug for Fused<R> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let groups = self.groups.iter().map(|group| (&group.rule, &group.names)).collect::<Vec<_>>();
        formatter.debug_struct(R::NAME).field("groups", &groups).finish_non_exhaustive()
    }
}

/// Checks the value of an option; `expected` describes its range.
pub(super) fn check(
    rule: &'static str,
    option: &'static str,
    value: f64,
    is_in_range: bool,
    expected: &'static str,
) -> Result<()> {
    if is_in_range { Ok(()) } else { Err(Error::argument(rule, option, expected, value.to_string())) }
}

/// Checks that options are finite and not negative.
pub(super) fn not_negative(rule: &'static str, options: &[(&'static str, f64)]) -> Result<()> {
    options.iter().try_for_each(|&(option, value)| {
        check(rule, option, value, value.is_finite() && value >= 0.0, "finite and not negative")
    })
}

/// Defines the methods of [`Builder`] on options, for optimizers of a single parameter group.
macro_rules! builder_methods {
    () => {
        /// Adds a parameter group; see [`Builder::group`].
        pub fn group(
            self,
            predicate: impl Fn(&Parameter) -> bool + 'static,
            options: impl FnOnce(Self) -> Self,
        ) -> Builder<Self> {
            Builder::new(self).group(predicate, options)
        }

        /// Restricts the optimizer to some parameters; see [`Builder::of`].
        pub fn of(self, predicate: impl Fn(&Parameter) -> bool + 'static) -> Builder<Self> {
            Builder::new(self).of(predicate)
        }

        /// Builds the optimizer; see [`Builder::build`].
        ///
        /// # Errors
        /// Returns [`Error::Mismatch`](crate::Error::Mismatch) if an option is out of range, or if the store has no
        /// trainable parameters.
        pub fn build(self, store: &VarStore) -> Result<Fused<Self>> {
            Builder::new(self).build(store)
        }
    };
}
pub(super) use builder_methods;
