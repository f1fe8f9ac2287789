//! Predictions on one device and many, with a model's own weights and with averages.

use booster::evaluation::Classification;
use booster::prelude::*;
use booster::tch::nn::{self, ModuleT};
use booster::tch::{Device, Kind, Tensor};
use booster::training::Ema;
use booster_tests::relative_difference;

type Outcome = Result<(), Box<dyn std::error::Error>>;
type Evaluated = Classification<nn::SequentialT>;

/// A network that behaves differently in training, because of dropout and batch norm.
fn net(path: &nn::Path<'_>) -> nn::SequentialT {
    nn::seq_t()
        .add(nn::linear(path / "first", 4, 8, nn::LinearConfig::default()))
        .add(nn::batch_norm1d(path / "norm", 8, nn::BatchNormConfig::default()))
        .add_fn_t(|values, train| values.dropout(0.5, train))
        .add(nn::linear(path / "last", 8, 3, nn::LinearConfig::default()))
}

fn images(samples: i64) -> Tensor {
    Tensor::arange(samples * 4, (Kind::Float, Device::Cpu)).sin().view([samples, 4])
}

fn logits<P: EvaluationPipeline<Evaluator = Evaluated>>(pipeline: &mut P, samples: i64) -> booster::Result<Tensor> {
    pipeline.predict(&images(samples), |model, images, mode| Ok(model.forward_t(images, mode.is_train())))
}

#[test]
fn what_is_predicted_is_the_model_s_output_in_evaluation() -> Outcome {
    let mut one = Pipeline::build(Device::Cpu, net, Classification::new());
    let mut many = DataParallelPipeline::build(&[Device::Cpu; 3], net, Classification::new())?;
    many.var_store_mut().copy(one.var_store())?;
    for samples in [1, 2, 7] {
        let expected = one.model().forward_t(&images(samples), false);
        for found in [logits(&mut one, samples)?, logits(&mut many, samples)?] {
            assert!(relative_difference(&found, &expected) < 1e-6, "{found} instead of {expected}");
            assert!(!found.requires_grad());
        }
    }
    Ok(())
}

#[test]
fn averages_predict_while_they_are_lent() -> Outcome {
    let mut many = DataParallelPipeline::build(&[Device::Cpu; 2], net, Classification::new())?;
    let mut ema = Ema::new(many.var_store(), 0.5)?.without_warm_up();
    let before = logits(&mut many, 5)?;
    booster::tch::no_grad(|| {
        let _ = many.var_store().variables()["last.bias"].shallow_clone().g_add_(&Tensor::from(2.0_f32));
    });
    ema.update(many.var_store())?;
    let averaged = logits(&mut ema.averaged(&mut many)?, 5)?;
    assert!(relative_difference(&averaged, &(&before + 1.0)) < 1e-6, "{averaged}");
    assert!(relative_difference(&logits(&mut many, 5)?, &(&before + 2.0)) < 1e-6);
    Ok(())
}

#[test]
fn several_tensors_come_back_as_one_batch() -> Outcome {
    let mut many = DataParallelPipeline::build(&[Device::Cpu; 2], net, Classification::new())?;
    let both = many.predict(&images(5), |model, images, mode| {
        let logits = model.forward_t(images, mode.is_train());
        Ok(Labeled { target: logits.f_argmax(-1, false)?, input: logits })
    })?;
    assert_eq!((both.input.size(), both.target.size()), (vec![5, 3], vec![5]));
    assert_eq!(both.input.argmax(-1, false), both.target);
    Ok(())
}

#[test]
fn a_failure_is_an_error_that_names_the_replica_and_the_next_call_works() -> Outcome {
    let mut many = DataParallelPipeline::build(&[Device::Cpu; 2], net, Classification::new())?;
    let wrong =
        many.predict(&images(5), |model, _, mode| Ok(model.forward_t(&images(5).view([4, 5]), mode.is_train())));
    let error = wrong.expect_err("4 inputs are expected").to_string();
    assert!(error.contains("replica 0"), "{error}");
    let empty = many.predict(&images(0), |_, images, _| Ok(images.shallow_clone()));
    assert!(matches!(empty, Err(booster::Error::EmptyBatch)));
    assert_eq!(logits(&mut many, 5)?.size(), [5, 3]);
    Ok(())
}

#[test]
fn a_prediction_without_a_dimension_for_the_samples_is_refused_as_such() -> Outcome {
    let mut many = DataParallelPipeline::build(&[Device::Cpu; 2], net, Classification::new())?;
    let mean = |model: &nn::SequentialT, images: &Tensor, mode: Mode| {
        let logits = model.forward_t(images, mode.is_train());
        Ok((logits.f_mean(Kind::Float)?, logits))
    };
    let error = many.predict(&images(4), mean).expect_err("the mean has no samples").to_string();
    let reason = "field `[0]` of the batch is 0-dimensional: its first dimension must be the sample dimension";
    assert!(error.ends_with(reason), "{error}");
    Ok(())
}

#[test]
fn an_output_without_a_row_for_each_sample_is_an_error_on_many_devices() -> Outcome {
    let mut many = DataParallelPipeline::build(&[Device::Cpu; 2], net, Classification::new())?;
    let states = many.predict(&images(5), |_, images, _| Ok(images.f_unsqueeze(0)?.f_repeat([4, 1, 1])?));
    let error = states.expect_err("[layers, batch, hidden]").to_string();
    assert!(
        error.contains("output: expected 3 rows along the first dimension") && error.contains("replica 0"),
        "{error}"
    );
    let rows = |_: &nn::SequentialT, images: &Tensor, _: Mode| {
        Ok(Labeled { input: images.shallow_clone(), target: images.f_narrow(0, 0, 1)? })
    };
    assert!(many.predict(&images(5), rows).is_err(), "1 row beside 3");
    Ok(())
}

/// What the input's gradient and the variables' are by a backward pass within a prediction, and the variables' in a
/// training step afterwards.
fn gradients<P>(pipeline: &mut P, samples: i64) -> booster::Result<[Tensor; 3]>
where
    P: EvaluationPipeline<Evaluator = Classification<nn::Linear>>,
{
    let saliency = pipeline.predict(&images(samples), |model, images, mode| {
        let input = images.detach().set_requires_grad(true);
        booster::tch::with_grad(|| model.forward_t(&input, mode.is_train()).square().sum(Kind::Float)).f_backward()?;
        Ok(input.grad())
    })?;
    let weight = pipeline.var_store().variables()["weight"].shallow_clone();
    let within = weight.grad().copy();
    let _ = weight.grad().zero_();
    let target = Tensor::arange(samples, (Kind::Int64, Device::Cpu)).remainder(3);
    pipeline.backward(&Labeled { input: images(samples), target })?;
    Ok([saliency, within, weight.grad().copy()])
}

#[test]
fn a_backward_pass_within_a_prediction_gives_the_variables_their_gradient_once() -> Outcome {
    let net = |path: &nn::Path<'_>| nn::linear(path, 4, 3, nn::LinearConfig::default());
    let mut one = Pipeline::build(Device::Cpu, net, Classification::new());
    let mut many = DataParallelPipeline::build(&[Device::Cpu; 3], net, Classification::new())?;
    many.var_store_mut().copy(one.var_store())?;
    for samples in [1, 2, 7] {
        let expected = gradients(&mut one, samples)?;
        for (found, expected) in gradients(&mut many, samples)?.iter().zip(&expected) {
            assert!(relative_difference(found, expected) < 1e-5, "{found} instead of {expected}");
        }
        one.var_store_mut().variables().values_mut().for_each(Tensor::zero_grad);
        many.var_store_mut().variables().values_mut().for_each(Tensor::zero_grad);
    }
    Ok(())
}

/// A loss of the model alone.
#[evaluator]
fn size(model: &Tensor, (): &(), _mode: Mode) -> booster::Result<Tensor> {
    #[group = "info"]
    let entries: i64 = 3;
    Ok(model.f_square()?.f_sum(None)?)
}

fn without_tensors<P: EvaluationPipeline<Evaluator = Size>>(pipeline: &mut P) -> Outcome {
    let predicted = pipeline.predict(&(), |model, (), _| Ok(model.shallow_clone()))?;
    assert_eq!(predicted, Tensor::from_slice(&[1.0, 2.0, 3.0]));
    let summary = validation_step(pipeline, &())?.summary()?;
    assert_eq!((summary.info.entries, summary.step.loss), (3.0, 14.0));
    pipeline.backward(&())?;
    assert_eq!(pipeline.var_store().variables()["weight"].grad(), predicted * 2.0);
    Ok(())
}

#[test]
fn a_batch_without_tensors_is_evaluated_once() -> Outcome {
    let net = |path: &nn::Path<'_>| path.add("weight", Tensor::from_slice(&[1.0, 2.0, 3.0]), true);
    without_tensors(&mut Pipeline::build(Device::Cpu, net, Size::new()))?;
    without_tensors(&mut DataParallelPipeline::build(&[Device::Cpu; 3], net, Size::new())?)
}
