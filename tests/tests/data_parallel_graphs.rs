//! A graph of `evaluate` gives the gradient of the weights that it was recorded with, or an error, whatever happens
//! before `backward`: on many replicas as on one device.

use std::collections::BTreeMap;

use booster::evaluation::Classification;
use booster::prelude::*;
use booster::tch::nn::{self, ModuleT, OptimizerConfig, VarStore};
use booster::tch::{Device, Kind, Tensor, manual_seed, no_grad};
use booster::training::Ema;
use booster_tests::{generator, relative_difference};
use proptest::prelude::*;

/// Two layers around a parameter and a buffer, which a graph saves directly; of a linear layer's weight it saves a
/// view.
#[derive(Debug)]
struct Net {
    hidden: nn::Linear,
    mixing: Tensor,
    scale: Tensor,
    logits: nn::Linear,
}

fn net(path: &nn::Path<'_>) -> Net {
    let scale = path.zeros_no_train("scale", &[8]);
    let _ = no_grad(|| scale.shallow_clone().uniform_(0.5, 1.5));
    Net {
        hidden: nn::linear(path / "hidden", 6, 8, nn::LinearConfig::default()),
        mixing: path.randn("mixing", &[8, 8], 0.0, 0.5),
        scale,
        logits: nn::linear(path / "logits", 8, 3, nn::LinearConfig::default()),
    }
}

impl ModuleT for Net {
    fn forward_t(&self, input: &Tensor, _train: bool) -> Tensor {
        (input.apply(&self.hidden) * &self.scale).tanh().matmul(&self.mixing).apply(&self.logits)
    }
}

type Evaluator = Classification<Net>;

/// The weights that the graph is recorded with.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Weights {
    Own,
    Averages,
}

/// Events between an evaluation and its backward pass.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Event {
    Validation,
    ValidationOnAverages,
    /// Evaluation and backward pass within the same swap of averages.
    TwoValidationsOnAverages,
    /// Another graph, dropped.
    Evaluation(Mode),
    /// Another graph, with its backward pass run first.
    Backward,
    /// Gradients on all replicas, without a step.
    ParallelBackward,
    GraphOnAverages,
    /// Backward pass while the averages are swapped in.
    BackwardOnAverages,
    /// A training step's gradient on averages.
    ParallelBackwardOnAverages,
    /// A step recorded by libtorch's version counters.
    Step,
    Freeze(usize),
    Thaw,
    Load,
    Buffer,
    Average,
}

fn events() -> impl Strategy<Value = Event> {
    prop_oneof![
        Just(Event::Validation),
        Just(Event::ValidationOnAverages),
        Just(Event::TwoValidationsOnAverages),
        Just(Event::Evaluation(Mode::Train)),
        Just(Event::Evaluation(Mode::Eval)),
        Just(Event::Backward),
        Just(Event::ParallelBackward),
        Just(Event::GraphOnAverages),
        Just(Event::BackwardOnAverages),
        Just(Event::ParallelBackwardOnAverages),
        Just(Event::Step),
        (0_usize..4).prop_map(Event::Freeze),
        Just(Event::Thaw),
        Just(Event::Load),
        Just(Event::Buffer),
        Just(Event::Average),
    ]
}

fn batch(samples: i64, seed: i64) -> Labeled {
    manual_seed(seed);
    Labeled {
        input: Tensor::randn([samples, 6], (Kind::Float, Device::Cpu)),
        target: Tensor::randint(3, [samples], (Kind::Int64, Device::Cpu)),
    }
}

fn variables(store: &VarStore) -> BTreeMap<String, Tensor> {
    store.variables().into_iter().collect()
}

/// Returns the gradients after the events, or the error of the backward pass.
type Found = Result<BTreeMap<String, Tensor>, String>;

fn found<P>(pipeline: &mut P, samples: i64, events: &[Event], on: Weights) -> booster::Result<Found>
where
    P: EvaluationPipeline<Evaluator = Evaluator>,
{
    let mut ema = Ema::new(pipeline.var_store(), 0.9)?;
    let mut adam = nn::Adam::default().build(pipeline.var_store(), 0.1)?;
    for seed in 0..3 {
        training_step(pipeline, &batch(samples, seed), &mut adam)?;
        ema.update(pipeline.var_store())?;
    }
    let (loss, ..) = match on {
        Weights::Own => pipeline.evaluate(&batch(samples, 10), Mode::Train)?,
        Weights::Averages => ema.averaged(pipeline)?.evaluate(&batch(samples, 10), Mode::Train)?,
    };
    for (&event, seed) in events.iter().zip(20..) {
        let batch = batch(samples, seed);
        match event {
            Event::Validation => drop(validation_step(pipeline, &batch)?),
            Event::ValidationOnAverages => drop(validation_step(&mut ema.averaged(pipeline)?, &batch)?),
            Event::TwoValidationsOnAverages => {
                let mut averaged = ema.averaged(pipeline)?;
                validation_step(&mut averaged, &batch)?;
                validation_step(&mut averaged, &batch)?;
            }
            Event::Evaluation(mode) => drop(pipeline.evaluate(&batch, mode)?),
            Event::Backward => {
                let (loss, ..) = pipeline.evaluate(&batch, Mode::Train)?;
                // All may be frozen.
                let _ = loss.backward();
            }
            Event::ParallelBackward => drop(pipeline.backward(&batch)),
            Event::GraphOnAverages => drop(ema.averaged(pipeline)?.evaluate(&batch, Mode::Train)?),
            Event::BackwardOnAverages => {
                let mut averaged = ema.averaged(pipeline)?;
                let (loss, ..) = averaged.evaluate(&batch, Mode::Train)?;
                let _ = loss.backward();
            }
            Event::ParallelBackwardOnAverages => {
                drop(ema.averaged(pipeline)?.backward(&batch));
            }
            Event::Step => drop(training_step(pipeline, &batch, &mut adam)),
            Event::Freeze(index) => {
                let name = ["hidden.weight", "hidden.bias", "mixing", "logits.bias"][index];
                let _ = pipeline.var_store().variables()[name].set_requires_grad(false);
            }
            Event::Thaw => pipeline.var_store_mut().unfreeze(),
            Event::Load => {
                let other = VarStore::new(Device::Cpu);
                let _model = net(&other.root());
                pipeline.var_store_mut().copy(&other)?;
            }
            Event::Buffer => {
                let _ = no_grad(|| pipeline.var_store().variables()["scale"].shallow_clone().fill_(0.7));
            }
            Event::Average => ema.update(pipeline.var_store())?,
        }
    }
    let mut variables = variables(pipeline.var_store());
    variables.values_mut().for_each(Tensor::zero_grad);
    Ok(loss.backward().map_err(|error| error.to_string()).map(|()| {
        let gradients = variables.into_iter().map(|(name, variable)| (name, variable.grad()));
        gradients.filter(|(_, gradient)| gradient.defined()).map(|(name, gradient)| (name, gradient.copy())).collect()
    }))
}

/// Compares one device and many with each other, and with the gradient right after the evaluation.
fn agree(replicas: usize, samples: i64, events: &[Event], on: Weights) -> booster::Result<Result<(), String>> {
    let one = |events: &[Event]| -> booster::Result<Found> {
        manual_seed(1);
        found(&mut Pipeline::build(Device::Cpu, net, Evaluator::new()), samples, events, on)
    };
    let of_one = one(events)?;
    manual_seed(1);
    let mut many = DataParallelPipeline::build(&vec![Device::Cpu; replicas], net, Evaluator::new())?;
    let of_many = found(&mut many, samples, events, on)?;
    if on == Weights::Averages {
        // The gradients are gone.
        return Ok(match (of_one, of_many) {
            (Err(_), Err(_)) => Ok(()),
            (one, many) => Err(format!("one device: {one:?}, many: {many:?}")),
        });
    }
    manual_seed(1);
    let expected = found(&mut Pipeline::build(Device::Cpu, net, Evaluator::new()), samples, &[], on)?;
    let expected = expected.map_err(booster::Error::custom)?;
    for (found, who) in [(&of_one, "one device"), (&of_many, "many")] {
        let Ok(gradients) = found else { continue };
        for (name, gradient) in gradients {
            // Frozen ones get none.
            let is_zero = gradient.abs().max().double_value(&[]) == 0.0;
            if !is_zero && relative_difference(gradient, &expected[name]) > 1e-5 {
                return Ok(Err(format!("{who}: {name} is {gradient} instead of {}", expected[name])));
            }
        }
    }
    match (of_one, of_many) {
        (Ok(one), Ok(many)) => {
            for (name, gradient) in one {
                if relative_difference(&many[&name], &gradient) > 1e-5 {
                    return Ok(Err(format!("{name}: {} instead of {gradient}", many[&name])));
                }
            }
            Ok(Ok(()))
        }
        (Err(_), Err(_)) => Ok(Ok(())),
        (one, many) => Ok(Err(format!("one device: {:?}, many: {:?}", one.map(|_| "right"), many.map(|_| "right")))),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_graph_gives_its_own_gradient_or_an_error_after_any_events(
        samples in 1_i64..=7,
        replicas in 1_usize..=3,
        events in prop::collection::vec(events(), 0..6),
        on in prop_oneof![4 => Just(Weights::Own), 1 => Just(Weights::Averages)],
    ) {
        let _generator = generator();
        prop_assert_eq!(agree(replicas, samples, &events, on).unwrap(), Ok(()));
    }
}

#[test]
fn a_graph_outlives_validations_averages_and_freezes() -> booster::Result<()> {
    let _generator = generator();
    let harmless = [
        Event::Validation,
        Event::ValidationOnAverages,
        Event::TwoValidationsOnAverages,
        Event::Evaluation(Mode::Eval),
        Event::Backward,
        Event::ParallelBackward,
        Event::Freeze(2),
        Event::Thaw,
        Event::GraphOnAverages,
        Event::BackwardOnAverages,
        Event::ParallelBackwardOnAverages,
        Event::Average,
    ];
    // Each event last, and all of them, after an evaluation with the parameter frozen.
    for last in harmless {
        let events = [Event::Freeze(2), Event::Evaluation(Mode::Train), Event::Validation, Event::Thaw, last];
        manual_seed(1);
        let mut many = DataParallelPipeline::build(&[Device::Cpu; 3], net, Evaluator::new())?;
        let gradients = found(&mut many, 7, &events, Weights::Own)?.map_err(booster::Error::custom)?;
        assert_eq!(gradients.len(), 5, "{last:?}");
        assert_eq!(agree(3, 7, &events, Weights::Own)?, Ok(()), "{last:?}");
    }
    assert_eq!(agree(3, 7, &harmless, Weights::Own)?, Ok(()));
    Ok(())
}

#[test]
fn a_graph_of_averages_is_right_while_they_are_there_and_refused_later() -> booster::Result<()> {
    fn check<P: EvaluationPipeline<Evaluator = Evaluator>>(pipeline: &mut P) -> booster::Result<(Tensor, Tensor)> {
        let mut ema = Ema::new(pipeline.var_store(), 0.9)?;
        let mut adam = nn::Adam::default().build(pipeline.var_store(), 0.1)?;
        training_step(pipeline, &batch(7, 1), &mut adam)?;
        adam.zero_grad();
        let (own, ..) = pipeline.evaluate(&batch(7, 2), Mode::Train)?;
        let mut averaged = ema.averaged(pipeline)?;
        let mut copy = Pipeline::build(Device::Cpu, net, Evaluator::new());
        copy.var_store_mut().copy(averaged.var_store())?;
        copy.evaluate(&batch(7, 3), Mode::Train)?.0.backward()?;
        let (early, ..) = averaged.evaluate(&batch(7, 3), Mode::Train)?;
        let (late, _, output) = averaged.evaluate(&batch(7, 3), Mode::Train)?;
        early.backward()?;
        // Refers to the variables' own values, which are swapped out.
        let errors = [own.backward()];
        drop(averaged);
        let errors = errors
            .into_iter()
            .chain([late.backward(), output.logits.sum(Kind::Float).f_backward().map_err(Into::into)]);
        for error in errors {
            let error = error.expect_err("other weights").to_string();
            assert!(error.contains("run the backward pass with the same weights in place"), "{error}");
        }
        let [found, expected] =
            [pipeline.var_store(), copy.var_store()].map(|store| store.variables()["mixing"].grad());
        Ok((found.copy(), expected))
    }
    let _generator = generator();
    let mut checks = vec![check(&mut Pipeline::build(Device::Cpu, net, Evaluator::new()))?];
    for replicas in 1..=3 {
        checks.push(check(&mut DataParallelPipeline::build(&vec![Device::Cpu; replicas], net, Evaluator::new())?)?);
    }
    for (found, expected) in checks {
        assert!(relative_difference(&found, &expected) < 1e-5, "{found} instead of {expected}");
    }
    Ok(())
}

#[test]
fn a_graph_that_holds_a_buffer_is_refused_after_a_write_to_it() -> booster::Result<()> {
    let _generator = generator();
    for events in [&[Event::Buffer][..], &[Event::Buffer, Event::Validation]] {
        assert_eq!(agree(3, 7, events, Weights::Own)?, Ok(()), "{events:?}");
    }
    Ok(())
}

#[test]
fn the_graph_of_a_replica_alone_is_refused_after_a_write() -> booster::Result<()> {
    let _generator = generator();
    for is_buffer in [false, true] {
        let mut many = DataParallelPipeline::build(&[Device::Cpu; 3], net, Evaluator::new())?;
        let (_, _, output) = many.evaluate(&batch(7, 1), Mode::Eval)?;
        let mut variable = many.var_store().variables().remove(if is_buffer { "scale" } else { "mixing" });
        if let Some(variable) = &mut variable {
            let _ = no_grad(|| variable.fill_(0.7));
        }
        validation_step(&mut many, &batch(7, 2))?;
        // The last replica's samples.
        let error = output.logits.narrow(0, 5, 2).square().sum(Kind::Float).f_backward().expect_err("a write");
        assert!(error.to_string().contains("has been modified by an inplace operation"), "{error}");
    }
    Ok(())
}
