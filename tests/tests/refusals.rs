//! libtorch failures inside booster are errors, never panics.

use booster::distributions::{Distribution, Normal};
use booster::functional::{full, log_mean_exp};
use booster::prelude::*;
use booster::tch::{Device, Kind, Tensor, nn};

/// A tensor of one value, expanded beyond the size of memory.
fn immense(kind: Kind) -> Tensor {
    Tensor::zeros([1], (kind, Device::Cpu)).expand([1_i64 << 50], false)
}

fn refused<T>(result: booster::Result<T>) -> String {
    result.err().map_or_else(|| "not refused".to_owned(), |error| error.to_string())
}

#[test]
fn a_distribution_without_memory_for_its_results_is_an_error() -> booster::Result<()> {
    let wide = immense(Kind::Float);
    let normal = Normal::new(&wide, &wide)?;
    let entropy = refused(normal.entropy());
    assert!(entropy.contains("allocate memory"), "{entropy}");
    assert!(normal.log_prob(&wide).is_err());
    assert!(normal.sample(&[]).is_err());
    Ok(())
}

#[test]
fn functions_of_tensors_without_memory_for_their_results_are_errors() {
    let rows = immense(Kind::Float).unsqueeze(-1).expand([-1, 2], false);
    assert!(log_mean_exp(&rows, -1).is_err());
    assert!(full([1 << 50], 0.5, (Kind::Float, Device::Cpu)).is_err());
}

#[evaluator]
fn careful(model: &nn::Linear, batch: &Tensor, mode: Mode) -> booster::Result<Tensor> {
    let _ = (model, mode);
    Ok(batch.f_to_sparse(None, None::<&[i64]>, None)?.try_clamp(0.0, 1.0)?)
}

#[test]
fn an_evaluator_returns_what_libtorch_refuses_of_numbers_as_its_error() {
    let net = |path: &nn::Path<'_>| nn::linear(path, 2, 2, nn::LinearConfig::default());
    let mut pipeline = Pipeline::build(Device::Cpu, net, Careful::new());
    let batch = Tensor::zeros([2, 2], (Kind::Float, Device::Cpu));
    let message = refused(pipeline.evaluate(&batch, Mode::Train));
    assert!(message.contains("aten::clamp"), "{message}");
}
