//! The trainer: windows, clipping, non-finite steps, and actions after steps.

use booster::prelude::*;
use booster::tch::nn::{self, OptimizerConfig};
use booster::tch::{Device, Kind, Reduction, Tensor, manual_seed};
use booster::training::{Ema, NonFiniteStep, TrainerBuilder};
use booster_tests::{generator, relative_difference};
use serde::Deserialize;

type Outcome = Result<(), Box<dyn std::error::Error>>;

/// Tokens with a mask; the loss is a mean over unmasked tokens.
#[derive(Batch)]
struct Tokens {
    input: Tensor,
    target: Tensor,
    mask: Tensor,
}

#[evaluator]
fn masked(model: &nn::Linear, batch: &Tokens, mode: Mode) -> booster::Result<Loss> {
    let _ = mode;
    let logits = batch.input.f_linear(&model.ws, model.bs.as_ref())?;
    #[group = "loss"]
    let nll: Tensor = logits.f_cross_entropy_loss::<Tensor>(&batch.target, None, Reduction::None, -100, 0.0)?;
    Loss::from_sum(&(&nll * &batch.mask).f_sum(None)?, &batch.mask.f_sum(None)?)
}

#[evaluator]
fn plain(model: &nn::Linear, batch: &Tokens, mode: Mode) -> booster::Result<Tensor> {
    let _ = mode;
    let logits = batch.input.f_linear(&model.ws, model.bs.as_ref())?;
    #[group = "loss"]
    let nll: Tensor = logits.f_cross_entropy_loss::<Tensor>(&batch.target, None, Reduction::None, -100, 0.0)?;
    Ok(nll.f_mean(None)?)
}

fn net(path: &nn::Path<'_>) -> nn::Linear {
    nn::linear(path, 6, 3, nn::LinearConfig::default())
}

fn tokens(samples: i64) -> Tokens {
    let mask = Tensor::rand([samples], (Kind::Double, Device::Cpu)).lt(0.7).to_kind(Kind::Double);
    Tokens {
        input: Tensor::randn([samples, 6], (Kind::Double, Device::Cpu)),
        target: Tensor::randint(3, [samples], (Kind::Int64, Device::Cpu)),
        mask,
    }
}

fn pipeline<E: Evaluator<Model = nn::Linear>>(evaluator: E) -> Pipeline<E> {
    manual_seed(4);
    let mut pipeline = Pipeline::build(Device::Cpu, net, evaluator);
    pipeline.var_store_mut().double();
    pipeline
}

fn adam(pipeline: &impl EvaluationPipeline) -> booster::Result<TrainerBuilder> {
    Ok(Trainer::builder(nn::Adam::default().build(pipeline.var_store(), 1e-2)?))
}

fn weight(pipeline: &impl EvaluationPipeline) -> Tensor {
    pipeline.var_store().variables()["weight"].detach_copy()
}

/// Trains with windows of unequal micro-batches, and with one joined batch for each window.
fn windows_equal_joined_batches<E>(
    evaluator: &E,
    window: usize,
    set_up: impl Fn(TrainerBuilder) -> TrainerBuilder,
) -> booster::Result<f64>
where
    E: Evaluator<Model = nn::Linear, Batch = Tokens>,
{
    let mut joined = pipeline(evaluator.clone());
    let mut cut = pipeline(evaluator.clone());
    let mut many = DataParallelPipeline::build(&[Device::Cpu; 2], net, evaluator.clone())?;
    many.var_store_mut().double();
    many.var_store_mut().copy(cut.var_store())?;
    let mut of_joined = set_up(adam(&joined)?).build()?;
    let mut of_cut = set_up(adam(&cut)?).accumulate(window as u64).build()?;
    let mut of_many = set_up(adam(&many)?).accumulate(window as u64).build()?;
    for _ in 0..20 {
        let parts = [5, 1, 3, 2, 8][..window].iter().map(|&samples| tokens(samples)).collect::<Vec<_>>();
        for part in &parts {
            of_cut.step(&mut cut, part)?;
            of_many.step(&mut many, part)?;
        }
        of_joined.step(&mut joined, &Batch::join(parts)?)?;
    }
    assert_eq!((of_cut.steps(), of_many.steps(), of_joined.steps()), (20, 20, 20));
    let expected = weight(&joined);
    Ok(relative_difference(&weight(&cut), &expected).max(relative_difference(&weight(&many), &expected)))
}

#[test]
fn a_window_of_unequal_batches_steps_as_one_joined_batch() -> Outcome {
    let _generator = generator();
    for window in 1..=5 {
        for set_up in [
            |trainer: TrainerBuilder| trainer,
            |trainer: TrainerBuilder| trainer.clip_norm(0.05),
            |trainer: TrainerBuilder| trainer.clip_value(0.01),
        ] {
            let of_samples = windows_equal_joined_batches(&Plain::new(), window, set_up)?;
            let of_tokens = windows_equal_joined_batches(&Masked::new(), window, set_up)?;
            assert!(of_samples < 1e-9 && of_tokens < 1e-9, "{window}: {of_samples:e} {of_tokens:e}");
        }
    }
    Ok(())
}

#[test]
fn a_window_is_closed_by_hand_and_nothing_leaks_into_the_next() -> Outcome {
    let _generator = generator();
    manual_seed(8);
    let batches = [3, 5, 2, 4, 1].map(tokens);
    let mut cut = pipeline(Masked::new());
    let mut trainer = adam(&cut)?.accumulate(3).build()?;
    let mut norms = Vec::new();
    for batch in &batches {
        norms.push(trainer.step(&mut cut, batch)?.gradient_norm.is_some());
    }
    assert_eq!(norms, [false, false, true, false, false]);
    trainer.finish_window(&mut cut)?;
    trainer.finish_window(&mut cut)?;
    assert_eq!(trainer.steps(), 2);
    trainer.step(&mut cut, &batches[0])?;
    trainer.finish_window(&mut cut)?;

    let mut joined = pipeline(Masked::new());
    let mut trainer = adam(&joined)?.build()?;
    for window in [0..3, 3..5, 0..1] {
        let parts = batches[window].iter().map(Batch::share).collect::<booster::Result<Vec<_>>>()?;
        trainer.step(&mut joined, &Batch::join(parts)?)?;
    }
    assert!(relative_difference(&weight(&cut), &weight(&joined)) < 1e-12);
    Ok(())
}

#[test]
fn a_batch_in_which_nothing_counts_changes_nothing_in_its_window() -> Outcome {
    let _generator = generator();
    let (batch, padding) = (tokens(4), Tokens { mask: Tensor::zeros([3], (Kind::Double, Device::Cpu)), ..tokens(3) });
    let mut with = pipeline(Masked::new());
    let mut trainer = adam(&with)?.accumulate(2).build()?;
    trainer.step(&mut with, &batch)?;
    trainer.step(&mut with, &padding)?;
    trainer.finish_window(&mut with)?;
    let mut without = pipeline(Masked::new());
    adam(&without)?.build()?.step(&mut without, &batch)?;
    assert!(relative_difference(&weight(&with), &weight(&without)) < 1e-12);
    // With no tokens at all, the gradient is 0, not NaN.
    let mut trainer = adam(&with)?.accumulate(2).build()?;
    trainer.step(&mut with, &padding)?;
    trainer.finish_window(&mut with)?;
    assert!(weight(&with).isfinite().all().int64_value(&[]) == 1);
    Ok(())
}

/// Sets the weight of its loss, or leaves it at the number of samples.
#[evaluator]
fn told(model: &nn::Linear, batch: &Tokens, mode: Mode, #[param] tells: bool) -> booster::Result<Loss> {
    let _ = mode;
    let logits = batch.input.f_linear(&model.ws, model.bs.as_ref())?;
    let sum = logits.f_square()?.f_sum(None)?;
    let samples = Tensor::from(batch.target.size()[0] as f64);
    if tells { Loss::from_sum(&sum, &samples) } else { Ok(Loss::from(sum / samples)) }
}

#[test]
fn losses_with_and_without_a_weight_go_into_one_window() -> Outcome {
    let _generator = generator();
    let batches = [3, 5, 2, 4].map(tokens);
    let mut weights = Vec::new();
    for tells in [[false; 4], [true; 4], [false, true, false, true], [true, false, false, true]] {
        let mut pipeline = pipeline(Told::new(false));
        let mut trainer = adam(&pipeline)?.accumulate(4).clip_norm(0.1).build()?;
        for (batch, tells) in batches.iter().zip(tells) {
            pipeline.evaluator_mut().tells = tells;
            trainer.step(&mut pipeline, batch)?;
        }
        weights.push(weight(&pipeline));
    }
    assert!(weights.iter().all(|other| relative_difference(other, &weights[0]) < 1e-12));
    Ok(())
}

#[derive(Deserialize)]
struct Figures {
    gradients: (Vec<f32>, Vec<Vec<f32>>, Vec<f32>),
    norm: Vec<Case>,
    value: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    factor: f64,
    most: f64,
    norm: f64,
    clipped: [Vec<f32>; 3],
}

/// A loss with a given gradient: the sum of parameters times their desired gradients.
#[evaluator]
fn prescribed(model: &[Tensor; 3], batch: &Tensor, mode: Mode, #[param] gradients: &Given) -> booster::Result<Tensor> {
    let _ = (mode, batch);
    let mut loss = Tensor::f_zeros([0_i64; 0], (Kind::Float, Device::Cpu))?;
    for (parameter, gradient) in model.iter().zip(&gradients.0) {
        loss = loss.f_add(&(parameter * gradient).f_sum(None)?)?;
    }
    Ok(loss)
}

#[derive(Debug)]
struct Given([Tensor; 3]);

impl Clone for Given {
    fn clone(&self) -> Self {
        Self(self.0.each_ref().map(Tensor::shallow_clone))
    }
}

#[test]
fn clipping_is_pytorchs() -> Outcome {
    let figures: Figures = serde_json::from_str(include_str!("../figures/clipping.json"))?;
    let (first, second, third) = &figures.gradients;
    let gradients = [Tensor::from_slice(first), Tensor::from_slice2(second), Tensor::from_slice(third)];
    let by_norm = figures.norm.iter().map(|case| (case, true));
    for (case, is_norm) in by_norm.chain(figures.value.iter().map(|case| (case, false))) {
        let given = Given(gradients.each_ref().map(|gradient| gradient * case.factor));
        let net = |path: &nn::Path<'_>| [path.zeros("a", &[3]), path.zeros("b", &[2, 2]), path.zeros("c", &[1])];
        let mut pipeline = Pipeline::build(Device::Cpu, net, Prescribed::new(given));
        // A learning rate of 0, since only the gradients matter.
        let trainer = Trainer::builder(nn::Sgd::default().build(pipeline.var_store(), 0.0)?);
        let trainer = if is_norm { trainer.clip_norm(case.most) } else { trainer.clip_value(case.most) };
        let mut trainer = trainer.build()?;
        let step = trainer.step(&mut pipeline, &Tensor::zeros([1], (Kind::Float, Device::Cpu)))?;
        let norm = step.gradient_norm.ok_or("no norm")?.double_value(&[]);
        assert!((norm / case.norm - 1.0).abs() < 1e-6, "{norm} instead of {}", case.norm);
        for (name, expected) in ["a", "b", "c"].iter().zip(&case.clipped) {
            let found = pipeline.var_store().variables()[*name].grad().flatten(0, -1);
            assert!(relative_difference(&found, &Tensor::from_slice(expected)) < 1e-6, "{name} of {}", case.most);
        }
    }
    Ok(())
}

#[test]
fn a_step_reads_nothing_back() -> Outcome {
    let _generator = generator();
    for devices in [1, 2] {
        let mut pipeline = DataParallelPipeline::build(&vec![Device::Cpu; devices], net, Masked::new())?;
        pipeline.var_store_mut().double();
        let mut trainer =
            adam(&pipeline)?.accumulate(3).clip_norm(1.0).ema(Ema::new(pipeline.var_store(), 0.99)?).build()?;
        let batch = tokens(5);
        let before = booster::transfers::host_reads();
        for _ in 0..100 {
            trainer.step(&mut pipeline, &batch)?;
        }
        assert_eq!(booster::transfers::host_reads(), before);
        trainer.finish_window(&mut pipeline)?;
        assert_eq!(booster::transfers::host_reads(), before + 1);
    }
    Ok(())
}

/// A batch with a non-finite gradient or a non-finite loss.
fn spoilt(what: &str) -> Tokens {
    let batch = tokens(4);
    let _ = match what {
        "loss" => batch.input.get(0).fill_(f64::NAN),
        _ => batch.input.get(0).fill_(f64::INFINITY),
    };
    batch
}

#[test]
fn the_first_step_that_is_not_finite_is_named_when_it_is_asked_for() -> Outcome {
    let _generator = generator();
    let mut pipeline = pipeline(Masked::new());
    let mut trainer = adam(&pipeline)?.build()?;
    for step in 0..10 {
        let batch = if step == 4 { spoilt("loss") } else { tokens(5) };
        trainer.step(&mut pipeline, &batch)?;
    }
    let error = trainer.finish_window(&mut pipeline).expect_err("NaN").to_string();
    assert_eq!(error, "the loss of training step 5 (counted from 1) was NaN or infinite; earlier steps were finite");
    // It was told.
    trainer.check()?;
    Ok(())
}

/// The square root of the absolute value has a finite value and an infinite slope at 0.
#[evaluator]
fn rooted(model: &nn::Linear, batch: &Tokens, mode: Mode) -> booster::Result<Tensor> {
    let _ = mode;
    let logits = batch.input.f_linear(&model.ws, model.bs.as_ref())?;
    Ok((&logits - logits.detach()).f_abs()?.f_pow_tensor_scalar(0.5)?.f_sum(None)? * &batch.mask.get(0)
        + logits.f_mean(None)?)
}

#[test]
fn a_gradient_that_is_not_finite_is_found_where_the_loss_is() -> Outcome {
    let _generator = generator();
    let mut pipeline = pipeline(Rooted::new());
    let mut trainer = adam(&pipeline)?.build()?;
    let batch = Tokens { mask: Tensor::ones([4], (Kind::Double, Device::Cpu)), ..tokens(4) };
    trainer.step(&mut pipeline, &batch)?;
    let error = trainer.check().expect_err("an infinite slope").to_string();
    assert!(error.starts_with("the gradient of training step 1 "), "{error}");
    Ok(())
}

#[test]
fn a_skipped_step_leaves_no_trace() -> Outcome {
    let _generator = generator();
    let batches = (0..10).map(|_| tokens(5)).collect::<Vec<_>>();
    let mut clean = pipeline(Masked::new());
    let mut trainer = adam(&clean)?.build()?;
    for batch in &batches {
        trainer.step(&mut clean, batch)?;
    }
    let mut spoiled = pipeline(Masked::new());
    let mut trainer = adam(&spoiled)?.non_finite(NonFiniteStep::Skip).build()?;
    for (index, batch) in batches.iter().enumerate() {
        if index % 3 == 0 {
            trainer.step(&mut spoiled, &spoilt("loss"))?;
            trainer.step(&mut spoiled, &spoilt("gradient"))?;
        }
        trainer.step(&mut spoiled, batch)?;
    }
    assert_eq!((trainer.steps(), trainer.skipped()), (10, 8));
    trainer.finish_window(&mut spoiled)?;
    assert_eq!(weight(&spoiled), weight(&clean));
    Ok(())
}

#[test]
fn too_many_skipped_steps_in_a_row_are_an_error() -> Outcome {
    let _generator = generator();
    let mut pipeline = pipeline(Masked::new());
    let mut trainer = adam(&pipeline)?.non_finite(NonFiniteStep::SkipAtMost(2)).build()?;
    for _ in 0..2 {
        trainer.step(&mut pipeline, &spoilt("loss"))?;
        trainer.step(&mut pipeline, &spoilt("loss"))?;
        trainer.step(&mut pipeline, &tokens(4))?;
    }
    let before = weight(&pipeline);
    trainer.step(&mut pipeline, &spoilt("loss"))?;
    trainer.step(&mut pipeline, &spoilt("loss"))?;
    let error = trainer.step(&mut pipeline, &spoilt("loss")).map(|_| ()).expect_err("the third").to_string();
    assert!(error.starts_with("the loss of training step 3 "), "{error}");
    assert_eq!(weight(&pipeline), before);
    let gradient = pipeline.var_store().variables()["weight"].grad();
    assert!(!gradient.defined());
    Ok(())
}

#[test]
fn an_error_in_a_window_drops_it_and_leaves_no_gradient() -> Outcome {
    let _generator = generator();
    let mut pipeline = pipeline(Masked::new());
    let mut trainer = adam(&pipeline)?.accumulate(3).build()?;
    trainer.step(&mut pipeline, &tokens(5))?;
    let unequal = Tokens { mask: tokens(2).mask, ..tokens(3) };
    trainer.step(&mut pipeline, &unequal).map(|_| ()).expect_err("2 and 3 samples");
    assert!(!pipeline.var_store().variables()["weight"].grad().defined());
    let before = weight(&pipeline);
    trainer.finish_window(&mut pipeline)?;
    assert_eq!((trainer.steps(), weight(&pipeline)), (0, before));
    Ok(())
}

#[test]
fn batch_norm_that_is_frozen_stays_so() -> Outcome {
    /// Does not update its batch norm statistics in training.
    #[evaluator]
    fn frozen_norm(model: &(nn::BatchNorm, nn::Linear), batch: &Labeled, mode: Mode) -> booster::Result<Tensor> {
        use booster::tch::nn::ModuleT;
        let _ = mode;
        let logits = model.0.forward_t(&batch.input, false).f_linear(&model.1.ws, model.1.bs.as_ref())?;
        Ok(logits.f_square()?.f_mean(None)?)
    }
    let _generator = generator();
    let net = |path: &nn::Path<'_>| {
        (
            nn::batch_norm1d(path / "norm", 6, nn::BatchNormConfig::default()),
            nn::linear(path / "linear", 6, 3, nn::LinearConfig::default()),
        )
    };
    let mut pipeline = Pipeline::build(Device::Cpu, net, FrozenNorm::new());
    let mut trainer = adam(&pipeline)?.build()?;
    let statistics = |pipeline: &Pipeline<FrozenNorm>| pipeline.var_store().variables()["norm.running_mean"].copy();
    let before = statistics(&pipeline);
    let input = Tensor::rand([8, 6], (Kind::Float, Device::Cpu)) + 3.0;
    for _ in 0..3 {
        let target = Tensor::zeros([8], (Kind::Int64, Device::Cpu));
        trainer.step(&mut pipeline, &Labeled { input: input.shallow_clone(), target })?;
    }
    assert_eq!(statistics(&pipeline), before);
    Ok(())
}

#[test]
fn schedules_and_averages_follow_the_steps_of_the_optimizer() -> Outcome {
    let _generator = generator();
    let mut pipeline = pipeline(Plain::new());
    let rates = [0.1, 0.05, 0.025];
    let schedule = Schedule::exponential(rates[0], rates[2], 2)?;
    let sgd = nn::Sgd::default().build(pipeline.var_store(), 7.0)?;
    let mut trainer = Trainer::builder(sgd)
        .accumulate(2)
        .learning_rate(LearningRate::new(schedule))
        .ema(Ema::new(pipeline.var_store(), 0.5)?.without_warm_up())
        .build()?;
    let mut expected = weight(&pipeline);
    let mut average = expected.copy();
    for rate in rates {
        let (one, other) = (tokens(3), tokens(3));
        trainer.step(&mut pipeline, &one)?;
        trainer.step(&mut pipeline, &other)?;
        expected -= pipeline.var_store().variables()["weight"].grad() * rate;
        average = (average + &expected) * 0.5;
        assert!(relative_difference(&weight(&pipeline), &expected) < 1e-12);
    }
    let ema = trainer.ema_mut().ok_or("it was given")?;
    assert_eq!(ema.updates(), 3);
    let averaged = ema.averaged(&mut pipeline)?;
    assert!(relative_difference(&weight(&*averaged), &average) < 1e-12);
    Ok(())
}

#[test]
fn throughput_counts_samples_since_it_was_last_asked() -> Outcome {
    let _generator = generator();
    let mut pipeline = pipeline(Plain::new());
    let mut trainer = adam(&pipeline)?.build()?;
    assert_eq!(trainer.throughput(&pipeline).samples_per_second(), 0.0);
    let start = std::time::Instant::now();
    for samples in [3, 4] {
        trainer.step(&mut pipeline, &tokens(samples))?;
    }
    let throughput = trainer.throughput(&pipeline);
    let most = start.elapsed();
    assert_eq!((throughput.batches, throughput.samples), (2, 7.0));
    assert!(throughput.elapsed <= most && throughput.samples_per_second() >= 7.0 / most.as_secs_f64());
    assert_eq!(trainer.throughput(&pipeline).samples, 0.0);
    Ok(())
}

#[test]
fn what_is_measured_is_in_the_summary() -> Outcome {
    let _generator = generator();
    let mut pipeline = pipeline(Plain::new());
    let mut trainer = adam(&pipeline)?.accumulate(2).build()?;
    let mut mean = Aggregator::new();
    for _ in 0..4 {
        mean.update(&trainer.step(&mut pipeline, &tokens(4))?)?;
    }
    let summary = mean.summary()?;
    let names = summary.iter().map(|entry| entry.tag()).collect::<Vec<_>>();
    assert_eq!(names, ["loss/nll", "step/loss", "step/elapsed", "step/gradient_norm"]);
    assert!(summary.loss.nll > 0.0 && summary.step.gradient_norm > Some(0.0));
    Ok(())
}

#[test]
fn arguments_that_make_no_sense_are_refused() -> Outcome {
    let pipeline = pipeline(Plain::new());
    let refused = [
        adam(&pipeline)?.accumulate(0).build(),
        adam(&pipeline)?.clip_norm(0.0).build(),
        adam(&pipeline)?.clip_norm(f64::NAN).build(),
        adam(&pipeline)?.clip_value(-1.0).build(),
    ];
    for error in refused.map(Result::err) {
        assert!(error.ok_or("it was taken")?.to_string().contains("positive"));
    }
    assert!(format!("{:?}", adam(&pipeline)?.build()?).contains("batches_per_window: 1"));
    Ok(())
}

#[test]
fn a_parameter_of_two_names_has_one_gradient() -> Outcome {
    let given = || Given([Tensor::from_slice(&[4.0f32]), Tensor::from_slice(&[0.0f32]), Tensor::from_slice(&[0.0f32])]);
    let net = |path: &nn::Path<'_>| {
        let parameter = path.zeros("one", &[1]);
        let again = path.add("other", parameter.shallow_clone(), true);
        [parameter, again, path.zeros("last", &[1])]
    };
    let mut pipeline = Pipeline::build(Device::Cpu, net, Prescribed::new(given()));
    let sgd = nn::Sgd::default().build(pipeline.var_store(), 0.0)?;
    let mut trainer = Trainer::builder(sgd).accumulate(2).clip_norm(2.0).build()?;
    let batch = Tensor::zeros([1], (Kind::Float, Device::Cpu));
    trainer.step(&mut pipeline, &batch)?;
    let norm = trainer.step(&mut pipeline, &batch)?.gradient_norm.ok_or("no norm")?.double_value(&[]);
    let gradient = pipeline.var_store().variables()["one"].grad().double_value(&[0]);
    assert!((norm - 4.0).abs() < 1e-5 && (gradient - 2.0).abs() < 1e-5, "{norm} {gradient}");
    Ok(())
}

#[test]
fn sparse_gradients_are_trained_and_clipped() -> Outcome {
    #[evaluator]
    fn looked_up(model: &nn::Embedding, batch: &Tensor, mode: Mode) -> booster::Result<Tensor> {
        use booster::tch::nn::ModuleT;
        Ok(model.forward_t(batch, mode.is_train()).f_square()?.f_sum(Kind::Float)?)
    }
    let _generator = generator();
    let mut moved = Vec::new();
    for sparse in [false, true] {
        let net = |path: &nn::Path<'_>| {
            nn::embedding(path, 5, 3, nn::EmbeddingConfig { sparse, ..nn::EmbeddingConfig::default() })
        };
        manual_seed(4);
        let mut pipeline = Pipeline::build(Device::Cpu, net, LookedUp::new());
        let sgd = nn::Sgd::default().build(pipeline.var_store(), 0.1)?;
        let mut trainer = Trainer::builder(sgd).accumulate(2).clip_norm(0.5).build()?;
        for _ in 0..2 {
            trainer.step(&mut pipeline, &Tensor::from_slice(&[1i64, 3]))?;
            trainer.step(&mut pipeline, &Tensor::from_slice(&[3i64]))?;
        }
        trainer.finish_window(&mut pipeline)?;
        moved.push(weight(&pipeline));
    }
    assert!(relative_difference(&moved[1], &moved[0]) < 1e-6);
    Ok(())
}

#[test]
fn a_parameter_that_is_measured_is_what_it_was_then() -> Outcome {
    #[evaluator]
    fn tempered(model: &Tensor, batch: &Tensor, mode: Mode) -> booster::Result<Tensor> {
        let _ = mode;
        #[group = "info"]
        #[metric(max, min)]
        let temperature: Tensor = model.shallow_clone();
        Ok((temperature * batch).f_sum(Kind::Float)?)
    }
    let mut pipeline = Pipeline::build(Device::Cpu, |path: &nn::Path<'_>| path.ones("scale", &[1]), Tempered::new());
    let mut sgd = nn::Sgd::default().build(pipeline.var_store(), 0.25)?;
    let batch = Tensor::ones([1], (Kind::Float, Device::Cpu));
    let mut mean = Aggregator::new();
    for _ in 0..3 {
        mean.update(&training_step(&mut pipeline, &batch, &mut sgd)?)?;
    }
    let summary = mean.summary()?;
    assert_eq!((summary.info.temperature, summary.info.temperature_min), (1.0, 0.5));
    Ok(())
}

#[test]
fn half_precision_counts_many_targets() -> Outcome {
    let logits = Tensor::zeros([2, 2, 200, 200], (Kind::Half, Device::Cpu)).set_requires_grad(true);
    let net = |_: &nn::Path<'_>| nn::func(Tensor::shallow_clone);
    let mut pipeline = Pipeline::build(Device::Cpu, net, booster::evaluation::Classification::new());
    let target = Tensor::zeros([2, 200, 200], (Kind::Int64, Device::Cpu));
    let (loss, ..) = pipeline.evaluate(&Labeled { input: logits, target }, Mode::Eval)?;
    assert!((loss.tensor().double_value(&[]) - 2.0f64.ln()).abs() < 1e-3, "{:?}", loss.tensor());
    assert_eq!(loss.weight().ok_or("no weight")?.double_value(&[]), 80_000.0);
    Ok(())
}

#[test]
fn what_counts_nothing_has_a_loss_of_zero_whatever_its_sum() -> Outcome {
    let sum = Tensor::from(3.0f32).set_requires_grad(true);
    let loss = Loss::from_sum(&sum, &Tensor::from(0.0f32))?;
    loss.backward()?;
    assert_eq!((loss.tensor().double_value(&[]), sum.grad().double_value(&[])), (0.0, 0.0));
    Ok(())
}
