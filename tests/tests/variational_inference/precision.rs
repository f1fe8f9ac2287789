//! Half-precision models are measured in single precision.

use booster::Batch;
use booster::distributions::{Bernoulli, Distribution, KlDivergence, Normal, Reparameterized};
use booster::evaluation::{
    FreeBits, LatentVariableModel, Latents, VariationalInference, effective_sample_size, importance_weighted_bound,
};
use booster::models::{SimpleVae, SimpleVaeConfig};
use booster::prelude::*;
use booster::tch::{Device, Kind, Tensor, manual_seed, nn};
use booster_tests::{generator, relative_difference};

use super::Outcome;

#[test]
fn half_precision_keeps_losses_and_bounds_apart_as_single_precision_does() -> Outcome {
    let _turn = generator();
    let images = Tensor::rand([16, 1, 28, 28], (Kind::Float, Device::Cpu)).bernoulli();
    for importance_samples in [1, 20] {
        let mut losses = Vec::new();
        for kind in [Kind::Float, Kind::BFloat16, Kind::Half] {
            manual_seed(1);
            let config = SimpleVaeConfig { hidden: vec![32], latent: 4 };
            let vae = |path: &nn::Path<'_>| SimpleVae::<Bernoulli>::new(path, &[1, 28, 28], &config);
            let evaluator = VariationalInference::new()
                .with_importance_samples(importance_samples)
                .with_free_bits(FreeBits::new(0.5).per_sample());
            let mut pipeline = Pipeline::build(Device::Cpu, vae, evaluator);
            pipeline.var_store_mut().set_kind(kind);
            manual_seed(2);
            let (loss, diagnostics, output) = pipeline.evaluate(&images, Mode::Train)?;
            assert_eq!((loss.tensor().kind(), output.latents[0].kind()), (Kind::Float, kind));
            for measured in [&diagnostics.elbo, &diagnostics.nll, &diagnostics.kl, &diagnostics.kl_per_layer] {
                assert_eq!(measured.kind(), Kind::Float);
            }
            if let (Some(bound), Some(size)) = (&diagnostics.iw_bound, &diagnostics.effective_sample_size) {
                assert_eq!((bound.kind(), size.kind()), (Kind::Float, Kind::Float));
                let mut bounds = Vec::<f64>::try_from(bound)?;
                bounds.sort_by(f64::total_cmp);
                bounds.dedup();
                assert_eq!(bounds.len(), 16, "in half precision most are the same");
            }
            loss.backward()?;
            losses.push(loss.tensor().double_value(&[]));
        }
        let [single, bfloat, half] = losses[..] else { return Err("three".into()) };
        // The weights and layers are rounded, to 8 and 11 bits.
        assert!((bfloat / single - 1.0).abs() < 1e-2 && (half / single - 1.0).abs() < 1e-3, "{losses:?}");
    }
    Ok(())
}

/// A user-defined distribution that computes in the kind of its parameters.
#[derive(Batch)]
struct InItsKind(Normal);

impl Distribution for InItsKind {
    fn batch_shape(&self) -> Vec<i64> {
        self.0.batch_shape()
    }

    fn sample(&self, sample_shape: &[i64]) -> booster::Result<Tensor> {
        self.0.sample(sample_shape)
    }

    fn log_prob(&self, value: &Tensor) -> booster::Result<Tensor> {
        Ok(self.0.log_prob(value)?.to_kind(self.0.loc().kind()))
    }

    fn entropy(&self) -> booster::Result<Tensor> {
        Ok(self.0.entropy()?.to_kind(self.0.loc().kind()))
    }

    fn mean(&self) -> booster::Result<Tensor> {
        self.0.mean()
    }
}

impl Reparameterized for InItsKind {
    fn rsample(&self, sample_shape: &[i64]) -> booster::Result<Tensor> {
        self.0.rsample(sample_shape)
    }
}

impl KlDivergence<Normal> for InItsKind {
    fn kl_divergence(&self, other: &Normal) -> booster::Result<Tensor> {
        Ok(self.0.kl_divergence(other)?.to_kind(self.0.loc().kind()))
    }
}

struct Wide;

impl LatentVariableModel for Wide {
    type Batch = Tensor;
    type Likelihood = InItsKind;
    type Auxiliary = ();

    fn infer(&self, x: &Tensor, latents: &mut Latents, _: Mode) -> booster::Result<(InItsKind, ())> {
        let zeros = x.zeros_like();
        let _ = latents.sample(&InItsKind(Normal::new(&x.ones_like(), &zeros)?), &Normal::new(&zeros, &zeros)?)?;
        Ok((InItsKind(Normal::new(&latents.repeat(&zeros)?, &latents.repeat(&zeros)?)?), ()))
    }
}

#[test]
fn sums_over_dimensions_are_in_single_precision_for_a_distribution_in_half() -> Outcome {
    let _turn = generator();
    for importance_samples in [1, 3] {
        let x = Tensor::ones([2, 300_001], (Kind::Half, Device::Cpu));
        let evaluator = VariationalInference::new().with_importance_samples(importance_samples);
        let mut pipeline = Pipeline::build(Device::Cpu, |_| Wide, evaluator);
        let (_, diagnostics, _) = pipeline.evaluate(&x, Mode::Eval)?;
        // 300,001 times 0.5, which half precision does not hold.
        assert_eq!(Vec::<f64>::try_from(&diagnostics.kl)?, [150_000.5; 2]);
        assert!(diagnostics.nll.isfinite().all().int64_value(&[]) == 1, "{}", diagnostics.nll);
    }
    Ok(())
}

#[test]
fn importance_weights_in_half_precision_are_compared_in_single_precision() -> Outcome {
    let given = Tensor::from_slice(&[-512.0f32, -516.0, -520.0, -512.0]).view([1, 4]);
    for kind in [Kind::BFloat16, Kind::Half] {
        let (bound, size) =
            (importance_weighted_bound(&given.to_kind(kind))?, effective_sample_size(&given.to_kind(kind))?);
        assert_eq!((bound.kind(), size.kind()), (Kind::Float, Kind::Float));
        assert!(relative_difference(&bound, &importance_weighted_bound(&given.to_kind(Kind::Double))?) < 1e-6);
        assert!(relative_difference(&size, &effective_sample_size(&given.to_kind(Kind::Double))?) < 1e-6);
    }
    assert_eq!(effective_sample_size(&given)?.kind(), Kind::Float, "no doubles where the weights are none");
    Ok(())
}

#[test]
fn what_is_no_matrix_of_weights_is_an_error() {
    let shapes: [&[i64]; 3] = [&[], &[3], &[3, 0]];
    let tensors = shapes.map(|shape| Tensor::zeros(shape, (Kind::Float, Device::Cpu)));
    for wrong in tensors.iter().chain([&Tensor::new(), &Tensor::from_slice(&[1i64]).view([1, 1])]) {
        for outcome in [importance_weighted_bound(wrong), effective_sample_size(wrong)] {
            assert!(matches!(outcome, Err(booster::Error::Mismatch { .. })), "{outcome:?}");
        }
    }
    assert!(Latents::new(i64::MAX, 2).is_err(), "more rows than can be counted");
    let undefined =
        Pipeline::build(Device::Cpu, |_| Wide, VariationalInference::new()).evaluate(&Tensor::new(), Mode::Eval);
    assert!(undefined.is_err());
}

#[test]
fn observed_numbers_need_no_dimension_of_their_own() -> Outcome {
    let _turn = generator();
    let config = SimpleVaeConfig { hidden: vec![8], latent: 2 };
    for importance_samples in [1, 3] {
        manual_seed(3);
        let vae = |path: &nn::Path<'_>| SimpleVae::<Normal>::new(path, &[], &config);
        let evaluator = || VariationalInference::new().with_importance_samples(importance_samples);
        let mut pipeline = Pipeline::build(Device::Cpu, vae, evaluator());
        manual_seed(3);
        let vae = |path: &nn::Path<'_>| SimpleVae::<Normal>::new(path, &[1], &config);
        let mut of_vectors = Pipeline::build(Device::Cpu, vae, evaluator());
        let observed = Tensor::randn([5], (Kind::Float, Device::Cpu));
        manual_seed(4);
        let (loss, _, output) = pipeline.evaluate(&observed, Mode::Train)?;
        manual_seed(4);
        let (expected, ..) = of_vectors.evaluate(&observed.unsqueeze(1), Mode::Train)?;
        assert_eq!(loss.tensor().double_value(&[]), expected.tensor().double_value(&[]));
        assert_eq!(output.reconstruction.batch_shape(), [5]);
        assert_eq!(pipeline.model().sample_from_prior(7)?.mean()?.size(), [7]);
        assert!(pipeline.evaluate(&observed.unsqueeze(1), Mode::Eval).is_err());
    }
    Ok(())
}
