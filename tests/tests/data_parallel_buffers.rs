//! Unusual buffers, written or trained by the model, behave the same on many replicas as on one device.

use booster::prelude::*;
use booster::tch::nn::{self, ModuleT};
use booster::tch::{Device, Kind, Tensor};
use booster_tests::relative_difference;

type Outcome = Result<(), Box<dyn std::error::Error>>;

const OPTIONS: (Kind, Device) = (Kind::Double, Device::Cpu);

/// Batch norm with its own training flag, independent of the mode.
#[evaluator]
fn normalized(model: &nn::BatchNorm, batch: &Tensor, _mode: Mode, #[param] trains: bool) -> booster::Result<Tensor> {
    #[output]
    let normalized: Tensor = model.forward_t(batch, trains);
    Ok(normalized.f_square()?.f_mean(None)?)
}

#[test]
fn statistics_are_the_first_replicas_in_each_mode_of_evaluation() -> Outcome {
    let config = nn::BatchNormConfig { ws_init: nn::Init::Const(1.0), ..Default::default() };
    let net = |path: &nn::Path<'_>| nn::batch_norm1d(path, 3, config);
    let samples = Tensor::arange(36, (Kind::Float, Device::Cpu)).view([12, 3]);
    for mode in [Mode::Eval, Mode::Train] {
        let mut one = Pipeline::build(Device::Cpu, net, Normalized::new(false));
        let mut many = DataParallelPipeline::build(&[Device::Cpu; 2], net, Normalized::new(false))?;
        for trains in [false, true, true, false] {
            one.evaluator_mut().trains = trains;
            many.evaluator_mut().trains = trains;
            let expected = one.evaluate(&samples.narrow(0, 0, 6), mode)?.2.normalized;
            let found = many.evaluate(&samples, mode)?.2.normalized;
            assert!(relative_difference(&found.narrow(0, 0, 6), &expected) < 1e-6);
        }
        let expected = one.evaluate(&samples, mode)?.2.normalized;
        let found = many.evaluate(&samples, mode)?.2.normalized;
        assert!(relative_difference(&found, &expected) < 1e-6, "{mode:?}: {found} instead of {expected}");
    }
    Ok(())
}

struct Scaled {
    weight: Tensor,
    scale: Tensor,
}

fn scaled(path: &nn::Path<'_>) -> Scaled {
    Scaled {
        weight: path.add("weight", Tensor::from_slice(&[0.5, -1.0, 2.0]), true),
        scale: path.add("scale", Tensor::from_slice(&[1.5]), false),
    }
}

#[evaluator]
fn squares(model: &Scaled, batch: &Tensor, _mode: Mode) -> booster::Result<Tensor> {
    Ok((batch.f_mv(&model.weight)? * &model.scale).f_square()?.f_mean(None)?)
}

/// Returns the gradients of weight and scale, through the loss's graph and from a training step, while the scale
/// already has one.
fn gradients<P>(pipeline: &mut P) -> booster::Result<Vec<Tensor>>
where
    P: EvaluationPipeline<Evaluator = Squares>,
{
    let batch = Tensor::arange(21, OPTIONS).view([7, 3]) * 0.1;
    for asks in [false, true, true, false] {
        let _ = pipeline.var_store().variables()["scale"].set_requires_grad(asks);
        validation_step(pipeline, &batch)?;
        let (loss, ..) = pipeline.evaluate(&batch, Mode::Train)?;
        pipeline.backward(&batch)?;
        loss.backward()?;
    }
    let variables = pipeline.var_store().variables();
    Ok(["weight", "scale"].map(|name| variables[name].grad()).into())
}

#[test]
fn a_buffer_that_is_trained_later_has_the_gradient_of_all_replicas() -> Outcome {
    let expected = gradients(&mut Pipeline::build(Device::Cpu, scaled, Squares::new()))?;
    let mut many = DataParallelPipeline::build(&[Device::Cpu; 3], scaled, Squares::new())?;
    for (found, expected) in gradients(&mut many)?.iter().zip(&expected) {
        assert!(relative_difference(found, expected) < 1e-12, "{found} instead of {expected}");
    }
    Ok(())
}
