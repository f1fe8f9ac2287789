//! Values that are waiting to be reduced.

use booster_sys::info::Info;
use tch::{Device, Kind, Tensor};

use super::detach::own;
use super::non_finite::NonFinite;
use super::sums::Addend;
use crate::diagnostic::leaf::layout::LeafInfo;
use crate::diagnostic::leaf::{LeafRef, LeafValue, Ratio, Weighted, rows_of, writes};
use crate::diagnostic::samples::Samples;
use crate::error::{Error, Result};
use crate::transfers;

/// A value that has not been reduced yet.
#[derive(Debug)]
pub(crate) struct Pending {
    pub(crate) value: LeafValue,
    /// The index of the value's update in the window.
    pub(crate) update: usize,
    /// The value's length along the sample dimension; 1 if it has no such dimension.
    pub(crate) rows: i64,
    /// The number of in-place writes to the value's tensors when it was added.
    writes: u64,
}

/// A value whose update has not been fully checked yet.
#[derive(Debug)]
pub(crate) enum Staged {
    /// No value.
    Absent,
    /// The sums of a host value.
    OnHost(Addend),
    /// A value to reduce later, with the bytes that it keeps alive.
    Pending(LeafValue, usize),
}

impl Pending {
    pub(crate) fn new(value: LeafValue, update: usize, rows: i64) -> Self {
        let mut pending = Self { value, update, rows, writes: 0 };
        pending.count_writes();
        pending
    }

    /// Records the current write count, so that the current content of the tensors is accepted for reduction.
    pub(crate) fn count_writes(&mut self) {
        self.writes = writes(self.tensors());
    }

    /// Returns whether the tensors have not been written in place since the write count was recorded.
    pub(crate) fn is_unwritten(&self) -> bool {
        self.writes == writes(self.tensors())
    }

    pub(crate) fn tensors(&self) -> [Option<&Tensor>; 2] {
        match &self.value {
            LeafValue::Tensor(tensor) => [Some(tensor), None],
            LeafValue::Weighted(Weighted { value: one, weight: other })
            | LeafValue::Ratio(Ratio { numerator: one, denominator: other }) => [Some(one), Some(other)],
            _ => [None, None],
        }
    }

    pub(crate) fn devices(&self) -> [Option<Device>; 2] {
        self.tensors().map(|tensor| tensor.map(Tensor::device))
    }

    pub(crate) fn tensors_mut(&mut self) -> impl Iterator<Item = &mut Tensor> {
        let tensors = match &mut self.value {
            LeafValue::Tensor(tensor) => [Some(tensor), None],
            LeafValue::Weighted(Weighted { value: one, weight: other })
            | LeafValue::Ratio(Ratio { numerator: one, denominator: other }) => [Some(one), Some(other)],
            _ => [None, None],
        };
        tensors.into_iter().flatten()
    }
}

impl Staged {
    /// Stages a checked value. This is the fallible part of an update and does not change any state. `additive` states
    /// whether all of the field's reductions can be computed from sums alone.
    pub(crate) fn of(info: &LeafInfo<'_>, samples: &Samples, policy: NonFinite, additive: bool) -> Result<Self> {
        if info.size().contains(&0) {
            return Ok(Self::Absent);
        }
        if additive
            && let Some(sums) = Addend::of(info, samples)?
            && (policy != NonFinite::Skip || sums.has_nothing_to_skip())
        {
            return Ok(Self::OnHost(sums));
        }
        let (first, second) = (info.tensor_info(0), info.tensor_info(1));
        Ok(match (info.leaf, first, second) {
            (LeafRef::Tensor(tensor), Some(info), _) => {
                let (tensor, bytes) = own(tensor, info)?;
                Self::Pending(LeafValue::Tensor(tensor), bytes)
            }
            (LeafRef::Weighted(Weighted { value, weight }), Some(of_value), Some(of_weight)) => {
                let ((value, bytes), (weight, more)) = (own(value, of_value)?, own(weight, of_weight)?);
                Self::Pending(LeafValue::Weighted(Weighted::new(value, weight)), bytes + more)
            }
            (LeafRef::Ratio(Ratio { numerator, denominator }), Some(of_numerator), Some(of_denominator)) => {
                // The policy may skip single rows.
                let rows =
                    if policy == NonFinite::Skip { rows_of(&of_numerator.shape, &of_denominator.shape) } else { None };
                let sum = |tensor, info: &Info| {
                    let (tensor, bytes) = own(tensor, info)?;
                    // Doubles are not summed yet, since the sum of finite values may overflow.
                    let is_summed = info.shape.numel() > rows.unwrap_or(1) as usize && info.kind != Kind::Double;
                    if is_summed && transfers::has_doubles(info.device) {
                        let sums = match rows {
                            Some(rows) => tensor.f_reshape([rows, -1])?.f_sum_dim_intlist(-1, false, Kind::Double)?,
                            None => tensor.f_sum(Kind::Double)?,
                        };
                        return Ok((sums, rows.unwrap_or(1) as usize * size_of::<f64>()));
                    }
                    Ok::<_, Error>((tensor, bytes))
                };
                let (numerator, bytes) = sum(numerator, of_numerator)?;
                let (denominator, more) = sum(denominator, of_denominator)?;
                Self::Pending(LeafValue::Ratio(Ratio::new(numerator, denominator)), bytes + more)
            }
            (leaf, ..) => match leaf.number() {
                Some(number) => Self::Pending(LeafValue::Float(number), size_of::<f64>()),
                None => Self::Absent,
            },
        })
    }
}
