//! Learning rate schedules for optimizers.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::schedule::Schedule;
use crate::error::Result;
use crate::optim::Optimizer;

/// The learning rate schedule of an optimizer, with optional overrides for parameter groups.
///
/// It has no state, so resuming a run requires only the step.
///
/// ```
/// use booster::prelude::*;
/// use booster::tch::{Device, nn, nn::OptimizerConfig};
///
/// # fn main() -> booster::Result<()> {
/// let store = nn::VarStore::new(Device::Cpu);
/// let _backbone = nn::linear(store.root() / "backbone", 4, 4, nn::LinearConfig::default());
/// let _head = nn::linear(store.root().set_group(1) / "head", 4, 2, nn::LinearConfig::default());
/// let mut optimizer = nn::Adam::default().build(&store, 1e-3)?;
///
/// let rate = Schedule::cosine(1e-3, 0.0, 1000)?.warm_up(100);
/// let rate = LearningRate::new(rate.clone()).group(1, rate.scale(10.0)?);
/// for step in 0..3 {
///     rate.apply(&mut optimizer, step)?;
///     // training_step(.., &mut optimizer)
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LearningRate {
    schedule: Schedule,
    #[serde(default)]
    groups: BTreeMap<usize, Schedule>,
}

impl LearningRate {
    /// Creates a learning rate with one schedule for all parameter groups.
    pub fn new(schedule: Schedule) -> Self {
        Self { schedule, groups: BTreeMap::new() }
    }

    /// Sets the schedule of one parameter group; see [`Builder::group`](crate::optim::Builder::group) or, for tch's
    /// optimizers, [`Path::set_group`](tch::nn::Path::set_group).
    pub fn group(mut self, index: usize, schedule: Schedule) -> Self {
        self.groups.insert(index, schedule);
        self
    }

    /// Returns the rate of a parameter group at a step.
    pub fn at(&self, step: u64, group: usize) -> f64 {
        self.groups.get(&group).unwrap_or(&self.schedule).at(step)
    }

    /// Sets the optimizer's rates for a step; call it before the optimizer steps.
    ///
    /// Groups without their own schedule follow the common one, whatever rate they were built with.
    ///
    /// # Errors
    /// Returns [`Error::Mismatch`](crate::Error::Mismatch) if the optimizer lacks one of the parameter groups.
    pub fn apply(&self, optimizer: &mut impl Optimizer, step: u64) -> Result<()> {
        optimizer.set_learning_rate(self.schedule.at(step));
        for (&group, schedule) in &self.groups {
            optimizer.set_group_learning_rate(group, schedule.at(step))?;
        }
        Ok(())
    }
}
