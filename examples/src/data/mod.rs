//! Labeled images: the digits bundled with the examples, and MNIST from a folder.

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

/// Images and their classes.
#[derive(Debug)]
pub struct Dataset {
    images: Tensor,
    labels: Tensor,
    classes: i64,
}

/// A training and a test set, with the same image size and classes.
#[derive(Debug)]
pub struct Split {
    /// The training set.
    pub train: Dataset,
    /// The test set.
    pub test: Dataset,
}

impl Dataset {
    /// Creates a dataset from one byte per pixel, divided by `white` (the value of a white pixel).
    ///
    /// `pixels` contains `labels.len()` images of `height` by `width`; labels are less than `classes`.
    ///
    /// # Errors
    /// Returns an error if libtorch cannot create the tensors, typically because `pixels` has the wrong length.
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

    /// Returns the images, `[samples, 1, height, width]`, as floats from 0 (black) to 1 (white).
    pub fn images(&self) -> &Tensor {
        &self.images
    }

    /// Returns the classes, `[samples]`, as 64-bit integers from 0 to [`classes`](Self::classes) - 1.
    pub fn labels(&self) -> &Tensor {
        &self.labels
    }

    /// Returns the number of classes.
    pub fn classes(&self) -> i64 {
        self.classes
    }

    /// Returns the number of samples.
    pub fn samples(&self) -> usize {
        self.labels.numel()
    }

    /// Returns the shape of one image: channels, height, width.
    pub fn shape(&self) -> [i64; 3] {
        let size = self.images.size();
        [size[1], size[2], size[3]]
    }

    /// Moves the dataset to `device`.
    ///
    /// # Errors
    /// Returns an error if the device is out of memory.
    pub fn on(&self, device: Device) -> Result<Self, DataError> {
        Ok(Self {
            images: self.images.f_to_device(device)?,
            labels: self.labels.f_to_device(device)?,
            classes: self.classes,
        })
    }
}
