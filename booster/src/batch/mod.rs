//! What goes into a model and comes out of it: samples along the first dimension of each tensor.

mod containers;
mod path;

use std::ops::Range;

use booster_sys::{identity, info::length};
use tch::{Device, Tensor};

pub use self::path::FieldPath;
use crate::device::{concatenate, to_device};
use crate::error::{Error, Result};

/// Tensors whose first dimension is the samples'.
///
/// Derive it on a struct of tensors and other batches. Batches are also: [`Tensor`], `Option`, `Vec`, arrays and
/// tuples of batches, and `()`, which holds nothing.
///
/// ```
/// use booster::prelude::*;
/// use booster::tch::{Device, Kind, Tensor};
///
/// #[derive(Batch)]
/// struct Labeled {
///     input: Tensor,  // [batch, *dims]
///     target: Tensor, // [batch]
/// }
///
/// # fn main() -> booster::Result<()> {
/// let cpu = (Kind::Float, Device::Cpu);
/// let batch = Labeled { input: Tensor::zeros([5, 8], cpu), target: Tensor::zeros([5], cpu) };
/// assert_eq!(batch.batch_size()?, Some(5));
/// assert_eq!(batch.samples(3..5)?.input.size(), [2, 8]);
/// # Ok(())
/// # }
/// ```
///
/// The three required methods are written by the derive; the others are for the user. None shares a name with a
/// method of [`Tensor`], which would win over it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a batch",
    label = "not a batch",
    note = "batches are `Tensor`, `Option`, `Vec`, arrays and tuples of batches, and `()`",
    note = "for a number per sample, use a `Tensor` of shape `[batch]`; a value that all samples share belongs outside the \
            batch, for example in a `#[param]`",
    note = "for a struct of your own, add `#[derive(Batch)]`; for another crate's type, wrap its tensors in such a struct"
)]
pub trait Batch: Sized + Send + 'static {
    /// Shows each tensor, with its path, to `visit`.
    ///
    /// # Errors
    /// The first error of `visit`.
    fn visit_tensors(
        &self,
        path: FieldPath<'_>,
        visit: &mut dyn FnMut(FieldPath<'_>, &Tensor) -> Result<()>,
    ) -> Result<()>;

    /// Makes the same batch of other tensors.
    ///
    /// # Errors
    /// The first error of `map`.
    fn map_tensors(
        &self,
        path: FieldPath<'_>,
        map: &mut dyn FnMut(FieldPath<'_>, &Tensor) -> Result<Tensor>,
    ) -> Result<Self>;

    /// Makes one batch of several by making one tensor of each field's several.
    ///
    /// # Errors
    /// The first error of `zip`, or [`Error::BatchMismatch`] where the parts have different fields (an `Option` that
    /// only some have, lists of different lengths).
    fn zip_tensors(
        parts: &[&Self],
        path: FieldPath<'_>,
        zip: &mut dyn FnMut(FieldPath<'_>, &[&Tensor]) -> Result<Tensor>,
    ) -> Result<Self>;

    /// The number of samples; `None` for a batch without tensors.
    ///
    /// # Errors
    /// [`Error::BatchLength`] where two fields disagree, [`Error::BatchScalar`] where a tensor is 0-dimensional and
    /// [`Error::BatchMismatch`] where one is undefined.
    fn batch_size(&self) -> Result<Option<i64>> {
        let mut first = None;
        self.visit_tensors(FieldPath::ROOT, &mut |path, tensor| {
            let found = length(tensor).map_err(|_| {
                let reason = "the tensor is undefined, as `Tensor::new()` makes it".to_owned();
                Error::BatchMismatch { field: path.to_string(), reason }
            })?;
            let found = found.ok_or_else(|| Error::BatchScalar { field: path.to_string() })?;
            let expected = *first.get_or_insert(found);
            if expected != found {
                return Err(Error::BatchLength { field: path.to_string(), found, other: first_path(self), expected });
            }
            Ok(())
        })?;
        Ok(first)
    }

    /// The samples of a range, as views of the same memory. A batch without tensors is its own every range.
    ///
    /// # Errors
    /// [`Error::BatchRange`] where the batch is shorter, and those of [`Batch::batch_size`].
    fn samples(&self, range: Range<i64>) -> Result<Self> {
        let Range { start, end } = range;
        let length = self.batch_size()?.unwrap_or(i64::MAX);
        if start < 0 || start > end || end > length {
            return Err(Error::BatchRange { start, end, length });
        }
        self.map_tensors(FieldPath::ROOT, &mut |_, tensor| Ok(tensor.f_narrow(0, start, end - start)?))
    }

    /// Cuts the batch into at most `count` contiguous shards whose sizes differ by at most one, longer ones first.
    /// A batch with fewer samples than `count` gives one shard per sample.
    ///
    /// # Errors
    /// [`Error::EmptyBatch`] where there is no sample (or no tensor), and those of [`Batch::batch_size`].
    fn shards(&self, count: usize) -> Result<Vec<Self>> {
        let length = self.batch_size()?.filter(|&length| length > 0).ok_or(Error::EmptyBatch)?;
        let count = i64::try_from(count.max(1)).map_or(length, |count| count.min(length));
        let (size, longer) = (length / count, length % count);
        let starts = (0..=count).map(|shard| shard * size + shard.min(longer)).collect::<Vec<_>>();
        starts.windows(2).map(|bounds| self.samples(bounds[0]..bounds[1])).collect()
    }

    /// Joins batches along their samples, in order, on the first one's device.
    ///
    /// # Errors
    /// [`Error::EmptyBatch`] where there is none, [`Error::BatchMismatch`] where their tensors differ in more than the
    /// first dimension, [`Error::BatchScalar`] where these have none.
    fn join(parts: Vec<Self>) -> Result<Self> {
        if parts.is_empty() {
            return Err(Error::EmptyBatch);
        }
        let parts = parts.iter().collect::<Vec<_>>();
        Self::zip_tensors(&parts, FieldPath::ROOT, &mut |path, tensors| concatenate(path, tensors))
    }

    /// The batch on a device: its own tensors where they are there already. Copies from pinned memory do not wait.
    ///
    /// # Errors
    /// [`Error::Torch`] where the device is not there or is full.
    fn move_to(&self, device: Device) -> Result<Self> {
        self.map_tensors(FieldPath::ROOT, &mut |_, tensor| to_device(tensor, device))
    }

    /// Whether each tensor is on this device.
    fn is_on(&self, device: Device) -> bool {
        let mut all = true;
        // The visitor never fails.
        let _ = self.visit_tensors(FieldPath::ROOT, &mut |_, tensor| {
            all &= tensor.device() == device;
            Ok(())
        });
        all
    }

    /// How often its tensors were written in place.
    #[doc(hidden)]
    fn writes(&self) -> u64 {
        let mut writes = 0;
        // The visitor never fails.
        let _ = self.visit_tensors(FieldPath::ROOT, &mut |_, tensor| {
            writes += identity::version(tensor).unwrap_or(0);
            Ok(())
        });
        writes
    }

    /// Another handle to the same tensors.
    ///
    /// # Errors
    /// None of the batches of this crate fails.
    fn share(&self) -> Result<Self> {
        self.map_tensors(FieldPath::ROOT, &mut |_, tensor| Ok(tensor.shallow_clone()))
    }
}

/// The path of a batch's first tensor.
fn first_path<B: Batch>(batch: &B) -> String {
    let mut first = None;
    // The visitor never fails.
    let _ = batch.visit_tensors(FieldPath::ROOT, &mut |path, _| {
        first.get_or_insert_with(|| path.to_string());
        Ok(())
    });
    first.unwrap_or_default()
}
