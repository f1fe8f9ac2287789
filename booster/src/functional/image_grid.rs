//! Many images in one.

use tch::{Kind, Tensor};

use super::to_bytes;
use crate::error::{Error, Result};

/// The images of a batch side by side: `[samples, channels, height, width]` to `[channels, rows * .., columns * ..]`.
///
/// They are laid out row by row, `columns` to a row (or as many as there are, if these are fewer), with `padding` black
/// pixels around each. There are 1 or 3 channels; values are floats from 0 (black) to 1 (white), and beyond are
/// clamped (NaN is black), or of kind uint8 from 0 to 255. The result is of kind uint8, on the device of the images, which are not
/// changed.
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
/// [`Error::Mismatch`] for images of another shape or kind, without an image or a pixel, for less than 1 column and for
/// a negative padding.
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
    // Each image carries the padding to its right and below; what is left and above is put around the whole.
    Ok(Tensor::f_cat(&[pixels, blank], 0)?
        .f_constant_pad_nd([0, padding, 0, padding])?
        .f_view([rows, columns, channels, height + padding, width + padding])?
        .f_permute([2, 0, 3, 1, 4])?
        .f_reshape([channels, rows * (height + padding), columns * (width + padding)])?
        .f_constant_pad_nd([padding, 0, padding, 0])?)
}
