//! Costs that a step must avoid: reads from the device and growing memory.
//!
//! The counters are global to the process, so this file has a single test.

use booster::prelude::*;
use booster::tch::nn::{self, OptimizerConfig};
use booster::tch::{Device, Kind, Tensor};
use booster::transfers::host_reads;

#[derive(Diagnostic)]
struct Measured {
    #[group = "loss"]
    nll: Tensor,
    #[group = "loss"]
    mean: Tensor,
    #[group = "metrics"]
    #[metric(max)]
    share: Weighted,
    #[group = "metrics"]
    ratio: Ratio,
}

fn measured(parameter: &Tensor) -> Measured {
    let nll = parameter * Tensor::ones([64], (Kind::Float, Device::Cpu));
    let mean = nll.mean(Kind::Float);
    let (value, weight) = (nll.shallow_clone(), nll.ones_like());
    let ratio = Ratio::new(nll.shallow_clone(), nll.ones_like());
    Measured { nll, mean, share: Weighted::new(value, weight), ratio }
}

/// Returns the resident memory of this process in bytes.
fn resident() -> Result<u64, Box<dyn std::error::Error>> {
    let statm = std::fs::read_to_string("/proc/self/statm")?;
    let pages = statm.split_whitespace().nth(1).ok_or("statm has no second number")?;
    Ok(pages.parse::<u64>()? * 4096)
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "reads /proc")]
fn updates_read_nothing_back_and_keep_no_graph() -> Result<(), Box<dyn std::error::Error>> {
    let parameter = Tensor::from(1.0f32).set_requires_grad(true);
    let mut mean = Aggregator::new();
    for _ in 0..1000 {
        mean.update(&measured(&parameter))?;
    }
    let before = resident()?;
    for _ in 0..10_000 {
        mean.update(&measured(&parameter))?;
    }
    let grown = resident()?.saturating_sub(before);
    assert!(grown < 8 << 20, "{grown} bytes more after 10,000 updates");
    assert_eq!(host_reads(), 0);
    assert_eq!(mean.summary()?.loss.nll, 1.0);
    assert_eq!(host_reads(), 1, "one device, one read");

    // A view of 64 MiB, more than the allocator caches, of which only the 64 values may be kept.
    let before = resident()?;
    let mut mean = Aggregator::new();
    for _ in 0..20 {
        let large = Tensor::ones([16 << 20], (Kind::Float, Device::Cpu));
        let part = || large.narrow(0, 0, 64);
        let mean_of_part = part().mean(Kind::Float);
        let share = Weighted::new(part(), part());
        mean.update(&Measured { nll: part(), mean: mean_of_part, share, ratio: Ratio::new(part(), part()) })?;
    }
    let grown = resident()?.saturating_sub(before);
    assert!(grown < 256 << 20, "{grown} bytes more after 20 updates with views of 64 MiB");

    let net = |path: &nn::Path<'_>| nn::linear(path, 4, 3, nn::LinearConfig::default());
    let mut pipeline = Pipeline::build(Device::Cpu, net, booster::evaluation::Classification::new());
    let mut optimizer = nn::Adam::default().build(pipeline.var_store(), 1e-3)?;
    let batch = Labeled {
        input: Tensor::ones([8, 4], (Kind::Float, Device::Cpu)),
        target: Tensor::zeros([8], (Kind::Int64, Device::Cpu)),
    };
    let mut mean = Aggregator::new();
    for _ in 0..300 {
        mean.update(&training_step(&mut pipeline, &batch, &mut optimizer)?)?;
        mean.update(&validation_step(&mut pipeline, &batch)?)?;
    }
    assert_eq!(host_reads(), 1, "steps read nothing back");
    Ok(())
}
