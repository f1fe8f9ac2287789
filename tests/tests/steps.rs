//! Measurements of a step besides its diagnostics: the loss, and the output on request.

use booster::prelude::*;
use booster::tch::nn::{self, OptimizerConfig};
use booster::tch::{Device, Kind, Tensor};
use booster_tests::relative_difference;

type Outcome = Result<(), Box<dyn std::error::Error>>;

const OPTIONS: (Kind, Device) = (Kind::Double, Device::Cpu);

fn net(path: &nn::Path<'_>) -> Tensor {
    path.add("weight", Tensor::from_slice(&[0.5, -1.0, 2.0]), true)
}

/// Returns distinct samples of three numbers.
fn rows(samples: i64, first: i64) -> Tensor {
    (Tensor::arange_start(first * 3, (first + samples) * 3, OPTIONS) * 0.7).sin().view([samples, 3])
}

/// The mean over samples, with batch-level diagnostics weighted by a number other than the batch size.
#[evaluator]
fn plain(model: &Tensor, batch: &Tensor, _mode: Mode) -> booster::Result<Tensor> {
    #[output]
    let products: Tensor = batch.f_mv(model)?;
    let squares = products.f_square()?;
    #[group = "info"]
    #[metric(samples)]
    let tokens: i64 = 7;
    #[group = "info"]
    let largest: Tensor = squares.f_amax(0, false)?;
    Ok(squares.f_mean(None)?)
}

/// The mean over positive entries.
#[evaluator]
fn positive(model: &Tensor, batch: &Tensor, _mode: Mode) -> booster::Result<Loss> {
    let products = batch.f_mv(model)?;
    let weight = products.gt(0.0).to_kind(Kind::Double);
    Loss::from_sum(&(products.f_square()? * &weight).f_sum(None)?, &weight.f_sum(None)?)
}

/// The mean of the losses of parts, and the loss of all.
fn losses<P: EvaluationPipeline>(pipeline: &mut P, sizes: &[i64]) -> booster::Result<(f64, f64)>
where
    P::Evaluator: Evaluator<Batch = Tensor>,
{
    let mut mean = Aggregator::new();
    let mut first = 0;
    for &samples in sizes {
        mean.update(&validation_step(pipeline, &rows(samples, first))?)?;
        first += samples;
    }
    let whole = validation_step(pipeline, &rows(first, 0))?;
    Ok((mean.summary()?.step.loss, whole.loss.tensor().double_value(&[])))
}

#[test]
fn the_mean_of_losses_is_the_loss_of_all_samples() -> Outcome {
    for sizes in [&[5, 1, 3][..], &[2, 2, 7, 1]] {
        let devices = [Device::Cpu; 2];
        for (found, expected) in [
            losses(&mut Pipeline::build(Device::Cpu, net, Plain::new()), sizes)?,
            losses(&mut Pipeline::build(Device::Cpu, net, Positive::new()), sizes)?,
            losses(&mut DataParallelPipeline::build(&devices, net, Plain::new())?, sizes)?,
            losses(&mut DataParallelPipeline::build(&devices, net, Positive::new())?, sizes)?,
        ] {
            assert!((found - expected).abs() < 1e-12, "{found} instead of {expected} for {sizes:?}");
        }
    }
    Ok(())
}

fn outputs<P: EvaluationPipeline<Evaluator = Plain>>(pipeline: &mut P) -> Outcome {
    let batch = rows(5, 0);
    let expected = validation_step_with_output(pipeline, &batch)?.output.products;
    assert_eq!(expected.size(), [5]);
    let mut sgd = nn::Sgd::default().build(pipeline.var_store(), 0.1)?;
    let first = training_step_with_output(pipeline, &batch, &mut sgd)?;
    let mut trainer = Trainer::builder(sgd).build()?;
    let second = trainer.step_with_output(pipeline, &batch)?;
    assert!(relative_difference(&first.output.products, &expected) < 1e-12);
    assert!(relative_difference(&second.output.products, &expected) > 1e-3, "the first step moved the weights");
    for output in [&first.output.products, &second.output.products, first.loss.tensor(), second.loss.tensor()] {
        assert!(!output.requires_grad());
    }
    Ok(())
}

/// A weighted mean with weights that may cancel.
#[evaluator]
fn signed(model: &Tensor, batch: &Tensor, _mode: Mode) -> booster::Result<Loss> {
    let weight = batch.select(1, 0);
    Loss::from_sum(&(batch.f_mv(model)?.f_square()? * &weight).f_sum(None)?, &weight.f_sum(None)?)
}

#[test]
fn a_loss_whose_weights_cancel_is_nothing_on_one_device_and_on_many() -> Outcome {
    fn check<P: EvaluationPipeline<Evaluator = Signed>>(pipeline: &mut P) -> Outcome {
        let batch = Tensor::from_slice(&[1.0, 0.3, 0.2, -1.0, 0.5, 0.9]).view([2, 3]);
        let (loss, ()) = pipeline.backward(&batch)?;
        assert_eq!(loss.tensor().double_value(&[]), 0.0);
        assert_eq!(pipeline.var_store().variables()["weight"].grad().abs().max().double_value(&[]), 0.0);
        Ok(())
    }
    check(&mut Pipeline::build(Device::Cpu, net, Signed::new()))?;
    check(&mut DataParallelPipeline::build(&[Device::Cpu; 2], net, Signed::new())?)
}

#[test]
fn a_step_gives_its_output_without_a_graph_where_it_is_asked_for() -> Outcome {
    outputs(&mut Pipeline::build(Device::Cpu, net, Plain::new()))?;
    outputs(&mut DataParallelPipeline::build(&[Device::Cpu], net, Plain::new())?)?;
    outputs(&mut DataParallelPipeline::build(&[Device::Cpu; 3], net, Plain::new())?)
}

#[test]
fn a_step_says_the_learning_rate_of_its_schedule() -> Outcome {
    let mut pipeline = Pipeline::build(Device::Cpu, net, Plain::new());
    let sgd = nn::Sgd::default().build(pipeline.var_store(), 0.1)?;
    let rate = LearningRate::new(Schedule::linear(0.4, 0.0, 4)?);
    let mut trainer = Trainer::builder(sgd).accumulate(2).learning_rate(rate).build()?;
    let rates = [(); 4].map(|()| trainer.step(&mut pipeline, &rows(3, 0)).map(|step| step.learning_rate));
    let rates = rates.into_iter().collect::<Result<Option<Vec<_>>, _>>()?.ok_or("a rate")?;
    assert!(
        rates.iter().zip([0.4, 0.4, 0.3, 0.3]).all(|(found, expected)| (found - expected).abs() < 1e-12),
        "{rates:?}"
    );
    Ok(())
}

/// Outputs that are the weights, a view of them, and a computed tensor.
#[evaluator]
fn parametric(model: &Tensor, batch: &Tensor, _mode: Mode) -> booster::Result<(Loss, (), (Tensor, Tensor, Tensor))> {
    let products = batch.f_mv(model)?;
    let view = model.f_unsqueeze(0)?.f_expand([batch.size()[0], 3], false)?;
    Ok((products.f_square()?.f_mean(None)?.into(), (), (model.shallow_clone(), view, products)))
}

fn outputs_of_weights<P: EvaluationPipeline<Evaluator = Parametric>>(pipeline: &mut P, replicas: i64) -> Outcome {
    let expected = Tensor::from_slice(&[0.5, -1.0, 2.0]);
    // Each shard has as many samples as there are weights, since outputs need a row per sample.
    let batch = rows(3 * replicas, 0);
    let mut steps = vec![validation_step_with_output(pipeline, &batch)?.output];
    let predicted = pipeline.predict(&batch, |model: &Tensor, _: &Tensor, _| Ok(model.shallow_clone()))?;
    let mut sgd = nn::Sgd::default().build(pipeline.var_store(), 0.1)?;
    steps.push(training_step_with_output(pipeline, &batch, &mut sgd)?.output);
    assert!(relative_difference(&pipeline.var_store().variables()["weight"].detach(), &expected) > 1e-3);
    assert_eq!(predicted.narrow(0, 0, 3), expected);
    for (weights, view, products) in &steps {
        assert_eq!(weights.narrow(0, 0, 3), expected);
        assert_eq!(view.get(0), expected);
        assert!(![weights, view, products, &predicted].iter().any(|output| output.requires_grad()));
    }
    Ok(())
}

#[test]
fn an_output_that_is_a_parameter_stays_as_it_was_in_the_step() -> Outcome {
    outputs_of_weights(&mut Pipeline::build(Device::Cpu, net, Parametric::new()), 1)?;
    outputs_of_weights(&mut DataParallelPipeline::build(&[Device::Cpu], net, Parametric::new())?, 1)?;
    outputs_of_weights(&mut DataParallelPipeline::build(&[Device::Cpu; 3], net, Parametric::new())?, 3)
}

#[derive(Diagnostic)]
struct Measured {
    #[group = "loss"]
    own: Loss,
}

/// A loss that sets its weight only in shards without the first sample of the batch.
#[evaluator]
fn sometimes(model: &Tensor, batch: &Tensor, _mode: Mode) -> booster::Result<(Loss, Measured, ())> {
    let loss = || -> booster::Result<Loss> {
        let mean = batch.f_mv(model)?.f_square()?.f_mean(None)?;
        let is_first = batch.double_value(&[0, 0]) == 0.0;
        Ok(if is_first { mean.into() } else { Loss::weighted(mean, Tensor::from(batch.size()[0])) })
    };
    Ok((loss()?, Measured { own: loss()? }, ()))
}

#[test]
fn a_loss_that_some_shards_weigh_and_others_do_not_is_that_of_all() -> Outcome {
    let (expected, ..) = Pipeline::build(Device::Cpu, net, Plain::new()).evaluate(&rows(5, 0), Mode::Eval)?;
    for reversed in [false, true] {
        let batch = if reversed { rows(5, 0).flip([0]) } else { rows(5, 0) };
        let devices = [Device::Cpu; 5];
        let mut many = DataParallelPipeline::build(&devices, net, Sometimes::new())?;
        let (loss, diagnostics, ()) = many.evaluate(&batch, Mode::Eval)?;
        for found in [loss.tensor(), diagnostics.own.tensor()] {
            assert!(relative_difference(found, expected.tensor()) < 1e-12, "{found} instead of {expected:?}");
        }
    }
    Ok(())
}
