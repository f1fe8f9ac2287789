//! Sparse variables, such as the adjacency of a graph, as buffers and as trained parameters.

use booster::prelude::*;
use booster::tch::nn::{self, OptimizerConfig};
use booster::tch::{Device, Kind, Tensor};
use booster::training::{Ema, NonFiniteStep};
use booster_tests::relative_difference;

type Outcome = Result<(), Box<dyn std::error::Error>>;

const OPTIONS: (Kind, Device) = (Kind::Double, Device::Cpu);

fn sparse(values: &[f64]) -> Tensor {
    Tensor::from_slice(values).view([2, 2]).to_sparse(None, None::<&[i64]>, None)
}

struct Graph {
    adjacency: Tensor,
    weight: Tensor,
}

fn net(is_trained: bool) -> impl Fn(&nn::Path<'_>) -> Graph {
    move |path| {
        let adjacency = path.add("adjacency", sparse(&[0.0, 1.0, 2.0, 0.0]), is_trained);
        let _ = path.add("again", adjacency.shallow_clone(), false);
        Graph { adjacency, weight: path.add("weight", Tensor::ones([3], OPTIONS), true) }
    }
}

/// Messages along the edges, from nodes `[2, 3]`.
#[evaluator]
fn messages(model: &Graph, batch: &Tensor, mode: Mode) -> booster::Result<Tensor> {
    if mode.is_train() && !model.adjacency.requires_grad() {
        let _ = model.adjacency.shallow_clone().f_mul_(&Tensor::from(2.0))?;
    }
    let nodes = Tensor::f_internal_sparse_mm(&model.adjacency, &(batch * &model.weight))?;
    Ok(nodes.f_square()?.f_mean(None)?)
}

fn dense(store: &nn::VarStore, name: &str) -> Tensor {
    store.variables()[name].detach().to_dense(None, false)
}

#[test]
fn a_sparse_buffer_is_copied_into_the_average_and_lent() -> Outcome {
    let mut pipeline = Pipeline::build(Device::Cpu, net(false), Messages::new());
    let ema = Ema::new(pipeline.var_store(), 0.5)?;
    let sgd = nn::Sgd::default().build(pipeline.var_store(), 0.1)?;
    let mut trainer = Trainer::builder(sgd).ema(ema).build()?;
    let batch = Tensor::ones([2, 3], OPTIONS);
    trainer.step(&mut pipeline, &batch)?;
    trainer.step(&mut pipeline, &batch)?;
    let averaged = trainer.averaged(&mut pipeline)?;
    let expected = sparse(&[0.0, 4.0, 8.0, 0.0]).to_dense(None, false);
    for name in ["adjacency", "again"] {
        assert_eq!(dense(averaged.var_store(), name), expected);
    }
    drop(averaged);
    assert_eq!(dense(pipeline.var_store(), "again"), expected);
    Ok(())
}

#[test]
fn a_skipped_step_leaves_a_sparse_buffer_as_it_was() -> Outcome {
    let mut pipeline = Pipeline::build(Device::Cpu, net(false), Messages::new());
    let sgd = nn::Sgd::default().build(pipeline.var_store(), 0.1)?;
    let mut trainer = Trainer::builder(sgd).non_finite(NonFiniteStep::Skip).build()?;
    trainer.step(&mut pipeline, &Tensor::full([2, 3], f64::NAN, OPTIONS))?;
    assert_eq!(trainer.skipped(), 1);
    assert_eq!(dense(pipeline.var_store(), "adjacency"), sparse(&[0.0, 1.0, 2.0, 0.0]).to_dense(None, false));
    Ok(())
}

#[test]
fn a_sparse_parameter_is_averaged_and_saved_as_a_dense_one() -> Outcome {
    let mut pipeline = Pipeline::build(Device::Cpu, net(true), Messages::new());
    let mut ema = Ema::new(pipeline.var_store(), 0.75)?.without_warm_up();
    let mut sgd = nn::Sgd::default().build(pipeline.var_store(), 0.1)?;
    let mut expected = dense(pipeline.var_store(), "adjacency");
    for _ in 0..3 {
        training_step(&mut pipeline, &Tensor::ones([2, 3], OPTIONS), &mut sgd)?;
        ema.update(pipeline.var_store())?;
        expected = expected * 0.75 + dense(pipeline.var_store(), "adjacency") * 0.25;
    }
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("averages.pt");
    ema.save(&path)?;
    let _ = ema.averaged(&mut pipeline)?.var_store().variables()["adjacency"].data().zero_();
    ema.load(&path)?;
    let averaged = ema.averaged(&mut pipeline)?;
    assert!(relative_difference(&dense(averaged.var_store(), "adjacency"), &expected) < 1e-12);
    Ok(())
}
