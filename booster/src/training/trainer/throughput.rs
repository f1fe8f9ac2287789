//! Throughput of training.

use std::fmt;
use std::time::{Duration, Instant};

use tch::{Cuda, Device};

/// The batches and samples processed in a period, including the device's work.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Throughput {
    /// The number of batches.
    pub batches: u64,
    /// The number of samples.
    pub samples: f64,
    /// The length of the period.
    pub elapsed: Duration,
}

impl Throughput {
    /// Returns the number of samples per second; 0 if no time has passed.
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

/// Counts batches and samples, starting the clock at the first batch.
#[derive(Debug, Default)]
pub(super) struct Meter {
    since: Option<Instant>,
    batches: u64,
    samples: f64,
}

impl Meter {
    /// Counts a batch that began at `start`.
    pub(super) fn add(&mut self, samples: f64, start: Instant) {
        self.since.get_or_insert(start);
        self.batches += 1;
        self.samples += samples;
    }

    /// Waits for the device and returns the throughput since the last call.
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
