//! A copy of the model whose variables follow the master's.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use booster_sys::{foreach, gradient};
use tch::nn::{Path, VarStore};
use tch::{Device, Kind, Tensor, no_grad, with_grad};

use super::worker::caught;
use crate::batch::to_device;
use crate::error::{Error, Result};
use crate::evaluation::Mode;

/// A model on a device. The first replica is the master: its variables are the pipeline's.
#[derive(Debug)]
pub(super) struct Replica<M> {
    pub(super) device: Device,
    /// Shared with the replica's thread while it evaluates.
    model: Arc<Mutex<M>>,
    /// None for the master.
    links: Vec<Link>,
}

/// A replica's variable and the master's.
#[derive(Debug)]
struct Link {
    master: Tensor,
    replica: Tensor,
    is_buffer: bool,
    /// Whether the two are on one device, and so may be one memory.
    shares: bool,
    form: Form,
    /// The master's values that the replica has; unknown after a step that may have changed the replica's.
    has: Option<Version>,
}

/// What a replica's variable is to autograd.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// A variable of its own; in the master's memory where they are on one device.
    Leaf,
    /// A copy that hands its gradient on to the master's.
    Copy,
}

/// The memory of a tensor and how often it was written: libtorch counts that for autograd.
type Version = (usize, i64);

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

impl<M> Replica<M> {
    /// The pipeline's own model.
    pub(super) fn master(device: Device, model: M) -> Self {
        Self { device, model: Arc::new(Mutex::new(model)), links: Vec::new() }
    }

    /// Builds another model like the master's.
    pub(super) fn build(device: Device, model: impl Fn(&Path<'_>) -> M, master: &VarStore) -> Result<Self> {
        Self::linked(device, model, master, device == master.device())
    }

    fn linked(device: Device, model: impl Fn(&Path<'_>) -> M, master: &VarStore, shares: bool) -> Result<Self> {
        let store = VarStore::new(device);
        let model = caught(|| Ok(model(&store.root())))?;
        let links = links(master, &store, shares)?;
        Ok(Self { device, model: Arc::new(Mutex::new(model)), links })
    }

    /// The model. Nobody else has it between two evaluations.
    pub(super) fn model(&self) -> MutexGuard<'_, M> {
        // A model that panicked is no worse than before: it is evaluated by reference.
        self.model.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Another handle to the model, for the replica's thread.
    pub(super) fn share_model(&self) -> Arc<Mutex<M>> {
        Arc::clone(&self.model)
    }

    /// Gives the replica the master's values, and autograd's view of them that `flow` asks for. What is known to be
    /// there is not sent again; `settled` says that no optimizer has a gradient of this pipeline to go by.
    pub(super) fn follow(&mut self, flow: Flow, settled: bool) -> Result<()> {
        self.links.iter_mut().try_for_each(|link| link.follow(flow, settled))
    }

    /// Buffers may have been written in a way that libtorch does not count: they are sent again.
    pub(super) fn forget_buffers(&mut self) {
        self.links.iter_mut().filter(|link| link.is_buffer).for_each(|link| link.has = None);
    }

    /// The master's buffers, each with a copy of its values, where an evaluation may change them.
    pub(super) fn buffers_before(&self, mode: Mode) -> Result<Vec<(Tensor, Tensor)>> {
        let buffers = self.links.iter().filter(|link| link.is_buffer && mode.is_train());
        buffers.map(|link| Ok((link.master.shallow_clone(), link.master.f_detach_copy()?))).collect()
    }

    /// Takes the gradients out of the master's variables.
    pub(super) fn hold_master_gradients(&mut self) -> Result<Gradients> {
        take_gradients(self.links.iter_mut().map(|link| &mut link.master))
    }

    /// Puts gradients back that were taken out of the master's variables, which may have got others since: they are
    /// added, in the memory of the earlier ones.
    pub(super) fn add_held_gradients(&mut self, held: Gradients) -> Result<()> {
        for (index, mut gradient) in held.of.into_iter().zip(held.tensors) {
            let master = &mut self.links[index].master;
            let later = master.f_grad()?;
            if later.defined() {
                let _ = no_grad(|| gradient.f_add_(&later))?;
            }
            gradient::set(master, Some(&gradient))?;
        }
        Ok(())
    }

    /// Multiplies the gradients of the replica.
    pub(super) fn scale_gradients(&self, factor: &Tensor) -> Result<()> {
        multiply_gradients(self.links.iter().map(|link| &link.replica), factor)
    }

    /// Multiplies the gradients of the master.
    pub(super) fn scale_master_gradients(&self, factor: &Tensor) -> Result<()> {
        multiply_gradients(self.links.iter().map(|link| &link.master), factor)
    }

    /// Takes the gradients out of the replica, to be added to the master's.
    pub(super) fn take_gradients(&mut self) -> Result<Gradients> {
        take_gradients(self.links.iter_mut().map(|link| &mut link.replica))
    }

    /// Adds gradients that were taken out to those of the master's variables.
    pub(super) fn add_gradients(&mut self, gradients: Gradients) -> Result<()> {
        let tensors = match self.links.first() {
            Some(link) if !link.shares => sent_together(&gradients.tensors, link.master.device())?,
            _ => gradients.tensors,
        };
        for (index, gradient) in gradients.of.into_iter().zip(tensors) {
            let master = &mut self.links[index].master;
            let mut sum = master.f_grad()?;
            if sum.defined() {
                let _ = no_grad(|| sum.f_add_(&gradient))?;
            } else {
                gradient::set(master, Some(&gradient))?;
            }
        }
        Ok(())
    }
}

/// The gradients of one replica, of the variables that have one.
#[derive(Debug)]
pub(super) struct Gradients {
    of: Vec<usize>,
    tensors: Vec<Tensor>,
}

fn take_gradients<'a>(variables: impl Iterator<Item = &'a mut Tensor>) -> Result<Gradients> {
    let mut gradients = Gradients { of: Vec::new(), tensors: Vec::new() };
    for (index, variable) in variables.enumerate() {
        let gradient = variable.f_grad()?;
        if gradient.defined() {
            gradient::set(variable, None)?;
            gradients.of.push(index);
            gradients.tensors.push(gradient);
        }
    }
    Ok(gradients)
}

fn multiply_gradients<'a>(variables: impl Iterator<Item = &'a Tensor>, factor: &Tensor) -> Result<()> {
    let gradients = variables.map(Tensor::f_grad).collect::<Result<Vec<_>, _>>()?;
    Ok(foreach::multiply(&mut gradients.into_iter().filter(Tensor::defined).collect::<Vec<_>>(), factor)?)
}

impl Link {
    fn follow(&mut self, flow: Flow, settled: bool) -> Result<()> {
        let version = version(&self.master)?;
        if self.is_buffer {
            return if self.has == Some(version) { Ok(()) } else { self.copy_values(version) };
        }
        let requires_grad = self.master.requires_grad();
        // libtorch's SGD writes without counting: that the count is the same proves something only where no optimizer
        // can have a gradient to go by.
        let has_gradient = || self.master.f_grad().is_ok_and(|gradient| gradient.defined());
        let no_step = (flow == Flow::None && settled) || !(requires_grad || has_gradient());
        let is_current = no_step && self.has == Some(version);
        match flow {
            Flow::Graph if requires_grad => self.become_copy(version),
            Flow::None if requires_grad && self.form == Form::Copy && self.fits()? => {
                if is_current {
                    Ok(())
                } else {
                    self.refresh(version)
                }
            }
            _ => self.become_leaf(version, requires_grad, is_current),
        }
    }

    fn become_copy(&mut self, version: Version) -> Result<()> {
        if self.form == Form::Copy && self.fits()? {
            return self.refresh(version);
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
        self.has = Some(version);
        Ok(())
    }

    /// Brings the values of a copy up to date, and keeps its way to the master. libtorch does not count this write: a
    /// graph that is about finds out by the master's part of it whether its weights are gone, as on one device.
    fn refresh(&mut self, version: Version) -> Result<()> {
        self.has = None;
        no_grad(|| self.replica.f_data()?.f_copy_(&self.master))?;
        self.has = Some(version);
        Ok(())
    }

    fn become_leaf(&mut self, version: Version, requires_grad: bool, is_current: bool) -> Result<()> {
        if self.form == Form::Copy {
            let _ = self.replica.f_detach_()?;
            self.form = Form::Leaf;
            if self.shares {
                // What it has is in memory of its own.
                self.has = None;
            }
        }
        if !self.shares && !is_current {
            self.copy_values(version)?;
        } else if self.shares && self.has.map(|(memory, _)| memory) != Some(version.0) {
            self.replica.f_set_data(&self.master.f_data()?)?;
            self.has = Some(version);
        }
        if self.replica.requires_grad() != requires_grad {
            let _ = self.replica.f_set_requires_grad(requires_grad)?;
        }
        Ok(())
    }

    fn copy_values(&mut self, version: Version) -> Result<()> {
        self.has = None;
        if !self.fits()? {
            self.make_room()?;
        }
        no_grad(|| self.replica.f_copy_(&self.master))?;
        self.has = Some(version);
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

fn version(tensor: &Tensor) -> Result<Version> {
    Ok((tensor.data_ptr() as usize, tensor.f_internal_version()?))
}

/// Pairs the variables of two stores by their names.
fn links(master: &VarStore, replica: &VarStore, shares: bool) -> Result<Vec<Link>> {
    let parameters = master.trainable_variables().iter().map(Tensor::data_ptr).collect::<HashSet<_>>();
    let mut others = replica.variables();
    let mut links = Vec::<Link>::with_capacity(others.len());
    let mut names = master.variables().into_iter().collect::<Vec<_>>();
    names.sort_by(|(one, _), (other, _)| one.cmp(other));
    for (name, master) in names {
        let replica = others.remove(&name).filter(|replica| replica.size() == master.size());
        let replica = replica.ok_or_else(|| unlike(&name))?;
        // A variable may have several names.
        let is_known = |link: &Link| Ok::<_, Error>(link.master.f_is_set_to(&master)? && master.numel() > 0);
        if links.iter().map(is_known).collect::<Result<Vec<_>>>()?.contains(&true) {
            continue;
        }
        let is_buffer = !parameters.contains(&master.data_ptr());
        links.push(Link { master, replica, is_buffer, shares, form: Form::Leaf, has: None });
    }
    others.keys().next().map_or(Ok(links), |name| Err(unlike(name)))
}

fn unlike(name: &str) -> Error {
    Error::custom(format!(
        "the replica's variables are not the master's: `{name}` is not in both, or not of one shape; \
         the function that builds the model has to make the same variables each time"
    ))
}

/// Brings tensors of one device to another in one piece for each kind.
fn sent_together(tensors: &[Tensor], device: Device) -> Result<Vec<Tensor>> {
    let mut sent = tensors.iter().map(|_| None).collect::<Vec<Option<Tensor>>>();
    let mut kinds = Vec::<Kind>::new();
    for tensor in tensors {
        let kind = tensor.f_kind()?;
        if !kinds.contains(&kind) {
            kinds.push(kind);
        }
    }
    for kind in kinds {
        let of_kind = tensors.iter().enumerate().filter(|(_, tensor)| tensor.kind() == kind).collect::<Vec<_>>();
        let flat = of_kind.iter().map(|(_, tensor)| tensor.f_reshape([-1])).collect::<Result<Vec<_>, _>>()?;
        let flat = to_device(&Tensor::f_cat(&flat, 0)?, device)?;
        let lengths = of_kind.iter().map(|(_, tensor)| tensor.numel() as i64).collect::<Vec<_>>();
        for ((index, tensor), part) in of_kind.into_iter().zip(flat.f_split_with_sizes(&lengths, 0)?) {
            sent[index] = Some(part.f_view(&tensor.size()[..])?);
        }
    }
    Ok(sent.into_iter().flatten().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two kinds of parameters, one that is not used, and a buffer.
    #[derive(Debug)]
    struct Model {
        float: Tensor,
        double: Tensor,
        unused: Tensor,
        buffer: Tensor,
    }

    fn model(path: &Path<'_>) -> Model {
        let model = Model {
            float: path.randn("float", &[2, 3], 0.0, 1.0),
            double: path.add("double", Tensor::from_slice(&[0.5, 1.5]), true),
            unused: path.zeros("unused", &[4]),
            buffer: path.zeros_no_train("buffer", &[2]),
        };
        assert_eq!(model.double.kind(), Kind::Double);
        model
    }

    fn loss(model: &Model, factor: f64) -> Tensor {
        (model.float.square().sum(Kind::Double) + model.double.exp().sum(Kind::Double)) * factor
    }

    /// A master and a replica in its memory, or in one of its own as on another device.
    fn pair(shares: bool) -> (VarStore, Model, Replica<Model>) {
        let store = VarStore::new(Device::Cpu);
        let master = model(&store.root());
        let mut replica = Replica::linked(Device::Cpu, model, &store, shares).unwrap();
        replica.follow(Flow::Apart, false).unwrap();
        (store, master, replica)
    }

    #[test]
    fn gradients_add_up_in_the_master_wherever_the_replica_is() {
        for shares in [true, false] {
            for has_gradient in [true, false] {
                let (_store, master, mut replica) = pair(shares);
                if has_gradient {
                    loss(&master, 1.0).backward();
                }
                loss(&replica.model(), 2.0).backward();
                let gradients = replica.take_gradients().unwrap();
                assert!(!replica.model().float.grad().defined());
                replica.add_gradients(gradients).unwrap();
                let factor = if has_gradient { 3.0 } else { 2.0 };
                assert!(master.float.grad().allclose(&(&master.float * 2.0 * factor), 1e-6, 0.0, false));
                assert!(master.double.grad().allclose(&(master.double.exp() * factor), 1e-12, 0.0, false));
                assert!(!master.unused.grad().defined());
            }
        }
    }

    #[test]
    fn gradients_flow_through_copies_to_the_master() {
        for shares in [true, false] {
            let (_store, master, mut replica) = pair(shares);
            replica.follow(Flow::Graph, false).unwrap();
            assert_ne!(replica.model().float.data_ptr(), master.float.data_ptr());
            loss(&replica.model(), 2.0).backward();
            assert!(master.float.grad().allclose(&(&master.float * 4.0), 1e-6, 0.0, false));
        }
    }

    #[test]
    fn a_replica_on_the_masters_device_has_its_parameters_in_its_memory() {
        let (_store, master, mut replica) = pair(true);
        for flow in [Flow::Graph, Flow::Apart] {
            replica.follow(flow, false).unwrap();
        }
        let model = replica.model();
        assert_eq!(model.float.data_ptr(), master.float.data_ptr());
        assert_ne!(model.buffer.data_ptr(), master.buffer.data_ptr());
        assert!(model.float.is_leaf() && model.float.requires_grad());
    }

    #[test]
    fn values_are_sent_again_unless_they_cannot_have_changed() {
        for flow in [Flow::Apart, Flow::Graph, Flow::None] {
            let (mut store, mut master, mut replica) = pair(false);
            let check = |replica: &Replica<Model>, master: &Model| {
                let model = replica.model();
                assert!(model.float.equal(&master.float) && model.buffer.equal(&master.buffer), "{flow:?}");
                assert_eq!(model.float.requires_grad(), master.float.requires_grad(), "{flow:?}");
            };
            replica.follow(flow, false).unwrap();
            check(&replica, &master);
            // As an optimizer does that is counted, and as one that is not.
            let _ = no_grad(|| master.float.fill_(3.0));
            let _ = master.buffer.fill_(2.0);
            replica.follow(flow, true).unwrap();
            check(&replica, &master);
            let _ = master.float.data().fill_(4.0);
            replica.follow(flow, false).unwrap();
            check(&replica, &master);
            store.freeze();
            store.set_kind(Kind::Half);
            replica.follow(flow, false).unwrap();
            check(&replica, &master);
        }
        for (flow, freeze) in [(Flow::None, false), (Flow::Apart, true), (Flow::Graph, true)] {
            let (mut store, _master, mut replica) = pair(false);
            if freeze {
                store.freeze();
            }
            // Only what is not sent is still there.
            let _ = replica.model().float.data().fill_(9.0);
            let _ = replica.model().buffer.data().fill_(9.0);
            replica.follow(flow, true).unwrap();
            let model = replica.model();
            assert!(model.float.equal(&model.float.full_like(9.0)), "{flow:?}");
            assert!(model.buffer.equal(&model.buffer.full_like(9.0)), "{flow:?}");
        }
    }

    #[test]
    fn a_model_of_other_variables_is_refused() {
        let (store, ..) = pair(true);
        let other = |path: &Path<'_>| Model { unused: path.zeros("new", &[1]), ..model(path) };
        let error = Replica::build(Device::Cpu, other, &store).unwrap_err().to_string();
        assert!(error.contains("`new` is not in both"), "{error}");
    }
}
