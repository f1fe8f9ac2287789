//! Comparison with PyTorch, by figures from `python/variational_inference.py`.

use booster::Batch;
use booster::distributions::{Bernoulli, Distribution, KlDivergence, Normal, Reparameterized};
use booster::evaluation::{
    FreeBits, LatentVariableModel, Latents, VariationalInference, effective_sample_size, importance_weighted_bound,
};
use booster::prelude::*;
use booster::tch::{Device, Kind, Tensor, nn};
use booster_tests::Figures;

use super::Outcome;

/// A normal distribution whose draws are computed from given noise.
#[derive(Batch)]
struct WithNoise {
    normal: Normal,
    noise: Tensor,
}

impl Distribution for WithNoise {
    fn batch_shape(&self) -> Vec<i64> {
        self.normal.batch_shape()
    }

    fn sample(&self, _: &[i64]) -> booster::Result<Tensor> {
        Ok(self.rsample(&[])?.detach())
    }

    fn log_prob(&self, value: &Tensor) -> booster::Result<Tensor> {
        self.normal.log_prob(value)
    }

    fn entropy(&self) -> booster::Result<Tensor> {
        self.normal.entropy()
    }

    fn mean(&self) -> booster::Result<Tensor> {
        self.normal.mean()
    }
}

impl Reparameterized for WithNoise {
    fn rsample(&self, _: &[i64]) -> booster::Result<Tensor> {
        Ok(self.normal.loc() + self.normal.scale()? * &self.noise)
    }
}

impl KlDivergence<Normal> for WithNoise {
    fn kl_divergence(&self, other: &Normal) -> booster::Result<Tensor> {
        self.normal.kl_divergence(other)
    }
}

/// The two-layer model of the figures.
struct Ladder {
    weights: Vec<Tensor>,
    upper_noise: Tensor,
    lower_noise: Tensor,
}

const WEIGHTS: [&str; 4] = ["to_upper", "to_lower", "upper_to_lower", "to_observed"];

impl Ladder {
    fn of(figures: &Figures, kind: Kind) -> Self {
        let noise = |layer| figures.at("noise").at(layer).tensor(kind);
        let weight = |name| figures.at("weights").at(name).tensor(kind).set_requires_grad(true);
        Self { weights: WEIGHTS.map(weight).into(), upper_noise: noise("upper"), lower_noise: noise("lower") }
    }
}

fn normal(parameters: &Tensor) -> booster::Result<Normal> {
    let halves = parameters.chunk(2, 1);
    Normal::new(&halves[0], &halves[1])
}

impl LatentVariableModel for Ladder {
    type Batch = Tensor;
    type Likelihood = Bernoulli;
    type Auxiliary = ();

    fn infer(&self, x: &Tensor, latents: &mut Latents, _: Mode) -> booster::Result<(Bernoulli, ())> {
        let x = latents.repeat(x)?;
        let with_noise = |parameters: &Tensor, noise: &Tensor| -> booster::Result<WithNoise> {
            Ok(WithNoise { normal: normal(parameters)?, noise: noise.narrow(0, 0, parameters.size()[0]) })
        };
        let q_upper = with_noise(&x.matmul(&self.weights[0]), &self.upper_noise)?;
        // One prior for all rows.
        let zeros = Tensor::zeros([1, 2], (x.kind(), Device::Cpu));
        let upper = latents.sample(&q_upper, &Normal::new(&zeros, &zeros)?)?;
        let q_lower = with_noise(&Tensor::cat(&[&x, &upper], 1).matmul(&self.weights[1]), &self.lower_noise)?;
        let lower = latents.sample(&q_lower, &normal(&upper.matmul(&self.weights[2]))?)?;
        Ok((Bernoulli::from_logits(&lower.matmul(&self.weights[3]))?, ()))
    }
}

fn evaluator_of(case: &Figures) -> VariationalInference<Ladder> {
    let number = |name: &str| case.at(name).numbers()[0];
    let mut free_bits = FreeBits::new(number("nats"));
    if number("per_sample") == 1.0 {
        free_bits = free_bits.per_sample();
    }
    if number("per_dimension") == 1.0 {
        free_bits = free_bits.per_dimension();
    }
    VariationalInference::new()
        .with_beta(number("beta"))
        .with_free_bits(free_bits)
        .with_importance_samples(number("importance_samples") as i64)
        .with_sticking_the_landing(number("sticking_the_landing") == 1.0)
}

#[test]
fn losses_gradients_and_diagnostics_agree_with_pytorch() -> Outcome {
    let figures = Figures::read("variational_inference")?;
    for (kind, tolerance) in [(Kind::Float, [1e-5, 1e-5]), (Kind::Double, [1e-10, 1e-12])] {
        let observed = figures.at("observed").tensor(kind);
        for name in figures.at("cases").names() {
            let case = figures.at("cases").at(&name);
            let agrees = |found: &Tensor, figure: &str| {
                case.at(figure).assert_close(found, tolerance, &format!("{name}, {kind:?}: {figure}"));
            };
            let evaluator = evaluator_of(&case);
            let several = evaluator.importance_samples > 1;
            let model = Ladder::of(&figures, kind);
            let weights = model.weights.iter().map(Tensor::shallow_clone).collect::<Vec<_>>();
            let mut pipeline = Pipeline::new(nn::VarStore::new(Device::Cpu), model, evaluator);
            let (loss, diagnostics, _) = pipeline.evaluate(&observed, Mode::Train)?;
            agrees(loss.tensor(), "loss");
            let gradients = Tensor::run_backward(&[loss.tensor()], &weights.iter().collect::<Vec<_>>(), false, false);
            for (weight, gradient) in WEIGHTS.into_iter().zip(&gradients) {
                let what = format!("{name}, {kind:?}: gradient of {weight}");
                case.at("gradient").at(weight).assert_close(gradient, tolerance, &what);
            }
            agrees(&diagnostics.elbo, "elbo");
            agrees(&diagnostics.nll, "nll");
            agrees(&diagnostics.kl, "kl");
            agrees(&diagnostics.kl_per_layer, "kl_per_layer");
            agrees(&diagnostics.bits_per_dimension, "bits_per_dimension");
            assert_eq!(
                (diagnostics.iw_bound.is_some(), diagnostics.effective_sample_size.is_some()),
                (several, several)
            );
            if let (Some(bound), Some(size)) = (&diagnostics.iw_bound, &diagnostics.effective_sample_size) {
                agrees(bound, "iw_bound");
                agrees(size, "effective_sample_size");
            }
        }
    }
    Ok(())
}

#[test]
fn bounds_and_sample_sizes_of_extreme_weights_agree_with_pytorch() -> Outcome {
    let figures = Figures::read("variational_inference")?.at("log_weights");
    for (kind, tolerance) in [(Kind::Float, 1e-5), (Kind::Double, 1e-12)] {
        let log_weights = figures.at("given").tensor(kind);
        let bound = importance_weighted_bound(&log_weights)?;
        figures.at("iw_bound").assert_close(&bound, [tolerance, 0.0], "iw_bound");
        let size = effective_sample_size(&log_weights)?;
        figures.at("effective_sample_size").assert_close(&size, [tolerance, 0.0], "effective_sample_size");
    }
    Ok(())
}
