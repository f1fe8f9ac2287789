//! The idx format of MNIST: a big-endian header, then one unsigned byte per value.
//!
//! The header is a magic number (`00 00 08` for unsigned bytes, then the number of dimensions) and each dimension as
//! 32 bits. See <http://yann.lecun.com/exdb/mnist/>.

use std::cmp::Ordering;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;

use super::DataError;

/// The expected content of a file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Format<const RANK: usize> {
    what: &'static str,
}

/// Images, `[samples, height, width]`.
pub(super) const IMAGES: Format<3> = Format { what: "images" };
/// Labels, `[samples]`.
pub(super) const LABELS: Format<1> = Format { what: "labels" };

/// The contents of one file.
#[derive(Debug, PartialEq)]
pub(super) struct Idx<const RANK: usize> {
    pub(super) path: PathBuf,
    pub(super) dimensions: [usize; RANK],
    pub(super) values: Vec<u8>,
}

/// Reads the file in `folder` with the given prefix and one of the usual suffixes, plain or gzipped.
pub(super) fn read<const RANK: usize>(
    folder: &Path,
    prefix: &str,
    format: Format<RANK>,
) -> Result<Idx<RANK>, DataError> {
    let names =
        ["", ".gz"].map(|packed| ["-", "."].map(|dot| format!("{prefix}{dot}idx{RANK}-ubyte{packed}"))).concat();
    for name in &names {
        let path = folder.join(name);
        match std::fs::read(&path) {
            Ok(bytes) if path.extension().is_some_and(|extension| extension == "gz") => {
                return parse(&unpack(&bytes, &path)?, path, format);
            }
            Ok(bytes) => return parse(&bytes, path, format),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(cause) => return Err(DataError::Read { path, cause }),
        }
    }
    Err(DataError::Missing { what: format.what, folder: folder.to_owned(), names })
}

fn unpack(bytes: &[u8], path: &Path) -> Result<Vec<u8>, DataError> {
    let mut unpacked = Vec::new();
    match MultiGzDecoder::new(bytes).read_to_end(&mut unpacked) {
        Ok(_) => Ok(unpacked),
        Err(cause) => Err(DataError::Gzip { path: path.to_owned(), cause }),
    }
}

fn parse<const RANK: usize>(bytes: &[u8], path: PathBuf, format: Format<RANK>) -> Result<Idx<RANK>, DataError> {
    let (words, found) = (bytes.as_chunks::<4>().0, bytes.len());
    let header = 4 * (1 + RANK);
    // Check the magic number first, so that even a short file of another format is reported as such.
    let expected = 0x0800 | RANK as u32;
    match words.first().map(|&word| u32::from_be_bytes(word)) {
        Some(magic) if magic != expected => {
            return Err(DataError::Magic { path, what: format.what, expected, found: magic });
        }
        _ if found < header => return Err(DataError::Truncated { path, expected: header as u128, found }),
        _ => {}
    }
    let mut dimensions = [0; RANK];
    for (dimension, &word) in dimensions.iter_mut().zip(&words[1..]) {
        *dimension = u32::from_be_bytes(word) as usize;
    }
    // The product of three 32-bit dimensions fits in 128 bits, even if the header is corrupt.
    let expected = header as u128 + dimensions.iter().map(|&dimension| dimension as u128).product::<u128>();
    match (found as u128).cmp(&expected) {
        Ordering::Less => Err(DataError::Truncated { path, expected, found }),
        Ordering::Greater => Err(DataError::Trailing { path, expected, found }),
        Ordering::Equal if found == header => Err(DataError::Empty { path, dimensions: dimensions.to_vec() }),
        Ordering::Equal => Ok(Idx { path, dimensions, values: bytes[header..].to_vec() }),
    }
}
