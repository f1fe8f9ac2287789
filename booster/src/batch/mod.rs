//! Batches: tensors that share a leading sample dimension.

mod containers;
mod path;

use std::ops::Range;

use booster_sys::{identity, info::length};
use tch::{Device, Tensor};

pub use self::path::FieldPath;
use crate::device::{concatenate, to_device};
use crate::error::{Error, Result};

/// Tensors that share a leading sample dimension.
///
/// Derive it for a struct of tensors and other batches. It is also implemented for [`Tensor`], for `Option`, `Vec`,
/// arrays and tuples of batches, and for the empty batch `()`.
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
/// The derive generates the three required methods. No method shares its name with an inherent method of [`Tensor`],
/// which would take precedence.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a batch",
    label = "not a batch",
    note = "batches are `Tensor`, `Option`, `Vec`, arrays and tuples of batches, and `()`",
    note = "for one number per sample, use a `Tensor` of shape `[batch]`; keep values shared by all samples outside the \
            batch, for example in a `#[param]`",
    note = "for your own struct, add `#[derive(Batch)]`; for a foreign type, wrap its tensors in such a struct"
)]
pub trait Batch: Sized + Send + 'static {
    /// Calls `visit` with each tensor and its path.
    ///
    /// # Errors
    /// Returns the first error of `visit`.
    fn visit_tensors(
        &self,
        path: FieldPath<'_>,
        visit: &mut dyn FnMut(FieldPath<'_>, &Tensor) -> Result<()>,
    ) -> Result<()>;

    /// Returns a batch of the same structure with each tensor replaced by the result of `map`.
    ///
    /// # Errors
    /// Returns the first error of `map`.
    fn map_tensors(
        &self,
        path: FieldPath<'_>,
        map: &mut dyn FnMut(FieldPath<'_>, &Tensor) -> Result<Tensor>,
    ) -> Result<Self>;

    /// Combines several batches into one by combining the tensors of each field with `zip`.
    ///
    /// # Errors
    /// Returns the first error of `zip`, or [`Error::BatchMismatch`] if the parts differ in structure: if an `Option`
    /// is `Some` in only some of them, or if `Vec`s differ in length.
    fn zip_tensors(
        parts: &[&Self],
        path: FieldPath<'_>,
        zip: &mut dyn FnMut(FieldPath<'_>, &[&Tensor]) -> Result<Tensor>,
    ) -> Result<Self>;

    /// Returns the number of samples, or `None` for a batch without tensors.
    ///
    /// # Errors
    /// Returns [`Error::BatchLength`] if two fields disagree, [`Error::BatchScalar`] if a tensor is 0-dimensional, or
    /// [`Error::BatchMismatch`] if a tensor is undefined.
    fn batch_size(&self) -> Result<Option<i64>> {
        let mut first = None;
        self.visit_tensors(FieldPath::ROOT, &mut |path, tensor| {
            let found = length(tensor).map_err(|_| {
                let reason = "the tensor is undefined, like `Tensor::new()`".to_owned();
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

    /// Returns a range of samples as views. Any range of a batch without tensors is the batch itself.
    ///
    /// # Errors
    /// Returns [`Error::BatchRange`] if the range is out of bounds, or an error of [`Batch::batch_size`].
    fn samples(&self, range: Range<i64>) -> Result<Self> {
        let Range { start, end } = range;
        let length = self.batch_size()?.unwrap_or(i64::MAX);
        if start < 0 || start > end || end > length {
            return Err(Error::BatchRange { start, end, length });
        }
        self.map_tensors(FieldPath::ROOT, &mut |_, tensor| Ok(tensor.f_narrow(0, start, end - start)?))
    }

    /// Splits the batch into at most `count` contiguous shards whose sizes differ by at most one, larger ones first.
    /// A batch with fewer samples than `count` yields one shard per sample.
    ///
    /// # Errors
    /// Returns [`Error::EmptyBatch`] if the batch has no samples or no tensors, or an error of [`Batch::batch_size`].
    fn shards(&self, count: usize) -> Result<Vec<Self>> {
        let length = self.batch_size()?.filter(|&length| length > 0).ok_or(Error::EmptyBatch)?;
        let count = i64::try_from(count.max(1)).map_or(length, |count| count.min(length));
        let (size, longer) = (length / count, length % count);
        let starts = (0..=count).map(|shard| shard * size + shard.min(longer)).collect::<Vec<_>>();
        starts.windows(2).map(|bounds| self.samples(bounds[0]..bounds[1])).collect()
    }

    /// Concatenates batches along the sample dimension, in order, on the device of the first.
    ///
    /// # Errors
    /// Returns [`Error::EmptyBatch`] if `parts` is empty, [`Error::BatchMismatch`] if the parts differ in structure or
    /// the tensors of a field differ in kind or in more than the first dimension, or [`Error::BatchScalar`] if a tensor
    /// is 0-dimensional.
    fn join(parts: Vec<Self>) -> Result<Self> {
        if parts.is_empty() {
            return Err(Error::EmptyBatch);
        }
        let parts = parts.iter().collect::<Vec<_>>();
        Self::zip_tensors(&parts, FieldPath::ROOT, &mut |path, tensors| concatenate(path, tensors))
    }

    /// Moves the batch to a device, sharing tensors that are already there. Copies from pinned memory are asynchronous.
    ///
    /// # Errors
    /// Returns [`Error::Torch`] if the device is unavailable or out of memory.
    fn move_to(&self, device: Device) -> Result<Self> {
        self.map_tensors(FieldPath::ROOT, &mut |_, tensor| to_device(tensor, device))
    }

    /// Returns whether every tensor is on `device`.
    fn is_on(&self, device: Device) -> bool {
        let mut all = true;
        // The visitor never fails.
        let _ = self.visit_tensors(FieldPath::ROOT, &mut |_, tensor| {
            all &= tensor.device() == device;
            Ok(())
        });
        all
    }

    /// Returns the number of in-place writes to the batch's tensors.
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

    /// Returns a shallow clone that shares the tensors.
    ///
    /// # Errors
    /// Returns an error only if a custom implementation of [`Batch::map_tensors`] does.
    fn share(&self) -> Result<Self> {
        self.map_tensors(FieldPath::ROOT, &mut |_, tensor| Ok(tensor.shallow_clone()))
    }
}

/// Returns the path of the first tensor.
fn first_path<B: Batch>(batch: &B) -> String {
    let mut first = None;
    // The visitor never fails.
    let _ = batch.visit_tensors(FieldPath::ROOT, &mut |path, _| {
        first.get_or_insert_with(|| path.to_string());
        Ok(())
    });
    first.unwrap_or_default()
}
