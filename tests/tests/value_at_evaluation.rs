//! A diagnostic is the value at evaluation: later writes do not change it.

use std::sync::{Arc, Mutex, PoisonError};

use booster::prelude::*;
use booster::tch::nn::{self, ModuleT, OptimizerConfig};
use booster::tch::{Device, Kind, Reduction, Tensor};

type Outcome = Result<(), Box<dyn std::error::Error>>;

const CPU: (Kind, Device) = (Kind::Float, Device::Cpu);

#[derive(Debug)]
struct Net {
    temperature: Tensor,
    normalization: nn::BatchNorm,
    steps: Tensor,
}

fn net(path: &nn::Path<'_>) -> Net {
    Net {
        temperature: path.var("temperature", &[2], nn::Init::Const(1.0)),
        normalization: nn::batch_norm1d(path / "normalization", 2, nn::BatchNormConfig::default()),
        steps: path.zeros_no_train("steps", &[]),
    }
}

/// Every way in which a diagnostic can share memory with the model.
#[derive(Debug, Diagnostic)]
struct Aliases {
    #[group = "info"]
    #[metric(last)]
    parameter: Tensor,
    #[group = "info"]
    #[metric(last)]
    detached: Tensor,
    #[group = "info"]
    #[metric(last)]
    element: Tensor,
    #[group = "info"]
    #[metric(max)]
    slice: Tensor,
    #[group = "info"]
    #[metric(last)]
    weighted: Weighted,
    #[group = "info"]
    #[metric(last)]
    optional: Option<Tensor>,
    #[group = "info"]
    #[metric(last)]
    running_mean: Tensor,
    #[group = "info"]
    #[metric(last)]
    steps: Tensor,
}

#[evaluator]
fn aliased(model: &Net, batch: &Tensor, mode: Mode) -> booster::Result<(Loss, Aliases, ())> {
    let normalized = model.normalization.forward_t(batch, mode.is_train());
    let loss = normalized.f_sum(Kind::Float)?.f_add(&model.temperature.f_mean(Kind::Float)?)?;
    let running_mean = model.normalization.running_mean.shallow_clone();
    let diagnostics = Aliases {
        parameter: model.temperature.shallow_clone(),
        detached: model.temperature.f_detach()?,
        element: model.temperature.f_select(0, 0)?,
        slice: model.temperature.f_detach()?.f_narrow(0, 1, 1)?.f_squeeze()?,
        weighted: Weighted::new(model.temperature.f_detach()?, model.temperature.f_ones_like()?),
        optional: Some(model.temperature.f_view([2])?),
        running_mean,
        steps: model.steps.f_squeeze()?,
    };
    Ok((loss.into(), diagnostics, ()))
}

/// The gradient of each temperature is 1/2, so each step subtracts 1/4.
fn train(mut pipeline: impl EvaluationPipeline<Evaluator = Aliased>) -> Outcome {
    let batch = Tensor::from_slice(&[8.0f32, 8.0, 12.0, 12.0]).reshape([2, 2]);
    let mut sgd = nn::Sgd::default().build(pipeline.var_store(), 0.5)?;
    let mut mean = Aggregator::new();
    let mut steps = Vec::new();
    for step in 0..3 {
        let _ = pipeline.var_store().variables()["steps"].shallow_clone().fill_(step);
        let measured = training_step(&mut pipeline, &batch, &mut sgd)?;
        mean.update(&measured)?;
        steps.push(measured);
    }
    for (step, measured) in steps.iter().enumerate() {
        let expected = 1.0 - 0.25 * step as f64;
        let of = |tensor: &Tensor| tensor.mean(Kind::Double).double_value(&[]);
        assert_eq!(of(&measured.diagnostics.parameter), expected, "parameter of step {step}");
        assert_eq!(of(&measured.diagnostics.detached), expected, "detached of step {step}");
        assert_eq!(of(&measured.diagnostics.element), expected, "element of step {step}");
        assert_eq!(of(&measured.diagnostics.slice), expected, "slice of step {step}");
        assert_eq!(of(&measured.diagnostics.weighted.value), expected, "weighted of step {step}");
        assert_eq!(measured.diagnostics.optional.as_ref().map(of), Some(expected), "optional of step {step}");
        assert_eq!(of(&measured.diagnostics.steps), step as f64, "steps of step {step}");
        // The momentum of batch norm is 0.1 and the mean of the batch is 10.
        let running = 10.0 * (1.0 - 0.9f64.powi(step as i32 + 1));
        assert!((of(&measured.diagnostics.running_mean) - running).abs() < 1e-5, "running mean of step {step}");
    }
    let summary = mean.summary()?;
    let info = &summary.info;
    assert_eq!([info.parameter, info.detached, info.element, info.weighted], [0.5; 4]);
    assert_eq!((info.slice, info.steps), (1.0, 2.0));
    Ok(())
}

#[test]
fn an_optimizer_step_does_not_change_what_was_measured() -> Outcome {
    train(Pipeline::build(Device::Cpu, net, Aliased::new()))
}

#[test]
fn an_optimizer_step_does_not_change_what_replicas_measured() -> Outcome {
    // One replica returns its measurements unchanged.
    train(DataParallelPipeline::build(&[Device::Cpu], net, Aliased::new())?)
}

/// A loss that is a parameter.
#[evaluator]
fn temperature(model: &Net, _: &Tensor, _: Mode) -> booster::Result<Tensor> {
    Ok(model.temperature.f_select(0, 0)?)
}

#[test]
fn a_loss_keeps_its_value() -> Outcome {
    let mut pipeline = Pipeline::build(Device::Cpu, net, Temperature::new());
    let mut sgd = nn::Sgd::default().build(pipeline.var_store(), 0.5)?;
    let (loss, ()) = pipeline.backward(&Tensor::ones([2, 1], CPU))?;
    sgd.step();
    assert_eq!(loss.tensor().double_value(&[]), 1.0);
    Ok(())
}

/// The addresses of the measured tensors, before the pipeline sees them.
#[derive(Clone, Debug, Default)]
struct Addresses(Arc<Mutex<Vec<usize>>>);

impl Addresses {
    fn note(&self, tensor: &Tensor) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(tensor.data_ptr() as usize);
    }
}

#[evaluator]
fn measured(model: &nn::Linear, batch: &Labeled, mode: Mode, #[param] seen: &Addresses) -> booster::Result<Tensor> {
    let logits = model.forward_t(&batch.input, mode.is_train());
    #[group = "loss"]
    let nll: Tensor = logits.f_cross_entropy_loss::<Tensor>(&batch.target, None, Reduction::None, -100, 0.0)?;
    let counted = batch.target.try_ne(2)?;
    #[group = "metrics"]
    let accuracy: Weighted =
        Weighted::new(logits.f_argmax(-1, false)?.f_eq_tensor(&batch.target)?, counted.shallow_clone());
    #[group = "metrics"]
    let counted: Weighted = Weighted::new(batch.target.f_to_kind(Kind::Float)?.f_view([-1])?, counted);
    for tensor in [&nll, &accuracy.value, &accuracy.weight, &counted.value, &counted.weight] {
        seen.note(tensor);
    }
    Ok(nll.f_mean(Kind::Float)?)
}

#[test]
fn what_nothing_else_holds_is_not_copied() -> Outcome {
    let net = |path: &nn::Path<'_>| nn::linear(path, 4, 3, nn::LinearConfig::default());
    let addresses = Addresses::default();
    let mut pipeline = Pipeline::build(Device::Cpu, net, Measured::new(addresses.clone()));
    let batch = Labeled { input: Tensor::ones([3, 4], CPU), target: Tensor::from_slice(&[0i64, 1, 2]) };
    let (_loss, diagnostics, ()) = pipeline.evaluate(&batch, Mode::Train)?;
    let MeasuredDiagnostics { nll, accuracy, counted } = &diagnostics;
    let found = [nll, &accuracy.value, &accuracy.weight, &counted.value, &counted.weight]
        .map(|tensor| tensor.data_ptr() as usize);
    assert_eq!(addresses.0.lock().unwrap_or_else(PoisonError::into_inner)[..], found);
    Ok(())
}

#[test]
fn a_batch_that_is_reused_does_not_change_what_was_measured() -> Outcome {
    #[evaluator]
    fn copied(_: &(), batch: &Tensor, _: Mode) -> booster::Result<Tensor> {
        #[group = "info"]
        let whole: Tensor = batch.shallow_clone();
        #[group = "info"]
        let half: Tensor = batch.f_narrow(0, 0, 1)?;
        let _ = (&whole, &half);
        Ok(batch.f_mean(Kind::Float)?)
    }
    let mut batch = Tensor::ones([2], CPU);
    let mut pipeline = Pipeline::build(Device::Cpu, |_: &nn::Path<'_>| (), Copied::new());
    let (_, diagnostics, ()) = pipeline.evaluate(&batch, Mode::Eval)?;
    let _ = batch.fill_(7.0);
    assert_eq!(diagnostics.whole, Tensor::ones([2], CPU));
    assert_eq!(diagnostics.half, Tensor::ones([1], CPU));
    Ok(())
}
