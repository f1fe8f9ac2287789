//! How a replica's variable follows the master's.

use booster_sys::replica::{bump_version, make_leaf, route_gradient};
use booster_sys::swap::{swap_back, swap_in};
use tch::{Tensor, no_grad};

use crate::error::{Error, Result};

/// How often something happened after which parameters may have other values.
///
/// libtorch counts writes to a tensor, but not all: tch's SGD writes past the count. So an equal count proves nothing
/// while there are gradients that an optimizer may step on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct ParameterVersion {
    /// Changes by other means than optimizers.
    pub(super) changes: u64,
    steps: u64,
    has_gradients: bool,
    /// Whether there was a graph for the caller to differentiate: nobody tells when it is, or whether it is gone.
    had_graph: bool,
}

impl ParameterVersion {
    /// An evaluation is recorded, or an optimizer has stepped on all gradients that there were.
    pub(super) fn step(&mut self, has_gradients: bool) {
        self.steps += 1;
        self.has_gradients = has_gradients;
    }

    /// A graph goes to the caller.
    pub(super) fn record_graph(&mut self) {
        self.had_graph = true;
    }
}

/// The master's values at some time.
#[derive(Clone, Copy, Debug)]
struct CopiedVersion {
    /// The writes that libtorch has counted.
    writes: i64,
    version: ParameterVersion,
    /// Whether no optimizer steps on them.
    is_frozen: bool,
    /// Whether a copy of them may have been overwritten.
    is_stale: bool,
}

impl CopiedVersion {
    /// Whether the values are certainly those of before.
    fn is_still(self, before: Self) -> bool {
        let is_kept = if self.is_frozen && before.is_frozen {
            self.version.changes == before.version.changes
        } else {
            !self.version.has_gradients && !self.version.had_graph && self.version == before.version
        };
        is_kept && self.writes == before.writes && !before.is_stale
    }
}

/// How gradients get to the master's variables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum GradientMode {
    /// In the graph: backward accumulates them there.
    Graph,
    /// Each replica's variable has its own gradient, which is then added.
    Apart,
    /// There are none.
    None,
}

/// What a replica stood for when the master went elsewhere for a while.
#[derive(Debug)]
struct Home {
    of: usize,
    /// Its memory, where a graph may hold the replica.
    memory: Option<Tensor>,
}

/// A replica's variable and the master's.
///
/// A graph holds the replica's variable itself. So an evaluation that records none leaves the variable as it found it:
/// with the same way for gradients.
#[derive(Debug)]
pub(super) struct VariableSync {
    name: String,
    master: Tensor,
    pub(super) replica: Tensor,
    pub(super) is_buffer: bool,
    /// Whether the two have the same memory.
    shares: bool,
    /// The master's memory that the replica stands for; 0 before the first evaluation.
    of: usize,
    /// The master's values that the replica has.
    holds: Option<CopiedVersion>,
    /// Whether a graph may hold the replica.
    in_graph: bool,
    /// While the master is elsewhere, as with averaged weights: from where it went, the last at the end.
    homes: Vec<Home>,
    /// During an evaluation as a leaf: the way of the graphs to the master.
    route: Option<Tensor>,
    /// Counted writes to the master's variable and the replica's when the evaluation began.
    writes: (i64, i64),
}

impl VariableSync {
    /// Pairs two variables. `is_near` says that they are on one device, where parameters share their memory.
    pub(super) fn new(name: String, master: Tensor, replica: Tensor, is_buffer: bool, is_near: bool) -> Self {
        let shares = is_near && !is_buffer;
        let (of, holds, homes, route) = (0, None, Vec::new(), None);
        Self { name, master, replica, is_buffer, shares, of, holds, in_graph: false, homes, route, writes: (0, 0) }
    }

    /// Goes with the master to other memory, or back: for good, or if it `is_lent`, until the master is back.
    pub(super) fn sync(&mut self, is_lent: bool) -> Result<()> {
        let of = self.master.data_ptr() as usize;
        // What has no entries has no memory to tell by.
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
        } else if is_lent && self.of != 0 {
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

    /// Gives the replica memory like the master's, and leaves that of before to graphs, which are refused.
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

    /// Gives the replica the master's values, for an evaluation.
    pub(super) fn enter(&mut self, mode: GradientMode, version: ParameterVersion) -> Result<()> {
        self.sync(false)?;
        if !self.shares {
            self.copy_values(version)?;
        }
        // A buffer may have become what is trained, and be none of it again.
        if !self.is_buffer || self.master.requires_grad() || self.replica.requires_grad() {
            self.direct_gradients(mode)?;
        }
        self.in_graph |= mode == GradientMode::Graph;
        Ok(())
    }

    /// Notes what was written so far, once all replicas have entered: what is written from now on is the evaluation's.
    pub(super) fn count_writes(&mut self) -> Result<()> {
        self.writes = (self.master.f_internal_version()?, self.replica.f_internal_version()?);
        Ok(())
    }

    /// Puts the replica back as graphs have it.
    pub(super) fn leave(&mut self) -> Result<()> {
        if let Some(route) = self.route.take() {
            route_gradient(&self.replica, &route, false)?;
        }
        let (of_master, of_replica) = self.writes;
        let is_written = self.replica.f_internal_version()? != of_replica;
        if !self.is_buffer && (is_written || self.master.f_internal_version()? != of_master) {
            let expected = "a parameter that evaluation leaves as it is";
            let found = "a write by the evaluator or the model, once for each replica: make it a buffer \
                         (`zeros_no_train`), which follows the first replica's, or write it between evaluations";
            return Err(Error::variable(self.name.clone(), expected, found));
        }
        Ok(())
    }

    /// The replica's values may have been overwritten.
    pub(super) fn invalidate(&mut self) {
        self.holds.iter_mut().for_each(|version| version.is_stale = true);
    }

    /// Whether shape and kind are the master's.
    fn fits(&self) -> Result<bool> {
        Ok(self.replica.f_kind()? == self.master.f_kind()? && self.replica.size() == self.master.size())
    }

    /// The master's memory, or as much elsewhere.
    fn memory(&self) -> Result<Tensor> {
        let elsewhere = (self.master.f_kind()?, self.replica.device());
        Ok(if self.shares { self.master.f_data() } else { Tensor::f_empty(self.master.size(), elsewhere) }?)
    }

    /// Copies the master's values unless they are certainly there.
    fn copy_values(&mut self, version: ParameterVersion) -> Result<()> {
        let is_frozen = !self.master.requires_grad() && !self.master.f_grad()?.defined();
        let now = CopiedVersion { writes: self.master.f_internal_version()?, version, is_frozen, is_stale: false };
        if self.holds.is_some_and(|before| now.is_still(before)) {
            return Ok(());
        }
        self.holds = None;
        // It is not counted: a graph finds out by the master's part of it whether its values are gone.
        no_grad(|| self.replica.f_data()?.f_copy_(&self.master))?;
        self.holds = Some(now);
        Ok(())
    }

    /// Sends gradients to where the mode wants them.
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
