//! Models that fail to build, and taking pipelines apart.

use booster::evaluation::Classification;
use booster::prelude::*;
use booster::tch::nn::{self, Module, OptimizerConfig};
use booster::tch::{Device, Kind, Tensor};
use booster::training::Ema;

type Outcome = Result<(), Box<dyn std::error::Error>>;

fn net(path: &nn::Path<'_>) -> nn::Linear {
    nn::linear(path, 4, 3, nn::LinearConfig::default())
}

fn refused(_: &nn::Path<'_>) -> booster::Result<nn::Linear> {
    Err("no such file".into())
}

#[expect(clippy::panic, reason = "it is caught")]
fn panicking(_: &nn::Path<'_>) -> booster::Result<nn::Linear> {
    panic!("no such layer")
}

#[test]
fn a_model_that_fails_or_panics_is_an_error() -> Outcome {
    let one = [
        Pipeline::try_build(Device::Cpu, refused, Classification::new()).err(),
        Pipeline::try_build(Device::Cpu, panicking, Classification::new()).err(),
    ];
    let devices = [Device::Cpu; 2];
    let many = [
        DataParallelPipeline::try_build(&devices, refused, Classification::new()).err(),
        DataParallelPipeline::try_build(&devices, panicking, Classification::new()).err(),
    ];
    for errors in [one, many] {
        for (error, text) in errors.into_iter().zip(["no such file", "no such layer"]) {
            let error = error.ok_or("it was built")?.to_string();
            assert!(error.contains(text), "{error}");
        }
    }
    let fine = |path: &nn::Path<'_>| Ok(net(path));
    assert_eq!(DataParallelPipeline::try_build(&devices, fine, Classification::new())?.devices(), devices);
    Ok(())
}

#[test]
fn a_pipeline_comes_apart_into_what_it_was_made_of() -> Outcome {
    for replicas in [1, 3] {
        let mut many = DataParallelPipeline::build(&vec![Device::Cpu; replicas], net, Classification::new())?;
        let input = Tensor::rand([5, 4], (Kind::Float, Device::Cpu));
        let expected = many.predict(&input, |model, input, _| Ok(model.forward(input)))?;
        let (store, model, evaluator) = many.into_parts()?;
        let mut one = Pipeline::new(store, model, evaluator);
        let found = one.predict(&input, |model, input, _| Ok(model.forward(input)))?;
        assert!(found.allclose(&expected, 1e-6, 1e-6, false));
    }
    Ok(())
}

/// The mean of the model's output.
#[evaluator]
fn output(model: &nn::Linear, input: &Tensor, _mode: Mode) -> booster::Result<Tensor> {
    Ok(model.forward(input).f_mean(Kind::Float)?)
}

#[test]
fn trainers_and_averages_go_on_with_another_evaluator_of_the_same_model() -> Outcome {
    let batch =
        Labeled { input: Tensor::ones([3, 4], (Kind::Float, Device::Cpu)), target: Tensor::from_slice(&[0_i64; 3]) };
    let mut classes = Pipeline::build(Device::Cpu, net, Classification::new());
    let average = Ema::new(classes.var_store(), 0.5)?.without_warm_up();
    let optimizer = nn::Sgd::default().build(classes.var_store(), 1.0)?;
    let mut trainer = Trainer::builder(optimizer).ema(average).build()?;
    trainer.step(&mut classes, &batch)?;

    let (store, model, classification) = classes.into_parts();
    let mut outputs = Pipeline::new(store, model, Output::new());
    let bias = outputs.model().bs.as_ref().map(|bias| bias.detach().copy()).ok_or("no bias")?;
    let averaged_before = trainer.averaged(&mut outputs)?.var_store().variables()["bias"].detach().copy();
    trainer.step(&mut outputs, &batch.input)?;
    let expected = bias - 1.0 / 3.0; // the gradient of a mean over three outputs
    let averaged = (averaged_before + &expected) / 2.0;

    let (store, model, _) = outputs.into_parts();
    let mut classes = Pipeline::new(store, model, classification);
    assert!(classes.var_store().variables()["bias"].allclose(&expected, 1e-6, 1e-6, false));
    assert!(trainer.averaged(&mut classes)?.var_store().variables()["bias"].allclose(&averaged, 1e-6, 1e-6, false));
    Ok(())
}
