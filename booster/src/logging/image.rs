//! Images, for sinks and files.

use std::fmt;
use std::path::Path;

use png::{BitDepth, ColorType, Encoder, EncodingError};
use tch::Tensor;

use crate::error::{Error, Result};
use crate::files::write_file;
use crate::functional::to_bytes;
use crate::transfers::read_bytes;

/// An image on the host, grey or in color.
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
    grey: bool,
    /// Row by row, the channels of a pixel together.
    pixels: Vec<u8>,
}

impl Image {
    /// An image of a tensor `[channels, height, width]`, with 1 channel (grey) or 3 (red, green, blue): floats from 0 to
    /// 1, beyond which they are clamped, or bytes. It waits for the tensor's device.
    ///
    /// # Errors
    /// [`Error::Mismatch`] for another shape or kind, or without a pixel.
    pub fn from_tensor(tensor: &Tensor) -> Result<Self> {
        let bytes = to_bytes("Image", tensor, 3)?;
        let (channels, height, width) = bytes.size3()?;
        let size = |length: i64| u32::try_from(length).map_err(Error::custom);
        let (width, height) = (size(width)?, size(height)?);
        Ok(Self { width, height, grey: channels == 1, pixels: read_bytes(&bytes.f_permute([1, 2, 0])?)? })
    }

    /// The number of columns.
    pub fn width(&self) -> u32 {
        self.width
    }

    /// The number of rows.
    pub fn height(&self) -> u32 {
        self.height
    }

    /// Whether it has one channel.
    pub fn is_grey(&self) -> bool {
        self.grey
    }

    /// The bytes of the image, row by row, the channels of a pixel together.
    pub fn pixels(&self) -> &[u8] {
        &self.pixels
    }

    /// The image as a PNG file's content.
    ///
    /// # Errors
    /// None is known.
    pub fn to_png(&self) -> Result<Vec<u8>> {
        let mut png = Vec::new();
        self.encode(&mut png).map_err(Error::custom)?;
        Ok(png)
    }

    fn encode(&self, png: &mut Vec<u8>) -> std::result::Result<(), EncodingError> {
        let mut encoder = Encoder::new(png, self.width, self.height);
        encoder.set_color(if self.grey { ColorType::Grayscale } else { ColorType::Rgb });
        encoder.set_depth(BitDepth::Eight);
        let mut writer = encoder.write_header()?;
        writer.write_image_data(&self.pixels)?;
        writer.finish()
    }

    /// Writes the image to a PNG file.
    ///
    /// # Errors
    /// [`Error::Io`] with the file where it cannot be written.
    pub fn save_png(&self, path: impl AsRef<Path>) -> Result<()> {
        write_file(path.as_ref(), &self.to_png()?)
    }
}

impl fmt::Debug for Image {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { width, height, grey, .. } = self;
        formatter
            .debug_struct("Image")
            .field("width", width)
            .field("height", height)
            .field("grey", grey)
            .finish_non_exhaustive()
    }
}
