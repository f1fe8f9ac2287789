//! Distributions against PyTorch's (figures from `python/distributions.py`), and laws of all distributions.

use booster::Batch;
use booster::distributions::{
    Bernoulli, Categorical, Distribution, Independent, KlDivergence, Laplace, Likelihood, Normal, Reparameterized,
};
use booster::tch::{Device, Kind, Tensor};
use booster_tests::{Figures, generator, relative_difference};

type Outcome = Result<(), Box<dyn std::error::Error>>;

/// Single and double precision, each with its relative and absolute tolerance.
const PRECISIONS: [(Kind, [f64; 2]); 2] = [(Kind::Float, [1e-5, 1e-6]), (Kind::Double, [1e-9, 1e-14])];

/// A parameter that requires a gradient.
fn leaf(figures: &Figures, name: &str, kind: Kind) -> Tensor {
    figures.at(name).tensor(kind).set_requires_grad(true)
}

/// Compares a result with its figure, and the gradients of its sum.
fn agrees(figures: &Figures, result: &Tensor, parameters: &[(&str, &Tensor)], tolerance: [f64; 2], what: &str) {
    figures.at("value").assert_close(result, tolerance, what);
    let leaves = parameters.iter().map(|&(_, leaf)| leaf).collect::<Vec<_>>();
    let gradients = Tensor::run_backward(&[result.sum(result.kind())], &leaves, true, false);
    for (gradient, (name, _)) in gradients.iter().zip(parameters) {
        figures.at("gradient").at(name).assert_close(gradient, tolerance, &format!("{what}, gradient of {name}"));
    }
}

fn location_scale_agrees<D>(name: &str, new: fn(&Tensor, &Tensor) -> booster::Result<D>) -> Outcome
where
    D: KlDivergence,
{
    let figures = Figures::read("distributions")?.at(name);
    for (kind, tolerance) in PRECISIONS {
        let [loc, log_scale, value, other_loc, other_log_scale] =
            ["loc", "log_scale", "value", "other_loc", "other_log_scale"].map(|name| leaf(&figures, name, kind));
        let own = [("loc", &loc), ("log_scale", &log_scale)];
        let others = [("other_loc", &other_loc), ("other_log_scale", &other_log_scale)];
        let distribution = new(&loc, &log_scale)?;
        let other = new(&other_loc, &other_log_scale)?;
        let log_prob = distribution.log_prob(&value)?;
        agrees(&figures.at("log_prob"), &log_prob, &[own[0], own[1], ("value", &value)], tolerance, "log_prob");
        // The entropy does not depend on the location.
        agrees(&figures.at("entropy"), &distribution.entropy()?, &own[1..], tolerance, "entropy");
        let kl = distribution.kl_divergence(&other)?;
        agrees(&figures.at("kl"), &kl, &[own, others].concat(), tolerance, "kl");
    }
    Ok(())
}

#[test]
fn normal_agrees_with_pytorch() -> Outcome {
    location_scale_agrees("normal", Normal::new)
}

#[test]
fn laplace_agrees_with_pytorch() -> Outcome {
    location_scale_agrees("laplace", Laplace::new)
}

#[test]
fn bernoulli_agrees_with_pytorch_for_extreme_logits() -> Outcome {
    let figures = Figures::read("distributions")?.at("bernoulli");
    for (kind, tolerance) in PRECISIONS {
        let [logits, other_logits] = ["logits", "other_logits"].map(|name| leaf(&figures, name, kind));
        let (one, other) = (Bernoulli::from_logits(&logits)?, Bernoulli::from_logits(&other_logits)?);
        let log_prob = one.log_prob(&figures.at("value").tensor(kind))?;
        agrees(&figures.at("log_prob"), &log_prob, &[("logits", &logits)], tolerance, "log_prob");
        agrees(&figures.at("entropy"), &one.entropy()?, &[("logits", &logits)], tolerance, "entropy");
        let parameters = [("logits", &logits), ("other_logits", &other_logits)];
        agrees(&figures.at("kl"), &one.kl_divergence(&other)?, &parameters, tolerance, "kl");
    }
    Ok(())
}

#[test]
fn categorical_agrees_with_pytorch_for_extreme_logits() -> Outcome {
    let figures = Figures::read("distributions")?.at("categorical");
    for (kind, tolerance) in PRECISIONS {
        let [logits, other_logits] = ["logits", "other_logits"].map(|name| leaf(&figures, name, kind));
        let (one, other) = (Categorical::from_logits(&logits)?, Categorical::from_logits(&other_logits)?);
        let log_prob = one.log_prob(&figures.at("value").tensor(Kind::Int64))?;
        agrees(&figures.at("log_prob"), &log_prob, &[("logits", &logits)], tolerance, "log_prob");
        agrees(&figures.at("entropy"), &one.entropy()?, &[("logits", &logits)], tolerance, "entropy");
        let parameters = [("logits", &logits), ("other_logits", &other_logits)];
        agrees(&figures.at("kl"), &one.kl_divergence(&other)?, &parameters, tolerance, "kl");
    }
    Ok(())
}

/// A million draws with location 2 and scale 3 have these moments within five standard errors, so a correct sampler
/// fails once in a million runs.
fn moments_are(distribution: &impl Reparameterized, variance: f64, kurtosis: f64) -> Outcome {
    let count = 1_000_000;
    let draws = distribution.rsample(&[count])?;
    assert_eq!(draws.size(), [count, 1]);
    let mean = draws.mean(Kind::Double).double_value(&[]);
    let found = draws.to_kind(Kind::Double).var(true).double_value(&[]);
    let error = 5.0 / (count as f64).sqrt();
    assert!((mean - 2.0).abs() < error * variance.sqrt(), "mean {mean}");
    assert!((found - variance).abs() < error * variance * (kurtosis - 1.0).sqrt(), "variance {found}");
    Ok(())
}

fn two_and_three() -> (Tensor, Tensor) {
    (Tensor::from_slice(&[2.0f64]), Tensor::from_slice(&[3.0f64.ln()]))
}

#[test]
fn draws_have_the_moments_of_their_distribution() -> Outcome {
    let _turn = generator();
    booster::tch::manual_seed(5);
    let (loc, log_scale) = two_and_three();
    moments_are(&Normal::new(&loc, &log_scale)?, 9.0, 3.0)?;
    moments_are(&Laplace::new(&loc, &log_scale)?, 18.0, 6.0)
}

#[test]
fn classes_and_ones_come_as_often_as_they_should() -> Outcome {
    let _turn = generator();
    booster::tch::manual_seed(6);
    let count = 1_000_000;
    let probabilities = Tensor::from_slice(&[0.125f64, 0.5, 0.0, 0.375]);
    let categorical = Categorical::from_logits(&probabilities.log().expand([2, 4], false))?;
    let draws = categorical.sample(&[count])?;
    assert_eq!((draws.size(), draws.kind()), (vec![count, 2], Kind::Int64));
    for column in 0..2 {
        let frequencies = draws.select(1, column).bincount::<Tensor>(None, 4).to_kind(Kind::Double) / count as f64;
        // Five standard errors of a frequency.
        assert!((&frequencies - &probabilities).abs().max().double_value(&[]) < 2.5e-3, "{frequencies}");
        assert_eq!(frequencies.double_value(&[2]), 0.0);
    }
    let ones = Bernoulli::from_logits(&probabilities.logit(None))?.sample(&[count])?;
    let frequencies = ones.mean_dim(&[0i64][..], false, Kind::Double);
    assert!((&frequencies - &probabilities).abs().max().double_value(&[]) < 2.5e-3, "{frequencies}");
    Ok(())
}

#[test]
fn a_draw_moves_with_the_location_and_grows_with_the_scale() -> Outcome {
    let _turn = generator();
    let (loc, log_scale) = two_and_three();
    let [loc, log_scale] = [loc, log_scale].map(|tensor| tensor.set_requires_grad(true));
    let (normal, laplace) = (Normal::new(&loc, &log_scale)?, Laplace::new(&loc, &log_scale)?);
    for draw in [normal.rsample(&[4])?, laplace.rsample(&[4])?] {
        let gradients = Tensor::run_backward(&[draw.sum(Kind::Double)], &[&loc, &log_scale], false, false);
        assert_eq!(gradients[0], Tensor::from_slice(&[4.0]));
        let noise = (&draw - 2.0).sum_dim_intlist(&[0i64][..], false, Kind::Double);
        assert!(relative_difference(&gradients[1], &noise) < 1e-12);
    }
    assert!(!normal.sample(&[2])?.requires_grad() && !laplace.sample(&[2])?.requires_grad());
    let logits = loc.unsqueeze(0);
    assert!(!Bernoulli::from_logits(&logits)?.sample(&[2])?.requires_grad());
    assert!(!Categorical::from_logits(&logits)?.sample(&[2])?.requires_grad());
    Ok(())
}

#[test]
fn a_class_that_never_comes_makes_no_nan() -> Outcome {
    let logits = Tensor::from_slice(&[0.0, 1.0, f64::NEG_INFINITY]).set_requires_grad(true);
    let other = Tensor::from_slice(&[1.0, f64::NEG_INFINITY, f64::NEG_INFINITY]);
    let (one, other) = (Categorical::from_logits(&logits)?, Categorical::from_logits(&other)?);
    let two_classes = Categorical::from_logits(&Tensor::from_slice(&[0.0, 1.0]))?;
    assert!(relative_difference(&one.entropy()?, &two_classes.entropy()?) < 1e-12);
    assert_eq!(other.kl_divergence(&one)?, -one.log_probabilities().get(0), "a certain class costs its own surprise");
    assert_eq!(one.kl_divergence(&other)?, Tensor::from(f64::INFINITY));
    let total = one.entropy()? + other.kl_divergence(&one)?;
    let gradient = Tensor::run_backward(&[total], &[&logits], false, false).remove(0);
    assert!(gradient.isfinite().all().int64_value(&[]) == 1, "{gradient}");
    Ok(())
}

#[test]
fn independent_sums_over_the_dimensions_of_an_event() -> Outcome {
    let options = (Kind::Double, Device::Cpu);
    let loc = Tensor::arange(24, options).reshape([2, 3, 4]) / 10.0;
    let base = || Normal::new(&loc, &(&loc - 1.0));
    let each = base()?;
    let event = Independent::<_, 2>::new(base()?)?;
    assert_eq!((event.batch_shape(), event.event_shape()), (vec![2], vec![3, 4]));
    let sum = |tensor: &Tensor| tensor.sum_dim_intlist(&[-2i64, -1][..], false, Kind::Double);
    let value = Tensor::ones([5, 2, 3, 4], options);
    assert_eq!(event.log_prob(&value)?, sum(&each.log_prob(&value)?));
    assert_eq!(event.entropy()?, sum(&each.entropy()?));
    let prior = Independent::<_, 2>::new(each.standard()?)?;
    assert_eq!(event.kl_divergence(&prior)?, sum(&each.kl_divergence(&each.standard()?)?));
    let nothing = Independent::<_, 0>::new(base()?)?;
    assert_eq!(nothing.log_prob(&value)?, each.log_prob(&value)?);
    let error = Independent::<_, 4>::new(base()?).err().map(|error| error.to_string());
    let expected = "Independent: expected a distribution with at least 4 batch dimensions, found batch shape [2, 3, 4]";
    assert_eq!(error.as_deref(), Some(expected));
    Ok(())
}

#[test]
fn a_distribution_is_cut_and_joined_as_a_batch() -> Outcome {
    let options = (Kind::Float, Device::Cpu);
    let normal = Normal::new(&Tensor::arange(5, options), &Tensor::zeros([1], options))?;
    let shards = normal.shards(2)?;
    assert_eq!(shards[1].loc(), &Tensor::from_slice(&[3.0f32, 4.0]));
    assert_eq!(shards[1].log_scale().size(), [2], "parameters are as long as each other");
    let joined = Independent::<_, 1>::new(Normal::join(shards)?)?;
    assert_eq!((joined.base().loc(), joined.batch_size()?), (normal.loc(), Some(5)));
    Ok(())
}

#[test]
fn a_likelihood_takes_its_parameters_from_the_channels() -> Outcome {
    let options = (Kind::Float, Device::Cpu);
    let decoded = Tensor::arange(2 * 6 * 4, options).reshape([2, 6, 2, 2]);
    let normal = Normal::from_parameters(&decoded)?;
    assert_eq!((normal.loc(), normal.log_scale()), (&decoded.narrow(1, 0, 3), &decoded.narrow(1, 3, 3)));
    assert_eq!(Bernoulli::from_parameters(&decoded)?.logits(), &decoded);
    let error = Laplace::from_parameters(&decoded.narrow(1, 0, 5)).err().map(|error| error.to_string());
    let expected = "Laplace: expected parameters [batch, 2 * channels, *dims], found parameters of shape [2, 5, 2, 2]";
    assert_eq!(error.as_deref(), Some(expected));
    Ok(())
}

#[test]
fn what_does_not_fit_is_an_error_that_says_so() -> Outcome {
    let options = (Kind::Float, Device::Cpu);
    let (two, three) = (Tensor::zeros([2], options), Tensor::zeros([3], options));
    let normal = Normal::new(&two, &two)?;
    let categorical = Categorical::from_logits(&Tensor::zeros([2, 4], options))?;
    let integers = two.to_kind(Kind::Int64);
    let text = |result: booster::Result<Tensor>| result.err().map(|error| error.to_string()).unwrap_or_default();
    let shapes = "expected values whose shape broadcasts with [2], found values of shape [3]";
    for (found, expected) in [
        (text(normal.log_prob(&three)), format!("Normal::log_prob: {shapes}")),
        (text(Laplace::new(&two, &two)?.log_prob(&three)), format!("Laplace::log_prob: {shapes}")),
        (text(Bernoulli::from_logits(&two)?.log_prob(&three)), format!("Bernoulli::log_prob: {shapes}")),
        (text(categorical.log_prob(&three.to_kind(Kind::Int64))), format!("Categorical::log_prob: {shapes}")),
        (
            text(categorical.log_prob(&two)),
            "Categorical::log_prob: expected classes of an integer kind, found Float".to_owned(),
        ),
    ] {
        assert_eq!(found, expected);
    }
    assert!(Normal::new(&two, &three).is_err() && Normal::new(&two, &integers).is_err());
    assert!(Bernoulli::from_logits(&integers).is_err());
    for logits in [Tensor::zeros([2, 0], options), two.get(0), integers] {
        assert!(Categorical::from_logits(&logits).is_err(), "{logits:?}");
    }
    Ok(())
}
