//! Arguments of anonymous types.

use ::booster::Batch;
use ::booster::tch::{Tensor, nn::ModuleT};

/// What a batch can be turned into.
pub trait Images: Batch {
    /// The tensor.
    fn images(&self) -> &Tensor;
}

/// A model of any kind and a batch of any kind.
#[::booster::evaluator]
pub fn anonymous(
    model: &impl ModuleT,
    batch: &impl Images,
    mode: ::booster::Mode,
    #[param] scale: f64,
) -> ::booster::Result<Tensor> {
    /// The output.
    #[output]
    let output: Tensor = model.forward_t(batch.images(), mode.is_train());
    ::core::result::Result::Ok(output * scale)
}

/// In a type's arguments.
#[::booster::evaluator]
pub fn nested<M: ModuleT>(
    model: &M,
    batch: &::std::vec::Vec<impl Images>,
    mode: ::booster::Mode,
) -> ::booster::Result<Tensor> {
    ::core::result::Result::Ok(model.forward_t(batch[0].images(), mode.is_train()))
}

/// The struct has a parameter for each.
pub type Both<M, B> = (Anonymous<M, B>, Nested<M, B>);
