//! Paired measurements, so that other load on the machine affects both sides equally.
//!
//! The speed of a shared machine varies by more than the differences of interest. The sides therefore alternate in
//! blocks of a few milliseconds, each round gives one ratio, and the result is the median ratio. A round is long enough
//! to include rare events such as a flush or a summary, which the median of shorter rounds would miss.

use std::ops::Range;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use indicatif::ProgressBar;

/// The number of warm-up rounds, which are not counted.
const WARM_UP: usize = 2;

/// The length and structure of a measurement.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Paired {
    /// The number of counted rounds.
    pub(crate) rounds: usize,
    /// The number of turns per side in a round.
    pub(crate) blocks: usize,
    /// The number of steps per turn, enough for a few milliseconds of work.
    pub(crate) steps: usize,
}

impl Paired {
    /// Returns the number of steps per side in a round.
    pub(crate) const fn round(&self) -> usize {
        self.blocks * self.steps
    }

    /// Returns the number of rounds, including warm-up.
    pub(crate) const fn all_rounds(&self) -> usize {
        WARM_UP + self.rounds
    }

    /// Measures both sides, each a function of the step's index in the round.
    ///
    /// # Errors
    /// Returns the error of a side that fails.
    pub(crate) fn measure(
        &self,
        progress: &ProgressBar,
        mut ours: impl FnMut(usize) -> Result<()>,
        mut rival: impl FnMut(usize) -> Result<()>,
    ) -> Result<Comparison> {
        let mut rounds = Vec::with_capacity(self.all_rounds());
        for _ in 0..self.all_rounds() {
            rounds.push(self.measure_round(&mut ours, &mut rival)?);
            progress.inc(1);
        }
        let per_step = |time: &Duration| time.as_secs_f64() / self.round() as f64;
        Comparison::of(rounds[WARM_UP..].iter().map(|(ours, rival)| (per_step(ours), per_step(rival))))
    }

    fn measure_round(
        &self,
        ours: &mut impl FnMut(usize) -> Result<()>,
        rival: &mut impl FnMut(usize) -> Result<()>,
    ) -> Result<(Duration, Duration)> {
        let mut times = (Duration::ZERO, Duration::ZERO);
        for block in 0..self.blocks {
            let steps = block * self.steps..(block + 1) * self.steps;
            // Alternate the order, so that neither side always follows the other's cache state.
            if block % 2 == 0 {
                times.0 += time(steps.clone(), ours)?;
                times.1 += time(steps, rival)?;
            } else {
                times.1 += time(steps.clone(), rival)?;
                times.0 += time(steps, ours)?;
            }
        }
        Ok(times)
    }
}

fn time(steps: Range<usize>, side: &mut impl FnMut(usize) -> Result<()>) -> Result<Duration> {
    let start = Instant::now();
    for step in steps {
        side(step)?;
    }
    Ok(start.elapsed())
}

/// The times of both sides, and the per-round ratio of booster's to the rival's.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Comparison {
    pub(crate) ours: Spread,
    pub(crate) rival: Spread,
    pub(crate) ratio: Spread,
}

impl Comparison {
    /// Computes the result from pairs of times, booster's first.
    ///
    /// # Errors
    /// Returns an error if there are no pairs.
    pub(crate) fn of(pairs: impl Iterator<Item = (f64, f64)>) -> Result<Self> {
        let pairs = pairs.collect::<Vec<_>>();
        let spread = |number: fn(&(f64, f64)) -> f64| Spread::of(pairs.iter().map(number));
        Ok(Self {
            ours: spread(|pair| pair.0)?,
            rival: spread(|pair| pair.1)?,
            ratio: spread(|(ours, rival)| ours / rival)?,
        })
    }
}

/// The median and spread of a set of numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Spread {
    pub(crate) lower_quartile: f64,
    pub(crate) median: f64,
    pub(crate) upper_quartile: f64,
    /// The 95 % confidence interval of the median.
    pub(crate) interval: [f64; 2],
}

impl Spread {
    /// Summarizes numbers in any order; quantiles are interpolated (type 7 of Hyndman and Fan, 1996).
    ///
    /// # Errors
    /// Returns an error if there are no numbers.
    pub(crate) fn of(numbers: impl Iterator<Item = f64>) -> Result<Self> {
        let mut sorted = numbers.collect::<Vec<_>>();
        sorted.sort_by(f64::total_cmp);
        let last = sorted.len().checked_sub(1).context("nothing was measured")?;
        let quantile = |share: f64| {
            let position = share.clamp(0.0, 1.0) * last as f64;
            let below = sorted[position.floor() as usize];
            let above = sorted[position.ceil() as usize];
            below + (above - below) * position.fract()
        };
        // The count of numbers below the true median is binomial, with mean n / 2 and standard deviation sqrt(n) / 2,
        // whatever their distribution.
        let reach = 1.96 * 0.5 / (sorted.len() as f64).sqrt();
        Ok(Self {
            lower_quartile: quantile(0.25),
            median: quantile(0.5),
            upper_quartile: quantile(0.75),
            interval: [quantile(0.5 - reach), quantile(0.5 + reach)],
        })
    }

    /// Scales the numbers to another unit.
    pub(crate) fn times(self, factor: f64) -> Self {
        Self {
            lower_quartile: self.lower_quartile * factor,
            median: self.median * factor,
            upper_quartile: self.upper_quartile * factor,
            interval: self.interval.map(|end| end * factor),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use anyhow::bail;

    use super::*;

    fn spread(numbers: &[f64]) -> Spread {
        Spread::of(numbers.iter().copied()).unwrap()
    }

    #[test]
    fn quantiles_are_those_of_numpy() {
        // numpy.quantile([7, 1, 3, 10], [0.25, 0.5, 0.75])
        let Spread { lower_quartile, median, upper_quartile, .. } = spread(&[7.0, 1.0, 3.0, 10.0]);
        assert_eq!([lower_quartile, median, upper_quartile], [2.5, 5.0, 7.75]);
    }

    #[test]
    fn one_outlier_does_not_move_the_median() {
        assert_eq!(spread(&[1.0, 2.0, 3.0]).median, 2.0);
        assert_eq!(spread(&[1.0, 2.0, 1e9]).median, 2.0);
    }

    #[test]
    fn one_number_is_its_own_spread() {
        let Spread { lower_quartile, median, upper_quartile, interval } = spread(&[4.0]);
        assert_eq!([lower_quartile, median, upper_quartile], [4.0; 3]);
        assert_eq!(interval, [4.0; 2]);
    }

    #[test]
    fn the_interval_narrows_with_the_square_root_of_the_number_of_rounds() {
        let width = |count: u32| {
            let [low, high] =
                spread(&(0..=count).map(|number| f64::from(number) / f64::from(count)).collect::<Vec<_>>()).interval;
            assert!((low + high - 1.0).abs() < 1e-12);
            high - low
        };
        // 1.96 / sqrt(n + 1), as for the median of a uniform distribution.
        assert!((width(99) - 0.196).abs() < 1e-12);
        assert!((width(9999) - 0.0196).abs() < 1e-12);
        assert_eq!(width(1), 1.0, "the interval must not exceed the numbers");
    }

    #[test]
    fn no_numbers_are_an_error() {
        assert!(Spread::of(std::iter::empty()).is_err());
    }

    #[test]
    fn the_ratio_is_taken_within_each_pair() {
        // A machine that becomes ten times slower halfway would change the ratio of the medians.
        let pairs = [(1.1, 1.0), (11.0, 10.0), (22.0, 20.0)];
        let Comparison { ours, rival, ratio } = Comparison::of(pairs.into_iter()).unwrap();
        assert!(ratio.interval.iter().all(|end| (end - 1.1).abs() < 1e-12), "{ratio:?}");
        assert_eq!((ours.median, rival.median), (11.0, 10.0));
    }

    #[test]
    fn another_unit_scales_every_number() {
        assert_eq!(spread(&[1.0, 2.0, 4.0]).times(10.0), spread(&[10.0, 20.0, 40.0]));
    }

    #[test]
    fn the_sides_take_turns_and_do_the_same_steps() {
        let turns = RefCell::new(Vec::new());
        let note = |side: char| {
            let turns = &turns;
            move |step: usize| {
                turns.borrow_mut().push((side, step));
                Ok(())
            }
        };
        let paired = Paired { rounds: 1, blocks: 2, steps: 2 };
        paired.measure(&ProgressBar::hidden(), note('a'), note('b')).unwrap();
        let round = [('a', 0), ('a', 1), ('b', 0), ('b', 1), ('b', 2), ('b', 3), ('a', 2), ('a', 3)];
        assert_eq!(*turns.borrow(), round.repeat(paired.all_rounds()));
    }

    #[test]
    fn the_slower_side_takes_longer() {
        let wait = |micros| {
            move |_| {
                let start = Instant::now();
                while start.elapsed() < Duration::from_micros(micros) {}
                Ok(())
            }
        };
        let paired = Paired { rounds: 9, blocks: 2, steps: 2 };
        let comparison = paired.measure(&ProgressBar::hidden(), wait(400), wait(100)).unwrap();
        assert!(comparison.ratio.median > 1.5, "{comparison:?}");
        assert!(comparison.ours.median >= 400e-6 && comparison.rival.median >= 100e-6, "{comparison:?}");
    }

    #[test]
    fn an_error_of_a_side_ends_the_measurement() {
        let paired = Paired { rounds: 1, blocks: 1, steps: 1 };
        let outcome = paired.measure(&ProgressBar::hidden(), |_| Ok(()), |_| bail!("no device"));
        assert_eq!(outcome.unwrap_err().to_string(), "no device");
    }
}
