//! Training windows against a closed form, for every precision, weight, clip, policy and number of replicas.

use booster::prelude::*;
use booster::tch::nn::{self, OptimizerConfig};
use booster::tch::{Device, Kind, Tensor, no_grad};
use booster::training::{Ema, NonFiniteStep};
use proptest::prelude::*;

/// Samples of a linear regression, in double precision.
#[derive(Batch)]
struct Rows {
    input: Tensor,
    target: Tensor,
    weight: Tensor,
}

/// A linear model with weights in the tested precision, a bias in another, and two buffers.
struct Model {
    weights: Tensor,
    bias: Tensor,
    seen: Tensor,
    total: Tensor,
}

/// Half the squared error, as a mean over samples or weights. It fails on request, after writing buffers.
#[evaluator]
fn regression(
    model: &Model,
    batch: &Rows,
    mode: Mode,
    #[param] weighted: bool,
    #[param] fails: bool,
) -> booster::Result<Loss> {
    if mode.is_train() {
        no_grad(|| {
            let _ = model.seen.shallow_clone().g_add_scalar_(batch.target.size()[0]);
            let _ = model.total.shallow_clone().g_add_(&batch.target.sum(Kind::Float));
        });
    }
    if fails {
        return Err(booster::Error::custom("as asked"));
    }
    let residual = batch.input.f_mv(&model.weights.f_to_kind(Kind::Double)?)? + &model.bias - &batch.target;
    let losses = residual.f_square()? * 0.5;
    if !weighted {
        return Ok(losses.f_mean(None)?.into());
    }
    Loss::from_sum(&(losses * &batch.weight).f_sum(None)?, &batch.weight.f_sum(None)?)
}

fn net(kind: Kind) -> impl Fn(&nn::Path<'_>) -> Model {
    move |path| Model {
        weights: path.add("weights", Tensor::from_slice(&[0.5, -0.25, 1.0]).to_kind(kind), true),
        bias: path.add("bias", Tensor::from_slice(&[0.125f32]), true),
        seen: path.add("seen", Tensor::zeros([1], (Kind::Int64, Device::Cpu)), false),
        total: path.add("total", Tensor::zeros([1], (Kind::Float, Device::Cpu)), false),
    }
}

#[derive(Clone, Debug)]
struct Row {
    input: [f64; 3],
    target: f64,
    weight: f64,
}

/// The fate of a window, with the index of the batch that decides it.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fate {
    Good,
    NotFinite(usize),
    Fails(usize),
}

#[derive(Clone, Copy, Debug)]
enum Clip {
    None,
    Norm(f64),
    Value(f64),
}

#[derive(Clone, Debug)]
struct Case {
    kind: Kind,
    replicas: usize,
    weighted: bool,
    clip: Clip,
    skips: bool,
    /// Each window's batches.
    windows: Vec<(Vec<Vec<Row>>, Fate)>,
}

fn rows() -> impl Strategy<Value = Vec<Row>> {
    let input = [-2_i8..=2, -2..=2, -2..=2].prop_map(|input| input.map(f64::from));
    let row = (input, -10_000_i16..=10_000, prop_oneof![Just(0.0), Just(1.0), Just(3.0), Just(1e5)]);
    let row = row.prop_map(|(input, target, weight)| Row { input, target: f64::from(target), weight });
    prop::collection::vec(row, 1..7)
}

fn fate(batches: usize, skips: bool) -> impl Strategy<Value = Fate> {
    let not_finite = (0..batches).prop_map(move |at| if skips { Fate::NotFinite(at) } else { Fate::Good });
    prop_oneof![3 => Just(Fate::Good), 1 => not_finite, 1 => (0..batches).prop_map(Fate::Fails)]
}

fn windows(skips: bool) -> impl Strategy<Value = Vec<(Vec<Vec<Row>>, Fate)>> {
    (1_usize..=4).prop_flat_map(move |batches| {
        prop::collection::vec((prop::collection::vec(rows(), batches), fate(batches, skips)), 1..5)
    })
}

fn cases() -> impl Strategy<Value = Case> {
    let kind = prop_oneof![Just(Kind::Float), Just(Kind::Double), Just(Kind::Half), Just(Kind::BFloat16)];
    let clip = prop_oneof![Just(Clip::None), Just(Clip::Norm(1e3)), Just(Clip::Value(500.0))];
    (kind, 1_usize..=2, any::<bool>(), clip, any::<bool>()).prop_flat_map(|(kind, replicas, weighted, clip, skips)| {
        windows(skips).prop_map(move |windows| Case { kind, replicas, weighted, clip, skips, windows })
    })
}

fn batch(rows: &[Row], is_finite: bool) -> Rows {
    let column = |value: fn(&Row) -> f64| Tensor::from_slice(&rows.iter().map(value).collect::<Vec<_>>());
    let input = rows.iter().flat_map(|row| row.input).collect::<Vec<_>>();
    Rows {
        input: Tensor::from_slice(&input).view([-1, 3]),
        target: if is_finite { column(|row| row.target) } else { column(|row| row.target) * f64::NAN },
        weight: column(|row| row.weight),
    }
}

fn numbers(tensor: &Tensor) -> Vec<f64> {
    (0..tensor.size()[0]).map(|index| tensor.double_value(&[index])).collect()
}

/// Computes the mean gradient of a window, weights and then bias, and the largest part of one sample's.
fn closed_form(case: &Case, batches: &[Vec<Row>], weights: &[f64], bias: f64) -> ([f64; 4], f64) {
    let (mut sum, mut total, mut greatest) = ([0.0; 4], 0.0, 0.0_f64);
    for row in batches.iter().flatten() {
        let weight = if case.weighted { row.weight } else { 1.0 };
        let output = row.input.iter().zip(weights).map(|(input, weight)| input * weight).sum::<f64>() + bias;
        let residual = output - row.target;
        let gradient = [row.input[0], row.input[1], row.input[2], 1.0].map(|input| residual * input);
        for (sum, gradient) in sum.iter_mut().zip(gradient) {
            *sum += weight * gradient;
            greatest = greatest.max(gradient.abs());
        }
        total += weight;
    }
    (if total == 0.0 { [0.0; 4] } else { sum.map(|sum| sum / total) }, greatest)
}

/// Returns the relative spacing of numbers of a kind.
fn spacing(kind: Kind) -> f64 {
    match kind {
        Kind::BFloat16 => 2_f64.powi(-7),
        Kind::Half => 2_f64.powi(-10),
        Kind::Float => 2_f64.powi(-23),
        _ => 2_f64.powi(-52),
    }
}

fn norm(gradient: [f64; 4]) -> f64 {
    gradient.iter().map(|part| part * part).sum::<f64>().sqrt()
}

/// Compares the gradient used by the optimizer, and the measured norm, with the closed form.
fn check(
    case: &Case,
    pipeline: &impl EvaluationPipeline,
    measured: f64,
    (exact, greatest): ([f64; 4], f64),
) -> Result<(), TestCaseError> {
    let batches = case.windows[0].0.len() as f64;
    let error_of = |kind: Kind| match kind {
        // A batch's gradient is rounded once, and once more per replica; means are kept in higher precision.
        Kind::Half | Kind::BFloat16 => spacing(kind) * greatest * if case.replicas == 1 { 1.01 } else { 4.0 },
        _ => spacing(kind) * greatest * 8.0 * (batches + case.replicas as f64),
    };
    let worst = error_of(case.kind).max(error_of(Kind::Float));
    prop_assert!((measured - norm(exact)).abs() <= 2.0 * worst, "norm {measured} instead of {}", norm(exact));
    let factor = match case.clip {
        Clip::Norm(most) => (most / (norm(exact) + 1e-6)).min(1.0),
        _ => 1.0,
    };
    let variables = pipeline.var_store().variables();
    for (name, of) in [("weights", 0..3), ("bias", 3..4)] {
        let gradient = variables[name].grad();
        let kind = gradient.kind();
        for (found, exact) in numbers(&gradient).into_iter().zip(&exact[of]) {
            let (expected, error) = match case.clip {
                Clip::Norm(_) => (exact * factor, factor * 3.0 * worst + spacing(kind) * (exact * factor).abs()),
                Clip::Value(most) => (exact.clamp(-most, most), error_of(kind)),
                Clip::None => (*exact, error_of(kind)),
            };
            prop_assert!((found - expected).abs() <= error, "{name}: {found} instead of {expected}, within {error:e}");
        }
    }
    Ok(())
}

type Values = Vec<(String, Tensor)>;

fn values(pipeline: &impl EvaluationPipeline, with_buffers: bool) -> Values {
    let variables = pipeline.var_store().variables().into_iter();
    let kept = variables.filter(|(name, _)| with_buffers || ["weights", "bias"].contains(&name.as_str()));
    let mut values = kept.map(|(name, variable)| (name, variable.detach_copy())).collect::<Vec<_>>();
    values.sort_by(|one, other| one.0.cmp(&other.0));
    values
}

/// Trains, and returns the final steps, variables and averages.
fn train<P: EvaluationPipeline<Evaluator = Regression>>(
    case: &Case,
    mut pipeline: P,
    only_good: bool,
) -> Result<(u64, Values), TestCaseError> {
    let fail = |error: booster::Error| TestCaseError::fail(error.to_string());
    let sgd = nn::Sgd { momentum: 0.9, ..nn::Sgd::default() };
    let sgd = sgd.build(pipeline.var_store(), 1e-4).map_err(|error| fail(error.into()))?;
    let mut trainer = Trainer::builder(sgd).accumulate(case.windows[0].0.len() as u64);
    trainer = match case.clip {
        Clip::None => trainer,
        Clip::Norm(most) => trainer.clip_norm(most),
        Clip::Value(most) => trainer.clip_value(most),
    };
    trainer = trainer.ema(Ema::new(pipeline.var_store(), 0.5).map_err(fail)?);
    if case.skips {
        trainer = trainer.non_finite(NonFiniteStep::Skip);
    }
    let mut trainer = trainer.build().map_err(fail)?;
    let (mut seen, mut good) = (0, 0);
    for (batches, fate) in &case.windows {
        if only_good && *fate != Fate::Good {
            continue;
        }
        let before = values(&pipeline, case.skips);
        let variables = pipeline.var_store().variables();
        let exact = closed_form(case, batches, &numbers(&variables["weights"]), numbers(&variables["bias"])[0]);
        let mut measured = None;
        for (index, rows) in batches.iter().enumerate() {
            pipeline.evaluator_mut().fails = *fate == Fate::Fails(index);
            let step = trainer.step(&mut pipeline, &batch(rows, *fate != Fate::NotFinite(index)));
            if *fate == Fate::Fails(index) {
                prop_assert!(step.is_err());
                break;
            }
            measured = step.map_err(fail)?.gradient_norm;
        }
        if *fate == Fate::Good {
            good += 1;
            seen += batches.iter().map(Vec::len).sum::<usize>();
            let measured = measured.ok_or_else(|| TestCaseError::fail("the window did not close"))?;
            check(case, &pipeline, measured.double_value(&[]), exact)?;
        } else {
            prop_assert_eq!(values(&pipeline, case.skips), before);
            prop_assert!(pipeline.var_store().trainable_variables().iter().all(|one| !one.grad().defined()));
        }
    }
    prop_assert_eq!(trainer.steps(), good);
    // With replicas, buffers are the first replica's, which sees only some of the samples.
    if case.replicas == 1 && case.skips {
        prop_assert_eq!(numbers(&pipeline.var_store().variables()["seen"]), vec![seen as f64]);
    }
    trainer.finish_window(&mut pipeline).map_err(fail)?;
    let mut all = values(&pipeline, case.skips);
    all.extend(values(&trainer.averaged(&mut pipeline).map_err(fail)?, case.skips));
    Ok((trainer.steps(), all))
}

fn of_case(case: &Case, only_good: bool) -> Result<(u64, Values), TestCaseError> {
    let evaluator = Regression::new(case.weighted, false);
    if case.replicas == 1 {
        return train(case, Pipeline::build(Device::Cpu, net(case.kind), evaluator), only_good);
    }
    let many = DataParallelPipeline::build(&vec![Device::Cpu; case.replicas], net(case.kind), evaluator);
    train(case, many.map_err(|error| TestCaseError::fail(error.to_string()))?, only_good)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn windows_have_the_gradient_of_their_samples_and_those_that_fail_leave_no_trace(case in cases()) {
        let found = of_case(&case, false)?;
        prop_assert_eq!(found, of_case(&case, true)?);
    }
}
