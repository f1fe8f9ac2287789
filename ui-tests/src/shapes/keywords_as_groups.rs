//! Groups whose names are keywords, in every edition.

/// A field for each.
#[derive(::core::fmt::Debug, ::booster::Diagnostic)]
pub struct Keywords {
    /// Strict.
    #[group = "type"]
    pub a: f64,
    /// Strict.
    #[group = "match"]
    pub b: f64,
    /// Strict since 2018.
    #[group = "async"]
    pub c: f64,
    /// Reserved since 2024.
    #[group = "gen"]
    pub d: f64,
    /// Reserved.
    #[group = "yield"]
    pub e: f64,
    /// Weak.
    #[group = "union"]
    pub f: f64,
    /// Weak.
    #[group = "static"]
    pub r#static: f64,
}

/// Reads them.
#[must_use]
pub fn sum(summary: &KeywordsSummary) -> f64 {
    summary.r#type.a + summary.r#match.b + summary.r#async.c + summary.r#gen.d + summary.r#yield.e + summary.union.f
}
