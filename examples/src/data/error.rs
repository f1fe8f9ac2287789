//! Data errors.

use std::io;
use std::path::PathBuf;

use tch::TchError;
use thiserror::Error;

/// An error reading a dataset. Messages include the cause, like those of [`booster::Error`].
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DataError {
    /// The folder does not exist, or is a file.
    #[error("`{}` is not a folder", path.display())]
    NotAFolder {
        /// The folder.
        path: PathBuf,
    },
    /// The folder has no file with any of the usual names.
    #[error("no {what} in `{}`: looked for {}", folder.display(), names.join(", "))]
    Missing {
        /// The content of the file.
        what: &'static str,
        /// The folder searched.
        folder: PathBuf,
        /// The file names tried.
        names: Vec<String>,
    },
    /// The file exists but cannot be read.
    #[error("cannot read `{}`: {cause}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The I/O error.
        cause: io::Error,
    },
    /// The file cannot be decompressed: it is not gzip, truncated, or has a wrong checksum.
    #[error("`{}` is not a valid gzip file: {cause}", path.display())]
    Gzip {
        /// The file.
        path: PathBuf,
        /// The decompression error.
        cause: io::Error,
    },
    /// The file has another format.
    #[error(
        "`{}`: wrong magic number: expected {expected:#010x} ({what}), found {found:#010x}",
        path.display()
    )]
    Magic {
        /// The file.
        path: PathBuf,
        /// The expected content.
        what: &'static str,
        /// The magic number of that format.
        expected: u32,
        /// The magic number in the file.
        found: u32,
    },
    /// The file is shorter than its header says, or than a header.
    #[error("`{}`: truncated: expected {expected} bytes, found {found}", path.display())]
    Truncated {
        /// The file.
        path: PathBuf,
        /// The size in bytes according to the header, header included.
        expected: u128,
        /// The decompressed size in bytes.
        found: usize,
    },
    /// The file is longer than its header says.
    #[error("`{}`: trailing bytes: expected {expected} bytes, found {found}", path.display())]
    Trailing {
        /// The file.
        path: PathBuf,
        /// The size in bytes according to the header, header included.
        expected: u128,
        /// The decompressed size in bytes.
        found: usize,
    },
    /// The file holds no images, no labels, or images without pixels.
    #[error("`{}`: empty: found dimensions {dimensions:?}", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
        /// The dimensions in its header.
        dimensions: Vec<usize>,
    },
    /// The numbers of images and labels differ.
    #[error(
        "`{}` holds {images} images, `{}` holds {labels} labels",
        image_file.display(),
        label_file.display()
    )]
    Counts {
        /// The image file.
        image_file: PathBuf,
        /// The number of images.
        images: usize,
        /// The label file.
        label_file: PathBuf,
        /// The number of labels.
        labels: usize,
    },
    /// A label is out of range.
    #[error("`{}`: label {index} is {value}, expected 0 to {last}", path.display())]
    Label {
        /// The file.
        path: PathBuf,
        /// The index of the label, from 0.
        index: usize,
        /// The label.
        value: u8,
        /// The last class.
        last: u8,
    },
    /// Training and test images differ in size.
    #[error(
        "`{}` holds images of {}x{}, `{}` of {}x{}",
        train_file.display(), train[0], train[1], test_file.display(), test[0], test[1]
    )]
    Sizes {
        /// The file of training images.
        train_file: PathBuf,
        /// Their height and width.
        train: [usize; 2],
        /// The file of test images.
        test_file: PathBuf,
        /// Their height and width.
        test: [usize; 2],
    },
    /// A line of the bundled digits is not 64 pixels and a label.
    #[error("line {line} of the digits: expected 64 pixels from 0 to 16 and a digit, found `{found}`")]
    Digits {
        /// The line number, from 1.
        line: usize,
        /// The line.
        found: String,
    },
    /// A libtorch operation failed, typically an allocation.
    #[error("cannot create the tensors: {0}")]
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
