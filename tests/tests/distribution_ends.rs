//! Distributions at extreme parameters, against the definitions in plain Rust, and in half precision, against double
//! precision.

use std::f64::consts::{LN_2, PI};

use booster::distributions::{
    Bernoulli, Categorical, Distribution, Independent, KlDivergence, Laplace, Likelihood, Normal, Reparameterized,
};
use booster::tch::{Device, Kind, Tensor, manual_seed};
use booster_tests::generator;

type Outcome = Result<(), Box<dyn std::error::Error>>;

const INFINITY: f64 = f64::INFINITY;
const KINDS: [Kind; 2] = [Kind::Float, Kind::Double];

fn numbers(tensor: &Tensor) -> Vec<f64> {
    Vec::try_from(tensor.to_kind(Kind::Double).flatten(0, -1)).unwrap_or_default()
}

fn leaf(values: &[f64], kind: Kind) -> Tensor {
    Tensor::from_slice(values).to_kind(kind).set_requires_grad(true)
}

fn gradients(result: &Tensor, leaves: &[&Tensor]) -> Vec<Vec<f64>> {
    Tensor::run_backward(&[result.sum(result.kind())], leaves, true, false).iter().map(numbers).collect()
}

fn assert_close(found: &[f64], expected: &[f64], what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (index, (&found, &expected)) in found.iter().zip(expected).enumerate() {
        let near = expected.is_finite() && (found - expected).abs() <= 1e-5 * expected.abs() + 1e-6;
        let close = found == expected || near;
        assert!(close, "{what}[{index}]: {found}, expected {expected}");
    }
}

fn softplus(x: f64) -> f64 {
    x.max(0.0) + (-x.abs()).exp().ln_1p()
}

/// Returns the log-probabilities of 0 and 1.
fn log_probabilities(logit: f64) -> [f64; 2] {
    [-softplus(logit), -softplus(-logit)]
}

/// The definition, in which terms of probability 0 contribute nothing.
fn expectation(log_p: &[f64], of: impl Fn(usize) -> f64) -> f64 {
    let term = |(index, log_p): (usize, &f64)| if log_p.exp() == 0.0 { 0.0 } else { log_p.exp() * of(index) };
    log_p.iter().enumerate().map(term).sum()
}

fn kl(log_p: &[f64], log_q: &[f64]) -> f64 {
    expectation(log_p, |index| log_p[index] - log_q[index])
}

const LOGITS: [f64; 9] = [-INFINITY, -1e5, -60.0, -1.0, 0.0, 0.5, 60.0, 1e5, INFINITY];

#[test]
fn the_divergence_of_certain_and_impossible_values_is_that_of_the_definition() -> Outcome {
    for kind in KINDS {
        let pairs = LOGITS.iter().flat_map(|&p| LOGITS.map(|q| (p, q))).collect::<Vec<_>>();
        let (p, q): (Vec<_>, Vec<_>) = pairs.iter().copied().unzip();
        let (p, q) = (leaf(&p, kind), leaf(&q, kind));
        let found = Bernoulli::from_logits(&p)?.kl_divergence(&Bernoulli::from_logits(&q)?)?;
        let expected = pairs.iter().map(|&(p, q)| kl(&log_probabilities(p), &log_probabilities(q)));
        assert_close(&numbers(&found), &expected.collect::<Vec<_>>(), "kl");
        for gradient in gradients(&found, &[&p, &q]) {
            assert!(gradient.iter().all(|number| number.is_finite()), "{kind:?} {gradient:?}");
        }
        assert!(!numbers(&found).iter().any(|number| number.is_sign_negative() && *number == 0.0), "-0");
    }
    Ok(())
}

#[test]
fn what_is_certain_has_no_entropy_and_a_log_probability_of_0() -> Outcome {
    for kind in KINDS {
        for value in [0.0, 0.25, 1.0] {
            let logits = leaf(&LOGITS, kind);
            let bernoulli = Bernoulli::from_logits(&logits)?;
            let log_prob = bernoulli.log_prob(&Tensor::full([LOGITS.len() as i64], value, (kind, Device::Cpu)))?;
            let of_value = [1.0 - value, value];
            let expected = LOGITS.map(|logit| {
                let terms = log_probabilities(logit).into_iter().zip(of_value);
                terms.map(|(log_p, weight)| if weight == 0.0 { 0.0 } else { weight * log_p }).sum::<f64>()
            });
            assert_close(&numbers(&log_prob), &expected, "log_prob");
            let sigmoid = LOGITS.map(|logit| 1.0 / (1.0 + (-logit).exp()));
            let slopes = gradients(&log_prob, &[&logits]).remove(0);
            let finite = |index: &usize| LOGITS[*index].is_finite();
            for index in (0..LOGITS.len()).filter(finite) {
                assert!((slopes[index] - (value - sigmoid[index])).abs() < 1e-6, "{slopes:?}");
            }
            assert!(slopes[0] == 0.0 && slopes[LOGITS.len() - 1] == 0.0, "{slopes:?}");
            let entropy = bernoulli.entropy()?;
            let expected = LOGITS.map(|logit| -expectation(&log_probabilities(logit), |i| log_probabilities(logit)[i]));
            assert_close(&numbers(&entropy), &expected, "entropy");
            assert!(gradients(&entropy, &[&logits])[0].iter().all(|slope| slope.is_finite()));
        }
    }
    Ok(())
}

#[test]
fn what_misses_a_certain_value_by_the_least_is_impossible() -> Outcome {
    for (kind, epsilon) in [(Kind::Float, f64::from(f32::EPSILON)), (Kind::Double, f64::EPSILON)] {
        let logits = leaf(&[INFINITY, INFINITY, -INFINITY, -INFINITY], kind);
        let value = Tensor::from_slice(&[1.0 - epsilon / 2.0, 1.0, epsilon, 0.0]).to_kind(kind);
        let log_prob = Bernoulli::from_logits(&logits)?.log_prob(&value)?;
        assert_eq!(numbers(&log_prob), [-INFINITY, 0.0, -INFINITY, 0.0], "{kind:?}");
        assert_eq!(gradients(&log_prob, &[&logits]), [[0.0; 4]], "{kind:?}");
        let unknown = Bernoulli::from_logits(&leaf(&[f64::NAN, 1.0], kind))?;
        assert!(numbers(&unknown.log_prob(&Tensor::from(1.0))?)[0].is_nan(), "{kind:?}");
        assert!(numbers(&unknown.log_prob(&Tensor::from(f64::NAN))?)[1].is_nan(), "{kind:?}");
    }
    Ok(())
}

#[test]
fn the_log_probability_of_a_bernoulli_leads_to_the_value_too() -> Outcome {
    let logits = [-1.5, 2.0, 0.25];
    let value = leaf(&[0.0, 1.0, 0.5], Kind::Double);
    let log_prob = Bernoulli::from_logits(&Tensor::from_slice(&logits))?.log_prob(&value)?;
    assert_close(
        &gradients(&log_prob, &[&value])[0],
        &logits,
        "the logit is the difference of the two log-probabilities",
    );
    Ok(())
}

fn log_softmax(logits: &[f64]) -> Vec<f64> {
    let greatest = logits.iter().copied().fold(-INFINITY, f64::max);
    let total = logits.iter().map(|logit| (logit - greatest).exp()).sum::<f64>().ln();
    logits.iter().map(|logit| logit - greatest - total).collect()
}

#[test]
fn classes_that_never_come_count_nothing_and_cost_infinity() -> Outcome {
    let ends = [-INFINITY, 0.0, 2.0];
    let rows = ends.iter().flat_map(|&a| ends.iter().flat_map(move |&b| ends.map(|c| [a, b, c])));
    let rows = rows.filter(|row| row.iter().any(|logit| logit.is_finite())).collect::<Vec<_>>();
    for kind in KINDS {
        for p in &rows {
            for q in &rows {
                let (own, others) = (leaf(p, kind), leaf(q, kind));
                let (one, other) = (Categorical::from_logits(&own)?, Categorical::from_logits(&others)?);
                let (log_p, log_q) = (log_softmax(p), log_softmax(q));
                let divergence = one.kl_divergence(&other)?;
                let expected = expectation(&log_p, |index| log_p[index] - log_q[index]);
                assert_close(&numbers(&divergence), &[expected], &format!("{p:?} {q:?}"));
                let entropy = one.entropy()?;
                assert_close(&numbers(&entropy), &[-expectation(&log_p, |index| log_p[index])], "entropy");
                let slopes = gradients(&(divergence + entropy), &[&own, &others]);
                assert!(slopes.iter().flatten().all(|slope| slope.is_finite()), "{p:?} {q:?} {slopes:?}");
            }
        }
    }
    Ok(())
}

const LOG_SCALES: [f64; 10] = [-300.0, -177.0, -100.0, -89.0, -40.0, 0.0, 40.0, 89.0, 100.0, 300.0];

/// Of two with the same location, and of one with a distance of 1, in terms that do not overflow before the result
/// does.
fn location_scale_ends<D: KlDivergence>(
    new: fn(&Tensor, &Tensor) -> booster::Result<D>,
    at_the_mean: impl Fn(f64) -> f64,
    kl: impl Fn(f64, f64, f64) -> f64,
) -> Outcome {
    for kind in KINDS {
        let greatest = if kind == Kind::Double { f64::MAX } else { f64::from(f32::MAX) };
        let held = |number: f64| if number.abs() > greatest { number.signum() * INFINITY } else { number };
        for own in LOG_SCALES {
            let (loc, log_scale) = (leaf(&[0.5], kind), leaf(&[own], kind));
            let distribution = new(&loc, &log_scale)?;
            let log_prob = distribution.log_prob(&loc.detach())?;
            assert_close(&numbers(&log_prob), &[at_the_mean(own)], &format!("log_prob of {own}"));
            assert_eq!(gradients(&log_prob, &[&loc, &log_scale]), [[0.0], [-1.0]], "log_prob of {own} in {kind:?}");
            let far = numbers(&distribution.log_prob(&Tensor::from_slice(&[INFINITY]))?)[0];
            assert!(far == -INFINITY || own > 150.0, "{far}");
            for other in LOG_SCALES {
                for distance in [0.0, 1.0] {
                    let other_loc = leaf(&[0.5 + distance], kind);
                    let found = distribution.kl_divergence(&new(&other_loc, &leaf(&[other], kind))?)?;
                    let expected = held(kl(distance, own, other));
                    let what = format!("kl of {own} from {other} at {distance} in {kind:?}");
                    assert_close(&numbers(&found), &[expected], &what);
                    if expected.is_finite() {
                        let slopes = gradients(&found, &[&loc, &log_scale, &other_loc]);
                        let finite = slopes.iter().flatten().all(|slope| slope.is_finite());
                        // The gradient may overflow even if the value does not.
                        assert!(finite || expected > greatest.sqrt(), "{what}: {slopes:?}");
                    }
                }
            }
        }
    }
    Ok(())
}

#[test]
fn a_normal_of_a_tiny_or_huge_scale_has_the_values_of_the_closed_form() -> Outcome {
    let kl = |distance: f64, own: f64, other: f64| {
        let in_units = if distance == 0.0 { 0.0 } else { (2.0 * (distance.ln() - other)).exp() };
        0.5 * ((2.0 * (own - other)).exp() + in_units - 1.0 - 2.0 * (own - other))
    };
    location_scale_ends(Normal::new, |log_scale| -log_scale - 0.5 * (2.0 * PI).ln(), kl)
}

#[test]
fn a_laplace_of_a_tiny_or_huge_scale_has_the_values_of_the_closed_form() -> Outcome {
    let kl = |distance: f64, own: f64, other: f64| {
        let by = |log_scale: f64| distance * (-log_scale).exp();
        (own - other - by(own)).exp() + by(other) - 1.0 - (own - other)
    };
    location_scale_ends(Laplace::new, |log_scale| -log_scale - LN_2, kl)
}

/// The largest relative difference from double precision with the same parameters.
fn in_single_precision(of: impl Fn(Kind) -> booster::Result<Tensor>) -> Outcome {
    let exact = numbers(&of(Kind::Double)?);
    for kind in [Kind::Half, Kind::BFloat16] {
        let found = of(kind)?;
        assert_eq!(found.kind(), Kind::Float);
        assert_close(&numbers(&found), &exact, &format!("{kind:?}"));
    }
    Ok(())
}

#[test]
fn log_probabilities_entropies_and_divergences_of_half_precision_are_in_single_precision() -> Outcome {
    // Each is exact in bfloat16.
    let at = |values: &[f64], kind| Tensor::from_slice(values).to_kind(kind);
    let (one, two) = ([0.5, -1.25, 3.0, 0.0], [-0.75, 2.0, 0.125, 1.0]);
    let normal = |kind| Normal::new(&at(&one, kind), &at(&two, kind));
    let laplace = |kind| Laplace::new(&at(&one, kind), &at(&two, kind));
    let bernoulli = |kind| Bernoulli::from_logits(&at(&one, kind));
    let categorical = |kind| Categorical::from_logits(&at(&one, kind));
    let ones = Tensor::from_slice(&[1.0f64; 4]);
    // Digits of the value beyond half precision matter.
    let precise = Tensor::from_slice(&[0.100_001, 2.000_03, -1.3, 0.7]);
    in_single_precision(|kind| normal(kind)?.log_prob(&precise))?;
    in_single_precision(|kind| normal(kind)?.entropy())?;
    in_single_precision(|kind| normal(kind)?.kl_divergence(&Normal::new(&at(&two, kind), &at(&one, kind))?))?;
    in_single_precision(|kind| laplace(kind)?.log_prob(&precise))?;
    in_single_precision(|kind| laplace(kind)?.entropy())?;
    in_single_precision(|kind| laplace(kind)?.kl_divergence(&Laplace::new(&at(&two, kind), &at(&one, kind))?))?;
    in_single_precision(|kind| bernoulli(kind)?.log_prob(&ones))?;
    in_single_precision(|kind| bernoulli(kind)?.entropy())?;
    in_single_precision(|kind| bernoulli(kind)?.kl_divergence(&Bernoulli::from_logits(&at(&two, kind))?))?;
    in_single_precision(|kind| categorical(kind)?.log_prob(&Tensor::from(2i64)))?;
    in_single_precision(|kind| categorical(kind)?.entropy())?;
    in_single_precision(|kind| categorical(kind)?.kl_divergence(&Categorical::from_logits(&at(&two, kind))?))?;
    in_single_precision(|kind| {
        let many = Normal::new(&Tensor::full([3, 5000], 1.0, (kind, Device::Cpu)), &at(&[0.0], kind))?;
        Independent::<_, 1>::new(many)?.log_prob(&Tensor::from(0.25))
    })
}

#[test]
fn draws_of_half_precision_have_tails_and_no_impossible_values() -> Outcome {
    let _turn = generator();
    manual_seed(7);
    for kind in [Kind::BFloat16, Kind::Half] {
        let options = (kind, Device::Cpu);
        let logits = Tensor::full([50_000], -INFINITY, options);
        let _ = logits.narrow(0, 0, 40).fill_(0.0);
        let classes = Categorical::from_logits(&logits)?.sample(&[500])?;
        assert_eq!((classes.kind(), classes.ge(40).any().int64_value(&[])), (Kind::Int64, 0), "{kind:?}");
        // In 500 draws of 40 classes, few are missing.
        assert!(classes.bincount::<Tensor>(None, 40).ne(0).sum(Kind::Int64).int64_value(&[]) > 35);

        let certain = Tensor::from_slice(&[-INFINITY, INFINITY]).to_kind(kind);
        let draws = Bernoulli::from_logits(&certain)?.sample(&[100_000])?;
        assert_eq!((draws.kind(), numbers(&draws.mean_dim(&[0i64][..], false, Kind::Double))), (kind, vec![0.0, 1.0]));
        // A probability that half precision rounds to 1.
        let likely = Bernoulli::from_logits(&Tensor::from_slice(&[9.0]).to_kind(kind))?.sample(&[1_000_000])?;
        let zeros = likely.eq(0).sum(Kind::Int64).int64_value(&[]);
        assert!((70..180).contains(&zeros), "{zeros} zeros, expected 123");

        let zeros = Tensor::zeros([1], options);
        let normal = Normal::new(&zeros, &zeros)?.rsample(&[1_000_000])?;
        assert_eq!((normal.kind(), normal.isfinite().all().int64_value(&[])), (kind, 1));
        // 63 of a million lie beyond four standard deviations.
        let beyond = normal.abs().gt(4.0).sum(Kind::Int64).int64_value(&[]);
        assert!((25..110).contains(&beyond), "{beyond}");
        let laplace = Laplace::new(&zeros, &zeros)?.rsample(&[1_000_000])?;
        assert_eq!((laplace.kind(), laplace.isfinite().all().int64_value(&[])), (kind, 1));
        // A share of exp(-9) lies beyond nine.
        let beyond = laplace.abs().gt(9.0).sum(Kind::Int64).int64_value(&[]);
        assert!((70..180).contains(&beyond), "{beyond}, expected 123");
    }
    Ok(())
}

#[test]
fn an_unknown_parameter_makes_an_unknown_divergence() -> Outcome {
    for kind in KINDS {
        let others = [-INFINITY, 0.0, INFINITY, f64::NAN];
        let unknown = Bernoulli::from_logits(&leaf(&[f64::NAN; 4], kind))?;
        let other = Bernoulli::from_logits(&leaf(&others, kind))?;
        assert!(numbers(&unknown.kl_divergence(&other)?).iter().all(|number| number.is_nan()), "{kind:?}");
        let from_unknown = numbers(&other.kl_divergence(&unknown)?);
        assert!(from_unknown.iter().all(|number| number.is_nan()), "{kind:?} {from_unknown:?}");
    }
    Ok(())
}

#[test]
fn distributions_over_other_classes_have_no_divergence() -> Outcome {
    let of = |classes: i64| Categorical::from_logits(&Tensor::zeros([2, classes], (Kind::Float, Device::Cpu)));
    for (one, other) in [(3, 1), (1, 3), (3, 2)] {
        let error = of(one)?.kl_divergence(&of(other)?).expect_err("other classes").to_string();
        let found = format!("found distributions over {one} and {other} classes");
        assert!(error.starts_with("Categorical::kl_divergence: expected ") && error.ends_with(&found), "{error}");
    }
    Ok(())
}

#[test]
fn what_is_undefined_or_complex_is_an_error() -> Outcome {
    let zeros = Tensor::zeros([2], (Kind::Float, Device::Cpu));
    let text = |result: booster::Result<Tensor>| result.err().map(|error| error.to_string()).unwrap_or_default();
    for wrong in [Tensor::new(), zeros.to_kind(Kind::ComplexFloat)] {
        assert!(Normal::new(&wrong, &zeros).is_err() && Laplace::new(&zeros, &wrong).is_err());
        assert!(Normal::from_parameters(&wrong).is_err() && Bernoulli::from_parameters(&wrong).is_err());
        assert!(Bernoulli::from_logits(&wrong).is_err() && Categorical::from_logits(&wrong).is_err());
        for error in [
            text(Normal::new(&zeros, &zeros)?.log_prob(&wrong)),
            text(Laplace::new(&zeros, &zeros)?.log_prob(&wrong)),
            text(Bernoulli::from_logits(&zeros)?.log_prob(&wrong)),
            text(Categorical::from_logits(&zeros)?.log_prob(&wrong)),
        ] {
            assert!(error.contains("::log_prob: expected ") && error.contains(", found "), "{error}");
        }
    }
    let beyond = Categorical::from_logits(&zeros)?.log_prob(&Tensor::from(2i64));
    assert!(text(beyond).contains("out of bounds"), "a class that is not there");
    Ok(())
}
