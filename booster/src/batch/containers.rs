//! [`Batch`] for tensors, `Option`, `Vec`, arrays, tuples and `()`.

use tch::Tensor;

use super::{Batch, FieldPath};
use crate::error::{Error, Result};

type Visit<'a> = dyn FnMut(FieldPath<'_>, &Tensor) -> Result<()> + 'a;
type Map<'a> = dyn FnMut(FieldPath<'_>, &Tensor) -> Result<Tensor> + 'a;
type Zip<'a> = dyn FnMut(FieldPath<'_>, &[&Tensor]) -> Result<Tensor> + 'a;

impl Batch for Tensor {
    fn visit_tensors(&self, path: FieldPath<'_>, visit: &mut Visit<'_>) -> Result<()> {
        visit(path, self)
    }

    fn map_tensors(&self, path: FieldPath<'_>, map: &mut Map<'_>) -> Result<Self> {
        map(path, self)
    }

    fn zip_tensors(parts: &[&Self], path: FieldPath<'_>, zip: &mut Zip<'_>) -> Result<Self> {
        zip(path, parts)
    }
}

impl<B: Batch> Batch for Option<B> {
    fn visit_tensors(&self, path: FieldPath<'_>, visit: &mut Visit<'_>) -> Result<()> {
        self.as_ref().map_or(Ok(()), |batch| batch.visit_tensors(path, visit))
    }

    fn map_tensors(&self, path: FieldPath<'_>, map: &mut Map<'_>) -> Result<Self> {
        self.as_ref().map(|batch| batch.map_tensors(path, map)).transpose()
    }

    fn zip_tensors(parts: &[&Self], path: FieldPath<'_>, zip: &mut Zip<'_>) -> Result<Self> {
        let present = parts.iter().filter_map(|part| part.as_ref()).collect::<Vec<_>>();
        match present.len() {
            0 => Ok(None),
            count if count == parts.len() => B::zip_tensors(&present, path, zip).map(Some),
            count => {
                let reason = format!("present in only {count} of {} parts", parts.len());
                Err(Error::BatchMismatch { field: path.to_string(), reason })
            }
        }
    }
}

impl<B: Batch> Batch for Vec<B> {
    fn visit_tensors(&self, path: FieldPath<'_>, visit: &mut Visit<'_>) -> Result<()> {
        self.iter().enumerate().try_for_each(|(index, batch)| batch.visit_tensors(path.index(index), visit))
    }

    fn map_tensors(&self, path: FieldPath<'_>, map: &mut Map<'_>) -> Result<Self> {
        self.iter().enumerate().map(|(index, batch)| batch.map_tensors(path.index(index), map)).collect()
    }

    fn zip_tensors(parts: &[&Self], path: FieldPath<'_>, zip: &mut Zip<'_>) -> Result<Self> {
        let length = parts.first().map_or(0, |part| part.len());
        if let Some(other) = parts.iter().find(|part| part.len() != length) {
            let reason = format!("part 0 has {length} entries, but another part has {}", other.len());
            return Err(Error::BatchMismatch { field: path.to_string(), reason });
        }
        (0..length)
            .map(|index| {
                let entries = parts.iter().map(|part| &part[index]).collect::<Vec<_>>();
                B::zip_tensors(&entries, path.index(index), zip)
            })
            .collect()
    }
}

impl<B: Batch, const N: usize> Batch for [B; N] {
    fn visit_tensors(&self, path: FieldPath<'_>, visit: &mut Visit<'_>) -> Result<()> {
        self.iter().enumerate().try_for_each(|(index, batch)| batch.visit_tensors(path.index(index), visit))
    }

    fn map_tensors(&self, path: FieldPath<'_>, map: &mut Map<'_>) -> Result<Self> {
        let entries = self.iter().enumerate().map(|(index, batch)| batch.map_tensors(path.index(index), map));
        array(entries)
    }

    fn zip_tensors(parts: &[&Self], path: FieldPath<'_>, zip: &mut Zip<'_>) -> Result<Self> {
        array((0..N).map(|index| {
            let entries = parts.iter().map(|part| &part[index]).collect::<Vec<_>>();
            B::zip_tensors(&entries, path.index(index), zip)
        }))
    }
}

/// Collects exactly `N` entries.
fn array<B, const N: usize>(entries: impl Iterator<Item = Result<B>>) -> Result<[B; N]> {
    let entries = entries.collect::<Result<Vec<_>>>()?;
    let found = entries.len();
    entries.try_into().map_err(|_| Error::custom(format!("expected {N} array entries, got {found}")))
}

impl Batch for () {
    fn visit_tensors(&self, _: FieldPath<'_>, _: &mut Visit<'_>) -> Result<()> {
        Ok(())
    }

    fn map_tensors(&self, _: FieldPath<'_>, _: &mut Map<'_>) -> Result<Self> {
        Ok(())
    }

    fn zip_tensors(_: &[&Self], _: FieldPath<'_>, _: &mut Zip<'_>) -> Result<Self> {
        Ok(())
    }
}

macro_rules! tuples {
    ($(($($name:ident $index:tt),+))+) => {$(
        impl<$($name: Batch),+> Batch for ($($name,)+) {
            fn visit_tensors(&self, path: FieldPath<'_>, visit: &mut Visit<'_>) -> Result<()> {
                $(self.$index.visit_tensors(path.index($index), visit)?;)+
                Ok(())
            }

            fn map_tensors(&self, path: FieldPath<'_>, map: &mut Map<'_>) -> Result<Self> {
                Ok(($(self.$index.map_tensors(path.index($index), map)?,)+))
            }

            fn zip_tensors(parts: &[&Self], path: FieldPath<'_>, zip: &mut Zip<'_>) -> Result<Self> {
                Ok(($({
                    let entries = parts.iter().map(|part| &part.$index).collect::<Vec<_>>();
                    $name::zip_tensors(&entries, path.index($index), zip)?
                },)+))
            }
        }
    )+};
}

tuples! {
    (A 0)
    (A 0, B 1)
    (A 0, B 1, C 2)
    (A 0, B 1, C 2, D 3)
    (A 0, B 1, C 2, D 3, E 4)
    (A 0, B 1, C 2, D 3, E 4, F 5)
}
