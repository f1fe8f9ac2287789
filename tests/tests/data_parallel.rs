//! A data-parallel pipeline gives the results of one device, for any batch and number of replicas.

use std::collections::BTreeMap;

use booster::batch::FieldPath;
use booster::evaluation::{ClassWeights, Classification};
use booster::prelude::*;
use booster::tch::nn::{self, ModuleT};
use booster::tch::{Device, Kind, Reduction, Tensor, manual_seed};
use booster_tests::generator;
use proptest::prelude::*;

/// A model with batch norm and with frozen, unused and shared parameters.
#[derive(Debug)]
struct Model {
    embed: nn::Linear,
    norm: nn::BatchNorm,
    frozen: Tensor,
    _unused: Tensor,
    shared: Tensor,
    logits: nn::Linear,
    /// Whether batch norm updates its statistics in training.
    learns: bool,
}

fn model(path: &nn::Path<'_>) -> Model {
    let frozen = path.randn("frozen", &[8], 1.0, 0.1);
    let _ = frozen.set_requires_grad(false);
    let norm = nn::batch_norm1d(path / "norm", 8, nn::BatchNormConfig::default());
    let _ = norm.running_mean.shallow_clone().uniform_(-0.5, 0.5);
    let _ = norm.running_var.shallow_clone().uniform_(0.5, 2.0);
    Model {
        embed: nn::linear(path / "embed", 6, 8, nn::LinearConfig::default()),
        norm,
        frozen,
        _unused: path.zeros("unused", &[3]),
        shared: path.randn("shared", &[8, 8], 0.0, 0.3),
        logits: nn::linear(path / "logits", 8, 3, nn::LinearConfig::default()),
        learns: false,
    }
}

impl ModuleT for Model {
    fn forward_t(&self, input: &Tensor, train: bool) -> Tensor {
        let hidden = self.norm.forward_t(&input.apply(&self.embed), train && self.learns).tanh() * &self.frozen;
        hidden.matmul(&self.shared).tanh().matmul(&self.shared).apply(&self.logits)
    }
}

/// Tokens with a mask: `[batch, tokens, 6]`, `[batch, tokens]`, `[batch, tokens]`.
#[derive(Batch)]
struct Tokens {
    input: Tensor,
    target: Tensor,
    mask: Tensor,
}

#[derive(Diagnostic)]
struct TokenDiagnostics {
    #[group = "loss"]
    #[metric(mean, std, max, p90)]
    nll: Weighted,
    #[group = "loss"]
    per_sample: Tensor,
    #[group = "loss"]
    batch_level: Tensor,
    #[group = "metrics"]
    accuracy: Ratio,
    #[group = "metrics"]
    right: Tensor,
    #[group = "info"]
    #[metric(sum)]
    samples: i64,
    #[group = "info"]
    #[metric(max)]
    has_padding: bool,
    #[group = "info"]
    beta: f64,
    #[group = "info"]
    of_first_shard: Option<Tensor>,
}

#[derive(Batch)]
struct TokenOutput {
    logits: Tensor,
    targets_and_odds: (Tensor, Option<Tensor>),
}

/// A loss over the unmasked tokens.
#[evaluator]
fn masked_tokens(
    model: &Model,
    batch: &Tokens,
    mode: Mode,
    #[param] beta: f64,
) -> booster::Result<(Loss, TokenDiagnostics, TokenOutput)> {
    let (samples, length) = batch.target.size2()?;
    let logits = model.forward_t(&batch.input.f_reshape([samples * length, 6])?, mode.is_train());
    let target = batch.target.f_reshape([-1])?;
    let nll = logits.f_cross_entropy_loss::<Tensor>(&target, None, Reduction::None, -100, 0.0)?;
    let nll = nll.f_view([samples, length])?;
    let mask = batch.mask.f_to_kind(nll.kind())?;
    let right = logits.f_argmax(-1, false)?.f_eq_tensor(&target)?.f_view([samples, length])?;
    let per_sample = (&nll * &mask).f_sum_dim_intlist(1, false, None)?;
    let loss = Loss::from_sum(&((&nll * &mask).f_sum(None)? * beta), &mask.f_sum(None)?)?;
    let diagnostics = TokenDiagnostics {
        batch_level: per_sample.f_mean(None)?,
        per_sample,
        accuracy: Ratio::new((right.f_to_kind(Kind::Double)? * &mask).f_sum(None)?, mask.f_sum(None)?),
        right: right.f_select(1, 0)?,
        samples,
        has_padding: true,
        beta,
        of_first_shard: None,
        nll: Weighted::new(nll, mask),
    };
    let logits = logits.f_view([samples, length, 3])?;
    let targets_and_odds = (batch.target.shallow_clone(), Some(logits.f_exp()?));
    Ok((loss, diagnostics, TokenOutput { logits, targets_and_odds }))
}

/// A mean loss over samples, without an explicit weight.
#[evaluator]
fn plain(model: &Model, batch: &Labeled, mode: Mode) -> booster::Result<Tensor> {
    #[output]
    let logits: Tensor = model.forward_t(&batch.input, mode.is_train());
    #[group = "loss"]
    #[metric(mean, max)]
    let square: Tensor = logits.f_square()?;
    Ok(square.f_mean(None)?)
}

fn labeled(samples: i64, kind: Kind) -> Labeled {
    let target = Tensor::randint(3, [samples], (Kind::Int64, Device::Cpu));
    let ignored = Tensor::rand([samples], (Kind::Float, Device::Cpu)).lt(0.3);
    Labeled { input: Tensor::randn([samples, 6], (kind, Device::Cpu)), target: target.masked_fill(&ignored, -100) }
}

fn token_batch(samples: i64) -> Tokens {
    let mask = Tensor::rand([samples, 5], (Kind::Float, Device::Cpu)).lt(0.6);
    // The last sample, which may form its own shard, is all padding.
    if samples > 1 {
        let _ = mask.select(0, samples - 1).fill_(0);
    }
    Tokens {
        input: Tensor::randn([samples, 5, 6], (Kind::Double, Device::Cpu)),
        target: Tensor::randint(3, [samples, 5], (Kind::Int64, Device::Cpu)),
        mask,
    }
}

/// The ways to compute gradients.
#[derive(Clone, Copy, Debug)]
enum Way {
    /// `evaluate`, then `loss.backward()`.
    ByHand(Mode),
    /// The backward pass of `training_step`.
    Step,
}

/// All results of an evaluation, by name.
fn numbers<P>(pipeline: &mut P, batch: &BatchOf<P>, way: Way) -> booster::Result<BTreeMap<String, Tensor>>
where
    P: EvaluationPipeline,
{
    let (loss, diagnostics, output) = match way {
        Way::ByHand(mode) => {
            let (loss, diagnostics, output) = pipeline.evaluate(batch, mode)?;
            loss.backward()?;
            (loss, diagnostics, Some(output))
        }
        Way::Step => {
            let (loss, diagnostics) = pipeline.backward(batch)?;
            (loss, diagnostics, None)
        }
    };
    let mut numbers = BTreeMap::from([("loss".to_owned(), loss.tensor().detach())]);
    if let Some(weight) = loss.weight() {
        numbers.insert("weight".to_owned(), weight.shallow_clone());
    }
    for entry in diagnostics.summary()?.iter() {
        numbers.insert(format!("summary of {}", entry.tag()), Tensor::from(entry.value));
    }
    if let Some(output) = output {
        output.visit_tensors(FieldPath::ROOT, &mut |path, tensor| {
            numbers.insert(format!("output {path}"), tensor.detach());
            Ok(())
        })?;
    }
    for (name, variable) in pipeline.var_store().variables() {
        let gradient = variable.grad();
        if gradient.defined() {
            numbers.insert(format!("gradient of {name}"), gradient);
        }
    }
    Ok(numbers)
}

/// Builds both pipelines from the same seed and compares their results.
fn agree<E: Evaluator<Model = Model>>(
    evaluator: &E,
    batch: &E::Batch,
    replicas: usize,
    kind: Kind,
    way: Way,
) -> booster::Result<Result<(), String>> {
    manual_seed(7);
    let mut one = Pipeline::build(Device::Cpu, model, evaluator.clone());
    manual_seed(7);
    let mut many = DataParallelPipeline::build(&vec![Device::Cpu; replicas], model, evaluator.clone())?;
    one.var_store_mut().set_kind(kind);
    many.var_store_mut().set_kind(kind);
    let expected = numbers(&mut one, batch, way)?;
    let found = numbers(&mut many, batch, way)?;
    let names = |numbers: &BTreeMap<String, Tensor>| numbers.keys().cloned().collect::<Vec<_>>();
    if names(&expected) != names(&found) {
        return Ok(Err(format!("expected {:?}, found {:?}", names(&expected), names(&found))));
    }
    for (name, expected) in &expected {
        let found = &found[name];
        let difference = difference(found, expected);
        // Only rounding differs.
        let tolerance = if kind == Kind::Double { 1e-12 } else { 1e-6 };
        if found.size() != expected.size() || found.kind() != expected.kind() || difference > tolerance {
            return Ok(Err(format!("{name}: {found:?} instead of {expected:?}, {difference:e}")));
        }
    }
    Ok(Ok(()))
}

fn ways() -> impl Strategy<Value = Way> {
    prop_oneof![Just(Way::ByHand(Mode::Train)), Just(Way::ByHand(Mode::Eval)), Just(Way::Step),]
}

/// The norm of the difference relative to that of the expected value.
fn difference(found: &Tensor, expected: &Tensor) -> f64 {
    let [found, expected] = [found, expected].map(|tensor| tensor.to_kind(Kind::Double));
    (found - &expected).norm().double_value(&[]) / expected.norm().double_value(&[]).max(f64::MIN_POSITIVE)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 120, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_classifier_gives_the_same_as_on_one_device(
        samples in 1_i64..=9, replicas in 1_usize..=4, seed in any::<i64>(), way in ways(),
    ) {
        let _generator = generator();
        manual_seed(seed);
        let batch = labeled(samples, Kind::Double);
        let evaluator = Classification::new()
            .with_label_smoothing(0.1)
            .with_class_weights(ClassWeights::new([0.5, 1.0, 2.0]));
        prop_assert_eq!(agree(&evaluator, &batch, replicas, Kind::Double, way).unwrap(), Ok(()));
    }

    #[test]
    fn a_mean_over_samples_gives_the_same_as_on_one_device(
        samples in 1_i64..=9, replicas in 1_usize..=4, seed in any::<i64>(), way in ways(),
    ) {
        let _generator = generator();
        manual_seed(seed);
        let batch = labeled(samples, Kind::Double);
        prop_assert_eq!(agree(&Plain::new(), &batch, replicas, Kind::Double, way).unwrap(), Ok(()));
    }

    #[test]
    fn a_loss_over_tokens_gives_the_same_as_on_one_device(
        samples in 1_i64..=9, replicas in 1_usize..=4, seed in any::<i64>(), way in ways(),
    ) {
        let _generator = generator();
        manual_seed(seed);
        let batch = token_batch(samples);
        prop_assert_eq!(agree(&MaskedTokens::new(0.5), &batch, replicas, Kind::Double, way).unwrap(), Ok(()));
    }
}

#[test]
fn single_precision_agrees_to_six_digits() {
    let _generator = generator();
    for (samples, replicas) in (1..=9).flat_map(|samples| (1..=4).map(move |replicas| (samples, replicas))) {
        for way in [Way::ByHand(Mode::Train), Way::Step] {
            manual_seed(samples);
            let batch = labeled(samples, Kind::Float);
            let agreed = agree(&Plain::new(), &batch, replicas, Kind::Float, way).unwrap();
            assert_eq!(agreed, Ok(()), "{samples} samples, {replicas} replicas, {way:?}");
            let agreed = agree(&Classification::new(), &batch, replicas, Kind::Float, way).unwrap();
            assert_eq!(agreed, Ok(()), "{samples} samples, {replicas} replicas, {way:?}");
        }
    }
}

#[test]
fn a_batch_in_which_nothing_counts_has_a_loss_of_zero_and_no_gradient() {
    let _generator = generator();
    let batch = Tokens { mask: Tensor::zeros([6, 5], (Kind::Bool, Device::Cpu)), ..token_batch(6) };
    for way in [Way::ByHand(Mode::Train), Way::Step] {
        let mut pipeline = DataParallelPipeline::build(&[Device::Cpu; 3], model, MaskedTokens::new(0.5)).unwrap();
        pipeline.var_store_mut().double();
        let numbers = numbers(&mut pipeline, &batch, way).unwrap();
        for (name, number) in numbers.iter().filter(|(name, _)| *name == "loss" || name.starts_with("gradient")) {
            assert_eq!(number.abs().max().double_value(&[]), 0.0, "{name}");
        }
    }
}
