//! Stochastic layers: rows, priors, outputs and errors.

use booster::distributions::{Bernoulli, Distribution, Independent, Normal};
use booster::evaluation::{LatentVariableModel, Latents, VariationalInference};
use booster::prelude::*;
use booster::tch::{Device, Kind, Tensor, nn};
use booster_tests::{generator, relative_difference};

use super::Outcome;

const DOUBLES: (Kind, Device) = (Kind::Double, Device::Cpu);

/// A normal distribution that draws its mean, to 1e-30.
fn at(loc: &Tensor) -> booster::Result<Normal> {
    Normal::new(loc, &Tensor::full([1], -69.0, DOUBLES))
}

#[test]
fn the_draws_of_a_sample_lie_together() -> Outcome {
    let _turn = generator();
    let mut latents = Latents::new(3, 4)?;
    let loc = Tensor::arange(6, DOUBLES).reshape([3, 2]);
    let posterior = at(&loc)?;
    let first = latents.sample(&posterior, &posterior.standard()?)?;
    let expected = loc.unsqueeze(1).expand([3, 4, 2], false).reshape([12, 2]);
    assert!(relative_difference(&first, &expected) < 1e-12);
    assert_eq!(latents.repeat(&loc)?, expected);
    // A posterior that has a row for each draw already is taken as it is, and keeps its order.
    let rows = Tensor::arange(12, DOUBLES).reshape([12, 1]);
    let second = at(&rows)?;
    assert!(relative_difference(&latents.sample(&second, &second.standard()?)?, &rows) < 1e-12);
    Ok(())
}

/// Two layers: the posterior of the second is of the batch, its prior of the first layer's draws.
struct Conditional;

impl LatentVariableModel for Conditional {
    type Batch = Tensor;
    type Likelihood = Independent<Normal, 1>;
    type Auxiliary = ();

    fn infer(&self, x: &Tensor, latents: &mut Latents, _: Mode) -> booster::Result<(Self::Likelihood, ())> {
        let zeros = Tensor::zeros([1], DOUBLES);
        let upper = latents.sample(&at(&(x * 2.0))?, &Normal::new(&zeros, &zeros)?)?;
        let posterior = Independent::<_, 1>::new(at(&(x * 3.0))?)?;
        let prior = Independent::new(Normal::new(&upper, &zeros)?)?;
        let lower = latents.sample(&posterior, &prior)?;
        Ok((Independent::new(Normal::new(&(&upper + &lower), &zeros)?)?, ()))
    }
}

#[test]
fn layers_with_priors_of_their_own_are_measured_apart() -> Outcome {
    let _turn = generator();
    let x = Tensor::arange(6, DOUBLES).reshape([3, 2]);
    let square = |tensor: Tensor| tensor.square().sum_dim_intlist(&[1i64][..], false, Kind::Double);
    // Of a very narrow posterior at `m`, the divergence from `N(p, 1)` is (m - p)^2 / 2 and a constant a dimension.
    let constant = 2.0 * (69.0 - 0.5);
    let upper = square(&x * 2.0) * 0.5 + constant;
    let lower = square(&x * 1.0) * 0.5 + constant;
    for importance_samples in [1, 4] {
        let evaluator = VariationalInference::new().with_importance_samples(importance_samples);
        let mut pipeline = Pipeline::new(nn::VarStore::new(Device::Cpu), Conditional, evaluator);
        let (_, diagnostics, output) = pipeline.evaluate(&x, Mode::Eval)?;
        let expected = Tensor::stack(&[&upper, &lower], 1);
        assert!(relative_difference(&diagnostics.kl_per_layer, &expected) < 1e-12);
        assert!(relative_difference(&diagnostics.kl, &(&upper + &lower)) < 1e-12);
        let nll = square(&x * 4.0) * 0.5 + (2.0 * std::f64::consts::PI).ln();
        assert!(relative_difference(&diagnostics.nll, &nll) < 1e-12);

        assert_eq!(output.batch_size()?, Some(3));
        assert_eq!(output.latents.len(), 2);
        for (latent, factor) in output.latents.iter().zip([2.0, 3.0]) {
            let expected = (&x * factor).unsqueeze(1).expand([3, importance_samples, 2], false);
            assert!(relative_difference(latent, &expected) < 1e-12);
        }
        assert!(relative_difference(&output.reconstruction.mean()?, &(&x * 5.0)) < 1e-12);
    }
    Ok(())
}

/// A model with an estimated divergence.
struct Estimated;

impl LatentVariableModel for Estimated {
    type Batch = Tensor;
    type Likelihood = Normal;
    type Auxiliary = ();

    fn infer(&self, x: &Tensor, latents: &mut Latents, _: Mode) -> booster::Result<(Normal, ())> {
        let posterior = Normal::new(x, &Tensor::from_slice(&[-0.5]))?;
        let z = latents.sample_with_estimated_kl(&posterior, &posterior.standard()?)?;
        Ok((Normal::new(&z, &z.zeros_like())?, ()))
    }
}

#[test]
fn an_estimated_divergence_is_right_on_average() -> Outcome {
    let _turn = generator();
    booster::tch::manual_seed(8);
    let x = Tensor::full([100_000, 1], 1.5, DOUBLES);
    let mut pipeline = Pipeline::new(nn::VarStore::new(Device::Cpu), Estimated, VariationalInference::new());
    let (_, diagnostics, _) = pipeline.evaluate(&x, Mode::Eval)?;
    let (mean, std) = (diagnostics.kl.mean(Kind::Double).double_value(&[]), diagnostics.kl.std(true).double_value(&[]));
    let expected = 0.5 * ((-1.0f64).exp() + 1.5f64.powi(2) - 1.0) + 0.5;
    // Five standard errors: a correct estimate fails once in a million runs.
    assert!((mean - expected).abs() < 5.0 * std / 100_000f64.sqrt(), "{mean} {expected}");
    assert!(std > 0.1, "an estimate, not the closed form");
    Ok(())
}

/// A model whose likelihood is of values of a shape that is given, and that draws no latents.
struct Shaped(Vec<i64>, bool);

impl LatentVariableModel for Shaped {
    type Batch = Tensor;
    type Likelihood = Bernoulli;
    type Auxiliary = ();

    fn infer(&self, x: &Tensor, latents: &mut Latents, _: Mode) -> booster::Result<(Bernoulli, ())> {
        if self.1 {
            let posterior = at(x)?;
            let _ = latents.sample(&posterior, &posterior.standard()?)?;
        }
        Ok((Bernoulli::from_logits(&Tensor::zeros(&self.0[..], DOUBLES))?, ()))
    }
}

fn refused(model: Shaped, importance_samples: i64) -> String {
    let evaluator = VariationalInference::new().with_importance_samples(importance_samples);
    let mut pipeline = Pipeline::new(nn::VarStore::new(Device::Cpu), model, evaluator);
    let evaluated = pipeline.evaluate(&Tensor::zeros([3, 2], DOUBLES), Mode::Eval);
    evaluated.err().map(|error| error.to_string()).unwrap_or_default()
}

#[test]
fn a_likelihood_of_another_shape_is_refused_even_where_it_would_broadcast() {
    for shape in [&[3, 1][..], &[3], &[1, 2], &[3, 2, 1]] {
        let expected = format!(
            "variational_inference: expected a likelihood of values of shape [3, 2], that of the data repeated for each \
             draw, found a likelihood of values of shape {shape:?}"
        );
        assert_eq!(refused(Shaped(shape.into(), true), 1), expected);
    }
    assert_eq!(refused(Shaped(vec![3, 2], true), 1), "");
    assert_eq!(refused(Shaped(vec![12, 2], true), 4), "");
    assert!(refused(Shaped(vec![3, 2], true), 4).contains("values of shape [12, 2]"));
}

#[test]
fn a_model_has_to_draw_its_latents() {
    let expected = "variational_inference: expected a model that draws its latent variables from `latents`, \
                    found a model without draws";
    assert_eq!(refused(Shaped(vec![3, 2], false), 1), expected);
}

#[test]
fn a_posterior_or_prior_of_other_rows_is_refused() -> Outcome {
    let mut latents = Latents::new(3, 2)?;
    let normal = |rows: i64| at(&Tensor::zeros([rows, 2], DOUBLES));
    let error = latents.sample(&normal(4)?, &normal(1)?).err().map(|error| error.to_string());
    let expected = "Latents::sample: expected a row for each sample or each importance sample \
                    (layer 0, 3 samples, 2 importance samples of each), found a posterior of batch shape [4, 2]";
    assert_eq!(error.as_deref(), Some(expected));
    assert!(latents.sample(&normal(3)?, &normal(4)?).is_err());
    let wide = at(&Tensor::zeros([5, 6, 2], DOUBLES))?;
    let error = latents.sample(&normal(3)?, &wide).err().map(|error| error.to_string());
    assert!(error.is_some_and(|error| error.contains("expected a prior that broadcasts to it")));
    Ok(())
}
