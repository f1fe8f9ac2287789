//! Images with labels: the digits that come with the examples, and MNIST from a folder.

mod digits;
mod error;
mod idx;
mod loader;
mod mnist;

pub use digits::digits;
pub use error::DataError;
pub use loader::{Epoch, Loader};
pub use mnist::mnist;

use booster::functional::ScalarOps as _;
use tch::{Device, Kind, Tensor};

/// Images and the class of each.
#[derive(Debug)]
pub struct Dataset {
    images: Tensor,
    labels: Tensor,
    classes: i64,
}

/// A dataset to train on and one to test on, with images of the same size and the same classes.
#[derive(Debug)]
pub struct Split {
    /// What the model learns from.
    pub train: Dataset,
    /// What it is judged by.
    pub test: Dataset,
}

impl Dataset {
    /// A dataset from one byte per pixel, divided by `white` (the value of a white pixel).
    ///
    /// `pixels` holds `labels.len()` images of `height` times `width`; labels are below `classes`.
    ///
    /// # Errors
    /// When libtorch cannot make the tensors, above all because `pixels` has another length.
    fn from_bytes(
        pixels: &[u8],
        white: u8,
        [height, width]: [usize; 2],
        labels: &[u8],
        classes: i64,
    ) -> Result<Self, DataError> {
        let shape = [labels.len() as i64, 1, height as i64, width as i64];
        let images = Tensor::f_from_slice(pixels)?
            .f_reshape(shape)?
            .f_to_kind(Kind::Float)?
            .try_div_scalar_(f64::from(white))?;
        let labels = Tensor::f_from_slice(labels)?.f_to_kind(Kind::Int64)?;
        Ok(Self { images, labels, classes })
    }

    /// The images, `[samples, 1, height, width]`, floats from 0 (black) to 1 (white).
    pub fn images(&self) -> &Tensor {
        &self.images
    }

    /// The classes, `[samples]`, 64-bit integers from 0 to [`classes`](Self::classes) - 1.
    pub fn labels(&self) -> &Tensor {
        &self.labels
    }

    /// How many classes there are.
    pub fn classes(&self) -> i64 {
        self.classes
    }

    /// How many samples there are.
    pub fn samples(&self) -> usize {
        self.labels.numel()
    }

    /// The shape of one image: channels, height, width.
    pub fn shape(&self) -> [i64; 3] {
        let size = self.images.size();
        [size[1], size[2], size[3]]
    }

    /// The same dataset on `device`.
    ///
    /// # Errors
    /// When the device has no room for it.
    pub fn on(&self, device: Device) -> Result<Self, DataError> {
        Ok(Self {
            images: self.images.f_to_device(device)?,
            labels: self.labels.f_to_device(device)?,
            classes: self.classes,
        })
    }
}
