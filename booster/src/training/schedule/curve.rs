//! Interpolation between two values: exact at both ends, within their range in between, and finite for finite ends.

use std::f64::consts::PI;

/// Returns the fraction of a period that has passed, in `0..=1`; 1 if the period is empty.
pub(super) fn fraction(step: u64, steps: u64) -> f64 {
    if step < steps { step as f64 / steps as f64 } else { 1.0 }
}

/// Interpolates linearly: `from` at 0, `to` at 1.
pub(super) fn linear(from: f64, to: f64, fraction: f64) -> f64 {
    // `to - from` could overflow, whereas the weighted sum leaves the range only by rounding.
    within(from, to, from * (1.0 - fraction) + to * fraction)
}

/// Interpolates along half a cosine, which is flat at both ends.
pub(super) fn cosine(from: f64, to: f64, fraction: f64) -> f64 {
    linear(from, to, (1.0 - (PI * fraction).cos()) / 2.0)
}

/// Interpolates geometrically between two ends of the same sign: each step multiplies by the same factor.
pub(super) fn geometric(from: f64, to: f64, fraction: f64) -> f64 {
    let magnitude = from.abs().powf(1.0 - fraction) * to.abs().powf(fraction);
    within(from, to, magnitude.copysign(from))
}

fn within(from: f64, to: f64, value: f64) -> f64 {
    value.clamp(from.min(to), from.max(to))
}
