//! Tests of replicas and of their sync with the master.

use booster_sys::swap::{swap_back, swap_in};
use tch::{Kind, no_grad};

use super::super::sync::{GradientMode, ParameterVersion};
use super::*;

/// Parameters of two kinds, an unused one, and a buffer.
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

/// Creates a master and a replica, which shares its memory or has its own, as on another device.
fn pair(shares: bool) -> (VarStore, Model, Replica<Model>) {
    let store = VarStore::new(Device::Cpu);
    let master = model(&store.root());
    let mut replica = Replica::paired(Device::Cpu, |path| Ok(model(path)), &store, shares).unwrap();
    enter(&mut replica, GradientMode::Apart, recorded());
    (store, master, replica)
}

fn enter(replica: &mut Replica<Model>, mode: GradientMode, version: ParameterVersion) {
    replica.each(|sync| sync.enter(mode, version)).unwrap();
    replica.each(VariableSync::count_writes).unwrap();
}

fn leave(replica: &mut Replica<Model>) {
    replica.each(VariableSync::leave).unwrap();
}

/// Wraps a store as a master replica.
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
                addition.apply().unwrap();
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
        enter(&mut replica, GradientMode::Graph, recorded());
        assert_eq!(replica.model().float.data_ptr() == master.float.data_ptr(), shares);
        loss(&replica.model(), 2.0).backward();
        assert!(master.float.grad().allclose(&(&master.float * 4.0), 1e-6, 0.0, false));
    }
}

#[test]
fn sparse_gradients_flow_through_copies_to_the_master() {
    let model = |path: &Path<'_>| path.randn("weight", &[4, 2], 0.0, 1.0);
    let indices = Tensor::from_slice(&[1_i64, 3, 1]);
    for shares in [true, false] {
        let store = VarStore::new(Device::Cpu);
        let master = model(&store.root());
        let mut replica = Replica::paired(Device::Cpu, |path| Ok(model(path)), &store, shares).unwrap();
        replica.each(|sync| sync.enter(GradientMode::Graph, recorded())).unwrap();
        Tensor::embedding(&replica.model(), &indices, -1, false, true).sum(Kind::Float).backward();
        let gradient = master.grad();
        assert!(gradient.is_sparse());
        let expected = Tensor::from_slice2(&[[0.0f32, 0.0], [2.0, 2.0], [0.0, 0.0], [1.0, 1.0]]);
        assert_eq!(gradient.to_dense(None, false), expected, "shares: {shares}");
    }
}

#[test]
fn graphs_are_right_again_once_the_master_is_back_from_several_places() {
    for shares in [true, false] {
        let (_store, mut master, mut replica) = pair(shares);
        let values = [2.0, 3.0].map(|value| master.float.detach().full_like(value));
        let (mut owns, mut graphs) = (Vec::new(), Vec::new());
        for value in &values {
            enter(&mut replica, GradientMode::Graph, recorded());
            graphs.push((loss(&replica.model(), 1.0), master.float.detach().copy()));
            leave(&mut replica);
            owns.push(swap_in(&mut master.float, value).unwrap());
            replica.each(|sync| sync.sync(true)).unwrap();
        }
        for ((graph, values), own) in graphs.into_iter().zip(owns).rev() {
            swap_back(&mut master.float, &own).unwrap();
            replica.each(|sync| sync.sync(true)).unwrap();
            master.float.zero_grad();
            graph.backward();
            assert!(master.float.grad().allclose(&(values * 2.0), 1e-6, 0.0, false), "shares: {shares}");
        }
    }
}

#[test]
fn a_replica_on_the_masters_device_has_its_parameters_in_its_memory() {
    let (_store, master, mut replica) = pair(true);
    for flow in [GradientMode::Graph, GradientMode::Apart] {
        enter(&mut replica, flow, recorded());
    }
    let model = replica.model();
    assert_eq!(model.float.data_ptr(), master.float.data_ptr());
    assert_ne!(model.buffer.data_ptr(), master.buffer.data_ptr());
    assert!(model.float.is_leaf() && model.float.requires_grad());
}

/// Returns a version with pending gradients.
fn recorded() -> ParameterVersion {
    let mut version = ParameterVersion::default();
    version.step(true);
    version
}

/// Compares a replica with the master during an evaluation, and ends the evaluation.
fn assert_follows(replica: &mut Replica<Model>, master: &Model, case: &str) {
    let model = replica.model();
    assert!(model.float.equal(&master.float) && model.buffer.equal(&master.buffer), "{case}");
    assert_eq!(model.float.requires_grad(), master.float.requires_grad(), "{case}");
    drop(model);
    leave(replica);
}

#[test]
fn values_are_sent_again_unless_they_cannot_have_changed() {
    for flow in [GradientMode::Apart, GradientMode::Graph, GradientMode::None] {
        let case = &format!("{flow:?}");
        let (mut store, mut master, mut replica) = pair(false);
        let mut version = recorded();
        enter(&mut replica, flow, version);
        assert_follows(&mut replica, &master, case);
        // The first write bumps the version. The second does not, but it is followed by a reported optimizer step.
        let _ = no_grad(|| master.float.fill_(3.0));
        let _ = master.buffer.fill_(2.0);
        version.step(false);
        enter(&mut replica, GradientMode::None, version);
        assert_follows(&mut replica, &master, case);
        version.step(true);
        enter(&mut replica, flow, version);
        let _ = master.float.data().fill_(4.0);
        version.step(false);
        enter(&mut replica, GradientMode::None, version);
        assert_follows(&mut replica, &master, case);
        // A write that does not bump the version, followed by a freeze.
        version.step(true);
        enter(&mut replica, flow, version);
        let _ = master.float.data().fill_(5.0);
        store.freeze();
        enter(&mut replica, flow, version);
        assert_follows(&mut replica, &master, case);
        // Other memory with changing values.
        let mut average = master.float.detach_copy();
        for value in [6.0, 7.0] {
            let own = master.float.detach();
            master.float.set_data(&average.fill_(value));
            version.changes += 1;
            enter(&mut replica, GradientMode::None, version);
            assert_follows(&mut replica, &master, case);
            master.float.set_data(&own);
        }
        store.set_kind(Kind::Half);
        enter(&mut replica, flow, version);
        assert_follows(&mut replica, &master, case);
    }
}

#[test]
fn values_that_cannot_have_changed_are_not_sent_again() {
    for (flow, freeze) in [
        (GradientMode::None, false),
        (GradientMode::Apart, true),
        (GradientMode::Graph, true),
        (GradientMode::None, true),
    ] {
        let (mut store, _master, mut replica) = pair(false);
        let mut version = recorded();
        version.step(false);
        if freeze {
            store.freeze();
        }
        enter(&mut replica, flow, version);
        if freeze {
            // A frozen backbone stays on the device while the rest is trained.
            version.step(true);
        }
        // These values survive only if nothing is sent.
        let _ = replica.model().float.data().fill_(9.0);
        let _ = replica.model().buffer.data().fill_(9.0);
        enter(&mut replica, flow, version);
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
        addition.apply().unwrap();
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
    let views: [fn(&Path<'_>) -> Tensor; 2] =
        [|path| path.randn("weight", &[2, 3], 0.0, 1.0).tr(), |path| path.randn("weight", &[2, 3], 0.0, 1.0).detach()];
    for (index, view) in views.into_iter().enumerate() {
        let path = store.root() / index;
        let _master = view(&path);
        let sub = |path: &Path<'_>| (0..=index).map(|index| views[index](&(path / index))).collect::<Vec<_>>();
        let error = Replica::build(Device::Cpu, |path| Ok(sub(path)), &store).unwrap_err().to_string();
        assert!(error.contains("a parameter of shape [2, 3]"), "{error}");
    }
    // A buffer's view follows the buffer, so it is allowed.
    let store = VarStore::new(Device::Cpu);
    let buffered = |path: &Path<'_>| path.zeros_no_train("positions", &[4]).unsqueeze(0);
    let _master = buffered(&store.root());
    Replica::build(Device::Cpu, |path| Ok(buffered(path)), &store).unwrap();
}

#[test]
fn a_model_of_other_variables_is_refused() {
    let (store, ..) = pair(true);
    let other = |path: &Path<'_>| Model { unused: path.zeros("new", &[1]), ..model(path) };
    let error = Replica::build(Device::Cpu, |path| Ok(other(path)), &store).unwrap_err().to_string();
    assert!(error.contains("`new` is missing"), "{error}");
}
