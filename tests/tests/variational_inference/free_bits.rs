//! Free bits.

use booster::evaluation::{FreeBits, VariationalInference};
use booster::prelude::*;
use booster::tch::{Kind, Tensor};
use booster_tests::{generator, relative_difference};

use super::Outcome;
use super::gaussian::{Gaussian, observed};

/// A posterior `N(x, 1)`, whose divergence is `x^2 / 2`: half of the samples have none, the others 2.
fn unequal() -> (Gaussian, Tensor) {
    (Gaussian::new(1.0, 0.0), Tensor::from_slice(&[0.0, 2.0, 0.0, 2.0]).unsqueeze(1))
}

/// The divergence in the loss, and the gradient of the whole loss.
fn charged(free_bits: FreeBits, beta: f64) -> Result<(f64, f64), Box<dyn std::error::Error>> {
    let (model, x) = unequal();
    let slope = model.slope.shallow_clone();
    let evaluator = VariationalInference::new().with_free_bits(free_bits).with_beta(beta);
    let (loss, diagnostics, _) = model.pipeline(evaluator).evaluate(&x, Mode::Train)?;
    assert_eq!(diagnostics.kl.mean(Kind::Double).double_value(&[]), 1.0, "diagnostics are not clamped");
    let charged = (loss.tensor().double_value(&[]) - diagnostics.nll.mean(Kind::Double).double_value(&[])) / beta;
    let gradient = Tensor::run_backward(&[loss.tensor()], &[&slope], false, false);
    Ok((charged, gradient[0].double_value(&[])))
}

#[test]
fn free_bits_clamp_the_mean_of_the_batch_unless_told_otherwise() -> Outcome {
    let _turn = generator();
    let close = |found: f64, expected: f64| assert!((found - expected).abs() < 1e-12, "{found} {expected}");
    for beta in [1.0, 0.5] {
        // The batch mean, 1, is above a budget of 0.8, and the samples without divergence are below it.
        close(charged(FreeBits::new(0.8), beta)?.0, 1.0);
        close(charged(FreeBits::new(0.8).per_sample(), beta)?.0, 1.4);
        close(charged(FreeBits::new(1.5), beta)?.0, 1.5);
        close(charged(FreeBits::new(1.5).per_sample(), beta)?.0, 1.75);
    }
    Ok(())
}

#[test]
fn below_its_budget_a_divergence_has_no_gradient() -> Outcome {
    let _turn = generator();
    // Uses the same draws each time, so the rest of the gradient is the likelihood's with weight 1.
    let gradient = |free_bits, beta| {
        booster::tch::manual_seed(2);
        charged(free_bits, beta).map(|(_, gradient)| gradient)
    };
    let likelihood = gradient(FreeBits::new(3.0), 1.0)?;
    assert!((gradient(FreeBits::new(3.0), 100.0)? - likelihood).abs() < 1e-12);
    assert!((gradient(FreeBits::new(3.0).per_sample(), 100.0)? - likelihood).abs() < 1e-12);
    // d/ds of the mean of (s x)^2 / 2 at s = 1.
    assert!((gradient(FreeBits::new(0.5), 1.0)? - likelihood - 2.0).abs() < 1e-12);
    assert!((gradient(FreeBits::none(), 1.0)? - likelihood - 2.0).abs() < 1e-12);
    Ok(())
}

#[test]
fn no_free_bits_are_the_default_and_change_nothing() -> Outcome {
    let _turn = generator();
    let evaluator = VariationalInference::<Gaussian>::new();
    assert_eq!(evaluator.free_bits, FreeBits::none());
    for free_bits in [FreeBits::none(), FreeBits::none().per_sample(), FreeBits::none().per_dimension()] {
        let evaluator = evaluator.clone().with_free_bits(free_bits);
        let (loss, diagnostics, _) = Gaussian::exact().pipeline(evaluator).evaluate(&observed(5), Mode::Train)?;
        assert!(relative_difference(loss.tensor(), &-diagnostics.elbo.mean(Kind::Double)) < 1e-12);
    }
    Ok(())
}

#[test]
fn batch_mean_free_bits_act_on_each_shard_by_itself() -> Outcome {
    let _turn = generator();
    let (_, x) = unequal();
    let sorted = x.sort(0, false).0;
    let free_bits = FreeBits::new(1.0);
    let of = |x: &Tensor| -> Result<f64, Box<dyn std::error::Error>> {
        let evaluator = VariationalInference::new().with_free_bits(free_bits);
        let (loss, diagnostics, _) = unequal().0.pipeline(evaluator).evaluate(x, Mode::Train)?;
        Ok((loss.tensor() - diagnostics.nll.mean(Kind::Double)).double_value(&[]))
    };
    let shards = sorted.shards(2)?;
    let of_shards = 0.5 * of(&shards[0])? + 0.5 * of(&shards[1])?;
    // Divergences 0, 0 | 2, 2: whole max(1, 1), in shards the mean of max(1, 0) and max(1, 2).
    assert!((of(&sorted)? - 1.0).abs() < 1e-12 && (of_shards - 1.5).abs() < 1e-12, "{of_shards}");
    Ok(())
}
