//! Diagnostics in diagnostics.

/// The innermost.
#[derive(::core::fmt::Debug, ::booster::Diagnostic)]
pub struct Innermost {
    /// A value.
    #[group = "loss"]
    pub kl: f64,
}

/// In the middle.
#[derive(::core::fmt::Debug, ::booster::Diagnostic)]
pub struct Middle<A> {
    /// The innermost.
    #[diagnostic(flatten)]
    pub inner: A,
    /// A value of the same group and another name.
    #[group = "loss"]
    pub nll: f64,
}

/// The outermost, with nothing of its own.
#[derive(::core::fmt::Debug, ::booster::Diagnostic)]
pub struct Outer {
    /// Two levels.
    #[diagnostic(flatten)]
    pub middle: Middle<Innermost>,
    /// None.
    #[diagnostic(flatten)]
    pub nothing: (),
    /// Not measured.
    #[diagnostic(skip)]
    pub cache: ::core::option::Option<f64>,
}

/// Reads them.
#[must_use]
pub fn sum(summary: &OuterSummary) -> f64 {
    let ::booster::diagnostic::EmptySummary = summary.nothing;
    summary.middle.inner.loss.kl + summary.middle.loss.nll
}
