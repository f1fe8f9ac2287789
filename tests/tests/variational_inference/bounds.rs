//! Bounds on a known log-likelihood.

use booster::evaluation::{VariationalInference, importance_weighted_bound};
use booster::prelude::*;
use booster::tch::{Device, Kind, Tensor, manual_seed};
use booster_tests::{generator, relative_difference};

use super::Outcome;
use super::gaussian::{Gaussian, log_evidence, observed};

#[test]
fn with_the_true_posterior_every_weight_is_the_likelihood() -> Outcome {
    let _turn = generator();
    let x = observed(9);
    let mut pipeline = Gaussian::exact().pipeline(VariationalInference::new().with_importance_samples(7));
    let (loss, diagnostics, _) = pipeline.evaluate(&x, Mode::Eval)?;
    let bound = diagnostics.iw_bound.ok_or("no bound")?;
    assert!(relative_difference(&bound, &log_evidence(&x)) < 1e-12);
    assert!(relative_difference(loss.tensor(), &-log_evidence(&x).mean(Kind::Double)) < 1e-12);
    let size = diagnostics.effective_sample_size.ok_or("no sample size")?;
    assert!(relative_difference(&size, &Tensor::full([9], 7.0, (Kind::Double, Device::Cpu))) < 1e-12);
    Ok(())
}

#[test]
fn with_one_sample_the_bound_is_the_elbo() -> Outcome {
    let _turn = generator();
    let log_weights = Tensor::randn([5, 1], (Kind::Double, Device::Cpu)).set_requires_grad(true);
    let bound = importance_weighted_bound(&log_weights)?;
    assert_eq!(bound, log_weights.squeeze_dim(1));
    let gradient = Tensor::run_backward(&[bound.sum(Kind::Double)], &[&log_weights], false, false);
    assert_eq!(gradient[0], Tensor::ones([5, 1], (Kind::Double, Device::Cpu)));

    let mut pipeline = Gaussian::prior().pipeline(VariationalInference::new());
    let (loss, diagnostics, _) = pipeline.evaluate(&observed(6), Mode::Eval)?;
    assert_eq!(*loss.tensor(), -diagnostics.elbo.mean(Kind::Double));
    assert!(diagnostics.iw_bound.is_none() && diagnostics.effective_sample_size.is_none());
    Ok(())
}

/// Returns the mean of a bound over many samples of one value, and its standard error.
fn mean_bound(importance_samples: i64) -> Result<[f64; 2], Box<dyn std::error::Error>> {
    const COUNT: i64 = 40_000;
    let x = Tensor::full([COUNT, 1], 1.5, (Kind::Double, Device::Cpu));
    let evaluator = VariationalInference::new().with_importance_samples(importance_samples);
    let (_, diagnostics, _) = Gaussian::prior().pipeline(evaluator).evaluate(&x, Mode::Eval)?;
    let bound = diagnostics.iw_bound.unwrap_or(diagnostics.elbo);
    let error = bound.std(true).double_value(&[]) / (COUNT as f64).sqrt();
    Ok([bound.mean(Kind::Double).double_value(&[]), error])
}

/// Differences are limited to 5 standard errors, so each comparison fails by chance less than once in a million runs.
#[test]
fn the_bound_rises_with_the_number_of_samples_towards_the_log_likelihood() -> Outcome {
    let _turn = generator();
    manual_seed(1);
    let x = Tensor::from_slice(&[1.5]).unsqueeze(1);
    let evidence = log_evidence(&x).double_value(&[0]);
    // The lower bound itself is known: E[ln p(x | z)] under the prior.
    let elbo = -0.5 * (2.0 * std::f64::consts::PI).ln() - 0.5 * (1.5f64.powi(2) + 1.0);
    let [mut last, mut last_error] = mean_bound(1)?;
    assert!((last - elbo).abs() < 5.0 * last_error, "{last} {elbo}");
    for importance_samples in [2, 5, 20, 100] {
        let [bound, error] = mean_bound(importance_samples)?;
        assert!(bound > last - 5.0 * (error.hypot(last_error)), "{importance_samples}: {bound} after {last}");
        assert!(bound < evidence + 5.0 * error, "{importance_samples}: {bound} above {evidence}");
        [last, last_error] = [bound, error];
    }
    assert!(evidence - last < 0.02, "{last} is far from {evidence}");
    assert!(evidence - elbo > 0.5, "the bounds have room to rise in");
    Ok(())
}

#[test]
fn the_elbo_has_the_closed_form_divergence() -> Outcome {
    let _turn = generator();
    let x = observed(9);
    let mut pipeline = Gaussian::exact().pipeline(VariationalInference::new());
    let (_, diagnostics, _) = pipeline.evaluate(&x, Mode::Eval)?;
    // KL(N(x / 2, 1 / 2) || N(0, 1)).
    let expected = (x.squeeze_dim(1).square() / 4.0 + 0.5 - 1.0 - 0.5f64.ln()) / 2.0;
    assert!(relative_difference(&diagnostics.kl, &expected) < 1e-12);
    Ok(())
}

#[test]
fn sticking_the_landing_has_no_noise_at_the_true_posterior() -> Outcome {
    let _turn = generator();
    for importance_samples in [1, 5] {
        for (sticks, silent) in [(true, true), (false, false)] {
            let evaluator = VariationalInference::new()
                .with_importance_samples(importance_samples)
                .with_sticking_the_landing(sticks);
            let model = Gaussian::exact();
            let parameters = [model.slope.shallow_clone(), model.log_scale.shallow_clone()];
            let (loss, ..) = model.pipeline(evaluator).evaluate(&observed(9), Mode::Train)?;
            let gradients = Tensor::run_backward(&[loss.tensor()], &parameters, false, false);
            let size = gradients.iter().map(|gradient| gradient.abs().double_value(&[])).fold(0.0, f64::max);
            assert_eq!(size < 1e-12, silent, "{importance_samples} {sticks}: {size}");
        }
    }
    Ok(())
}
