//! The 1cycle policy.

use serde::{Deserialize, Serialize};

use super::argument::{Argument, finite};
use super::curve::cosine;
use crate::error::Result;
use crate::training::serde_f64;

/// The parameters of the 1cycle policy; see [`Schedule::one_cycle`](super::Schedule::one_cycle).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OneCycle {
    /// The maximum value.
    #[serde(with = "serde_f64")]
    pub max: f64,
    /// The number of steps in the whole cycle.
    pub steps: u64,
    /// The fraction of the cycle in which the value rises, in `0..=1`.
    #[serde(with = "serde_f64")]
    pub pct_start: f64,
    /// The ratio of `max` to the start value.
    #[serde(with = "serde_f64")]
    pub div_factor: f64,
    /// The ratio of the start value to the end value.
    #[serde(with = "serde_f64")]
    pub final_div_factor: f64,
}

impl OneCycle {
    /// Creates a cycle with PyTorch's defaults: rising from `max / 25` for 30% of the steps, then falling to
    /// `max / 250_000`.
    ///
    /// ```
    /// use booster::training::OneCycle;
    ///
    /// let quick = OneCycle { pct_start: 0.1, ..OneCycle::new(0.1, 1000) };
    /// assert_eq!((quick.div_factor, quick.final_div_factor), (25.0, 1e4));
    /// ```
    pub fn new(max: f64, steps: u64) -> Self {
        Self { max, steps, pct_start: 0.3, div_factor: 25.0, final_div_factor: 1e4 }
    }

    fn start(&self) -> f64 {
        self.max / self.div_factor
    }

    fn end(&self) -> f64 {
        self.start() / self.final_div_factor
    }

    pub(super) fn at(&self, step: u64) -> f64 {
        // As in PyTorch, the peak may lie between two steps.
        let step = step as f64;
        let end = self.steps as f64 - 1.0;
        let peak = self.pct_start * self.steps as f64 - 1.0;
        if step <= peak {
            cosine(self.start(), self.max, if peak > 0.0 { step / peak } else { 1.0 })
        } else if step < end {
            cosine(self.max, self.end(), (step - peak) / (end - peak))
        } else {
            self.end()
        }
    }

    pub(super) fn check(&self) -> Result<()> {
        const KIND: &str = "one-cycle";
        finite(KIND, &[("max", self.max)])?;
        if !(0.0..=1.0).contains(&self.pct_start) {
            return Err(Argument { kind: KIND, name: "pct_start", found: self.pct_start }.must_be("in 0..=1"));
        }
        for (name, found) in [("div_factor", self.div_factor), ("final_div_factor", self.final_div_factor)] {
            if !(found.is_finite() && found > 0.0) {
                return Err(Argument { kind: KIND, name, found }.must_be("finite and positive"));
            }
        }
        finite(KIND, &[("max / div_factor", self.start()), ("max / div_factor / final_div_factor", self.end())])
    }
}
