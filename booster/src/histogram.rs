//! Histograms of aggregated values.

use serde::{Deserialize, Serialize};

use crate::serde_number;

/// A weighted histogram with summary statistics.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Histogram {
    /// The bucket edges, in ascending order. Bucket `i` covers `edges[i]..edges[i + 1]`; the last bucket includes its
    /// upper edge.
    #[serde(with = "serde_number::numbers")]
    pub edges: Vec<f64>,
    /// The total weight of the values in each bucket; one element shorter than `edges`. Values outside the edges count
    /// toward the first or last bucket, NaN toward none.
    #[serde(with = "serde_number::numbers")]
    pub counts: Vec<f64>,
    /// The smallest value; NaN if any value is NaN or there are no values.
    #[serde(with = "serde_number::number")]
    pub min: f64,
    /// The largest value; NaN if any value is NaN or there are no values.
    #[serde(with = "serde_number::number")]
    pub max: f64,
    /// The weighted sum of the values.
    #[serde(with = "serde_number::number")]
    pub sum: f64,
    /// The weighted sum of the squared values.
    #[serde(with = "serde_number::number")]
    pub sum_squares: f64,
}

impl Histogram {
    /// Returns the total weight of the values.
    pub fn count(&self) -> f64 {
        self.counts.iter().sum()
    }
}
