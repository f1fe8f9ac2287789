//! Nothing to measure, nothing to scatter.

/// No field.
#[derive(::core::fmt::Debug, ::booster::Diagnostic)]
pub struct Nothing {}

/// Only skipped ones.
#[derive(::core::fmt::Debug, ::booster::Diagnostic)]
pub struct Skipped {
    /// Not measured.
    #[diagnostic(skip)]
    pub cache: f64,
}

/// No tensor.
#[derive(::core::fmt::Debug, ::booster::Batch)]
pub struct Unit;

/// No tensor.
#[derive(::core::fmt::Debug, ::booster::Batch)]
pub struct Empty {}

/// No tensor.
#[derive(::core::fmt::Debug, ::booster::Batch)]
pub struct Tuple();
