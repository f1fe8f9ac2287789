//! What can be wrong with data.

use std::io;
use std::path::PathBuf;

use tch::TchError;
use thiserror::Error;

/// Why a dataset could not be read. Each message holds its cause, as those of [`booster::Error`] do.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DataError {
    /// The folder given does not exist, or is a file.
    #[error("`{}` is not a folder", path.display())]
    NotAFolder {
        /// The folder.
        path: PathBuf,
    },
    /// None of a file's usual names is in the folder.
    #[error("no {what} in `{}`: looked for {}", folder.display(), names.join(", "))]
    Missing {
        /// What the file holds.
        what: &'static str,
        /// Where it was looked for.
        folder: PathBuf,
        /// The names it could have.
        names: Vec<String>,
    },
    /// The file is there and cannot be read.
    #[error("cannot read `{}`: {cause}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        cause: io::Error,
    },
    /// The file cannot be unpacked: not gzip, cut off, or with a wrong checksum.
    #[error("`{}` is damaged or not gzip: {cause}", path.display())]
    Gzip {
        /// The file.
        path: PathBuf,
        /// Where unpacking stopped.
        cause: io::Error,
    },
    /// The file is not of the expected format.
    #[error(
        "`{}`: wrong magic number: expected {expected:#010x} ({what}), found {found:#010x}",
        path.display()
    )]
    Magic {
        /// The file.
        path: PathBuf,
        /// What the file should hold.
        what: &'static str,
        /// The number of that format.
        expected: u32,
        /// The number in the file.
        found: u32,
    },
    /// The file ends before what its header announces, or within the header.
    #[error("`{}`: truncated: expected {expected} bytes, found {found}", path.display())]
    Truncated {
        /// The file.
        path: PathBuf,
        /// Bytes that the header announces, with the header.
        expected: u128,
        /// Bytes in the file, unpacked.
        found: usize,
    },
    /// The file goes on after what its header announces.
    #[error("`{}`: trailing bytes: expected {expected} bytes, found {found}", path.display())]
    Trailing {
        /// The file.
        path: PathBuf,
        /// Bytes that the header announces, with the header.
        expected: u128,
        /// Bytes in the file, unpacked.
        found: usize,
    },
    /// The file holds no image, no label, or images without a pixel.
    #[error("`{}`: empty: its header announces {dimensions:?}", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
        /// The dimensions in its header.
        dimensions: Vec<usize>,
    },
    /// Images and labels that belong together differ in number.
    #[error(
        "`{}` holds {images} images, `{}` holds {labels} labels",
        image_file.display(),
        label_file.display()
    )]
    Counts {
        /// The file of images.
        image_file: PathBuf,
        /// How many it holds.
        images: usize,
        /// The file of labels.
        label_file: PathBuf,
        /// How many it holds.
        labels: usize,
    },
    /// A label is not one of the classes.
    #[error("`{}`: label {index} is {value}, expected 0 to {last}", path.display())]
    Label {
        /// The file.
        path: PathBuf,
        /// Which label, from 0.
        index: usize,
        /// What it says.
        value: u8,
        /// The last class.
        last: u8,
    },
    /// The images to train on and those to test on differ in size.
    #[error(
        "`{}` holds images of {}x{}, `{}` of {}x{}",
        train_file.display(), train[0], train[1], test_file.display(), test[0], test[1]
    )]
    Sizes {
        /// The images to train on.
        train_file: PathBuf,
        /// Their height and width.
        train: [usize; 2],
        /// The images to test on.
        test_file: PathBuf,
        /// Their height and width.
        test: [usize; 2],
    },
    /// A line of a table of digits is not 64 pixels and a label.
    #[error("line {line} of the digits: expected 64 pixels of 0 to 16 and a digit, found `{found}`")]
    Digits {
        /// Which line, from 1.
        line: usize,
        /// What it says.
        found: String,
    },
    /// libtorch refused, above all for want of memory.
    #[error("cannot hold the data: {0}")]
    Torch(booster::Error),
}

impl From<TchError> for DataError {
    fn from(error: TchError) -> Self {
        Self::Torch(error.into())
    }
}

impl From<DataError> for booster::Error {
    fn from(error: DataError) -> Self {
        Self::custom(error)
    }
}
