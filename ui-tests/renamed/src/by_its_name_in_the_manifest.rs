//! booster under its name in `Cargo.toml`, which no attribute says again.

use ::engine::tch::Tensor;
use ::engine::tch::nn::ModuleT;

/// Diagnostics.
#[derive(::core::fmt::Debug, ::engine::Diagnostic)]
pub struct Measured<A> {
    /// Many reductions.
    #[group = "loss"]
    #[metric(mean, p95, ema(0.9), histogram, mean_dims)]
    pub nll: Tensor,
    /// Sometimes.
    #[group = "info"]
    pub maybe: ::core::option::Option<f64>,
    /// The samples.
    #[group = "info"]
    #[metric(samples)]
    pub size: i64,
    /// Another's.
    #[diagnostic(flatten)]
    pub auxiliary: A,
    /// Not measured.
    #[diagnostic(skip)]
    pub cache: ::core::option::Option<f64>,
}

/// A batch.
#[derive(::core::fmt::Debug, ::engine::Batch)]
pub struct Images(pub Tensor, pub ::core::option::Option<Tensor>);

/// An evaluator of the first form.
#[::engine::evaluator]
pub fn first<M: ModuleT>(
    model: &M,
    Images(input, _): &Images,
    mode: ::engine::Mode,
    /// A parameter.
    #[param]
    scale: f64,
    /// Another.
    #[param(default = 3)]
    lent: &i64,
) -> ::engine::Result<Tensor> {
    /// The output.
    #[output]
    #[group = "loss"]
    let output: Tensor = model.forward_t(input, mode.is_train());
    /// A number.
    #[group = "info"]
    let number: i64 = *lent;
    let _ = number;
    ::core::result::Result::Ok(output * scale)
}

/// An evaluator of the second form.
#[::engine::evaluator]
pub fn second(_: &(), batch: &Images, _: ::engine::Mode) -> ::engine::Result<(::engine::Loss, Measured<()>, Images)> {
    let measured = Measured {
        nll: batch.0.shallow_clone(),
        maybe: ::core::option::Option::None,
        size: 3,
        auxiliary: (),
        cache: ::core::option::Option::None,
    };
    let loss = ::engine::Loss::weighted(batch.0.shallow_clone(), batch.0.shallow_clone());
    ::core::result::Result::Ok((loss, measured, Images(batch.0.shallow_clone(), ::core::option::Option::None)))
}
