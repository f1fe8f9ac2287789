//! Histograms.

use serde::{Deserialize, Serialize};

use crate::serde_number;

/// Counts of values in buckets.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Histogram {
    /// The buckets' edges, ascending: bucket `i` holds the values from edge `i` to edge `i + 1`, the upper one left out
    /// (but for the last bucket).
    #[serde(with = "serde_number::numbers")]
    pub edges: Vec<f64>,
    /// The weight of the values in each bucket: one less than there are edges. Values outside the edges are counted in
    /// the first and the last bucket, NaN in none.
    #[serde(with = "serde_number::numbers")]
    pub counts: Vec<f64>,
    /// The least value; NaN if a value is NaN or there are no values.
    #[serde(with = "serde_number::number")]
    pub min: f64,
    /// The greatest value; NaN if a value is NaN or there are no values.
    #[serde(with = "serde_number::number")]
    pub max: f64,
    /// The sum of values, each by its weight.
    #[serde(with = "serde_number::number")]
    pub sum: f64,
    /// The sum of squared values, each by its weight.
    #[serde(with = "serde_number::number")]
    pub sum_squares: f64,
}

impl Histogram {
    /// The weight of all values.
    pub fn count(&self) -> f64 {
        self.counts.iter().sum()
    }
}
