//! How fast training goes.

use std::fmt;
use std::time::{Duration, Instant};

use tch::{Cuda, Device};

/// What was done in a time, the device's work included.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Throughput {
    /// Batches.
    pub batches: u64,
    /// Samples.
    pub samples: f64,
    /// The time it took.
    pub elapsed: Duration,
}

impl Throughput {
    /// Samples in a second; 0 where no time has passed.
    pub fn samples_per_second(&self) -> f64 {
        let seconds = self.elapsed.as_secs_f64();
        if seconds > 0.0 { self.samples / seconds } else { 0.0 }
    }
}

impl fmt::Display for Throughput {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:.0} samples/s", self.samples_per_second())
    }
}

/// Counts what is done, from its first batch.
#[derive(Debug, Default)]
pub(super) struct Meter {
    since: Option<Instant>,
    batches: u64,
    samples: f64,
}

impl Meter {
    /// A batch begins at `start`.
    pub(super) fn add(&mut self, samples: f64, start: Instant) {
        self.since.get_or_insert(start);
        self.batches += 1;
        self.samples += samples;
    }

    /// What was done since this was last asked, once the device is done with it.
    pub(super) fn take(&mut self, device: Device) -> Throughput {
        if let Device::Cuda(index) = device {
            Cuda::synchronize(index as i64);
        }
        let now = Instant::now();
        let elapsed = self.since.map_or(Duration::ZERO, |since| now.duration_since(since));
        let throughput = Throughput { batches: self.batches, samples: self.samples, elapsed };
        *self = Self { since: self.since.map(|_| now), ..Self::default() };
        throughput
    }
}
