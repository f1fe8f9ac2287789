//! A copy of the model whose variables follow the master's.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tch::nn::{Path, VarStore};
use tch::{Device, Tensor};

use super::age::Age;
use super::gradients::{Addition, Gradients, multiply_gradients, sent_together, take_gradients};
use super::link::{Flow, Link, links, named};
use super::worker::caught;
use crate::error::Result;
use crate::evaluation::Mode;

/// A model on a device. The first replica is the master: its variables are the pipeline's.
#[derive(Debug)]
pub(super) struct Replica<M> {
    pub(super) device: Device,
    /// Shared with the replica's thread while it evaluates.
    model: Arc<Mutex<M>>,
    /// Its variables, each once, in the order of their names: the same in all replicas.
    variables: Vec<Tensor>,
    /// How they follow the master's; none for the master.
    links: Vec<Link>,
}

impl<M> Replica<M> {
    /// The pipeline's own model.
    pub(super) fn master(model: M, store: &VarStore) -> Self {
        let variables = named(store).into_iter().map(|(_, variable)| variable).collect();
        Self { device: store.device(), model: Arc::new(Mutex::new(model)), variables, links: Vec::new() }
    }

    /// Builds another model like the master's.
    pub(super) fn build(device: Device, model: impl Fn(&Path<'_>) -> M, master: &VarStore) -> Result<Self> {
        Self::linked(device, model, master, device == master.device())
    }

    fn linked(device: Device, model: impl Fn(&Path<'_>) -> M, master: &VarStore, shares: bool) -> Result<Self> {
        let store = VarStore::new(device);
        let model = caught(|| Ok(model(&store.root())))?;
        let links = links(master, &store, shares)?;
        let variables = links.iter().map(|link| link.replica.shallow_clone()).collect();
        Ok(Self { device, model: Arc::new(Mutex::new(model)), variables, links })
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

    /// Gives the replica the master's values, and autograd's view of them that `flow` asks for. What is certainly there
    /// is not sent again.
    pub(super) fn follow(&mut self, flow: Flow, age: Age) -> Result<()> {
        self.links.iter_mut().try_for_each(|link| link.follow(flow, age))
    }

    /// Buffers may have been written in a way that libtorch does not count: they are sent again.
    pub(super) fn forget_buffers(&mut self) {
        self.links.iter_mut().filter(|link| link.is_buffer).for_each(Link::forget);
    }

    /// The master's buffers, each with a copy of its values, where an evaluation may change them.
    pub(super) fn buffers_before(&self, mode: Mode) -> Result<Vec<(Tensor, Tensor)>> {
        let buffers = self.links.iter().filter(|link| link.is_buffer && mode.is_train());
        buffers.map(|link| Ok((link.master.shallow_clone(), link.master.f_detach_copy()?))).collect()
    }

    /// Takes the gradients out of the replica's variables.
    pub(super) fn take_gradients(&mut self) -> Result<Gradients> {
        take_gradients(&mut self.variables)
    }

    /// Multiplies the gradients of the replica's variables.
    pub(super) fn scale_gradients(&self, factor: &Tensor) -> Result<()> {
        multiply_gradients(&self.variables, factor)
    }

    /// What is to be added to the master's gradients, on its device.
    pub(super) fn additions<N>(&self, gradients: Gradients, master: &Replica<N>) -> Result<Vec<Addition>> {
        let tensors = match self.links.first() {
            Some(link) if !link.shares => sent_together(&gradients.tensors, master.device)?,
            _ => gradients.tensors,
        };
        let addition = |(index, gradient): (usize, Tensor)| Addition {
            index,
            master: master.variables[index].shallow_clone(),
            gradient,
        };
        Ok(gradients.of.into_iter().zip(tensors).map(addition).collect())
    }
}

#[cfg(test)]
mod tests {
    use tch::{Kind, no_grad};

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
        replica.follow(Flow::Apart, recorded()).unwrap();
        (store, master, replica)
    }

    /// The master of a store.
    fn own(store: &VarStore) -> Replica<()> {
        Replica::master((), store)
    }

    #[test]
    fn gradients_add_up_in_the_master_wherever_the_replica_is() {
        for shares in [true, false] {
            for has_gradient in [true, false] {
                let (store, master, mut replica) = pair(shares);
                if has_gradient {
                    loss(&master, 1.0).backward();
                }
                loss(&replica.model(), 2.0).backward();
                let gradients = replica.take_gradients().unwrap();
                assert!(!replica.model().float.grad().defined());
                for addition in replica.additions(gradients, &own(&store)).unwrap() {
                    addition.make().unwrap();
                }
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
            replica.follow(Flow::Graph, recorded()).unwrap();
            assert_ne!(replica.model().float.data_ptr(), master.float.data_ptr());
            loss(&replica.model(), 2.0).backward();
            assert!(master.float.grad().allclose(&(&master.float * 4.0), 1e-6, 0.0, false));
        }
    }

    #[test]
    fn a_replica_on_the_masters_device_has_its_parameters_in_its_memory() {
        let (_store, master, mut replica) = pair(true);
        for flow in [Flow::Graph, Flow::Apart] {
            replica.follow(flow, recorded()).unwrap();
        }
        let model = replica.model();
        assert_eq!(model.float.data_ptr(), master.float.data_ptr());
        assert_ne!(model.buffer.data_ptr(), master.buffer.data_ptr());
        assert!(model.float.is_leaf() && model.float.requires_grad());
    }

    /// There are gradients about.
    fn recorded() -> Age {
        let mut age = Age::default();
        age.record();
        age
    }

    fn assert_follows(replica: &Replica<Model>, master: &Model, case: &str) {
        let model = replica.model();
        assert!(model.float.equal(&master.float) && model.buffer.equal(&master.buffer), "{case}");
        assert_eq!(model.float.requires_grad(), master.float.requires_grad(), "{case}");
    }

    #[test]
    fn values_are_sent_again_unless_they_cannot_have_changed() {
        for flow in [Flow::Apart, Flow::Graph, Flow::None] {
            let case = &format!("{flow:?}");
            let (mut store, mut master, mut replica) = pair(false);
            let mut age = recorded();
            replica.follow(flow, age).unwrap();
            assert_follows(&replica, &master, case);
            // As an optimizer does that is counted, and as one that is not, which then says that it stepped.
            let _ = no_grad(|| master.float.fill_(3.0));
            let _ = master.buffer.fill_(2.0);
            age.step();
            replica.follow(Flow::None, age).unwrap();
            assert_follows(&replica, &master, case);
            age.record();
            replica.follow(flow, age).unwrap();
            let _ = master.float.data().fill_(4.0);
            age.step();
            replica.follow(Flow::None, age).unwrap();
            assert_follows(&replica, &master, case);
            // One that is not counted, and is frozen right after.
            age.record();
            replica.follow(flow, age).unwrap();
            let _ = master.float.data().fill_(5.0);
            store.freeze();
            replica.follow(flow, age).unwrap();
            assert_follows(&replica, &master, case);
            // Other memory, whose values change.
            let mut average = master.float.detach_copy();
            for value in [6.0, 7.0] {
                let own = master.float.detach();
                master.float.set_data(&average.fill_(value));
                age.change();
                replica.follow(Flow::None, age).unwrap();
                assert_follows(&replica, &master, case);
                master.float.set_data(&own);
            }
            store.set_kind(Kind::Half);
            replica.follow(flow, age).unwrap();
            assert_follows(&replica, &master, case);
        }
    }

    #[test]
    fn values_that_cannot_have_changed_are_not_sent_again() {
        for (flow, freeze) in [(Flow::None, false), (Flow::Apart, true), (Flow::Graph, true), (Flow::None, true)] {
            let (mut store, _master, mut replica) = pair(false);
            let mut age = recorded();
            age.step();
            if freeze {
                store.freeze();
            }
            replica.follow(flow, age).unwrap();
            if freeze {
                // A backbone stays where it is while the rest is trained.
                age.record();
            }
            // Only what is not sent is still there.
            let _ = replica.model().float.data().fill_(9.0);
            let _ = replica.model().buffer.data().fill_(9.0);
            replica.follow(flow, age).unwrap();
            let model = replica.model();
            assert!(model.float.equal(&model.float.full_like(9.0)), "{flow:?}");
            assert!(model.buffer.equal(&model.buffer.full_like(9.0)), "{flow:?}");
        }
    }

    #[test]
    fn gradients_from_elsewhere_can_be_zeroed_in_place() {
        let (store, mut master, mut replica) = pair(false);
        loss(&replica.model(), 1.0).backward();
        let gradients = replica.take_gradients().unwrap();
        for addition in replica.additions(gradients, &own(&store)).unwrap() {
            addition.make().unwrap();
        }
        master.float.zero_grad();
        assert!(master.float.grad().equal(&master.float.zeros_like()));
        assert!(!master.double.grad().equal(&master.double.zeros_like()));
    }

    #[test]
    fn sparse_gradients_are_sent_too() {
        let sparse = Tensor::from_slice2(&[[3.0f32, 0.0], [0.0, 4.0]]).to_sparse(None, None::<&[i64]>, None);
        let sent = sent_together(&[Tensor::from_slice(&[1.0f32]), sparse, Tensor::from_slice(&[2.0f32])], Device::Cpu);
        let sent = sent.unwrap();
        assert!(sent[1].is_sparse());
        assert_eq!((&sent[0], &sent[2]), (&Tensor::from_slice(&[1.0f32]), &Tensor::from_slice(&[2.0f32])));
    }

    #[test]
    fn a_view_that_was_made_when_building_is_refused() {
        let store = VarStore::new(Device::Cpu);
        let views: [fn(&Path<'_>) -> Tensor; 2] = [
            |path| path.randn("weight", &[2, 3], 0.0, 1.0).tr(),
            |path| path.randn("weight", &[2, 3], 0.0, 1.0).detach(),
        ];
        for (index, view) in views.into_iter().enumerate() {
            let path = store.root() / index;
            let _master = view(&path);
            let sub = |path: &Path<'_>| (0..=index).map(|index| views[index](&(path / index))).collect::<Vec<_>>();
            let error = Replica::build(Device::Cpu, sub, &store).unwrap_err().to_string();
            assert!(error.contains("a parameter of shape [2, 3]"), "{error}");
        }
        // A buffer's view follows it.
        let store = VarStore::new(Device::Cpu);
        let buffered = |path: &Path<'_>| path.zeros_no_train("positions", &[4]).unsqueeze(0);
        let _master = buffered(&store.root());
        Replica::build(Device::Cpu, buffered, &store).unwrap();
    }

    #[test]
    fn a_model_of_other_variables_is_refused() {
        let (store, ..) = pair(true);
        let other = |path: &Path<'_>| Model { unused: path.zeros("new", &[1]), ..model(path) };
        let error = Replica::build(Device::Cpu, other, &store).unwrap_err().to_string();
        assert!(error.contains("`new` is not in both"), "{error}");
    }
}
