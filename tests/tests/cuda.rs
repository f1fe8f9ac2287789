//! Tests on CUDA devices, with `--features cuda-tests`. Without enough devices, each test prints a note and passes.

#![cfg(feature = "cuda-tests")]

use booster::evaluation::Classification;
use booster::prelude::*;
use booster::tch::nn::{self, OptimizerConfig};
use booster::tch::{Cuda, Device, Kind, Tensor, manual_seed};
use booster_tests::{generator, relative_difference};

type Outcome = Result<(), Box<dyn std::error::Error>>;
type Net = Classification<nn::SequentialT>;

/// Returns the first `count` CUDA devices, or `None` if there are fewer.
fn devices(count: usize) -> Option<Vec<Device>> {
    let found = Cuda::device_count();
    if (found as usize) < count {
        eprintln!("SKIPPED: it needs {count} CUDA devices, and libtorch finds {found}");
        return None;
    }
    Some((0..count).map(Device::Cuda).collect())
}

/// Ways to place three replicas; the first needs one device, the last two.
fn placements() -> Vec<Vec<Device>> {
    let mut placements = Vec::new();
    if let Some(devices) = devices(1) {
        placements.push(vec![devices[0]; 3]);
        placements.push(vec![devices[0], Device::Cpu, devices[0]]);
        placements.push(vec![Device::Cpu, devices[0], Device::Cpu]);
    }
    if let Some(devices) = devices(2) {
        placements.push(vec![devices[0], devices[1], devices[0]]);
    }
    placements
}

fn net(path: &nn::Path<'_>) -> nn::SequentialT {
    nn::seq_t()
        .add(nn::linear(path / "hidden", 6, 32, nn::LinearConfig::default()))
        .add(nn::batch_norm1d(path / "norm", 32, nn::BatchNormConfig::default()))
        .add_fn(Tensor::tanh)
        .add(nn::linear(path / "logits", 32, 3, nn::LinearConfig::default()))
}

fn batch(samples: i64) -> Labeled {
    Labeled {
        input: Tensor::randn([samples, 6], (Kind::Float, Device::Cpu)),
        target: Tensor::randint(3, [samples], (Kind::Int64, Device::Cpu)),
    }
}

#[test]
fn replicas_give_the_numbers_of_the_cpu() -> Outcome {
    let _generator = generator();
    for placement in placements() {
        let mut one = Pipeline::build(Device::Cpu, net, Net::new());
        let mut many = DataParallelPipeline::build(&placement, net, Net::new())?;
        many.var_store_mut().copy(one.var_store())?;
        let mut sgd = nn::Sgd::default().build(one.var_store(), 0.1)?;
        let mut sgd_of_many = nn::Sgd::default().build(many.var_store(), 0.1)?;
        for samples in [7, 2, 5] {
            let batch = batch(samples);
            for backward_by_hand in [true, false] {
                let (expected, _, expected_output) = one.evaluate(&batch, Mode::Eval)?;
                let (found, _, output) = many.evaluate(&batch, Mode::Eval)?;
                assert_eq!(output.logits.device(), placement[0]);
                let logits = output.logits.to_device(Device::Cpu);
                assert!(relative_difference(&logits, &expected_output.logits) < 1e-5, "{placement:?}");
                if backward_by_hand {
                    sgd.backward_step(expected.tensor());
                    sgd_of_many.backward_step(found.tensor());
                } else {
                    validation_step(&mut many, &batch)?;
                }
            }
        }
        for (name, variable) in one.var_store().variables() {
            let found = many.var_store().variables()[&name].to_device(Device::Cpu);
            assert!(relative_difference(&found, &variable) < 1e-4, "{placement:?}: {name}");
        }
        let before = booster::transfers::host_reads();
        training_step(&mut many, &batch(6), &mut sgd_of_many)?;
        assert_eq!(booster::transfers::host_reads(), before);
    }
    Ok(())
}

#[test]
fn replicas_on_different_devices_draw_different_masks() -> Outcome {
    let _generator = generator();
    let Some(devices) = devices(2) else { return Ok(()) };
    let dropout = |path: &nn::Path<'_>| {
        nn::seq_t().add_fn_t(|input, train| input.dropout(0.5, train)).add(nn::linear(
            path / "logits",
            6,
            3,
            nn::LinearConfig::default(),
        ))
    };
    let mut pipeline = DataParallelPipeline::build(&devices, dropout, Net::new())?;
    let same = Labeled {
        input: Tensor::ones([64, 6], (Kind::Float, Device::Cpu)),
        target: Tensor::zeros([64], (Kind::Int64, Device::Cpu)),
    };
    let mut draw = || -> booster::Result<Tensor> {
        manual_seed(3);
        Ok(pipeline.evaluate(&same, Mode::Train)?.2.logits.detach())
    };
    let first = draw()?;
    let halves = first.chunk(2, 0);
    assert!(!halves[0].equal(&halves[1]));
    assert!(first.equal(&draw()?));
    Ok(())
}

#[test]
fn a_device_without_memory_is_named() -> Outcome {
    #[evaluator]
    fn greedy(model: &nn::SequentialT, batch: &Tensor, mode: Mode) -> booster::Result<Tensor> {
        let _ = (model, mode);
        Ok(Tensor::f_zeros([1 << 50], (Kind::Uint8, batch.device()))?)
    }
    let _generator = generator();
    let Some(devices) = devices(1) else { return Ok(()) };
    let mut pipeline = DataParallelPipeline::build(&[devices[0], devices[0]], net, Greedy::new())?;
    let batch = Tensor::zeros([4, 6], (Kind::Float, Device::Cpu));
    let error = pipeline.backward(&batch).map(|_| ()).expect_err("no such memory").to_string();
    assert!(error.starts_with("replica 0 on cuda:0, samples 0..2 of the batch: "), "{error}");
    assert!(error.contains("out of memory"), "{error}");
    Ok(())
}
