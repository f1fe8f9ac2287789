//! The ways from one value to another: all exact at both ends, between them elsewhere, and finite for finite ends.

use std::f64::consts::PI;

/// How much of a period is over, in `0..=1`; all of it where the period is empty.
pub(super) fn fraction(step: u64, steps: u64) -> f64 {
    if step < steps { step as f64 / steps as f64 } else { 1.0 }
}

/// The straight line: `from` at 0, `to` at 1.
pub(super) fn linear(from: f64, to: f64, fraction: f64) -> f64 {
    // The difference of the ends could overflow; the weighted sum can only by rounding.
    within(from, to, from * (1.0 - fraction) + to * fraction)
}

/// Half a period of the cosine: flat at both ends.
pub(super) fn cosine(from: f64, to: f64, fraction: f64) -> f64 {
    linear(from, to, (1.0 - (PI * fraction).cos()) / 2.0)
}

/// The weighted geometric mean of two ends of one sign: each step multiplies by the same factor.
pub(super) fn geometric(from: f64, to: f64, fraction: f64) -> f64 {
    let magnitude = from.abs().powf(1.0 - fraction) * to.abs().powf(fraction);
    within(from, to, magnitude.copysign(from))
}

fn within(from: f64, to: f64, value: f64) -> f64 {
    value.clamp(from.min(to), from.max(to))
}
