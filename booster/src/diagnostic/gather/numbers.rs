//! Combining host numbers of several shards.

use std::cmp::Ordering;
use std::time::Duration;

use super::column::Column;
use crate::diagnostic::leaf::{LeafRef, LeafValue};
use crate::diagnostic::reduction::{Gather, is_summed};
use crate::diagnostic::samples::Samples;
use crate::error::Result;

impl Column<'_> {
    /// Combines host numbers by the field's reduction.
    pub(super) fn number(&self) -> Result<LeafValue> {
        let rule = self.rule();
        let takes_part = |leaf: LeafRef<'_>, samples: &Samples| match (rule, samples) {
            // The mean already weights each value by its sample count.
            (Gather::Mean, _) | (_, Samples::Device(_)) => true,
            (Gather::Sum, Samples::Host(samples)) => is_summed(leaf.number().is_some_and(f64::is_finite), *samples),
            (Gather::Min | Gather::Max | Gather::Last, Samples::Host(samples)) => *samples != 0.0,
        };
        let counted = self.shards.iter().filter(|(leaf, samples)| takes_part(*leaf, samples));
        let mut leaves = counted.map(|(leaf, _)| *leaf).collect::<Vec<_>>();
        if leaves.is_empty() {
            leaves = self.shards.iter().map(|(leaf, _)| *leaf).collect();
        }
        let last = leaves.last().copied().unwrap_or(LeafRef::Absent);
        match rule {
            Gather::Last => Ok(owned(last)),
            Gather::Min => Ok(extreme(&leaves, Ordering::Less)),
            Gather::Max => Ok(extreme(&leaves, Ordering::Greater)),
            Gather::Sum => self.sum(&leaves),
            Gather::Mean => self.mean(&leaves),
        }
    }

    fn sum(&self, leaves: &[LeafRef<'_>]) -> Result<LeafValue> {
        let integers = leaves.iter().map(|leaf| if let LeafRef::Integer(value) = leaf { Some(*value) } else { None });
        if let Some(sum) = integers.sum::<Option<i128>>() {
            return Ok(LeafValue::Integer(sum));
        }
        let bools = leaves.iter().map(|leaf| if let LeafRef::Boolean(value) = leaf { Some(*value) } else { None });
        if let Some(bools) = bools.collect::<Option<Vec<_>>>() {
            // A bool counts once for the whole batch, as it does on one device.
            return Ok(LeafValue::Boolean(bools.contains(&true)));
        }
        let sum = leaves.iter().filter_map(|leaf| leaf.number()).sum::<f64>();
        self.fraction(leaves, sum)
    }

    fn mean(&self, leaves: &[LeafRef<'_>]) -> Result<LeafValue> {
        let numbers = leaves.iter().filter_map(|leaf| leaf.number()).collect::<Vec<_>>();
        if let [first, rest @ ..] = leaves
            && rest.iter().all(|&leaf| compared(leaf, *first) == Some(Ordering::Equal))
        {
            return Ok(owned(leaves[0]));
        }
        let mut sums = (0.0, 0.0);
        for (number, (_, samples)) in numbers.iter().zip(&self.shards) {
            let samples = samples.read()?;
            if samples != 0.0 {
                sums = (sums.0 + number * samples, sums.1 + samples);
            }
        }
        self.fraction(leaves, sums.0 / sums.1)
    }

    /// Converts a fraction to the type of the leaves, or returns an error for integers and bools.
    fn fraction(&self, leaves: &[LeafRef<'_>], value: f64) -> Result<LeafValue> {
        match leaves.first() {
            Some(LeafRef::Duration(_)) => match Duration::try_from_secs_f64(value) {
                Ok(duration) => Ok(LeafValue::Duration(duration)),
                Err(reason) => Err(self.field.error("a duration", reason)),
            },
            Some(LeafRef::Float(_)) => Ok(LeafValue::Float(value)),
            _ => {
                let expected = format!(
                    "the same value in each shard, or a field of type `f64` or `Tensor` for their {:?}",
                    self.rule()
                );
                Err(self.field.error(expected, value))
            }
        }
    }
}

/// Returns the smallest or largest number, or NaN if any is NaN.
fn extreme(leaves: &[LeafRef<'_>], order: Ordering) -> LeafValue {
    let replaces = |leaf, best| match compared(leaf, best) {
        Some(found) => found == order,
        None => leaf.number().is_some_and(f64::is_nan),
    };
    let best = leaves.iter().copied().reduce(|best, leaf| if replaces(leaf, best) { leaf } else { best });
    best.map_or(LeafValue::Absent, owned)
}

/// Compares two host numbers, exactly for integers and durations, which doubles may not distinguish.
fn compared(one: LeafRef<'_>, other: LeafRef<'_>) -> Option<Ordering> {
    match (one, other) {
        (LeafRef::Integer(one), LeafRef::Integer(other)) => Some(one.cmp(&other)),
        (LeafRef::Duration(one), LeafRef::Duration(other)) => Some(one.cmp(&other)),
        _ => one.number()?.partial_cmp(&other.number()?),
    }
}

fn owned(leaf: LeafRef<'_>) -> LeafValue {
    match leaf {
        LeafRef::Float(value) => LeafValue::Float(value),
        LeafRef::Integer(value) => LeafValue::Integer(value),
        LeafRef::Boolean(value) => LeafValue::Boolean(value),
        LeafRef::Duration(value) => LeafValue::Duration(value),
        LeafRef::Absent | LeafRef::Present(_) | LeafRef::Tensor(_) | LeafRef::Ratio(_) | LeafRef::Weighted(_) => {
            LeafValue::Absent
        }
    }
}
