//! Unusual variables and gradients behave the same on many replicas as on one device.

use booster::prelude::*;
use booster::tch::nn::{self, Module, OptimizerConfig};
use booster::tch::{Device, Kind, Tensor};
use booster::training::Ema;
use booster_tests::relative_difference;

type Outcome = Result<(), Box<dyn std::error::Error>>;

const DEVICES: [Device; 3] = [Device::Cpu; 3];
const OPTIONS: (Kind, Device) = (Kind::Double, Device::Cpu);

/// An embedding with sparse gradients, whose weights are also used directly: by no samples, by all, or by those with an
/// even index.
#[evaluator]
fn embedded(model: &Tensor, batch: &Tensor, _mode: Mode, #[param] dense: Dense) -> booster::Result<Tensor> {
    let is_dense = match dense {
        Dense::None => false,
        Dense::All => true,
        Dense::FirstShard => batch.int64_value(&[0]) == 0,
    };
    if is_dense {
        return Ok((model.f_square()?.f_sum(None)? * batch.to_kind(Kind::Double)).f_mean(None)?);
    }
    Ok(Tensor::f_embedding(model, batch, -1, false, true)?.f_square()?.f_mean(None)?)
}

#[derive(Clone, Copy, Debug)]
enum Dense {
    None,
    All,
    FirstShard,
}

#[test]
fn sparse_and_dense_gradients_add_up_in_any_order() -> Outcome {
    let net = |path: &nn::Path<'_>| path.add("weight", Tensor::arange(15, OPTIONS).reshape([5, 3]) * 0.1, true);
    let batch = Tensor::from_slice(&[0_i64, 2, 2, 1, 4, 3]);
    for uses in [[Dense::None, Dense::All], [Dense::All, Dense::None], [Dense::None, Dense::FirstShard]] {
        let mut many = DataParallelPipeline::build(&DEVICES, net, Embedded::new(Dense::None))?;
        let mut by_graph = DataParallelPipeline::build(&DEVICES, net, Embedded::new(Dense::None))?;
        for dense in uses.into_iter().chain(uses) {
            many.evaluator_mut().dense = dense;
            by_graph.evaluator_mut().dense = dense;
            many.backward(&batch)?;
            by_graph.evaluate(&batch, Mode::Train)?.0.backward()?;
        }
        let [found, expected] = [many.var_store(), by_graph.var_store()].map(|store| {
            let gradient = store.variables()["weight"].grad();
            if gradient.is_sparse() { gradient.to_dense(None, false) } else { gradient }
        });
        assert!(relative_difference(&found, &expected) < 1e-12, "{uses:?}: {found} instead of {expected}");
    }
    Ok(())
}

/// Its gradient depends on the weights too, not only on the batch.
#[evaluator]
fn projected(model: &Tensor, batch: &Tensor, _mode: Mode) -> booster::Result<Tensor> {
    Ok(batch.f_matmul(&model.f_square()?)?.f_square()?.f_mean(None)?)
}

/// Returns the trained weights, through a graph and from training steps.
fn trained<P>(mut pipeline: P) -> booster::Result<Tensor>
where
    P: EvaluationPipeline<Evaluator = Projected>,
{
    let mut ema = Ema::new(pipeline.var_store(), 0.5)?;
    let mut adam = nn::Adam::default().build(pipeline.var_store(), 0.1)?;
    for samples in [7, 2, 5] {
        let batch = Tensor::arange(samples * 2, OPTIONS).view([samples, 2]) * 0.1;
        let (loss, ..) = pipeline.evaluate(&batch, Mode::Train)?;
        ema.update(pipeline.var_store())?;
        validation_step(&mut ema.averaged(&mut pipeline)?, &batch)?;
        adam.zero_grad();
        loss.backward()?;
        adam.step();
        training_step(&mut pipeline, &batch, &mut adam)?;
    }
    Ok(pipeline.var_store().variables()["weight"].detach())
}

#[test]
fn a_parameter_that_is_a_view_is_trained_as_on_one_device() -> Outcome {
    let views: [fn(&Tensor) -> Tensor; 3] =
        [|values| values.view([2, 2]), |values| values.view([2, 2]).tr(), |values| values.unsqueeze(1).narrow(0, 1, 2)];
    for view in views {
        let net = |path: &nn::Path<'_>| path.add("weight", view(&Tensor::from_slice(&[0.5, -1.0, 2.0, 0.25])), true);
        let expected = trained(Pipeline::build(Device::Cpu, net, Projected::new()))?;
        let found = trained(DataParallelPipeline::build(&DEVICES, net, Projected::new())?)?;
        assert!(relative_difference(&found, &expected) < 1e-12, "{found} instead of {expected}");
    }
    Ok(())
}

/// A layer without inputs, whose weight is empty, beside another.
struct Layers {
    empty: nn::Linear,
    full: nn::Linear,
}

#[evaluator]
fn layered(model: &Layers, batch: &Tensor, _mode: Mode) -> booster::Result<Tensor> {
    let output = model.empty.forward(&batch.f_narrow(1, 0, 0)?) + model.full.forward(batch);
    Ok(output.f_square()?.f_mean(None)?)
}

#[test]
fn a_parameter_without_entries_is_converted_with_the_others() -> Outcome {
    let config = nn::LinearConfig { ws_init: nn::Init::Const(0.5), bs_init: Some(nn::Init::Const(0.5)), bias: true };
    let net = |path: &nn::Path<'_>| Layers {
        empty: nn::linear(path / "empty", 0, 2, config),
        full: nn::linear(path / "full", 3, 2, config),
    };
    let mut many = DataParallelPipeline::build(&DEVICES, net, Layered::new())?;
    let mut sgd = nn::Sgd::default().build(many.var_store(), 0.1)?;
    let conversions = [nn::VarStore::float, nn::VarStore::double, nn::VarStore::bfloat16, nn::VarStore::float];
    for (convert, kind) in conversions.into_iter().zip([Kind::Float, Kind::Double, Kind::BFloat16, Kind::Float]) {
        convert(many.var_store_mut());
        let batch = Tensor::ones([7, 3], (kind, Device::Cpu));
        validation_step(&mut many, &batch)?;
        many.evaluate(&batch, Mode::Train)?.0.backward()?;
        training_step(&mut many, &batch, &mut sgd)?;
    }
    Ok(())
}

/// Returns the gradient of a graph of averages that were temporarily replaced by others.
fn gradient_of_outer_averages<P>(mut pipeline: P) -> booster::Result<Tensor>
where
    P: EvaluationPipeline<Evaluator = Projected>,
{
    let batch = Tensor::arange(14, OPTIONS).view([7, 2]) * 0.1;
    let mut sgd = nn::Sgd::default().build(pipeline.var_store(), 0.1)?;
    let (mut outer, mut inner) = (Ema::new(pipeline.var_store(), 0.5)?, Ema::new(pipeline.var_store(), 0.9)?);
    for _ in 0..3 {
        training_step(&mut pipeline, &batch, &mut sgd)?;
        outer.update(pipeline.var_store())?;
        inner.update(pipeline.var_store())?;
    }
    sgd.zero_grad();
    let mut outer = outer.averaged(&mut pipeline)?;
    let (loss, ..) = outer.evaluate(&batch, Mode::Train)?;
    drop(inner.averaged(&mut outer)?.evaluate(&batch, Mode::Train)?);
    loss.backward()?;
    Ok(outer.var_store().variables()["weight"].grad().copy())
}

#[test]
fn a_graph_of_averages_is_right_after_averages_within_them() -> Outcome {
    let net = |path: &nn::Path<'_>| path.add("weight", Tensor::from_slice(&[[1.0], [2.0]].concat()).view([2, 1]), true);
    let expected = gradient_of_outer_averages(Pipeline::build(Device::Cpu, net, Projected::new()))?;
    let found = gradient_of_outer_averages(DataParallelPipeline::build(&DEVICES, net, Projected::new())?)?;
    assert!(relative_difference(&found, &expected) < 1e-12, "{found} instead of {expected}");
    Ok(())
}

#[test]
fn gradients_from_before_a_conversion_are_added_to() -> Outcome {
    let net = |path: &nn::Path<'_>| path.add("weight", Tensor::arange(15, OPTIONS).reshape([5, 3]) * 0.1, true);
    let batch = Tensor::from_slice(&[0_i64, 2, 2, 1, 4, 3]);
    for kinds in [[Kind::Float, Kind::Double], [Kind::Double, Kind::Float]] {
        for uses in [[Dense::All, Dense::All], [Dense::None, Dense::All], [Dense::All, Dense::None]] {
            let gradient = |store: &nn::VarStore| {
                let gradient = store.variables()["weight"].grad();
                (if gradient.is_sparse() { gradient.to_dense(None, false) } else { gradient }).to_kind(Kind::Double)
            };
            let mut many = DataParallelPipeline::build(&DEVICES, net, Embedded::new(Dense::None))?;
            let mut expected = Tensor::zeros([5, 3], OPTIONS);
            for (kind, dense) in kinds.into_iter().zip(uses) {
                many.var_store_mut().set_kind(kind);
                many.evaluator_mut().dense = dense;
                many.backward(&batch)?;
                let mut one = Pipeline::build(Device::Cpu, net, Embedded::new(dense));
                one.backward(&batch)?;
                expected += gradient(one.var_store());
            }
            let found = gradient(many.var_store());
            assert!(relative_difference(&found, &expected) < 1e-6, "{kinds:?} {uses:?}: {found}, expected {expected}");
        }
    }
    Ok(())
}
