//! Lifetimes, constants, defaults, where-clauses and parameters that only bounds mention.

/// All kinds of parameters.
#[derive(::core::fmt::Debug, ::booster::Diagnostic)]
pub struct Generic<'a, A = (), const N: usize = 2>
where
    A: ::booster::Diagnostic,
    Self: 'static,
{
    /// A field.
    #[group = "loss"]
    pub value: f32,
    /// Another's.
    #[diagnostic(flatten)]
    pub auxiliary: A,
    /// Not measured.
    #[diagnostic(skip)]
    pub names: [&'a str; N],
}

/// A measured parameter without a bound.
#[derive(::core::fmt::Debug, ::booster::Diagnostic)]
pub struct Leaf<T> {
    /// Whatever can be measured.
    #[group = "info"]
    #[metric(last)]
    pub value: T,
    /// The same, sometimes.
    #[group = "info"]
    pub maybe: ::core::option::Option<T>,
}

/// A parameter that stands in the bound of another.
#[derive(::core::fmt::Debug, ::booster::Diagnostic)]
pub struct Bounded<A: ::booster::Diagnostic + ::core::convert::AsRef<B>, B: ::core::marker::Send + 'static> {
    /// Another's.
    #[diagnostic(flatten)]
    pub auxiliary: A,
    /// Not measured.
    #[diagnostic(skip)]
    pub rest: ::core::option::Option<B>,
}

/// A batch of batches, their number known.
#[derive(::core::fmt::Debug, ::booster::Batch)]
pub struct Nested<B, const N: usize = 3>
where
    B: ::core::clone::Clone,
{
    /// The inner ones.
    pub inner: [B; N],
}

/// Updates an aggregator of any of them.
///
/// # Errors
/// The aggregator's.
pub fn mean(steps: &[Leaf<f64>]) -> ::booster::Result<LeafSummary> {
    let mut mean = ::booster::Aggregator::new();
    for step in steps {
        mean.update(step)?;
    }
    mean.summary()
}
