//! Batches of a dataset, reshuffled every epoch.

use std::num::NonZeroUsize;

use booster::evaluation::Labeled;
use rand::rngs::Xoshiro256PlusPlus;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use tch::{Device, Tensor};

use super::{DataError, Dataset};

/// Splits a dataset into batches.
///
/// The last batch of an epoch may be smaller. The order depends only on the seed and the epoch, so epoch 7 of a resumed
/// run has the same batches.
#[derive(Debug)]
pub struct Loader {
    dataset: Dataset,
    batch_size: NonZeroUsize,
    shuffle_seed: Option<u64>,
}

impl Loader {
    /// Creates a loader in the order of the dataset, with batches on `device`.
    ///
    /// # Errors
    /// Returns an error if the device is out of memory.
    pub fn in_order(dataset: &Dataset, batch_size: NonZeroUsize, device: Device) -> Result<Self, DataError> {
        Ok(Self { dataset: dataset.on(device)?, batch_size, shuffle_seed: None })
    }

    /// Creates a loader that reshuffles every epoch, with batches on `device`.
    ///
    /// # Errors
    /// Returns an error if the device is out of memory.
    pub fn shuffled(dataset: &Dataset, batch_size: NonZeroUsize, seed: u64, device: Device) -> Result<Self, DataError> {
        Ok(Self { shuffle_seed: Some(seed), ..Self::in_order(dataset, batch_size, device)? })
    }

    /// Returns the number of samples in an epoch.
    pub fn samples(&self) -> usize {
        self.dataset.samples()
    }

    /// Returns the batches of one epoch.
    pub fn epoch(&self, epoch: u64) -> Epoch<'_> {
        let order = self.shuffle_seed.map(|seed| order(self.samples(), seed, epoch));
        Epoch { loader: self, order, start: 0 }
    }
}

fn order(samples: usize, seed: u64, epoch: u64) -> Vec<i64> {
    // Hash the seed first, so that seed 1 in epoch 0 differs from seed 0 in epoch 1.
    let seed = Xoshiro256PlusPlus::seed_from_u64(seed).next_u64().wrapping_add(epoch);
    let mut order: Vec<i64> = (0..samples as i64).collect();
    order.shuffle(&mut Xoshiro256PlusPlus::seed_from_u64(seed));
    order
}

/// An iterator of known length over the batches of one epoch.
#[derive(Debug)]
pub struct Epoch<'loader> {
    loader: &'loader Loader,
    order: Option<Vec<i64>>,
    start: usize,
}

impl Epoch<'_> {
    fn batch(&self, start: usize, end: usize) -> booster::Result<Labeled> {
        let Dataset { images, labels, .. } = &self.loader.dataset;
        let pick = |tensor: &Tensor| match &self.order {
            Some(order) => {
                let indices = Tensor::f_from_slice(&order[start..end])?.f_to_device(tensor.device())?;
                tensor.f_index_select(0, &indices)
            }
            None => tensor.f_narrow(0, start as i64, (end - start) as i64),
        };
        Ok(Labeled { input: pick(images)?, target: pick(labels)? })
    }
}

impl Iterator for Epoch<'_> {
    type Item = booster::Result<Labeled>;

    fn next(&mut self) -> Option<Self::Item> {
        let (start, samples) = (self.start, self.loader.samples());
        let end = samples.min(start.saturating_add(self.loader.batch_size.get()));
        self.start = end;
        (start < end).then(|| self.batch(start, end))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = (self.loader.samples() - self.start).div_ceil(self.loader.batch_size.get());
        (left, Some(left))
    }
}

impl ExactSizeIterator for Epoch<'_> {}

#[cfg(test)]
mod tests {
    use super::*;

    type Outcome = Result<(), Box<dyn std::error::Error>>;

    /// Ten images of one pixel; image `i` has value `i / 10` and class `i`.
    fn ten() -> Result<Dataset, DataError> {
        let ten: Vec<u8> = (0..10).collect();
        Dataset::from_bytes(&ten, 10, [1, 1], &ten, 10)
    }

    fn of(batch_size: usize) -> Result<NonZeroUsize, &'static str> {
        NonZeroUsize::new(batch_size).ok_or("a batch of 0 samples")
    }

    fn targets(loader: &Loader, epoch: u64) -> booster::Result<Vec<Vec<i64>>> {
        loader.epoch(epoch).map(|batch| Ok(Vec::<i64>::try_from(&batch?.target)?)).collect()
    }

    #[test]
    fn in_order_keeps_the_order_and_the_last_short_batch() -> Outcome {
        let loader = Loader::in_order(&ten()?, of(4)?, Device::Cpu)?;
        for epoch in 0..2 {
            assert_eq!(targets(&loader, epoch)?, [vec![0, 1, 2, 3], vec![4, 5, 6, 7], vec![8, 9]]);
        }
        Ok(())
    }

    #[test]
    fn shuffled_sees_each_sample_once_per_epoch() -> Outcome {
        let loader = Loader::shuffled(&ten()?, of(3)?, 5, Device::Cpu)?;
        for epoch in 0..5 {
            let batches = targets(&loader, epoch)?;
            assert_eq!(batches.iter().map(Vec::len).collect::<Vec<_>>(), [3, 3, 3, 1]);
            let mut all = batches.concat();
            all.sort_unstable();
            assert_eq!(all, (0..10).collect::<Vec<_>>());
        }
        Ok(())
    }

    #[test]
    fn an_image_keeps_its_label() -> Outcome {
        let loader = Loader::shuffled(&ten()?, of(4)?, 5, Device::Cpu)?;
        for batch in loader.epoch(0) {
            let Labeled { input, target } = batch?;
            assert_eq!(input.size()[1..], [1, 1, 1]);
            assert!((input.flatten(0, -1) * 10.0).allclose(&target.to_kind(input.kind()), 1e-6, 0.0, false));
        }
        Ok(())
    }

    #[test]
    fn the_order_depends_only_on_the_seed_and_the_epoch() -> Outcome {
        let first = Loader::shuffled(&ten()?, of(10)?, 0, Device::Cpu)?;
        let second = Loader::shuffled(&ten()?, of(10)?, 0, Device::Cpu)?;
        let other = Loader::shuffled(&ten()?, of(10)?, 1, Device::Cpu)?;
        tch::manual_seed(1);
        let zero = targets(&first, 0)?;
        tch::manual_seed(2);
        let one = targets(&first, 1)?;
        assert_eq!(targets(&second, 1)?, one);
        assert_eq!(targets(&second, 0)?, zero);
        assert_ne!(zero, one);
        assert_ne!(zero, targets(&other, 0)?);
        assert_ne!(one, targets(&other, 0)?, "seed 1 in epoch 0 equals seed 0 in epoch 1");
        Ok(())
    }

    #[test]
    fn the_length_of_an_epoch_is_exact_at_every_point() -> Outcome {
        for (batch_size, expected) in [(1, 10), (3, 4), (5, 2), (10, 1), (11, 1), (usize::MAX, 1)] {
            let loader = Loader::in_order(&ten()?, of(batch_size)?, Device::Cpu)?;
            let mut epoch = loader.epoch(0);
            for left in (0..expected).rev() {
                assert_eq!(epoch.len(), left + 1);
                assert!(epoch.next().is_some());
            }
            assert_eq!(epoch.len(), 0);
            assert!(epoch.next().is_none());
            assert!(epoch.next().is_none());
        }
        Ok(())
    }
}
