//! MNIST, or any dataset in its format, from a folder.

use std::path::Path;

use super::idx::{self, IMAGES, Idx, LABELS};
use super::{DataError, Dataset, Split};

const CLASSES: u8 = 10;

/// Loads the images and labels from a folder with the four files of MNIST.
///
/// They are `train-images-idx3-ubyte`, `train-labels-idx1-ubyte` and the same two with `t10k` for `train`; a dot
/// before `idx` and a `.gz` suffix also work. Fashion-MNIST and Kuzushiji-MNIST use the same names.
///
/// # Errors
/// Returns an error that names the file if one is missing, unreadable, damaged or inconsistent with the others.
pub fn mnist(folder: &Path) -> Result<Split, DataError> {
    if !folder.is_dir() {
        return Err(DataError::NotAFolder { path: folder.to_owned() });
    }
    let (train_images, train_labels) = pair(folder, "train")?;
    let (test_images, test_labels) = pair(folder, "t10k")?;
    let [_, train @ ..] = train_images.dimensions;
    let [_, test @ ..] = test_images.dimensions;
    if train != test {
        return Err(DataError::Sizes { train_file: train_images.path, train, test_file: test_images.path, test });
    }
    Ok(Split {
        train: Dataset::from_bytes(&train_images.values, u8::MAX, train, &train_labels.values, i64::from(CLASSES))?,
        test: Dataset::from_bytes(&test_images.values, u8::MAX, test, &test_labels.values, i64::from(CLASSES))?,
    })
}

fn pair(folder: &Path, prefix: &str) -> Result<(Idx<3>, Idx<1>), DataError> {
    let images = idx::read(folder, &format!("{prefix}-images"), IMAGES)?;
    let labels = idx::read(folder, &format!("{prefix}-labels"), LABELS)?;
    let (image_count, label_count) = (images.dimensions[0], labels.dimensions[0]);
    if image_count != label_count {
        return Err(DataError::Counts {
            image_file: images.path,
            images: image_count,
            label_file: labels.path,
            labels: label_count,
        });
    }
    match labels.values.iter().position(|&label| label >= CLASSES) {
        Some(index) => {
            let value = labels.values[index];
            Err(DataError::Label { path: labels.path, index, value, last: CLASSES - 1 })
        }
        None => Ok((images, labels)),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use tch::{Kind, Tensor};
    use tempfile::TempDir;

    use super::*;

    type Outcome = Result<(), Box<dyn std::error::Error>>;

    const FILES: [&str; 4] =
        ["train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"];

    fn file(magic: u32, dimensions: &[u32], values: &[u8]) -> Vec<u8> {
        let header = [&[magic], dimensions].concat();
        [header.iter().flat_map(|word| word.to_be_bytes()).collect(), values.to_vec()].concat()
    }

    fn images(samples: u8, height: u8, width: u8) -> Vec<u8> {
        let values: Vec<u8> = (0..samples * height * width).collect();
        file(0x803, &[samples.into(), height.into(), width.into()], &values)
    }

    fn labels(values: &[u8]) -> Vec<u8> {
        file(0x801, &[values.len() as u32], values)
    }

    fn gzip(bytes: &[u8]) -> std::io::Result<Vec<u8>> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(bytes)?;
        encoder.finish()
    }

    /// A valid folder: three 2x4 training images and two test images.
    fn folder() -> std::io::Result<TempDir> {
        let folder = TempDir::new()?;
        let files = [images(3, 2, 4), labels(&[7, 0, 9]), images(2, 2, 4), labels(&[1, 2])];
        for (name, bytes) in FILES.iter().zip(files) {
            fs::write(folder.path().join(name), bytes)?;
        }
        Ok(folder)
    }

    /// The error after replacing the file `name` with `bytes`; `DIR` stands for the folder.
    fn error_with(name: &str, bytes: &[u8]) -> Result<String, Box<dyn std::error::Error>> {
        let folder = folder()?;
        let packed = name.strip_suffix(".gz");
        fs::remove_file(folder.path().join(packed.unwrap_or(name)))?;
        fs::write(folder.path().join(name), bytes)?;
        error_of(folder.path())
    }

    fn error_of(folder: &Path) -> Result<String, Box<dyn std::error::Error>> {
        let error = mnist(folder).err().ok_or("reading the folder succeeded")?;
        Ok(error.to_string().replace(&folder.display().to_string(), "DIR"))
    }

    #[test]
    fn images_and_labels_are_read_in_order() -> Outcome {
        let Split { train, test } = mnist(folder()?.path())?;
        assert_eq!(train.images().size(), [3, 1, 2, 4]);
        assert_eq!(test.images().size(), [2, 1, 2, 4]);
        let expected = Tensor::arange(24, (Kind::Float, tch::Device::Cpu)).view([3, 1, 2, 4]) / 255.0;
        assert!(train.images().allclose(&expected, 1e-7, 0.0, false));
        assert_eq!(train.labels(), &Tensor::from_slice(&[7_i64, 0, 9]));
        assert_eq!(test.labels(), &Tensor::from_slice(&[1_i64, 2]));
        assert_eq!((train.shape(), train.samples(), train.classes()), ([1, 2, 4], 3, 10));
        Ok(())
    }

    #[test]
    fn every_usual_name_is_found() -> Outcome {
        for (dot, packed) in [("-", ""), (".", ""), ("-", ".gz"), (".", ".gz")] {
            let folder = folder()?;
            for name in FILES {
                let bytes = fs::read(folder.path().join(name))?;
                fs::remove_file(folder.path().join(name))?;
                let bytes = if packed.is_empty() { bytes } else { gzip(&bytes)? };
                fs::write(folder.path().join(name.replace("-idx", &format!("{dot}idx")) + packed), bytes)?;
            }
            assert_eq!(mnist(folder.path())?.train.labels(), &Tensor::from_slice(&[7_i64, 0, 9]));
        }
        Ok(())
    }

    #[test]
    fn a_gzip_file_of_several_members_is_read_to_its_end() -> Outcome {
        let folder = folder()?;
        let bytes = labels(&[7, 0, 9]);
        fs::remove_file(folder.path().join(FILES[1]))?;
        fs::write(folder.path().join("train-labels-idx1-ubyte.gz"), [gzip(&bytes[..9])?, gzip(&bytes[9..])?].concat())?;
        assert_eq!(mnist(folder.path())?.train.labels(), &Tensor::from_slice(&[7_i64, 0, 9]));
        Ok(())
    }

    #[test]
    fn a_path_that_is_not_a_folder_is_named() -> Outcome {
        let folder = folder()?;
        assert_eq!(error_of(&folder.path().join("nowhere"))?, "`DIR` is not a folder");
        assert_eq!(error_of(&folder.path().join(FILES[0]))?, "`DIR` is not a folder");
        Ok(())
    }

    #[test]
    fn a_missing_file_lists_the_expected_names() -> Outcome {
        let folder = folder()?;
        fs::remove_file(folder.path().join(FILES[2]))?;
        assert_eq!(
            error_of(folder.path())?,
            "no images in `DIR`: looked for t10k-images-idx3-ubyte, t10k-images.idx3-ubyte, \
             t10k-images-idx3-ubyte.gz, t10k-images.idx3-ubyte.gz"
        );
        Ok(())
    }

    #[test]
    fn a_file_that_cannot_be_read_says_why() -> Outcome {
        let folder = folder()?;
        fs::remove_file(folder.path().join(FILES[0]))?;
        fs::create_dir(folder.path().join(FILES[0]))?;
        let error = error_of(folder.path())?;
        assert!(error.starts_with("cannot read `DIR/train-images-idx3-ubyte`: "), "{error}");
        Ok(())
    }

    #[test]
    fn labels_in_place_of_images_are_a_wrong_magic_number() -> Outcome {
        assert_eq!(
            error_with(FILES[0], &labels(&[7, 0, 9]))?,
            "`DIR/train-images-idx3-ubyte`: wrong magic number: expected 0x00000803 (images), found 0x00000801"
        );
        assert_eq!(
            error_with(FILES[3], b"<html>")?,
            "`DIR/t10k-labels-idx1-ubyte`: wrong magic number: expected 0x00000801 (labels), found 0x3c68746d"
        );
        Ok(())
    }

    #[test]
    fn a_truncated_file_reports_the_expected_length() -> Outcome {
        let good = images(3, 2, 4);
        for length in [39, 16] {
            assert_eq!(
                error_with(FILES[0], &good[..length])?,
                format!("`DIR/train-images-idx3-ubyte`: truncated: expected 40 bytes, found {length}")
            );
        }
        for length in [15, 4, 3, 0] {
            assert_eq!(
                error_with(FILES[0], &good[..length])?,
                format!("`DIR/train-images-idx3-ubyte`: truncated: expected 16 bytes, found {length}")
            );
        }
        Ok(())
    }

    #[test]
    fn a_header_with_an_impossible_size_means_a_truncated_file() -> Outcome {
        let error = error_with(FILES[0], &file(0x803, &[u32::MAX; 3], &[0; 24]))?;
        let expected = (1_u128 << 96) - 3 * (1 << 64) + 3 * (1 << 32) - 1 + 16;
        assert_eq!(error, format!("`DIR/train-images-idx3-ubyte`: truncated: expected {expected} bytes, found 40"));
        Ok(())
    }

    #[test]
    fn trailing_bytes_are_an_error() -> Outcome {
        assert_eq!(
            error_with(FILES[1], &[labels(&[7, 0, 9]), vec![0]].concat())?,
            "`DIR/train-labels-idx1-ubyte`: trailing bytes: expected 11 bytes, found 12"
        );
        Ok(())
    }

    #[test]
    fn a_file_without_an_image_is_empty() -> Outcome {
        assert_eq!(
            error_with(FILES[0], &images(0, 2, 4))?,
            "`DIR/train-images-idx3-ubyte`: empty: found dimensions [0, 2, 4]"
        );
        assert_eq!(
            error_with(FILES[2], &images(2, 0, 4))?,
            "`DIR/t10k-images-idx3-ubyte`: empty: found dimensions [2, 0, 4]"
        );
        Ok(())
    }

    #[test]
    fn a_corrupt_gzip_file_is_named_and_explained() -> Outcome {
        let (name, good) = ("train-labels-idx1-ubyte.gz", gzip(&labels(&[7, 0, 9]))?);
        let mut wrong_checksum = good.clone();
        wrong_checksum[good.len() - 8] ^= 1;
        let faults = [
            (good[..good.len() - 9].to_vec(), "cut off"),
            (good[..5].to_vec(), "cut off in its header"),
            (wrong_checksum, "with a wrong checksum"),
            (labels(&[7, 0, 9]), "not gzip at all"),
            ([good, b"more".to_vec()].concat(), "with something after its end"),
        ];
        for (bytes, fault) in faults {
            let error = error_with(name, &bytes)?;
            let expected = format!("`DIR/{name}` is not a valid gzip file: ");
            assert!(error.starts_with(&expected) && error.len() > expected.len(), "{fault}: {error}");
        }
        Ok(())
    }

    #[test]
    fn images_and_labels_that_differ_in_number_are_both_named() -> Outcome {
        assert_eq!(
            error_with(FILES[3], &labels(&[1, 2, 3]))?,
            "`DIR/t10k-images-idx3-ubyte` holds 2 images, `DIR/t10k-labels-idx1-ubyte` holds 3 labels"
        );
        Ok(())
    }

    #[test]
    fn a_label_out_of_range_is_named_by_its_index() -> Outcome {
        assert_eq!(
            error_with(FILES[1], &labels(&[7, 9, 10]))?,
            "`DIR/train-labels-idx1-ubyte`: label 2 is 10, expected 0 to 9"
        );
        Ok(())
    }

    #[test]
    fn test_images_of_another_size_are_an_error() -> Outcome {
        assert_eq!(
            error_with(FILES[2], &images(2, 4, 2))?,
            "`DIR/train-images-idx3-ubyte` holds images of 2x4, `DIR/t10k-images-idx3-ubyte` of 4x2"
        );
        Ok(())
    }
}
