//! Names that generated code has for its own.

/// Fields of these names.
#[derive(::core::fmt::Debug, ::booster::Diagnostic)]
pub struct Own {
    /// A value.
    #[group = "leaves"]
    pub leaves: f64,
    /// A value.
    #[group = "values"]
    pub values: f64,
    /// A value.
    #[group = "values"]
    pub value_0: f64,
    /// A value.
    #[group = "formatter"]
    pub formatter: f64,
    /// A value.
    #[group = "serializer"]
    pub deserializer: f64,
    /// A value.
    #[group = "other"]
    pub other: f64,
}

/// Tensors of these names.
#[derive(::core::fmt::Debug, ::booster::Batch)]
pub struct Tensors {
    /// A tensor.
    pub path: ::booster::tch::Tensor,
    /// A tensor.
    pub visit: ::booster::tch::Tensor,
    /// A tensor.
    pub map: ::booster::tch::Tensor,
    /// A tensor.
    pub parts: ::booster::tch::Tensor,
    /// A tensor.
    pub zip: ::booster::tch::Tensor,
    /// A tensor.
    pub part: ::booster::tch::Tensor,
}

/// Arguments, parameters and locals of these names.
#[::booster::evaluator]
pub fn evaluate(
    mode: &(),
    model: &Tensors,
    batch: ::booster::Mode,
    /// A parameter.
    #[param]
    loss: f64,
    /// A parameter.
    #[param]
    formatter: f64,
) -> ::booster::Result<::booster::tch::Tensor> {
    let (leaf_0, output_0, diagnostics) = (mode, batch.is_train(), formatter);
    /// A value.
    #[group = "loss"]
    #[output]
    let output: ::booster::tch::Tensor = model.path.f_mul_scalar(loss * diagnostics)?;
    /// A value.
    #[group = "loss"]
    let loss: f64 = if output_0 { 1.0 } else { 0.5 };
    let _ = (leaf_0, loss);
    ::core::result::Result::Ok(output)
}

/// A function called like an argument of the trait's.
#[::booster::evaluator]
pub fn model(_: &(), batch: &::booster::tch::Tensor, _: ::booster::Mode) -> ::booster::Result<::booster::tch::Tensor> {
    ::core::result::Result::Ok(batch.shallow_clone())
}
