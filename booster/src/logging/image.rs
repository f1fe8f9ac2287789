//! Images for sinks and files.

use std::fmt;
use std::path::Path;

use png::{BitDepth, ColorType, Encoder, EncodingError};
use tch::Tensor;

use crate::error::{Error, Result};
use crate::files::write_file;
use crate::functional::to_bytes;
use crate::transfers::read_bytes;

/// A gray or color image in host memory.
///
/// ```
/// use booster::functional::image_grid;
/// use booster::logging::{Image, TensorBoard};
/// use booster::tch::{Device, Kind, Tensor};
///
/// # fn main() -> booster::Result<()> {
/// # let folder = std::env::temp_dir().join(format!("booster-image-{}", std::process::id()));
/// let digits = Tensor::rand([64, 1, 8, 8], (Kind::Float, Device::Cpu));
/// let image = Image::from_tensor(&image_grid(&digits, 8, 1)?)?;
/// assert_eq!((image.width(), image.height()), (1 + 8 * 9, 1 + 8 * 9));
///
/// let mut tensorboard = TensorBoard::create(&folder)?;
/// image.log(&mut tensorboard, "samples", "prior", 1)?;
/// image.save_png(folder.join("samples.png"))?;
/// # std::fs::remove_dir_all(&folder).ok();
/// # Ok(())
/// # }
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Image {
    width: u32,
    height: u32,
    gray: bool,
    /// Bytes in row-major order, with interleaved channels.
    pixels: Vec<u8>,
}

impl Image {
    /// Creates an image from a tensor `[channels, height, width]`, with 1 (gray) or 3 (RGB) channels.
    ///
    /// Values are floats, clamped to the range from 0 to 1, or of kind uint8. This waits for the tensor's device.
    ///
    /// # Errors
    /// Returns [`Error::Mismatch`] if the tensor has another shape or kind, or is empty.
    pub fn from_tensor(tensor: &Tensor) -> Result<Self> {
        let bytes = to_bytes("Image", tensor, 3)?;
        let (channels, height, width) = bytes.size3()?;
        let size = |length: i64| u32::try_from(length).map_err(Error::custom);
        let (width, height) = (size(width)?, size(height)?);
        Ok(Self { width, height, gray: channels == 1, pixels: read_bytes(&bytes.f_permute([1, 2, 0])?)? })
    }

    /// Returns the width in pixels.
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Returns the height in pixels.
    pub fn height(&self) -> u32 {
        self.height
    }

    /// Returns `true` if the image has one channel.
    pub fn is_gray(&self) -> bool {
        self.gray
    }

    /// Returns the bytes of the image in row-major order, with interleaved channels.
    pub fn pixels(&self) -> &[u8] {
        &self.pixels
    }

    /// Encodes the image as PNG.
    ///
    /// # Errors
    /// Returns an error if encoding fails.
    pub fn to_png(&self) -> Result<Vec<u8>> {
        let mut png = Vec::new();
        self.encode(&mut png).map_err(Error::custom)?;
        Ok(png)
    }

    fn encode(&self, png: &mut Vec<u8>) -> std::result::Result<(), EncodingError> {
        let mut encoder = Encoder::new(png, self.width, self.height);
        encoder.set_color(if self.gray { ColorType::Grayscale } else { ColorType::Rgb });
        encoder.set_depth(BitDepth::Eight);
        let mut writer = encoder.write_header()?;
        writer.write_image_data(&self.pixels)?;
        writer.finish()
    }

    /// Writes the image to a PNG file.
    ///
    /// # Errors
    /// Returns [`Error::Io`] if the file cannot be written.
    pub fn save_png(&self, path: impl AsRef<Path>) -> Result<()> {
        write_file(path.as_ref(), &self.to_png()?)
    }
}

impl fmt::Debug for Image {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { width, height, gray, .. } = self;
        formatter
            .debug_struct("Image")
            .field("width", width)
            .field("height", height)
            .field("gray", gray)
            .finish_non_exhaustive()
    }
}
