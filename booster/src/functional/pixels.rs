//! Conversion of images to bytes.

use booster_sys::scalar::ScalarOps as _;
use tch::{Kind, Tensor};

use super::shape_and_kind;
use crate::error::{Error, Result};

/// Converts images of 1 or 3 channels to bytes, on the same device and without a graph.
///
/// Floats are clamped to 0 (black) to 1 (white), with NaN as black. The last three of the `rank` dimensions are
/// channels, height and width.
pub(crate) fn to_bytes(operation: &'static str, images: &Tensor, rank: usize) -> Result<Tensor> {
    let (size, kind) = shape_and_kind(operation, images)?;
    let has_channels = matches!(size[..], [.., 1 | 3, _, _]);
    let is_real = images.is_floating_point() || kind == Kind::Uint8;
    if size.len() != rank || !has_channels || images.numel() == 0 || !is_real {
        let dims =
            if rank == 4 { "images [samples, 1 or 3, height, width]" } else { "an image [1 or 3, height, width]" };
        return Err(Error::operand(
            operation,
            format!("{dims} of a floating kind or uint8"),
            format!("shape {size:?} of kind {kind:?}"),
        ));
    }
    let images = images.f_detach()?;
    if kind == Kind::Uint8 {
        return Ok(images);
    }
    let within = images.f_to_kind(Kind::Float)?.f_nan_to_num(0.0, None, None)?.try_clamp(0.0, 1.0)?;
    Ok(within.try_mul_scalar(255.0)?.f_round()?.f_to_kind(Kind::Uint8)?)
}
