//! Synchronization of a replica's variable with the master's.

use booster_sys::replica::{bump_version, make_leaf, route_gradient};
use booster_sys::swap::{swap_back, swap_in};
use tch::{Tensor, no_grad};

use crate::error::{Error, Result};

/// Counters of events that may change the values of parameters.
///
/// libtorch's version counter misses some writes, such as those of tch's SGD. While there are gradients for an
/// optimizer to step on, an equal counter therefore does not prove that the values are unchanged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct ParameterVersion {
    /// Changes other than optimizer steps.
    pub(super) changes: u64,
    steps: u64,
    has_gradients: bool,
    /// Whether the caller has ever received a graph, which may be differentiated at any time.
    had_graph: bool,
}

impl ParameterVersion {
    /// Records an evaluation with gradients, or an optimizer step on all gradients.
    pub(super) fn step(&mut self, has_gradients: bool) {
        self.steps += 1;
        self.has_gradients = has_gradients;
    }

    /// Records that the caller receives a graph.
    pub(super) fn record_graph(&mut self) {
        self.had_graph = true;
    }
}

/// The version of the master's values that a replica has copied.
#[derive(Clone, Copy, Debug)]
struct CopiedVersion {
    /// libtorch's version counter.
    writes: i64,
    version: ParameterVersion,
    /// Whether optimizers ignore the variable: it has no gradient and does not require one.
    is_frozen: bool,
    /// Whether the copy may have been overwritten.
    is_stale: bool,
}

impl CopiedVersion {
    /// Returns whether the values are guaranteed to be unchanged since `before`.
    fn is_still(self, before: Self) -> bool {
        let is_kept = if self.is_frozen && before.is_frozen {
            self.version.changes == before.version.changes
        } else {
            !self.version.has_gradients && !self.version.had_graph && self.version == before.version
        };
        is_kept && self.writes == before.writes && !before.is_stale
    }
}

/// The path of gradients to the master's variables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum GradientMode {
    /// Through the graph: the backward pass accumulates gradients in the master's variables.
    Graph,
    /// Through separate gradients: each replica's variable has its own, which is later added to the master's.
    Apart,
    /// No gradients.
    None,
}

/// The state of a replica before the master was swapped to other memory.
#[derive(Debug)]
struct Home {
    /// The master's address.
    of: usize,
    /// The replica's memory, if a graph may hold the replica.
    memory: Option<Tensor>,
}

/// A replica's variable, paired with the master's.
///
/// A graph holds the replica's variable itself, so an evaluation without a graph must restore the variable's gradient
/// route.
#[derive(Debug)]
pub(super) struct VariableSync {
    name: String,
    master: Tensor,
    pub(super) replica: Tensor,
    pub(super) is_buffer: bool,
    /// Whether the replica and the master share memory.
    shares: bool,
    /// The address of the master's memory that the replica follows; 0 before the first evaluation.
    of: usize,
    /// The version of the master's values in the replica.
    holds: Option<CopiedVersion>,
    /// Whether a graph may hold the replica.
    in_graph: bool,
    /// The states to return to while the master is swapped, as with averaged weights; the latest is last.
    homes: Vec<Home>,
    /// The gradient route to the master, set aside while the variable is a leaf during an evaluation.
    route: Option<Tensor>,
    /// The version counters of the master's variable and the replica's when the evaluation began.
    writes: (i64, i64),
}

impl VariableSync {
    /// Pairs two variables. `is_near` tells whether they are on the same device, where parameters share memory.
    pub(super) fn new(name: String, master: Tensor, replica: Tensor, is_buffer: bool, is_near: bool) -> Self {
        let shares = is_near && !is_buffer;
        let (of, holds, homes, route) = (0, None, Vec::new(), None);
        Self { name, master, replica, is_buffer, shares, of, holds, in_graph: false, homes, route, writes: (0, 0) }
    }

    /// Follows the master to other memory or back. If `is_temporary`, records the replica's state, to be restored when
    /// the master's memory is.
    pub(super) fn sync(&mut self, is_temporary: bool) -> Result<()> {
        let of = self.master.data_ptr() as usize;
        // An empty tensor has no address to compare.
        if self.of == of && (self.shares && of != 0 || self.fits()?) {
            return Ok(());
        }
        if let Some(level) = self.homes.iter().rposition(|home| home.of == of) {
            let home = self.homes.drain(level..).next();
            match home.and_then(|home| home.memory) {
                Some(memory) => {
                    swap_back(&mut self.replica, &memory)?;
                    (self.holds, self.in_graph) = (None, true);
                }
                None => self.reallocate()?,
            }
        } else if is_temporary && self.of != 0 {
            let memory = if self.in_graph {
                let memory = self.memory()?;
                Some(swap_in(&mut self.replica, &memory)?)
            } else {
                self.reallocate()?;
                None
            };
            (self.holds, self.in_graph) = (None, false);
            self.homes.push(Home { of: self.of, memory });
        } else {
            self.homes.clear();
            self.reallocate()?;
        }
        if !(self.shares || self.fits()?) {
            self.reallocate()?;
        }
        self.of = of;
        Ok(())
    }

    /// Gives the replica memory like the master's. Differentiating graphs that hold the old memory becomes an error.
    fn reallocate(&mut self) -> Result<()> {
        if std::mem::take(&mut self.in_graph) {
            bump_version(&self.replica)?;
        }
        if self.shares || self.of != 0 || !self.fits()? {
            self.holds = None;
            self.replica.f_set_data(&self.memory()?)?;
        }
        Ok(())
    }

    /// Prepares the replica for an evaluation with the master's values.
    pub(super) fn enter(&mut self, mode: GradientMode, version: ParameterVersion) -> Result<()> {
        self.sync(false)?;
        if !self.shares {
            self.copy_values(version)?;
        }
        // A buffer may have been unfrozen, and frozen again, since the previous evaluation.
        if !self.is_buffer || self.master.requires_grad() || self.replica.requires_grad() {
            self.direct_gradients(mode)?;
        }
        self.in_graph |= mode == GradientMode::Graph;
        Ok(())
    }

    /// Records the version counters once all replicas have entered: later writes are the evaluation's.
    pub(super) fn count_writes(&mut self) -> Result<()> {
        self.writes = (self.master.f_internal_version()?, self.replica.f_internal_version()?);
        Ok(())
    }

    /// Restores the gradient route for the replica's graphs, and checks that the evaluation did not write to a
    /// parameter.
    pub(super) fn leave(&mut self) -> Result<()> {
        if let Some(route) = self.route.take() {
            route_gradient(&self.replica, &route, false)?;
        }
        let (of_master, of_replica) = self.writes;
        let is_written = self.replica.f_internal_version()? != of_replica;
        if !self.is_buffer && (is_written || self.master.f_internal_version()? != of_master) {
            let expected = "no writes to a parameter during evaluation";
            let found = "one by the evaluator or the model, which each replica would repeat: make the variable a buffer \
                         (`zeros_no_train`), which follows the first replica's, or write it between evaluations";
            return Err(Error::variable(self.name.clone(), expected, found));
        }
        Ok(())
    }

    /// Marks the replica's values as possibly overwritten.
    pub(super) fn invalidate(&mut self) {
        self.holds.iter_mut().for_each(|version| version.is_stale = true);
    }

    /// Returns whether shape and kind match the master's.
    fn fits(&self) -> Result<bool> {
        Ok(self.replica.f_kind()? == self.master.f_kind()? && self.replica.size() == self.master.size())
    }

    /// Returns the master's data if its memory is shared, and a new tensor of the same shape and kind otherwise.
    fn memory(&self) -> Result<Tensor> {
        let elsewhere = (self.master.f_kind()?, self.replica.device());
        Ok(if self.shares { self.master.f_data() } else { Tensor::f_empty(self.master.size(), elsewhere) }?)
    }

    /// Copies the master's values unless they are known to be unchanged.
    fn copy_values(&mut self, version: ParameterVersion) -> Result<()> {
        let is_frozen = !self.master.requires_grad() && !self.master.f_grad()?.defined();
        let now = CopiedVersion { writes: self.master.f_internal_version()?, version, is_frozen, is_stale: false };
        if self.holds.is_some_and(|before| now.is_still(before)) {
            return Ok(());
        }
        self.holds = None;
        // Writing through `data` does not bump the version: graphs detect overwritten values by the master's version.
        no_grad(|| self.replica.f_data()?.f_copy_(&self.master))?;
        self.holds = Some(now);
        Ok(())
    }

    /// Routes gradients as the mode requires.
    fn direct_gradients(&mut self, mode: GradientMode) -> Result<()> {
        let requires_grad = self.master.requires_grad();
        if mode == GradientMode::Graph && requires_grad {
            return Ok(route_gradient(&self.replica, &self.master, !self.shares)?);
        }
        if !self.replica.is_leaf() {
            let route = Tensor::f_empty([0], (self.replica.f_kind()?, self.replica.device()))?;
            route_gradient(&route, &self.replica, false)?;
            make_leaf(&self.replica)?;
            self.route = Some(route);
        }
        if self.replica.requires_grad() != requires_grad {
            let _ = self.replica.f_set_requires_grad(requires_grad)?;
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "sync_tests.rs"]
mod tests;
