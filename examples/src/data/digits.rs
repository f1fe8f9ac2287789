//! The handwritten digits bundled with the examples.
//!
//! E. Alpaydin and C. Kaynak, *Optical Recognition of Handwritten Digits* (1998), UCI Machine Learning Repository,
//! <https://doi.org/10.24432/C50P49>: its test set, CC BY 4.0, from the copy in scikit-learn. See `data/README.md`.

use std::io::Read;
use std::path::PathBuf;

use flate2::read::MultiGzDecoder;
use rand::SeedableRng;
use rand::rngs::Xoshiro256PlusPlus;
use rand::seq::SliceRandom;

use super::{DataError, Dataset, Split};

static TABLE: &[u8] = include_bytes!("../../data/digits.csv.gz");

const SIDE: usize = 8;
const WHITE: u8 = 16;
const CLASSES: u8 = 10;
const TRAIN: usize = 1437;
const SHUFFLE_SEED: u64 = 1998;

/// Loads 1,797 digits of 8x8 pixels, in a fixed split of 1,437 for training and 360 for testing.
///
/// # Errors
/// Returns an error if allocation fails.
pub fn digits() -> Result<Split, DataError> {
    let mut table = String::new();
    MultiGzDecoder::new(TABLE)
        .read_to_string(&mut table)
        .map_err(|cause| DataError::Gzip { path: PathBuf::from("digits.csv.gz"), cause })?;
    let mut digits = parse(&table)?;
    digits.shuffle(&mut Xoshiro256PlusPlus::seed_from_u64(SHUFFLE_SEED));
    let (train, test) = digits.split_at(TRAIN.min(digits.len()));
    Ok(Split { train: dataset(train)?, test: dataset(test)? })
}

struct Digit {
    pixels: [u8; SIDE * SIDE],
    label: u8,
}

fn parse(table: &str) -> Result<Vec<Digit>, DataError> {
    let digit =
        |(index, line)| digit(line).ok_or_else(|| DataError::Digits { line: index + 1, found: line.to_owned() });
    table.lines().enumerate().map(digit).collect()
}

fn digit(line: &str) -> Option<Digit> {
    let mut values = line.split(',').map(|value| value.parse::<u8>().ok());
    let mut pixels = [0; SIDE * SIDE];
    for pixel in &mut pixels {
        *pixel = values.next()?.filter(|&value| value <= WHITE)?;
    }
    let label = values.next()?.filter(|&value| value < CLASSES)?;
    values.next().is_none().then_some(Digit { pixels, label })
}

fn dataset(digits: &[Digit]) -> Result<Dataset, DataError> {
    let pixels: Vec<u8> = digits.iter().flat_map(|digit| digit.pixels).collect();
    let labels: Vec<u8> = digits.iter().map(|digit| digit.label).collect();
    Dataset::from_bytes(&pixels, WHITE, [SIDE, SIDE], &labels, i64::from(CLASSES))
}

#[cfg(test)]
mod tests {
    use tch::{Kind, Tensor};

    use super::*;

    fn line(pixels: usize, pixel: &str, label: &str) -> String {
        format!("{}{label}", format!("{pixel},").repeat(pixels))
    }

    #[test]
    fn the_digits_are_1437_and_360_images_from_0_to_1() -> Result<(), DataError> {
        let Split { train, test } = digits()?;
        for (set, samples) in [(&train, 1437), (&test, 360)] {
            assert_eq!(set.images().size(), [samples, 1, 8, 8]);
            assert_eq!(set.images().kind(), Kind::Float);
            assert_eq!(set.images().min(), Tensor::from(0_f32));
            assert_eq!(set.images().max(), Tensor::from(1_f32));
            assert_eq!(set.labels().size(), [samples]);
            assert_eq!(set.labels().kind(), Kind::Int64);
        }
        Ok(())
    }

    #[test]
    fn the_split_loses_no_digit() -> Result<(), DataError> {
        let Split { train, test } = digits()?;
        let labels = Tensor::cat(&[train.labels(), test.labels()], 0);
        // The count of each digit, from UCI's description of the test set.
        let expected = [178_i64, 182, 177, 183, 181, 182, 181, 179, 174, 180];
        assert_eq!(labels.bincount::<Tensor>(None, 0), Tensor::from_slice(&expected));
        // The sum of the pixel values in the file.
        let sum = [&train, &test].map(|set| set.images().sum(Kind::Double).double_value(&[]));
        assert!((sum[0] + sum[1] - 561_718.0 / 16.0).abs() < 1e-6, "{sum:?}");
        Ok(())
    }

    #[test]
    fn the_split_is_fixed_and_mixes_the_classes() -> Result<(), DataError> {
        let (first, second) = (digits()?, digits()?);
        assert_eq!(first.train.images(), second.train.images());
        assert_eq!(first.test.labels(), second.test.labels());
        let smallest = first.test.labels().bincount::<Tensor>(None, 10).min();
        assert!(smallest.int64_value(&[]) >= 20, "a class has only {smallest:?} of 360 digits");
        Ok(())
    }

    #[test]
    fn a_line_of_64_pixels_and_a_digit_is_parsed() -> Result<(), DataError> {
        let digits = parse(&line(64, "16", "9"))?;
        assert_eq!((digits.len(), digits[0].pixels, digits[0].label), (1, [16; 64], 9));
        Ok(())
    }

    #[test]
    fn any_other_line_is_an_error_that_names_it() {
        let good = line(64, "0", "0");
        for bad in [line(63, "0", "0"), line(65, "0", "0"), line(64, "17", "0"), line(64, "0", "10"), String::new()] {
            let error = parse(&format!("{good}\n{bad}\n")).err().map(|error| error.to_string());
            let expected = format!("line 2 of the digits: expected 64 pixels from 0 to 16 and a digit, found `{bad}`");
            assert_eq!(error, Some(expected));
        }
    }
}
