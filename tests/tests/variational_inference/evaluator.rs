//! The evaluator: parameters, auxiliary losses, shards and costs.

use booster::distributions::{Bernoulli, Normal};
use booster::evaluation::{AuxiliaryLosses, FreeBits, LatentVariableModel, Latents, VariationalInference};
use booster::models::{SimpleVae, SimpleVaeConfig};
use booster::prelude::*;
use booster::tch::nn::{self, OptimizerConfig};
use booster::tch::{Device, Kind, Tensor, manual_seed};
use booster_tests::{generator, relative_difference};

use super::Outcome;
use super::gaussian::{Gaussian, observed};

#[test]
fn a_schedule_changes_what_is_in_force() -> Outcome {
    let _turn = generator();
    let mut pipeline = Gaussian::exact().pipeline(VariationalInference::new());
    for (beta, nats) in [(1.0, 0.0), (0.25, 0.0), (0.25, 5.0)] {
        pipeline.evaluator_mut().beta = beta;
        pipeline.evaluator_mut().free_bits.nats = nats;
        let (loss, diagnostics, _) = pipeline.evaluate(&observed(6), Mode::Train)?;
        let kl = diagnostics.kl.mean(Kind::Double).clamp_min(nats);
        assert!(relative_difference(loss.tensor(), &(diagnostics.nll.mean(Kind::Double) + kl * beta)) < 1e-12);
        let summary = diagnostics.summary()?;
        assert_eq!((summary.parameters.beta, summary.parameters.free_bits), (beta, nats));
        assert_eq!(summary.parameters.importance_samples, 1.0);
    }
    Ok(())
}

#[derive(Debug, Diagnostic)]
struct Penalties {
    #[group = "auxiliary"]
    size: Tensor,
    #[group = "auxiliary"]
    constant: f64,
}

#[derive(Clone, Debug, Default)]
struct PenaltyWeights {
    size: f64,
}

impl AuxiliaryLosses for Penalties {
    type Weights = PenaltyWeights;

    fn weighted(&self, weights: &PenaltyWeights) -> booster::Result<Option<Tensor>> {
        Ok(Some(&self.size * weights.size))
    }
}

struct Penalized(Gaussian);

impl LatentVariableModel for Penalized {
    type Batch = Labeled;
    type Likelihood = Normal;
    type Auxiliary = Penalties;

    fn infer(&self, batch: &Labeled, latents: &mut Latents, mode: Mode) -> booster::Result<(Normal, Penalties)> {
        let (likelihood, ()) = self.0.infer(&batch.input, latents, mode)?;
        Ok((likelihood, Penalties { size: (&batch.input * &self.0.slope).square().squeeze_dim(1), constant: 7.0 }))
    }
}

#[test]
fn auxiliary_losses_are_weighted_by_name_and_measured_beside_the_bound() -> Outcome {
    let _turn = generator();
    let input = observed(5);
    let batch = Labeled { target: input.zeros_like(), input };
    let model = Penalized(Gaussian::exact());
    let mut pipeline = Pipeline::new(nn::VarStore::new(Device::Cpu), model, VariationalInference::new());
    for weight in [0.0, 3.0] {
        pipeline.evaluator_mut().auxiliary_weights.size = weight;
        let (loss, diagnostics, _) = pipeline.evaluate(&batch, Mode::Train)?;
        // (x / 2)^2 of -2, -1, 0, 1, 2.
        let expected = -diagnostics.elbo.mean(Kind::Double) + weight * 0.5;
        assert!(relative_difference(loss.tensor(), &expected) < 1e-12);
        let summary = diagnostics.summary()?;
        assert!((summary.auxiliary.auxiliary.size - 0.5).abs() < 1e-12);
        assert_eq!(summary.get("auxiliary", "constant"), Some(7.0));
        assert!(summary.loss.kl > 0.0 && summary.get("loss", "elbo").is_some());
    }
    Ok(())
}

/// The loss and its gradient with a posterior that always draws its mean.
fn without_noise(
    evaluator: &VariationalInference<Gaussian>,
    x: &Tensor,
) -> Result<(f64, f64), Box<dyn std::error::Error>> {
    let model = Gaussian::new(0.7, -80.0);
    let slope = model.slope.shallow_clone();
    let (loss, ..) = model.pipeline(evaluator.clone()).evaluate(x, Mode::Train)?;
    let gradient = Tensor::run_backward(&[loss.tensor()], &[&slope], false, false);
    Ok((loss.tensor().double_value(&[]), gradient[0].double_value(&[])))
}

#[test]
fn the_loss_of_a_batch_is_the_mean_of_its_shards_losses() -> Outcome {
    let _turn = generator();
    let x = observed(7);
    let evaluators = [
        VariationalInference::new(),
        VariationalInference::new().with_beta(0.3),
        VariationalInference::new().with_importance_samples(4),
        // Above the divergence of some samples and below that of others.
        VariationalInference::new().with_free_bits(FreeBits::new(80.0).per_sample()),
    ];
    for evaluator in evaluators {
        let (loss, gradient) = without_noise(&evaluator, &x)?;
        for count in [2, 3, 7] {
            let (mut sum, mut gradients) = (0.0, 0.0);
            for shard in x.shards(count)? {
                let (loss, gradient) = without_noise(&evaluator, &shard)?;
                sum += loss * shard.size()[0] as f64 / 7.0;
                gradients += gradient * shard.size()[0] as f64 / 7.0;
            }
            assert!((sum - loss).abs() < 1e-12 * loss.abs(), "{count} {sum} {loss}");
            assert!((gradients - gradient).abs() < 1e-12 * gradient.abs().max(1.0), "{count} {gradients} {gradient}");
        }
    }
    Ok(())
}

#[test]
fn a_step_of_training_reads_nothing_back() -> Outcome {
    let _turn = generator();
    let vae = |path: &nn::Path<'_>| SimpleVae::<Bernoulli>::new(path, &[1, 4, 4], &SimpleVaeConfig::default());
    let evaluator = VariationalInference::new().with_importance_samples(3).with_free_bits(FreeBits::new(1.0));
    let mut pipeline = Pipeline::build(Device::Cpu, vae, evaluator);
    let mut optimizer = nn::Adam::default().build(pipeline.var_store(), 1e-3)?;
    let images = Tensor::rand([8, 1, 4, 4], (Kind::Float, Device::Cpu)).bernoulli();
    let mut mean = Aggregator::new();
    let before = booster::transfers::host_reads();
    for _ in 0..5 {
        mean.update(&training_step(&mut pipeline, &images, &mut optimizer)?)?;
    }
    assert_eq!(booster::transfers::host_reads(), before);
    let summary = mean.summary()?;
    assert_eq!(summary.loss.kl_per_layer.shape, [1]);
    assert!((summary.loss.kl_per_layer.data[0] - summary.loss.kl).abs() < 1e-5 * summary.loss.kl);
    Ok(())
}

#[test]
fn the_seed_decides_every_draw() -> Outcome {
    let _turn = generator();
    let mut pipeline = Gaussian::prior().pipeline(VariationalInference::new());
    let mut draws = |seed| -> booster::Result<Tensor> {
        manual_seed(seed);
        Ok(pipeline.evaluate(&observed(6), Mode::Eval)?.2.latents.remove(0))
    };
    assert_eq!(draws(1)?, draws(1)?);
    assert_ne!(draws(1)?, draws(2)?);
    Ok(())
}
