//! A group's struct shares its name with no other struct's summary.

/// With a group `loss`.
#[derive(::core::fmt::Debug, ::booster::Diagnostic)]
pub struct Vae {
    /// Evidence lower bound.
    #[group = "loss"]
    pub elbo: f64,
    /// What `VaeLoss` measures.
    #[diagnostic(flatten)]
    pub parts: VaeLoss,
}

/// Its name is the struct's and the group's.
#[derive(::core::fmt::Debug, ::booster::Diagnostic)]
pub struct VaeLoss {
    /// Kullback-Leibler divergence.
    #[group = "loss"]
    pub kl: f64,
}

/// The loss in both summaries.
#[must_use]
pub fn both(summary: &VaeSummary) -> (&VaeSummaryLoss, &VaeLossSummaryLoss) {
    (&summary.loss, &summary.parts.loss)
}
