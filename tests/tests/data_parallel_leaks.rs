//! A data-parallel pipeline leaks no threads or memory. Alone in its process, since it measures the process.

#![cfg(target_os = "linux")]

use booster::prelude::*;
use booster::tch::nn::{self, OptimizerConfig};
use booster::tch::{Device, Kind, Tensor};

type Outcome = Result<(), Box<dyn std::error::Error>>;

const DEVICES: [Device; 3] = [Device::Cpu; 3];

/// Fails in one way or another if the batch is marked.
#[evaluator]
fn faulty(model: &nn::Linear, batch: &Tensor, mode: Mode, #[param] panics: bool) -> booster::Result<Tensor> {
    let _ = mode;
    #[output]
    let logits: Tensor = batch.f_linear(&model.ws, model.bs.as_ref())?;
    let is_marked = batch.double_value(&[0, 0]) == 1e6;
    assert!(!(is_marked && panics), "the model has a bug");
    Ok(if is_marked { logits.f_matmul(&logits)? } else { logits.f_square()?.f_mean(Kind::Float)? })
}

/// Reads a line of this process's status: a number of threads or KiB.
fn status(name: &str) -> Result<i64, Box<dyn std::error::Error>> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find(|line| line.starts_with(name)).ok_or("no such line")?;
    Ok(line.split_whitespace().nth(1).ok_or("no number")?.parse()?)
}

#[test]
fn a_thousand_faults_leak_neither_threads_nor_memory() -> Outcome {
    // Silences the messages of a thousand panics.
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if !std::thread::current().name().is_some_and(|name| name.starts_with("replica")) {
            hook(panic);
        }
    }));
    let before = status("Threads")?;
    let net = |path: &nn::Path<'_>| nn::linear(path, 256, 256, nn::LinearConfig::default());
    let mut pipeline = DataParallelPipeline::build(&DEVICES, net, Faulty::new(false))?;
    let mut optimizer = nn::Sgd::default().build(pipeline.var_store(), 1e-3)?;
    let good = Tensor::rand([96, 256], (Kind::Float, Device::Cpu));
    let bad = good.copy();
    let _ = bad.narrow(0, 32, 1).fill_(1e6);
    let mut faults = |count: usize| -> Outcome {
        for fault in 0..count {
            pipeline.evaluator_mut().panics = fault % 2 == 0;
            training_step(&mut pipeline, &bad, &mut optimizer).map(|_| ()).expect_err("a fault");
            pipeline.evaluate(&bad, Mode::Train).map(|_| ()).expect_err("a fault");
            training_step(&mut pipeline, &good, &mut optimizer)?;
        }
        Ok(())
    };
    faults(100)?;
    let (threads, memory) = (status("Threads")?, status("VmRSS")?);
    faults(1000)?;
    assert_eq!(status("Threads")?, threads);
    // Leaking one gradient or stack per iteration would add up to 256 MiB.
    let grown = status("VmRSS")? - memory;
    assert!(grown < 16 * 1024, "{grown} KiB more after 1,000 faults");
    drop(pipeline);
    // libtorch keeps the threads that it started for this one.
    assert!(status("Threads")? <= threads - 3, "{} threads, {before} before", status("Threads")?);
    Ok(())
}
