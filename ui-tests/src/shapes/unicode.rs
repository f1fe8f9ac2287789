//! Names beyond ASCII.

/// Diagnostics.
#[derive(::core::fmt::Debug, ::booster::Diagnostic)]
pub struct Größen {
    /// The length.
    #[group = "maße"]
    #[metric(mean, max)]
    pub länge: f64,
    /// The width.
    #[group = "尺寸"]
    pub 宽度: f64,
}

/// Reads them.
#[must_use]
pub fn sum(summary: &GrößenSummary) -> f64 {
    summary.maße.länge + summary.maße.länge_max + summary.尺寸.宽度
}
