//! Faults in replicas are errors that name their location, and the pipeline keeps working.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use booster::Error;
use booster::prelude::*;
use booster::tch::nn::{self, ModuleT, OptimizerConfig};
use booster::tch::{Device, Kind, Tensor, manual_seed};
use booster_tests::{generator, relative_difference};

type Outcome = Result<(), Box<dyn std::error::Error>>;

const DEVICES: [Device; 3] = [Device::Cpu; 3];

/// The fault that a shard's first value triggers.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    Panic,
    PanicWithGradientsOff,
    Torch,
    OutOfMemory,
    NotALoss,
    Own,
    InBackward,
}

const FAULTS: [(Fault, &str); 7] = [
    (Fault::Panic, "panicked: the model has a bug"),
    (Fault::PanicWithGradientsOff, "panicked: the model has a bug"),
    (Fault::Torch, "libtorch: mat1 and mat2 shapes cannot be multiplied (2x3 and 2x3)"),
    (Fault::OutOfMemory, "DefaultCPUAllocator: can't allocate memory: you tried to allocate 1125899906842624 bytes"),
    (Fault::NotALoss, "the loss must be 0-dimensional, got shape [2]"),
    (Fault::Own, "the vocabulary is empty"),
    (Fault::InBackward, "Trying to backward through the graph a second time"),
];

/// A mean of logits with the fault in the marked shard.
#[evaluator]
fn faulty(model: &nn::Linear, batch: &Tensor, mode: Mode, #[param] fault: Fault) -> booster::Result<Tensor> {
    let _ = mode;
    #[output]
    let logits: Tensor = batch.f_linear(&model.ws, model.bs.as_ref())?;
    #[group = "info"]
    let value: Tensor = logits.f_select(1, 0)?;
    loss_or_fault(&logits, batch, fault)
}

#[expect(clippy::panic, reason = "that is the fault")]
fn loss_or_fault(logits: &Tensor, batch: &Tensor, fault: Fault) -> booster::Result<Tensor> {
    if batch.double_value(&[0, 0]) != 1e6 {
        return Ok(logits.f_square()?.f_mean(Kind::Float)?);
    }
    match fault {
        Fault::Panic => panic!("the model has a bug"),
        Fault::PanicWithGradientsOff => booster::tch::no_grad(|| panic!("the model has a bug")),
        Fault::Torch => Ok(logits.f_matmul(logits)?),
        Fault::OutOfMemory => Ok(Tensor::f_zeros([1 << 50], (Kind::Uint8, Device::Cpu))?),
        Fault::NotALoss => Ok(logits.f_select(1, 0)?),
        Fault::Own => Err(Error::custom("the vocabulary is empty")),
        Fault::InBackward => {
            let square = logits.f_square()?.f_sum(Kind::Float)?;
            square.f_backward()?;
            Ok(square)
        }
    }
}

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

#[test]
fn a_fault_names_device_shard_and_cause_and_the_next_call_works() -> Outcome {
    let _generator = generator();
    for (fault, cause) in FAULTS {
        for shard in 0..3 {
            manual_seed(1);
            let mut one = Pipeline::build(Device::Cpu, net, Faulty::new(fault));
            manual_seed(1);
            let mut many = DataParallelPipeline::build(&DEVICES, net, Faulty::new(fault))?;
            let samples = batch(None);
            let marked = batch(Some(shard));

            let error = match fault {
                Fault::InBackward => many.backward(&marked).map(|_| ()),
                _ => many.evaluate(&marked, Mode::Train).map(|_| ()),
            };
            let error = error.expect_err("a fault");
            let text = error.to_string();
            assert!(text.starts_with(&format!("replica {shard} on cpu")), "{text}");
            assert!(text.contains(cause), "{text}");
            if fault != Fault::InBackward {
                assert!(text.contains(&format!("samples {}..{} of the batch", 2 * shard, 2 * shard + 2)), "{text}");
            }
            let Error::Replica { device: Device::Cpu, replica, .. } = error else { panic!("{error:?}") };
            assert_eq!(replica as i64, shard);

            for store in [one.var_store(), many.var_store()] {
                store.trainable_variables().iter_mut().for_each(Tensor::zero_grad);
            }
            one.backward(&samples)?;
            many.backward(&samples)?;
            assert!(relative_difference(&gradient(&many), &gradient(&one)) < 1e-6, "{fault:?}");
            let (loss, ..) = many.evaluate(&samples, Mode::Train)?;
            assert!(loss.tensor().requires_grad(), "{fault:?}");
        }
    }
    Ok(())
}

#[test]
fn a_fault_leaves_no_gradient_behind() -> Outcome {
    let _generator = generator();
    for (fault, _) in FAULTS {
        let mut pipeline = DataParallelPipeline::build(&DEVICES, net, Faulty::new(fault))?;
        let mut optimizer = nn::Sgd::default().build(pipeline.var_store(), 0.1)?;
        let before = pipeline.var_store().variables()["weight"].copy();
        training_step(&mut pipeline, &batch(Some(1)), &mut optimizer).map(|_| ()).expect_err("a fault");
        let gradient = gradient(&pipeline);
        assert!(!gradient.defined() || gradient.abs().max().double_value(&[]) == 0.0, "{fault:?}");
        assert!(pipeline.var_store().variables()["weight"].equal(&before));
        // The replica's gradients are cleared too, so the next gradient comes from its batch alone.
        let mut fresh = DataParallelPipeline::build(&DEVICES, net, Faulty::new(fault))?;
        fresh.var_store_mut().copy(pipeline.var_store())?;
        let samples = batch(None);
        pipeline.backward(&samples)?;
        fresh.backward(&samples)?;
        assert!(relative_difference(&self::gradient(&pipeline), &self::gradient(&fresh)) < 1e-6, "{fault:?}");
    }
    Ok(())
}

#[test]
fn one_replica_reports_its_faults_too() -> Outcome {
    let _generator = generator();
    for (fault, cause) in FAULTS {
        let mut pipeline = DataParallelPipeline::build(&[Device::Cpu], net, Faulty::new(fault))?;
        let error = pipeline.backward(&batch(Some(0))).map(|_| ()).expect_err("a fault").to_string();
        assert!(error.starts_with("replica 0 on cpu: "), "{error}");
        // 6 samples in one shard.
        let cause = cause.replace("2x3", "6x3").replace("[2]", "[6]");
        assert!(error.contains(&cause), "{error}");
        pipeline.backward(&batch(None))?;
    }
    Ok(())
}

/// If a panicking tch call fails in libtorch, the error keeps its message, without the C++ stack trace.
#[test]
fn a_panic_of_tch_tells_what_libtorch_said() -> Outcome {
    #[evaluator]
    fn unchecked(model: &nn::Linear, batch: &Tensor, mode: Mode) -> booster::Result<Tensor> {
        let logits = model.forward_t(batch, mode.is_train());
        Ok(logits.matmul(&logits))
    }
    let _generator = generator();
    let said = |rows| format!("panicked: libtorch: mat1 and mat2 shapes cannot be multiplied ({rows}x3 and {rows}x3)");
    let mut pipeline = DataParallelPipeline::build(&DEVICES, net, Unchecked::new())?;
    let error = pipeline.evaluate(&batch(None), Mode::Train).map(|_| ()).expect_err("a panic").to_string();
    assert_eq!(error, format!("replica 0 on cpu, samples 0..2 of the batch: {}", said(2)));
    let mut one = Pipeline::build(Device::Cpu, net, Unchecked::new());
    let error = one.evaluate(&batch(None), Mode::Train).map(|_| ()).expect_err("a panic").to_string();
    assert_eq!(error, said(6));
    Ok(())
}

#[test]
fn dropping_the_pipeline_waits_for_its_threads() -> Outcome {
    /// Is slow to drop when its thread ends.
    struct Slow;
    impl Drop for Slow {
        fn drop(&mut self) {
            std::thread::sleep(Duration::from_millis(200));
            ENDED.fetch_add(1, Ordering::SeqCst);
        }
    }
    static ENDED: AtomicUsize = AtomicUsize::new(0);
    thread_local!(static SLOW: Slow = const { Slow });

    #[evaluator]
    fn unhurried(model: &nn::Linear, batch: &Tensor, mode: Mode) -> booster::Result<Tensor> {
        SLOW.with(|_| ());
        Ok(model.forward_t(batch, mode.is_train()).f_mean(Kind::Float)?)
    }
    let _generator = generator();
    let mut pipeline = DataParallelPipeline::build(&DEVICES, net, Unhurried::new())?;
    pipeline.evaluate(&batch(None), Mode::Eval)?;
    drop(pipeline);
    assert_eq!(ENDED.load(Ordering::SeqCst), 3);
    Ok(())
}
