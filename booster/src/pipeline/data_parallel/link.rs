//! A replica's variable that follows the master's.

use std::collections::{BTreeMap, HashSet};

use booster_sys::identity::{is_same, sharers};
use tch::nn::VarStore;
use tch::{Tensor, no_grad, with_grad};

use super::age::Age;
use crate::error::{Error, Result};

/// A replica's variable and the master's.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) master: Tensor,
    pub(super) replica: Tensor,
    pub(super) is_buffer: bool,
    /// Whether the two are on one device, and so may be one memory.
    pub(super) shares: bool,
    form: Form,
    /// The master's values that the replica has; unknown after a step that may have changed the replica's.
    has: Option<Known>,
}

/// What a replica's variable is to autograd.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// A variable of its own; in the master's memory where they are on one device.
    Leaf,
    /// A copy that hands its gradient on to the master's.
    Copy,
}

/// The master's values at some time.
#[derive(Clone, Copy, Debug)]
struct Known {
    /// Where they are.
    memory: usize,
    /// How often libtorch has counted a write to them.
    writes: i64,
    age: Age,
    /// Whether no optimizer steps on them.
    is_frozen: bool,
}

impl Known {
    fn of(master: &Tensor, age: Age) -> Result<Self> {
        let is_frozen = !master.requires_grad() && !master.f_grad()?.defined();
        let (memory, writes) = (master.data_ptr() as usize, master.f_internal_version()?);
        Ok(Self { memory, writes, age, is_frozen })
    }

    /// Whether they are certainly still those of before. `may_step` says that an optimizer may step during what follows.
    fn is_still(self, before: Self, may_step: bool) -> bool {
        let is_kept = if self.is_frozen && before.is_frozen {
            self.age.keeps_frozen(before.age)
        } else {
            !may_step && self.age.keeps_trained(before.age)
        };
        is_kept && self.memory == before.memory && self.writes == before.writes
    }
}

/// How gradients get to the master's variables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flow {
    /// By themselves: the replicas' variables are part of the graph.
    Graph,
    /// By [`Replica::add_gradients`].
    Apart,
    /// There are none, and graphs that are about stay as they are.
    None,
}

impl Link {
    /// The replica's values may have been written in a way that libtorch does not count.
    pub(super) fn forget(&mut self) {
        self.has = None;
    }

    pub(super) fn follow(&mut self, flow: Flow, age: Age) -> Result<()> {
        let now = Known::of(&self.master, age)?;
        let is_current = self.has.is_some_and(|has| now.is_still(has, flow != Flow::None));
        let requires_grad = self.master.requires_grad();
        match flow {
            _ if self.is_buffer && is_current => Ok(()),
            _ if self.is_buffer => self.copy_values(now),
            Flow::Graph if requires_grad => self.become_copy(now),
            Flow::None if requires_grad && self.form == Form::Copy && is_current => Ok(()),
            Flow::None if requires_grad && self.form == Form::Copy && self.fits()? => self.refresh(now),
            _ => self.become_leaf(now, requires_grad, is_current),
        }
    }

    fn become_copy(&mut self, now: Known) -> Result<()> {
        if self.form == Form::Copy && self.fits()? {
            return self.refresh(now);
        }
        if self.form == Form::Copy {
            let _ = self.replica.f_detach_()?;
        }
        self.has = None;
        let _ = self.replica.f_set_requires_grad(false)?;
        if self.shares || !self.fits()? {
            self.make_room()?;
        }
        // Whether the copy is recorded is not to depend on the caller's thread.
        with_grad(|| self.replica.f_copy_(&self.master))?;
        self.form = Form::Copy;
        self.has = Some(now);
        Ok(())
    }

    /// Brings the values of a copy up to date, and keeps its way to the master. libtorch does not count this write: a
    /// graph that is about finds out by the master's part of it whether its weights are gone, as on one device.
    fn refresh(&mut self, now: Known) -> Result<()> {
        self.has = None;
        no_grad(|| self.replica.f_data()?.f_copy_(&self.master))?;
        self.has = Some(now);
        Ok(())
    }

    fn become_leaf(&mut self, now: Known, requires_grad: bool, is_current: bool) -> Result<()> {
        if self.form == Form::Copy {
            let _ = self.replica.f_detach_()?;
            self.form = Form::Leaf;
            if self.shares {
                // What it has is in memory of its own.
                self.has = None;
            }
        }
        if !self.shares && !is_current {
            self.copy_values(now)?;
        } else if self.shares && self.has.map(|has| has.memory) != Some(now.memory) {
            self.replica.f_set_data(&self.master.f_data()?)?;
            self.has = Some(now);
        }
        if self.replica.requires_grad() != requires_grad {
            let _ = self.replica.f_set_requires_grad(requires_grad)?;
        }
        Ok(())
    }

    fn copy_values(&mut self, now: Known) -> Result<()> {
        self.has = None;
        if !self.fits()? {
            self.make_room()?;
        }
        no_grad(|| self.replica.f_copy_(&self.master))?;
        self.has = Some(now);
        Ok(())
    }

    /// Whether shape and kind are the master's.
    fn fits(&self) -> Result<bool> {
        Ok(self.replica.f_kind()? == self.master.f_kind()? && self.replica.size() == self.master.size())
    }

    /// Gives the replica memory of its own, for values like the master's.
    fn make_room(&mut self) -> Result<()> {
        let options = (self.master.f_kind()?, self.replica.device());
        Ok(self.replica.f_set_data(&Tensor::f_empty(self.master.size(), options)?)?)
    }
}

/// The variables of a store with their names, each variable once, in order of its first name.
pub(super) fn named(store: &VarStore) -> Vec<(Vec<String>, Tensor)> {
    let mut variables = Vec::<(Vec<String>, Tensor)>::new();
    for (name, variable) in store.variables().into_iter().collect::<BTreeMap<_, _>>() {
        match variables.iter_mut().find(|(_, known)| is_same(known, &variable)) {
            Some((names, _)) => names.push(name),
            None => variables.push((vec![name], variable)),
        }
    }
    variables
}

/// Pairs the variables of two stores by their names.
pub(super) fn links(master: &VarStore, replica: &VarStore, shares: bool) -> Result<Vec<Link>> {
    let parameters = master.trainable_variables().iter().map(Tensor::data_ptr).collect::<HashSet<_>>();
    let mut others = replica.variables();
    let mut links = Vec::new();
    for (names, master) in named(master) {
        let mut of_names = names.iter().map(|name| others.remove(name).filter(|other| other.size() == master.size()));
        let Some(replica) = of_names.next().flatten() else { return Err(unlike(&names[0])) };
        if let Some(at) = of_names.position(|other| other.is_none_or(|other| !is_same(&other, &replica))) {
            return Err(unlike(&names[at + 1]));
        }
        let is_buffer = !parameters.contains(&master.data_ptr());
        links.push(Link { master, replica, is_buffer, shares, form: Form::Leaf, has: None });
    }
    if let Some(name) = others.keys().next() {
        return Err(unlike(name));
    }
    for link in links.iter().filter(|link| !link.is_buffer && link.replica.numel() > 0) {
        let own = links.iter().filter(|other| other.replica.data_ptr() == link.replica.data_ptr()).count();
        if sharers(&link.replica) > own {
            return Err(viewed(link));
        }
    }
    Ok(links)
}

fn viewed(link: &Link) -> Error {
    Error::custom(format!(
        "the model holds a view, or a detached handle, of a parameter of shape {:?}, which it made when it was built: in \
         a replica it would not follow the parameter; make it where it is used, in `forward`",
        link.replica.size()
    ))
}

fn unlike(name: &str) -> Error {
    Error::custom(format!(
        "the replica's variables are not the master's: `{name}` is not in both, or not of one shape; \
         the function that builds the model has to make the same variables each time"
    ))
}
