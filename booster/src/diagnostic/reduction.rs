//! How values become a state, how states merge, and what a state comes to.
//!
//! Each reduction is a monoid over 1-dimensional tensors of doubles that stay on the device: `lift` maps values to a
//! state so that lifting joined values equals merging the lifted parts. That is why no partition of the samples
//! changes a summary.

use tch::Tensor;

use super::chunk::Chunk;
use super::schema::Reduce;
use crate::error::Result;

impl Reduce {
    /// The state of some values, of which there is at least one.
    pub(crate) fn lift(self, chunk: &Chunk) -> Result<Tensor> {
        let parts = match self {
            Self::Mean => {
                let (sum, count) = chunk.weighted_sums()?;
                [sum, count]
            }
            Self::Sum => {
                let sum = chunk.sum()?;
                let present = sum.f_ones_like()?;
                [sum, present]
            }
            Self::Min => {
                // The presence is negated: both parts of this state merge by their minimum.
                let least = chunk.counted_or(f64::INFINITY)?.f_amin(ALL, false)?;
                [least, chunk.any_counts()?.f_neg()?]
            }
            Self::Max => {
                let greatest = chunk.counted_or(f64::NEG_INFINITY)?.f_amax(ALL, false)?;
                [greatest, chunk.any_counts()?]
            }
            Self::Last => {
                let (last, present) = chunk.last()?;
                [last, present]
            }
        };
        Ok(Tensor::f_stack(&parts, 0)?)
    }

    /// The state of two groups of values, `later` being the newer.
    pub(crate) fn merge(self, earlier: &Tensor, later: &Tensor) -> Result<Tensor> {
        Ok(match self {
            Self::Mean | Self::Sum => earlier.f_add(later)?,
            Self::Min => earlier.f_minimum(later)?,
            Self::Max => earlier.f_maximum(later)?,
            Self::Last => later.f_where_self(&later.f_narrow(0, 1, 1)?.f_gt(0)?, earlier)?,
        })
    }

    /// What a state comes to; NaN where no value counted.
    pub(crate) fn finish(self, state: [f64; STATE_LENGTH]) -> f64 {
        let [value, count] = state;
        match self {
            Self::Mean => value / count,
            Self::Min | Self::Max | Self::Last if count == 0.0 => f64::NAN,
            Self::Sum | Self::Min | Self::Max | Self::Last => value,
        }
    }
}

/// The number of doubles in a state.
pub(crate) const STATE_LENGTH: usize = 2;

/// All dimensions, as libtorch's reductions take it.
const ALL: &[i64] = &[];
