//! Gathering the diagnostics of several shards of a batch.

mod column;
mod numbers;
mod tensors;

use self::column::Column;
use self::tensors::{of_weighted, row_weights};
use super::leaf::{LeafRef, LeafValue, Weighted};
use super::samples::Scopes;
use super::schema::Field;
use super::{Diagnostic, Leaves, LeavesMut};
use crate::error::{Error, Result};

/// Gathers all shards into one. `sizes` are the sample counts of the shards, used if their diagnostics do not state
/// any; without `sizes`, such shards have equal weight.
pub(crate) fn gather<D: Diagnostic>(mut shards: Vec<D>, sizes: Option<&[i64]>) -> Result<D> {
    if shards.is_empty() {
        return Err(Error::EmptyBatch);
    }
    let fields = D::SCHEMA.fields();
    let scopes = Scopes::of(&D::SCHEMA);
    let scope_of_field = scopes.of_fields();
    let leaves = shards.iter().map(|shard| Leaves::of(shard, fields.len())).collect::<Vec<_>>();
    let check = |leaves: &Leaves<'_>| leaves.infos.iter().zip(&fields).try_for_each(|(info, field)| field.check(info));
    leaves.iter().try_for_each(check)?;
    let count = |(index, Leaves { infos, batch_size }): (usize, &Leaves<'_>)| {
        scopes.samples(infos, batch_size.or_else(|| sizes.and_then(|sizes| sizes.get(index).copied())))
    };
    let counts = leaves.iter().enumerate().map(count).collect::<Result<Vec<_>>>()?;
    let column = |(index, &field): (usize, &&'static Field)| {
        let counts = counts.iter().map(|counts| &counts[scope_of_field[index]]);
        let shards = leaves.iter().map(|leaves| leaves.infos[index].leaf).zip(counts);
        let shards = shards.filter(|(leaf, _)| !matches!(leaf, LeafRef::Absent)).collect();
        Column { field, shards }.gather()
    };
    let gathered = fields.iter().enumerate().map(column).collect::<Result<Vec<_>>>()?;

    let mut first = shards.swap_remove(0);
    for ((leaf, value), field) in LeavesMut::of(&mut first).into_iter().zip(gathered).zip(&fields) {
        leaf.assign(value)
            .map_err(|value| field.error("a combined value that fits the field's type", format_args!("{value:?}")))?;
    }
    Ok(first)
}

impl Column<'_> {
    /// Returns whether any shard has a 0-dimensional weighted value. Other shards may have a loss without a weight.
    fn has_weighted_scalar(&self) -> bool {
        self.shards.iter().any(|(leaf, _)| of_weighted(*leaf).is_some_and(|weighted| weighted.value.dim() == 0))
    }

    fn gather(&self) -> Result<LeafValue> {
        Ok(match self.shards.first() {
            None | Some((LeafRef::Absent | LeafRef::Present(_), _)) => LeafValue::Absent,
            Some(_) if self.has_weighted_scalar() => LeafValue::Weighted(self.weighted_scalar()?),
            Some((LeafRef::Tensor(tensor), _)) if tensor.dim() == 0 => LeafValue::Tensor(self.scalar()?),
            Some((LeafRef::Tensor(_), _)) => LeafValue::Tensor(self.join(|leaf| match leaf {
                LeafRef::Tensor(tensor) => Some(Ok(tensor.shallow_clone())),
                _ => None,
            })?),
            Some((LeafRef::Weighted(_), _)) => LeafValue::Weighted(Weighted::new(
                self.join(|leaf| of_weighted(leaf).map(|weighted| Ok(weighted.value.shallow_clone())))?,
                self.join(|leaf| of_weighted(leaf).map(row_weights))?,
            )),
            Some((LeafRef::Ratio(_), _)) => LeafValue::Ratio(self.ratio()?),
            Some((LeafRef::Float(_) | LeafRef::Integer(_) | LeafRef::Boolean(_) | LeafRef::Duration(_), _)) => {
                self.number()?
            }
        })
    }
}
