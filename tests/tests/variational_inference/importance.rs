//! Importance weights.

use booster::evaluation::{VariationalInference, effective_sample_size};
use booster::prelude::*;
use booster::tch::{Device, Kind, Tensor, manual_seed};
use booster_tests::{generator, relative_difference};

use super::Outcome;
use super::gaussian::{Gaussian, observed};

fn sizes(log_weights: &[f64]) -> booster::Result<Vec<f64>> {
    let rows = Tensor::from_slice(log_weights).view([-1, 4]);
    Ok(Vec::try_from(&effective_sample_size(&rows)?)?)
}

#[test]
fn equal_weights_are_worth_their_number_and_a_dominating_one_is_worth_one() -> Outcome {
    assert_eq!(sizes(&[0.0; 4])?, [4.0]);
    assert_eq!(sizes(&[-1e300; 4])?, [4.0]);
    assert_eq!(sizes(&[0.0, -1e4, -1e5, -1e300])?, [1.0]);
    assert_eq!(sizes(&[7.0, 7.0, -1e5, -1e5])?, [2.0]);
    Ok(())
}

#[test]
fn a_huge_divergence_makes_no_nan() -> Outcome {
    let (least, most) = (f64::NEG_INFINITY, f64::INFINITY);
    assert_eq!(sizes(&[least; 4])?, [4.0]);
    assert_eq!(sizes(&[least, least, 0.0, least, most, 0.0, least, most])?, [1.0, 2.0]);
    // In single precision, as of a divergence beyond what its exponential can hold.
    let huge = Tensor::from_slice(&[-3e38f32, -3e38, -3.2e38, -3e38]).view([1, 4]);
    assert_eq!(Vec::<f64>::try_from(&effective_sample_size(&huge)?)?, [3.0]);
    let _turn = generator();
    let evaluator = VariationalInference::new().with_importance_samples(5);
    let (_, diagnostics, _) = Gaussian::new(1e12, 0.0).pipeline(evaluator).evaluate(&observed(4), Mode::Eval)?;
    let size = diagnostics.effective_sample_size.ok_or("no sample size")?;
    assert_eq!(size.isfinite().all().int64_value(&[]), 1, "{size}");
    Ok(())
}

#[test]
fn the_effective_sample_size_has_the_likelihood_in_it() -> Outcome {
    let _turn = generator();
    manual_seed(4);
    // Posterior and prior are the same: without the likelihood all draws would weigh alike.
    let x = Tensor::full([2000, 1], 2.0, (Kind::Double, Device::Cpu));
    let evaluator = VariationalInference::new().with_importance_samples(100);
    let (_, diagnostics, _) = Gaussian::prior().pipeline(evaluator).evaluate(&x, Mode::Eval)?;
    let size = diagnostics.effective_sample_size.ok_or("no sample size")?.mean(Kind::Double).double_value(&[]);
    // K E[w]^2 / E[w^2] with E[w] = N(2; 0, 2), E[w^2] = N(2; 0, 3 / 2) / sqrt(4 pi), to 10 % at 100 draws.
    let density = |variance: f64| (-2.0 / variance).exp() / (2.0 * std::f64::consts::PI * variance).sqrt();
    let expected = 100.0 * density(2.0).powi(2) / (density(1.5) / (4.0 * std::f64::consts::PI).sqrt());
    assert!((size / expected - 1.0).abs() < 0.1, "{size} {expected}");
    Ok(())
}

#[test]
fn with_several_samples_the_loss_is_the_importance_weighted_bound() -> Outcome {
    let _turn = generator();
    for importance_samples in [2, 10] {
        let evaluator = VariationalInference::new().with_importance_samples(importance_samples);
        let (loss, diagnostics, _) = Gaussian::prior().pipeline(evaluator).evaluate(&observed(6), Mode::Train)?;
        let bound = diagnostics.iw_bound.ok_or("no bound")?;
        assert!(relative_difference(loss.tensor(), &-bound.mean(Kind::Double)) < 1e-12);
        assert!((&bound - &diagnostics.elbo).abs().min().double_value(&[]) > 1e-6, "that is not the elbo");
    }
    Ok(())
}

#[test]
fn nll_and_kl_add_up_to_minus_elbo_whatever_the_parameters() -> Outcome {
    let _turn = generator();
    for importance_samples in [1, 2, 9] {
        for beta in [0.0, 0.3, 4.0] {
            for free_bits in [0.0, 2.0] {
                let evaluator = VariationalInference::new()
                    .with_importance_samples(importance_samples)
                    .with_beta(beta)
                    .with_free_bits(booster::evaluation::FreeBits::new(free_bits));
                let (_, diagnostics, _) = Gaussian::exact().pipeline(evaluator).evaluate(&observed(6), Mode::Train)?;
                assert_eq!(diagnostics.elbo, -(&diagnostics.nll + &diagnostics.kl));
                assert_eq!(diagnostics.elbo.size(), [6]);
            }
        }
    }
    Ok(())
}

#[test]
fn the_reconstruction_is_that_of_the_first_draw() -> Outcome {
    let _turn = generator();
    let evaluator = VariationalInference::new().with_importance_samples(3);
    let (.., output) = Gaussian::prior().pipeline(evaluator).evaluate(&observed(4), Mode::Eval)?;
    let draws = &output.latents[0];
    assert_eq!(draws.size(), [4, 3, 1]);
    assert_eq!(output.reconstruction.loc(), &draws.select(1, 0));
    assert_ne!(output.reconstruction.loc(), &draws.select(1, 2));
    Ok(())
}

#[test]
fn importance_samples_are_at_least_one() {
    for importance_samples in [0, -3] {
        let evaluator = VariationalInference::new().with_importance_samples(importance_samples);
        let error = Gaussian::prior().pipeline(evaluator).evaluate(&observed(2), Mode::Eval).err();
        let expected = format!(
            "Latents: expected at least 1 sample and 1 importance sample, \
             found 2 samples and {importance_samples} importance samples"
        );
        assert_eq!(error.map(|error| error.to_string()), Some(expected));
    }
}
