//! Weights under every combination of optional, flattened and stated samples, against a model in plain loops.

use booster::prelude::*;
use booster::tch::{Device, Kind, Tensor};

/// A struct that may say how many samples it stands for, beside a batch-level value.
trait Part: Diagnostic {
    const SAYS: bool;

    fn new(value: f64, length: i64, is_present: bool) -> Self;
}

fn ones(length: i64) -> Tensor {
    Tensor::ones([length], (Kind::Float, Device::Cpu))
}

macro_rules! parts {
    ($group:literal: $($name:ident $says:literal { $(#[$attribute:meta])* $ty:ty: $make:expr })+) => {$(
        #[derive(Diagnostic)]
        struct $name {
            #[group = $group]
            value: f64,
            #[group = $group]
            $(#[$attribute])*
            samples: $ty,
        }

        impl Part for $name {
            const SAYS: bool = $says;

            fn new(value: f64, length: i64, is_present: bool) -> Self {
                Self { value, samples: ($make)(length, is_present) }
            }
        }
    )+};
}

parts! { "a":
    NothingA false { f64: |_, _| 0.0 }
    StatedA true { #[metric(samples)] i64: |length, _| length }
    RequiredA true { Tensor: |length, _| ones(length) }
    OptionalA false { Option<Tensor>: |length, is_present: bool| is_present.then(|| ones(length)) }
}

parts! { "b":
    NothingB false { f64: |_, _| 0.0 }
    StatedB true { #[metric(samples)] Tensor: |length: i64, _| Tensor::from(length) }
    RequiredB true { Weighted: |length, _| Weighted::new(ones(length), ones(length)) }
    OptionalB false { Option<Tensor>: |length, is_present: bool| is_present.then(|| ones(length)) }
}

macro_rules! outers {
    ($($name:ident $says:literal { $(#[$attribute:meta])* $ty:ty: $make:expr })+) => {$(
        #[derive(Diagnostic)]
        struct $name<A: Diagnostic, B: Diagnostic> {
            #[diagnostic(flatten)]
            first: A,
            #[group = "outer"]
            value: f64,
            #[group = "outer"]
            $(#[$attribute])*
            samples: $ty,
            #[diagnostic(flatten)]
            second: B,
        }

        impl<A: Part, B: Part> Outer<A, B> for $name<A, B> {
            const SAYS: bool = $says;

            fn new(value: f64, length: i64, is_present: bool, first: A, second: B) -> Self {
                Self { first, value, samples: ($make)(length, is_present), second }
            }
        }
    )+};
}

trait Outer<A: Part, B: Part>: Diagnostic {
    const SAYS: bool;

    fn new(value: f64, length: i64, is_present: bool, first: A, second: B) -> Self;
}

outers! {
    NothingO false { f64: |_, _| 0.0 }
    StatedO true { #[metric(samples)] i64: |length, _| length }
    RequiredO true { Tensor: |length, _| ones(length) }
    OptionalO false { Option<Tensor>: |length, is_present: bool| is_present.then(|| ones(length)) }
}

/// What each of the three counts in an update, `[outer, a, b]`; none where the parts differ and the outer one asks them.
fn model(says: [bool; 3], lengths: [i64; 3]) -> Option<[f64; 3]> {
    let said = |index: usize| says[index].then_some(lengths[index] as f64);
    let of_parts = match (said(1), said(2)) {
        (Some(one), Some(other)) if one != other => Err(()),
        (one, other) => Ok(one.or(other)),
    };
    let mut counts = [1.0; 3];
    for (index, count) in counts.iter_mut().enumerate() {
        *count = match said(index).or(said(0)) {
            Some(said) => said,
            None => of_parts.ok()?.unwrap_or(1.0),
        };
    }
    Some(counts)
}

fn assert_model<O: Outer<A, B>, A: Part, B: Part>() -> booster::Result<()> {
    let says = [O::SAYS, A::SAYS, B::SAYS];
    // Numbers of samples, and whether the optional fields are there.
    let updates = [([2, 3, 3], false), ([5, 1, 1], true), ([4, 4, 7], false), ([1, 6, 6], true), ([3, 2, 9], true)];
    let mut aggregator = Aggregator::new();
    let (mut sums, mut weights) = ([0.0; 3], [0.0; 3]);
    for (update, (lengths, is_present)) in updates.into_iter().enumerate() {
        let values = [0, 1, 2].map(|index| ((update + 1) * (index + 2)) as f64);
        let [outer, first, second] = [0, 1, 2].map(|index| (values[index], lengths[index]));
        let (first, second) = (A::new(first.0, first.1, is_present), B::new(second.0, second.1, is_present));
        let outcome = aggregator.update(&O::new(outer.0, outer.1, is_present, first, second));
        let Some(counts) = model(says, lengths) else {
            assert!(matches!(outcome, Err(booster::Error::SampleCount { .. })), "{says:?} of {lengths:?}");
            continue;
        };
        outcome?;
        for index in 0..3 {
            sums[index] += values[index] * counts[index];
            weights[index] += counts[index];
        }
    }
    let summary = aggregator.summary()?;
    for (index, group) in ["outer", "a", "b"].into_iter().enumerate() {
        let (found, expected) = (summary.get(group, "value").unwrap_or(f64::NAN), sums[index] / weights[index]);
        assert!((found - expected).abs() < 1e-12, "{group} where {says:?}: found {found}, expected {expected}");
    }
    Ok(())
}

macro_rules! combinations {
    ($($outer:ident)+) => { $(combinations!(@first $outer: NothingA StatedA RequiredA OptionalA);)+ };
    (@first $outer:ident: $($first:ident)+) => { $(combinations!(@second $outer $first: NothingB StatedB RequiredB OptionalB);)+ };
    (@second $outer:ident $first:ident: $($second:ident)+) => { $(assert_model::<$outer<$first, $second>, $first, $second>()?;)+ };
}

#[test]
fn every_combination_counts_as_the_model() -> booster::Result<()> {
    combinations! { NothingO StatedO RequiredO OptionalO }
    Ok(())
}
