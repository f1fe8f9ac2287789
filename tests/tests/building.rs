//! Pipelines of models that fail to be built, and pipelines that are taken apart.

use booster::evaluation::Classification;
use booster::prelude::*;
use booster::tch::nn::{self, Module};
use booster::tch::{Device, Kind, Tensor};

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
