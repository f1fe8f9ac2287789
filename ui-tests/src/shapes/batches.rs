//! Batches of every shape.

use ::booster::tch::Tensor;

/// Named fields.
#[derive(::core::fmt::Debug, ::booster::Batch)]
pub struct Named {
    /// A tensor.
    pub tensor: Tensor,
    /// Perhaps one.
    pub maybe: ::core::option::Option<Tensor>,
    /// Several.
    pub several: ::std::vec::Vec<Tensor>,
    /// Batches in a tuple.
    pub tuple: (Tensor, ()),
}

/// Unnamed fields.
#[derive(::core::fmt::Debug, ::booster::Batch)]
pub struct Unnamed(pub Tensor, pub [Named; 2]);

/// A batch of any.
#[derive(::core::fmt::Debug, ::booster::Batch)]
pub struct Either<A, B = (), const N: usize = 1>(pub A, pub ::core::option::Option<B>)
where
    A: ::core::fmt::Debug;

/// Joins some.
///
/// # Errors
/// Those of the join.
pub fn join(parts: ::std::vec::Vec<Either<Unnamed>>) -> ::booster::Result<Either<Unnamed>> {
    ::booster::Batch::join(parts)
}
