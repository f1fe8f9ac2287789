//! Image grids.

use tch::{Kind, Tensor};

use super::to_bytes;
use crate::error::{Error, Result};

/// Arranges a batch of images in a grid: `[samples, channels, height, width]` to `[channels, rows * .., columns * ..]`.
///
/// Images fill the grid row by row, with up to `columns` per row and `padding` black pixels around each. They have 1 or
/// 3 channels, and are floats, clamped to 0 (black) to 1 (white) with NaN as black, or of kind uint8. The result is of
/// kind uint8, on the same device.
///
/// ```
/// use booster::functional::image_grid;
/// use booster::tch::{Device, Kind, Tensor};
///
/// # fn main() -> booster::Result<()> {
/// let images = Tensor::rand([5, 1, 8, 8], (Kind::Float, Device::Cpu));
/// let grid = image_grid(&images, 3, 2)?;
/// assert_eq!(grid.size(), [1, 2 + 2 * (8 + 2), 2 + 3 * (8 + 2)]);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// Returns [`Error::Mismatch`] if the images have another shape or kind, or are empty, if `columns` is less than 1, or
/// if `padding` is negative.
pub fn image_grid(images: &Tensor, columns: i64, padding: i64) -> Result<Tensor> {
    let pixels = to_bytes("image_grid", images, 4)?;
    let (count, channels, height, width) = pixels.size4()?;
    if columns < 1 || padding < 0 {
        return Err(Error::operand(
            "image_grid",
            "at least 1 column and a padding of at least 0",
            format!("{columns} columns and a padding of {padding}"),
        ));
    }
    let columns = columns.min(count);
    let rows = (count + columns - 1) / columns;
    let blank = Tensor::f_zeros([rows * columns - count, channels, height, width], (Kind::Uint8, pixels.device()))?;
    // Each image is padded right and below; the whole grid is padded left and above.
    Ok(Tensor::f_cat(&[pixels, blank], 0)?
        .f_constant_pad_nd([0, padding, 0, padding])?
        .f_view([rows, columns, channels, height + padding, width + padding])?
        .f_permute([2, 0, 3, 1, 4])?
        .f_reshape([channels, rows * (height + padding), columns * (width + padding)])?
        .f_constant_pad_nd([padding, 0, padding, 0])?)
}
