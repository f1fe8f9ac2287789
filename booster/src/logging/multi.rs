//! `Sink` for pointers, vectors and tuples of sinks.

use super::{Point, Sink};
use crate::error::Result;

macro_rules! pointers {
    ($($pointer:ty)+) => {$(
        impl<S: Sink + ?Sized> Sink for $pointer {
            fn points(&mut self, step: u64, points: &[Point<'_>]) -> Result<()> {
                (**self).points(step, points)
            }

            fn flush(&mut self) -> Result<()> {
                (**self).flush()
            }
        }
    )+};
}

pointers! { &mut S Box<S> }

/// Writes to every sink, even if one fails, and returns the first error.
impl<S: Sink> Sink for Vec<S> {
    fn points(&mut self, step: u64, points: &[Point<'_>]) -> Result<()> {
        first_error(self.iter_mut().map(|sink| sink.points(step, points)))
    }

    fn flush(&mut self) -> Result<()> {
        first_error(self.iter_mut().map(Sink::flush))
    }
}

/// Consumes all outcomes before returning the first error.
fn first_error(outcomes: impl Iterator<Item = Result<()>>) -> Result<()> {
    outcomes.collect::<Vec<_>>().into_iter().collect()
}

macro_rules! tuples {
    ($(($($name:ident $index:tt),+))+) => {$(
        /// Writes to every sink, even if one fails, and returns the first error.
        impl<$($name: Sink),+> Sink for ($($name,)+) {
            fn points(&mut self, step: u64, points: &[Point<'_>]) -> Result<()> {
                Ok(())$(.and(self.$index.points(step, points)))+
            }

            fn flush(&mut self) -> Result<()> {
                Ok(())$(.and(self.$index.flush()))+
            }
        }
    )+};
}

tuples! {
    (A 0, B 1)
    (A 0, B 1, C 2)
    (A 0, B 1, C 2, D 3)
}
