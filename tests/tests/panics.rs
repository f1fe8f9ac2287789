//! Panics and deep recursion in evaluators: running evaluations finish first, and pipelines keep working.

use std::hint::black_box;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use booster::Error;
use booster::prelude::*;
use booster::tch::nn::{self, ModuleT};
use booster::tch::{Device, Kind, Tensor};
use booster_tests::generator;

type Outcome = Result<(), Box<dyn std::error::Error>>;

const DEVICES: [Device; 3] = [Device::Cpu; 3];

fn net(path: &nn::Path<'_>) -> nn::Linear {
    nn::linear(path, 4, 3, nn::LinearConfig::default())
}

/// Returns six samples, in shards of two, one of them marked.
fn batch(marked: Option<i64>) -> Tensor {
    let batch = Tensor::rand([6, 4], (Kind::Float, Device::Cpu));
    if let Some(shard) = marked {
        let _ = batch.narrow(0, 2 * shard, 1).fill_(1e6);
    }
    batch
}

fn gradient(pipeline: &impl EvaluationPipeline) -> Tensor {
    pipeline.var_store().variables()["weight"].grad()
}

/// Counts running evaluations.
static UNDER_WAY: AtomicUsize = AtomicUsize::new(0);

/// A parameter whose second clone panics once it is told to.
#[derive(Debug)]
struct Cloned(Arc<AtomicUsize>);

impl Clone for Cloned {
    fn clone(&self) -> Self {
        assert!(self.0.fetch_sub(1, Ordering::SeqCst) != 1, "no memory for a clone");
        Self(Arc::clone(&self.0))
    }
}

#[evaluator]
fn slow(model: &nn::Linear, batch: &Tensor, mode: Mode, #[param] cloned: &Cloned) -> booster::Result<Tensor> {
    let _ = (cloned, UNDER_WAY.fetch_add(1, Ordering::SeqCst));
    std::thread::sleep(Duration::from_millis(100));
    let loss = model.forward_t(batch, mode.is_train()).f_mean(Kind::Float)?;
    UNDER_WAY.fetch_sub(1, Ordering::SeqCst);
    Ok(loss)
}

#[test]
fn nothing_is_under_way_after_an_evaluator_that_cannot_be_cloned() -> Outcome {
    let _generator = generator();
    for clones in 1..=3 {
        let left = Arc::new(AtomicUsize::new(usize::MAX / 2));
        let mut pipeline = DataParallelPipeline::build(&DEVICES, net, Slow::new(Cloned(Arc::clone(&left))))?;
        left.store(clones, Ordering::SeqCst);
        let outcome = catch_unwind(AssertUnwindSafe(|| pipeline.evaluate(&batch(None), Mode::Train).map(|_| ())));
        assert_eq!(UNDER_WAY.load(Ordering::SeqCst), 0, "{clones}");
        if clones <= 2 {
            let error = outcome.expect("it is caught").expect_err("it panics").to_string();
            assert!(error.contains("clone the evaluator: panicked: no memory for a clone"), "{error}");
        }
        left.store(usize::MAX / 2, Ordering::SeqCst);
        pipeline.backward(&batch(None))?;
    }
    Ok(())
}

/// Takes at least half a KiB of stack for each level, twice that without optimization.
fn deep(levels: usize) -> usize {
    let frame = black_box([levels; 64]);
    if levels == 0 { frame[0] } else { deep(levels - 1) + frame[1] % 2 }
}

#[test]
fn a_model_may_use_as_much_stack_as_on_the_main_thread() -> Outcome {
    /// Uses more than the 2 MiB that a thread has by default.
    #[evaluator]
    fn recursive(model: &nn::Linear, batch: &Tensor, mode: Mode) -> booster::Result<Tensor> {
        black_box(deep(3000));
        Ok(model.forward_t(batch, mode.is_train()).f_mean(Kind::Float)?)
    }
    let _generator = generator();
    DataParallelPipeline::build(&DEVICES, net, Recursive::new())?.evaluate(&batch(None), Mode::Train)?;
    Ok(())
}

#[test]
fn one_device_names_a_panic_and_works_on() -> Outcome {
    /// Panics with different payloads where the batch is marked.
    #[evaluator]
    fn panics(model: &nn::Linear, batch: &Tensor, mode: Mode, #[param] payload: usize) -> booster::Result<Tensor> {
        if batch.double_value(&[0, 0]) == 1e6 {
            booster::tch::no_grad(|| match payload {
                0 => panic!("the model has a bug"),
                1 => panic!("the model has {payload} bugs"),
                _ => std::panic::panic_any(Bomb),
            });
        }
        Ok(model.forward_t(batch, mode.is_train()).f_square()?.f_mean(Kind::Float)?)
    }
    /// A payload that cannot be dropped.
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("a payload was dropped")
        }
    }
    let _generator = generator();
    let texts = ["panicked: the model has a bug", "panicked: the model has 1 bugs", "panicked: no message"];
    for (payload, text) in texts.into_iter().enumerate() {
        let mut one = Pipeline::build(Device::Cpu, net, Panics::new(payload));
        let error = one.evaluate(&batch(Some(0)), Mode::Train).map(|_| ()).expect_err("a panic");
        assert!(matches!(error, Error::Panicked { .. }), "{error:?}");
        assert_eq!(error.to_string(), text);
        // Gradients are enabled again, and the pipeline works.
        one.backward(&batch(None))?;
        assert!(gradient(&one).defined());
        let _no_grad = booster::tch::no_grad_guard();
        assert!(one.evaluate(&batch(Some(0)), Mode::Train).is_err());
        assert!(!one.evaluate(&batch(None), Mode::Train)?.0.tensor().requires_grad());

        let mut many = DataParallelPipeline::build(&DEVICES, net, Panics::new(payload))?;
        let error = many.evaluate(&batch(Some(1)), Mode::Train).map(|_| ()).expect_err("a panic").to_string();
        assert!(error.ends_with(text), "{error}");
    }
    Ok(())
}
