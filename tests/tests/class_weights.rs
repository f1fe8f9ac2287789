//! Classes of weight 0, with label smoothing.

use booster::evaluation::{ClassWeights, Classification};
use booster::prelude::*;
use booster::tch::{Device, Kind, Tensor, manual_seed, nn};
use booster_tests::{generator, relative_difference};

type Outcome = Result<(), Box<dyn std::error::Error>>;

fn net(path: &nn::Path<'_>) -> nn::Linear {
    nn::linear(path, 4, 3, nn::LinearConfig::default())
}

/// Returns the loss, the summary's `nll`, and the gradient of the weights.
fn learned<P>(mut pipeline: P, batch: &Labeled) -> booster::Result<(f64, f64, Tensor)>
where
    P: EvaluationPipeline<Evaluator = Classification<nn::Linear>>,
{
    pipeline.evaluator_mut().label_smoothing = 0.2;
    pipeline.evaluator_mut().class_weights = ClassWeights::new([0.0, 1.0, 2.0]);
    let (loss, diagnostics) = pipeline.backward(batch)?;
    let gradient = pipeline.var_store().variables()["weight"].grad();
    Ok((loss.tensor().f_double_value(&[])?, diagnostics.summary()?.loss.nll, gradient))
}

#[test]
fn a_target_whose_class_weighs_nothing_counts_nothing_however_the_batch_is_cut() -> Outcome {
    let _generator = generator();
    manual_seed(1);
    let input = Tensor::randn([5, 4], (Kind::Float, Device::Cpu));
    let batch = Labeled { input, target: Tensor::from_slice(&[1_i64, 2, 0, 0, 0]) };
    let one = || {
        manual_seed(2);
        Pipeline::build(Device::Cpu, net, Classification::new())
    };
    let (loss, _, gradient) = learned(one(), &batch.samples(0..2)?)?;

    let whole = learned(one(), &batch)?;
    let mut found = vec![whole];
    for replicas in [2, 3, 5] {
        manual_seed(2);
        let devices = vec![Device::Cpu; replicas];
        found.push(learned(DataParallelPipeline::build(&devices, net, Classification::new())?, &batch)?);
    }
    for (other, nll, other_gradient) in found {
        assert!((other - loss).abs() < 1e-6 && (nll - loss).abs() < 1e-6, "{other} and {nll}, not {loss}");
        assert!(relative_difference(&other_gradient, &gradient) < 1e-5);
    }
    Ok(())
}

#[test]
fn an_infinite_loss_of_a_class_that_weighs_nothing_counts_nothing() -> Outcome {
    let net = |_: &nn::Path<'_>| nn::func(Tensor::shallow_clone);
    let evaluator = Classification::new().with_class_weights(ClassWeights::new([0.0, 1.0, 1.0]));
    let mut pipeline = Pipeline::build(Device::Cpu, net, evaluator);
    let input = Tensor::from_slice(&[f32::NEG_INFINITY, 0.0, 0.0]).repeat([2, 1]);
    let batch = Labeled { input, target: Tensor::from_slice(&[0_i64, 1]) };
    let step = validation_step(&mut pipeline, &batch)?.summary()?;
    assert!((step.step.loss - 2.0_f64.ln()).abs() < 1e-6, "{step}");
    assert!((step.loss.nll - 2.0_f64.ln()).abs() < 1e-6, "{step}");
    Ok(())
}
