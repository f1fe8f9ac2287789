//! A data-parallel pipeline between evaluations: weights, buffers, random numbers, graphs and invalid input.

use booster::evaluation::Classification;
use booster::prelude::*;
use booster::tch::nn::{self, ModuleT, OptimizerConfig};
use booster::tch::{Device, Kind, Tensor, manual_seed};
use booster::training::Ema;
use booster_tests::{generator, relative_difference};

type Outcome = Result<(), Box<dyn std::error::Error>>;

const DEVICES: [Device; 3] = [Device::Cpu; 3];

fn mlp(path: &nn::Path<'_>) -> nn::SequentialT {
    nn::seq_t()
        .add(nn::linear(path / "hidden", 6, 8, nn::LinearConfig::default()))
        .add_fn(Tensor::tanh)
        .add(nn::linear(path / "logits", 8, 3, nn::LinearConfig::default()))
}

fn with_norm(path: &nn::Path<'_>) -> nn::SequentialT {
    nn::seq_t().add(nn::batch_norm1d(path / "norm", 6, nn::BatchNormConfig::default())).add(nn::linear(
        path / "logits",
        6,
        3,
        nn::LinearConfig::default(),
    ))
}

fn with_dropout(path: &nn::Path<'_>) -> nn::SequentialT {
    nn::seq_t()
        .add(nn::batch_norm1d(path / "norm", 6, nn::BatchNormConfig::default()))
        .add_fn_t(|hidden, train| hidden.dropout(0.5, train))
        .add(nn::linear(path / "logits", 6, 3, nn::LinearConfig::default()))
}

fn batch(samples: i64) -> Labeled {
    Labeled {
        input: Tensor::randn([samples, 6], (Kind::Float, Device::Cpu)),
        target: Tensor::randint(3, [samples], (Kind::Int64, Device::Cpu)),
    }
}

type Net = Classification<nn::SequentialT>;

/// The same model on one device and on three replicas.
fn both(net: fn(&nn::Path<'_>) -> nn::SequentialT) -> booster::Result<(Pipeline<Net>, DataParallelPipeline<Net>)> {
    manual_seed(5);
    let one = Pipeline::build(Device::Cpu, net, Classification::new());
    manual_seed(5);
    Ok((one, DataParallelPipeline::build(&DEVICES, net, Classification::new())?))
}

fn variables(store: &nn::VarStore) -> Vec<(String, Tensor)> {
    let mut variables = store.variables().into_iter().collect::<Vec<_>>();
    variables.sort_by(|one, other| one.0.cmp(&other.0));
    variables
}

fn values(store: &nn::VarStore) -> Vec<Tensor> {
    variables(store).into_iter().map(|(_, variable)| variable.copy()).collect()
}

fn gradients(store: &nn::VarStore) -> Vec<Tensor> {
    let gradients = variables(store).into_iter().map(|(_, variable)| variable.grad());
    gradients.filter(Tensor::defined).map(|gradient| gradient.copy()).collect()
}

fn assert_close(found: &[Tensor], expected: &[Tensor]) {
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        assert!(relative_difference(found, expected) < 1e-6, "{found} instead of {expected}");
    }
}

#[test]
fn building_replicas_draws_no_more_than_building_one_model() -> Outcome {
    let _generator = generator();
    let draw = || Tensor::rand([4], (Kind::Float, Device::Cpu));
    manual_seed(5);
    let one = Pipeline::build(Device::Cpu, mlp, Net::new());
    let after_one = draw();
    manual_seed(5);
    let many = DataParallelPipeline::build(&DEVICES, mlp, Net::new())?;
    assert_eq!(draw(), after_one);
    for (found, expected) in values(many.var_store()).iter().zip(values(one.var_store())) {
        assert_eq!(*found, expected);
    }
    Ok(())
}

#[test]
fn training_ends_at_the_parameters_of_one_device() -> Outcome {
    let _generator = generator();
    let (mut one, mut many) = both(mlp)?;
    let mut adam = nn::Adam::default().build(one.var_store(), 1e-2)?;
    let mut adam_of_many = nn::Adam::default().build(many.var_store(), 1e-2)?;
    for samples in [7, 3, 1, 8, 2].repeat(4) {
        let batch = batch(samples);
        let expected = training_step(&mut one, &batch, &mut adam)?;
        let found = training_step(&mut many, &batch, &mut adam_of_many)?;
        assert!(relative_difference(&found.diagnostics.nll.value, &expected.diagnostics.nll.value) < 1e-4);
    }
    for (found, expected) in values(many.var_store()).iter().zip(values(one.var_store())) {
        assert!(relative_difference(found, &expected) < 1e-4);
    }
    Ok(())
}

#[test]
fn a_loop_written_by_hand_ends_at_the_parameters_of_one_device() -> Outcome {
    let _generator = generator();
    let (mut one, mut many) = both(mlp)?;
    let mut sgd = nn::Sgd::default().build(one.var_store(), 0.1)?;
    let mut sgd_of_many = nn::Sgd::default().build(many.var_store(), 0.1)?;
    for samples in [7, 3, 1, 8, 2].repeat(4) {
        let batch = batch(samples);
        let (loss, ..) = one.evaluate(&batch, Mode::Train)?;
        sgd.backward_step(loss.tensor());
        let (loss, ..) = many.evaluate(&batch, Mode::Train)?;
        validation_step(&mut many, &batch)?;
        sgd_of_many.backward_step(loss.tensor());
        let expected = validation_step(&mut one, &batch)?;
        let found = validation_step(&mut many, &batch)?;
        assert!(relative_difference(&found.diagnostics.nll.value, &expected.diagnostics.nll.value) < 1e-4);
    }
    for (found, expected) in values(many.var_store()).iter().zip(values(one.var_store())) {
        assert!(relative_difference(found, &expected) < 1e-4);
    }
    Ok(())
}

#[test]
fn a_seeded_run_repeats_bit_for_bit_where_replicas_take_turns() -> Outcome {
    let _generator = generator();
    let run = || -> booster::Result<Vec<Tensor>> {
        manual_seed(9);
        let mut pipeline = DataParallelPipeline::build(&DEVICES, with_dropout, Net::new())?.take_turns()?;
        let mut optimizer = nn::Sgd::default().build(pipeline.var_store(), 0.1)?;
        manual_seed(11);
        for _ in 0..5 {
            training_step(&mut pipeline, &batch(64), &mut optimizer)?;
        }
        Ok(values(pipeline.var_store()))
    };
    let first = run()?;
    for _ in 0..5 {
        assert_eq!(run()?, first);
    }
    Ok(())
}

#[test]
fn replicas_draw_different_masks() -> Outcome {
    let _generator = generator();
    // All shards hold the same samples, so only dropout masks can make their outputs differ.
    let dropout = |path: &nn::Path<'_>| {
        nn::seq_t().add_fn_t(|input, train| input.dropout(0.5, train)).add(nn::linear(
            path / "logits",
            6,
            3,
            nn::LinearConfig::default(),
        ))
    };
    let mut pipeline = DataParallelPipeline::build(&DEVICES, dropout, Net::new())?;
    let same = Labeled {
        input: Tensor::ones([30, 6], (Kind::Float, Device::Cpu)),
        target: Tensor::zeros([30], (Kind::Int64, Device::Cpu)),
    };
    for _ in 0..3 {
        let (_, _, output) = pipeline.evaluate(&same, Mode::Train)?;
        let shards = output.logits.chunk(3, 0);
        assert!(!shards[0].equal(&shards[1]) && !shards[1].equal(&shards[2]) && !shards[0].equal(&shards[2]));
    }
    Ok(())
}

#[test]
fn buffers_are_those_of_the_first_replica() -> Outcome {
    let _generator = generator();
    for net in [with_norm, with_dropout] {
        let (mut one, mut many) = both(net)?;
        let mut masks = Vec::new();
        for _ in 0..3 {
            let batch = batch(9);
            manual_seed(3);
            many.backward(&batch)?;
            masks.push(Tensor::rand([1], (Kind::Float, Device::Cpu)));
            manual_seed(3);
            one.evaluate(&batch.samples(0..3)?, Mode::Train)?;
        }
        let buffers = |store: &nn::VarStore| {
            let names = ["norm.running_mean", "norm.running_var"];
            Vec::from(names.map(|name| store.variables()[name].copy()))
        };
        assert_close(&buffers(many.var_store()), &buffers(one.var_store()));
        // In evaluation each replica has them.
        let batch = batch(7);
        let (_, _, expected) = one.evaluate(&batch, Mode::Eval)?;
        let (_, _, found) = many.evaluate(&batch, Mode::Eval)?;
        assert_close(&[found.logits.detach()], &[expected.logits.detach()]);
    }
    Ok(())
}

/// Two graphs, with an evaluation between them and their backward.
fn two_graphs(
    pipeline: &mut impl EvaluationPipeline<Evaluator = Net>,
    batches: [&Labeled; 3],
) -> booster::Result<Vec<Tensor>> {
    let (loss, ..) = pipeline.evaluate(batches[0], Mode::Train)?;
    let (other, ..) = pipeline.evaluate(batches[1], Mode::Train)?;
    validation_step(pipeline, batches[2])?;
    other.backward()?;
    loss.backward()?;
    Ok(gradients(pipeline.var_store()))
}

/// A graph with overwritten weights. libtorch's version counters record Adam's writes.
fn after_a_step(
    pipeline: &mut impl EvaluationPipeline<Evaluator = Net>,
    batch: &Labeled,
) -> booster::Result<Option<String>> {
    let mut optimizer = nn::Adam::default().build(pipeline.var_store(), 0.1)?;
    let (loss, ..) = pipeline.evaluate(batch, Mode::Train)?;
    training_step(pipeline, batch, &mut optimizer)?;
    Ok(loss.backward().err().map(|error| error.to_string()))
}

#[test]
fn a_graph_lasts_as_long_as_its_weights() -> Outcome {
    let _generator = generator();
    let (mut one, mut many) = both(mlp)?;
    let [first, second, third] = [batch(7), batch(5), batch(8)];

    assert_close(&two_graphs(&mut many, [&first, &second, &third])?, &two_graphs(&mut one, [&first, &second, &third])?);

    let gone = "has been modified by an inplace operation";
    assert!(after_a_step(&mut one, &first)?.is_some_and(|error| error.contains(gone)));
    assert!(after_a_step(&mut many, &first)?.is_some_and(|error| error.contains(gone)));
    Ok(())
}

#[test]
fn what_is_done_to_the_variables_reaches_all_replicas() -> Outcome {
    let _generator = generator();
    let (mut one, mut many) = both(mlp)?;
    let batch = batch(7);
    let compare = |one: &mut Pipeline<Net>, many: &mut DataParallelPipeline<Net>| -> booster::Result<()> {
        let no_grad = booster::tch::no_grad_guard();
        let (_, _, expected) = one.evaluate(&batch, Mode::Eval)?;
        let (_, _, found) = many.evaluate(&batch, Mode::Eval)?;
        assert_close(&[found.logits], &[expected.logits]);
        drop(no_grad);
        for pipeline in [one as &mut dyn Evaluate, many] {
            pipeline.backward_of(&batch)?;
        }
        assert_close(&gradients(many.var_store()), &gradients(one.var_store()));
        Ok(())
    };
    compare(&mut one, &mut many)?;
    // Loaded weights.
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("weights.safetensors");
    manual_seed(77);
    Pipeline::build(Device::Cpu, mlp, Net::new()).var_store().save(&path)?;
    one.var_store_mut().load(&path)?;
    many.var_store_mut().load(&path)?;
    compare(&mut one, &mut many)?;
    // Converted to another kind and back.
    for store in [one.var_store_mut(), many.var_store_mut()] {
        store.bfloat16();
        store.float();
    }
    compare(&mut one, &mut many)?;
    // Partly frozen, then unfrozen.
    for store in [one.var_store(), many.var_store()] {
        let _ = store.variables()["hidden.weight"].set_requires_grad(false);
    }
    compare(&mut one, &mut many)?;
    for store in [one.var_store_mut(), many.var_store_mut()] {
        store.unfreeze();
    }
    compare(&mut one, &mut many)?;
    for store in [one.var_store_mut(), many.var_store_mut()] {
        store.freeze();
    }
    let error = many.backward(&batch).expect_err("all are frozen").to_string();
    assert!(error.starts_with("the loss does not depend on a parameter that requires a gradient"), "{error}");
    Ok(())
}

/// Returns the gradients of both pipelines in one loop.
trait Evaluate {
    fn backward_of(&mut self, batch: &Labeled) -> booster::Result<()>;
}

impl<P: EvaluationPipeline<Evaluator = Net>> Evaluate for P {
    fn backward_of(&mut self, batch: &Labeled) -> booster::Result<()> {
        let (loss, ..) = self.evaluate(batch, Mode::Train)?;
        loss.backward()?;
        self.backward(batch)?;
        Ok(())
    }
}

#[test]
fn the_gradient_reaches_a_batch_that_asks_for_it() -> Outcome {
    let _generator = generator();
    let (mut one, mut many) = both(mlp)?;
    let Labeled { input, target } = batch(7);
    let mut found = Vec::new();
    for pipeline in [&mut one as &mut dyn Evaluate, &mut many] {
        let input = input.copy().set_requires_grad(true);
        pipeline.backward_of(&Labeled { input: input.shallow_clone(), target: target.shallow_clone() })?;
        found.push(input.grad());
    }
    assert_close(&found[1..], &found[..1]);
    Ok(())
}

#[test]
fn no_gradients_are_recorded_where_they_are_off() -> Outcome {
    let _generator = generator();
    let (_, mut many) = both(mlp)?;
    let step = validation_step(&mut many, &batch(7))?;
    assert_eq!(step.diagnostics.nll.value.size(), [7]);
    let off = booster::tch::no_grad_guard();
    let (loss, _, output) = many.evaluate(&batch(7), Mode::Train)?;
    assert!(!loss.tensor().requires_grad() && !output.logits.requires_grad());
    let error = many.backward(&batch(7)).expect_err("gradients are off");
    assert!(matches!(error, booster::Error::LossWithoutGradient), "{error}");
    drop(off);
    let (loss, diagnostics, output) = many.evaluate(&batch(7), Mode::Eval)?;
    assert!(loss.tensor().requires_grad() && output.logits.requires_grad() && !diagnostics.nll.value.requires_grad());
    Ok(())
}

#[test]
fn a_parameter_of_the_evaluator_reaches_all_replicas() -> Outcome {
    let _generator = generator();
    let (mut one, mut many) = both(mlp)?;
    let batch = batch(7);
    one.evaluator_mut().label_smoothing = 0.3;
    many.evaluator_mut().label_smoothing = 0.3;
    let (expected, ..) = one.evaluate(&batch, Mode::Eval)?;
    let (found, ..) = many.evaluate(&batch, Mode::Eval)?;
    assert_close(&[found.tensor().detach()], &[expected.tensor().detach()]);
    Ok(())
}

#[test]
fn a_weight_is_a_constant_on_one_device_and_on_many() -> Outcome {
    /// A mean by weights that depend on the model.
    #[evaluator]
    fn attended(model: &nn::SequentialT, batch: &Labeled, mode: Mode) -> booster::Result<Loss> {
        #[output]
        let logits: Tensor = model.forward_t(&batch.input, mode.is_train());
        let weights = logits.f_select(1, 0)?.f_exp()?;
        #[group = "loss"]
        let value: Tensor = logits.f_select(1, 1)?.f_square()?;
        Loss::from_sum(&(&value * &weights).f_sum(Kind::Float)?, &weights.f_sum(Kind::Float)?)
    }
    let _generator = generator();
    manual_seed(5);
    let mut one = Pipeline::build(Device::Cpu, mlp, Attended::new());
    manual_seed(5);
    let mut many = DataParallelPipeline::build(&DEVICES, mlp, Attended::new())?;
    let batch = batch(8);
    one.backward(&batch)?;
    many.backward(&batch)?;
    assert_close(&gradients(many.var_store()), &gradients(one.var_store()));
    many.evaluate(&batch, Mode::Train)?.0.backward()?;
    one.backward(&batch)?;
    assert_close(&gradients(many.var_store()), &gradients(one.var_store()));

    let logits = one.model().forward_t(&batch.input, true);
    let weights = logits.select(1, 0).exp();
    let mean = (logits.select(1, 1).square() * &weights).sum(Kind::Float) / weights.detach().sum(Kind::Float);
    let before = gradients(one.var_store());
    mean.backward();
    let expected = gradients(one.var_store()).iter().zip(&before).map(|(sum, before)| sum - before).collect::<Vec<_>>();
    assert_close(&before, &expected.iter().map(|gradient| gradient * 2.0).collect::<Vec<_>>());
    Ok(())
}

#[test]
fn what_only_some_shards_measure_counts_for_their_samples() -> Outcome {
    /// Measures the first class if it is among the targets.
    #[evaluator]
    fn partial(model: &nn::SequentialT, batch: &Labeled, mode: Mode) -> booster::Result<Tensor> {
        let logits = model.forward_t(&batch.input, mode.is_train());
        #[group = "loss"]
        let nll: Tensor =
            logits.f_cross_entropy_loss::<Tensor>(&batch.target, None, booster::tch::Reduction::None, -100, 0.0)?;
        let has_first = batch.target.f_eq(0)?.any().int64_value(&[]) == 1;
        #[group = "info"]
        let of_first: Option<Tensor> = has_first.then(|| batch.target.shallow_clone());
        #[group = "info"]
        let level: Option<f64> = has_first.then_some(batch.target.size()[0] as f64);
        Ok(nll.f_mean(Kind::Float)?)
    }
    let _generator = generator();
    let mut pipeline = DataParallelPipeline::build(&DEVICES, mlp, Partial::new())?;
    let target = Tensor::from_slice(&[0i64, 2, 0, 1, 1, 1, 2, 0]);
    let (_, diagnostics, ()) =
        pipeline.evaluate(&Labeled { input: batch(8).input, target: target.shallow_clone() }, Mode::Eval)?;
    let summary = diagnostics.summary()?;
    // The shards 0, 2, 0 and 2, 0 have it, 1, 1, 1 does not.
    assert_eq!(summary.info.of_first, Some(4.0 / 5.0));
    assert_eq!(summary.info.level, Some((3.0 * 3.0 + 2.0 * 2.0) / 5.0));
    Ok(())
}

#[test]
fn a_value_of_the_batch_alone_counts_with_the_shards_samples() -> Outcome {
    /// Has no field from which the number of samples follows.
    #[evaluator]
    fn levels(model: &nn::SequentialT, batch: &Labeled, mode: Mode) -> booster::Result<Tensor> {
        let logits = model.forward_t(&batch.input, mode.is_train());
        #[group = "loss"]
        let mean: Tensor = logits.f_mean(Kind::Float)?;
        Ok(mean.shallow_clone())
    }
    let _generator = generator();
    manual_seed(5);
    let mut one = Pipeline::build(Device::Cpu, mlp, Levels::new());
    manual_seed(5);
    let mut many = DataParallelPipeline::build(&DEVICES, mlp, Levels::new())?;
    let batch = batch(4);
    let (_, expected, ()) = one.evaluate(&batch, Mode::Eval)?;
    let (_, found, ()) = many.evaluate(&batch, Mode::Eval)?;
    assert_close(&[found.mean], &[expected.mean]);
    Ok(())
}

#[test]
fn an_output_that_differs_between_shards_is_named() -> Outcome {
    /// An output as wide as the batch is long.
    #[evaluator]
    fn wide(model: &nn::SequentialT, batch: &Labeled, mode: Mode) -> booster::Result<Tensor> {
        let logits = model.forward_t(&batch.input, mode.is_train());
        #[output]
        let similarity: Tensor = logits.f_mm(&logits.f_tr()?)?;
        Ok(logits.f_mean(Kind::Float)?)
    }
    let _generator = generator();
    let mut pipeline = DataParallelPipeline::build(&DEVICES, mlp, Wide::new())?;
    let error = pipeline.evaluate(&batch(7), Mode::Eval).map(|_| ()).expect_err("3, 2 and 2 wide").to_string();
    assert!(error.contains("output of the shards"), "{error}");
    assert!(error.contains("field `similarity`: part 0 has shape [3, 3]"), "{error}");
    assert!(error.contains("part 1 has shape [2, 2]"), "{error}");
    assert_eq!(pipeline.evaluate(&batch(6), Mode::Eval)?.2.similarity.size(), [6, 2]);
    Ok(())
}

#[test]
fn what_cannot_be_built_or_evaluated_says_why() -> Outcome {
    let _generator = generator();
    let build = |devices: &[Device]| DataParallelPipeline::build(devices, mlp, Net::new());
    let error = build(&[]).expect_err("no device").to_string();
    assert!(error.starts_with("the device list is empty"), "{error}");
    let error = build(&[Device::Cpu, Device::Cuda(4096)]).expect_err("no such device").to_string();
    assert!(
        error.starts_with("replica 1 on cuda:4096: device `cuda:4096` is unavailable (CUDA devices found: "),
        "{error}"
    );
    let calls = std::cell::Cell::new(0);
    let other_each_time = |path: &nn::Path<'_>| {
        calls.set(calls.get() + 1);
        nn::linear(path, 6, 2 + calls.get(), nn::LinearConfig::default())
    };
    let error = DataParallelPipeline::build(&DEVICES, other_each_time, Classification::new());
    let error = error.map(|_| ()).expect_err("other shapes").to_string();
    assert!(error.starts_with("replica 1 on cpu: the replica's variables differ from the master's"), "{error}");
    let panics = |_: &nn::Path<'_>| -> nn::Linear { panic!("no weights today") };
    let error = DataParallelPipeline::build(&DEVICES, panics, Classification::new());
    assert_eq!(error.map(|_| ()).expect_err("a panic").to_string(), "replica 0 on cpu: panicked: no weights today");

    let mut pipeline = build(&DEVICES)?;
    let error = pipeline.evaluate(&batch(0), Mode::Eval).map(|_| ()).expect_err("no sample").to_string();
    assert!(error.starts_with("the batch is empty"), "{error}");
    let unequal = Labeled { input: batch(4).input, target: batch(3).target };
    let error = pipeline.evaluate(&unequal, Mode::Eval).map(|_| ()).expect_err("4 and 3").to_string();
    assert!(error.starts_with("field `target` of the batch has 3 samples, but field `input` has 4"), "{error}");
    let shown = format!("{pipeline:?}");
    assert!(shown.starts_with("DataParallelPipeline { devices: [Cpu, Cpu, Cpu], variables: 4, evaluator: "), "{shown}");
    Ok(())
}

#[test]
fn a_variable_of_two_names_is_one() -> Outcome {
    let _generator = generator();
    let tied = |path: &nn::Path<'_>| {
        let weight = path.randn("encoder", &[6, 6], 0.0, 0.5);
        let again = path.add("decoder", weight.shallow_clone(), true);
        nn::seq_t().add_fn(move |input| input.matmul(&weight).tanh().matmul(&again.tr())).add(nn::linear(
            path / "logits",
            6,
            3,
            nn::LinearConfig::default(),
        ))
    };
    manual_seed(5);
    let mut one = Pipeline::build(Device::Cpu, tied, Net::new());
    manual_seed(5);
    let mut many = DataParallelPipeline::build(&DEVICES, tied, Net::new())?;
    for _ in 0..2 {
        let batch = batch(8);
        for pipeline in [&mut one as &mut dyn Evaluate, &mut many] {
            pipeline.backward_of(&batch)?;
        }
        assert_close(&gradients(many.var_store()), &gradients(one.var_store()));
    }
    Ok(())
}

#[test]
fn averaged_weights_reach_all_replicas_and_go_again() -> Outcome {
    let _generator = generator();
    let (mut one, mut many) = both(mlp)?;
    let mut of_one = Ema::new(one.var_store(), 0.9)?;
    let mut of_many = Ema::new(many.var_store(), 0.9)?;
    let mut adam = nn::Adam::default().build(one.var_store(), 1e-2)?;
    let mut adam_of_many = nn::Adam::default().build(many.var_store(), 1e-2)?;
    for _ in 0..4 {
        let batch = batch(7);
        training_step(&mut one, &batch, &mut adam)?;
        training_step(&mut many, &batch, &mut adam_of_many)?;
        of_one.update(one.var_store())?;
        of_many.update(many.var_store())?;
        let own = validation_step(&mut many, &batch)?.diagnostics.nll.value;
        let expected = validation_step(&mut of_one.averaged(&mut one)?, &batch)?.diagnostics.nll.value;
        let found = validation_step(&mut of_many.averaged(&mut many)?, &batch)?.diagnostics.nll.value;
        assert!(relative_difference(&found, &expected) < 1e-4);
        assert!(relative_difference(&found, &own) > 1e-4);
        assert_eq!(validation_step(&mut many, &batch)?.diagnostics.nll.value, own);
    }
    Ok(())
}

#[test]
fn a_step_that_libtorch_does_not_count_reaches_all_replicas() -> Outcome {
    let _generator = generator();
    // With four equal samples, any difference between replicas shows.
    let alike = |pipeline: &mut DataParallelPipeline<Net>| -> booster::Result<()> {
        let same = Labeled {
            input: Tensor::ones([6, 6], (Kind::Float, Device::Cpu)),
            target: Tensor::zeros([6], (Kind::Int64, Device::Cpu)),
        };
        let nll = validation_step(pipeline, &same)?.diagnostics.nll.value;
        assert!(relative_difference(&nll, &nll.narrow(0, 0, 1).repeat([6])) < 1e-5, "{nll}");
        Ok(())
    };
    let (_, mut many) = both(mlp)?;
    let mut sgd = nn::Sgd::default().build(many.var_store(), 0.5)?;
    for samples in [6, 1, 6, 1] {
        let batch = batch(samples);
        let (loss, ..) = many.evaluate(&self::batch(6), Mode::Train)?;
        alike(&mut many)?;
        training_step(&mut many, &batch, &mut sgd)?;
        alike(&mut many)?;
        drop(loss);
        let (loss, ..) = many.evaluate(&batch, Mode::Train)?;
        sgd.zero_grad();
        loss.backward()?;
        many.step(&mut sgd)?;
        alike(&mut many)?;
        alike(&mut many)?;
    }
    Ok(())
}

#[test]
fn an_error_after_backward_leaves_gradients_as_they_were() -> Outcome {
    /// Measures an integer that differs between shards, and has a loss with or without a weight.
    #[evaluator]
    fn ungatherable(
        model: &nn::SequentialT,
        batch: &Labeled,
        mode: Mode,
        #[param] fails: bool,
        #[param] weighs: bool,
    ) -> booster::Result<Loss> {
        let logits = model.forward_t(&batch.input, mode.is_train());
        #[group = "info"]
        let first: i64 = if fails { (batch.input.double_value(&[0, 0]) * 1e6) as i64 } else { 0 };
        let loss = logits.f_square()?.f_mean(Kind::Float)?;
        Ok(if weighs { Loss::weighted(loss, Tensor::from(2.0)) } else { Loss::from(loss) })
    }
    let _generator = generator();
    for weighs in [false, true] {
        let mut pipeline = DataParallelPipeline::build(&DEVICES, mlp, Ungatherable::new(false, weighs))?;
        for has_gradient in [false, true] {
            if has_gradient {
                pipeline.backward(&batch(7))?;
            }
            let before = gradients(pipeline.var_store());
            pipeline.evaluator_mut().fails = true;
            let error = pipeline.backward(&batch(7)).map(|_| ()).expect_err("integers").to_string();
            assert!(error.contains("`info/first`"), "{error}");
            pipeline.evaluator_mut().fails = false;
            assert_eq!(gradients(pipeline.var_store()), before);
            assert_eq!(before.is_empty(), !has_gradient);
        }
    }
    Ok(())
}

#[test]
fn losses_of_which_only_some_have_a_weight_are_put_together_by_it() -> Outcome {
    /// Sets the weight of its loss only if the batch is marked.
    #[evaluator]
    fn partly(model: &nn::SequentialT, batch: &Labeled, mode: Mode, #[param] all: bool) -> booster::Result<Loss> {
        let logits = model.forward_t(&batch.input, mode.is_train());
        let loss = logits.f_square()?.f_mean(Kind::Float)?;
        let samples = Tensor::from(batch.target.size()[0] as f64);
        let is_marked = batch.target.int64_value(&[0]) == 1;
        Ok(if all || is_marked { Loss::weighted(loss, samples) } else { Loss::from(loss) })
    }
    let _generator = generator();
    for targets in [[1, 0, 0], [0, 1, 0], [0, 0, 1]] {
        let target = Tensor::from_slice(&targets.map(i64::from)).repeat_interleave_self_int(3, 0, 9).narrow(0, 0, 8);
        let batch = Labeled { input: batch(8).input, target };
        let mut found = Vec::new();
        for all in [true, false] {
            manual_seed(5);
            let mut pipeline = DataParallelPipeline::build(&DEVICES, mlp, Partly::new(all))?;
            pipeline.backward(&batch)?;
            found.push(gradients(pipeline.var_store()));
        }
        assert_close(&found[1], &found[0]);
    }
    Ok(())
}

#[test]
fn a_builder_that_panics_leaves_gradients_on() {
    let panics = |_: &nn::Path<'_>| -> nn::Linear { booster::tch::no_grad(|| panic!("no weights today")) };
    let error = DataParallelPipeline::build(&DEVICES, panics, Classification::new()).map(|_| ());
    assert!(error.is_err());
    let variable = Tensor::ones([1], (Kind::Float, Device::Cpu)).set_requires_grad(true);
    assert!((variable * 2.0).requires_grad());
}
