//! Helpers shared by the behavior tests.

mod figures;
pub mod gan;

use std::sync::{Mutex, MutexGuard, PoisonError};

use booster::tch::{Kind, Tensor};

pub use self::figures::Figures;

/// The largest difference between two tensors, relative to the largest entry of the second.
pub fn relative_difference(one: &Tensor, other: &Tensor) -> f64 {
    let one = one.to_kind(Kind::Double);
    let other = other.to_kind(Kind::Double);
    let scale = other.abs().max().double_value(&[]).max(f64::MIN_POSITIVE);
    (one - other).abs().max().double_value(&[]) / scale
}

/// Serializes tests that use or seed libtorch's generator, which is global to the process.
pub fn generator() -> MutexGuard<'static, ()> {
    static GENERATOR: Mutex<()> = Mutex::new(());
    GENERATOR.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The methods of a user-defined reduction that computes the mean.
#[macro_export]
macro_rules! reduces_as_the_mean {
    () => {
        fn from_values(leaf: &booster::diagnostic::LeafValues) -> booster::Result<booster::diagnostic::State> {
            booster::diagnostic::reduction::Mean::from_values(leaf)
        }

        fn merge(
            earlier: &booster::diagnostic::State,
            later: &booster::diagnostic::State,
        ) -> booster::Result<booster::diagnostic::State> {
            booster::diagnostic::reduction::Mean::merge(earlier, later)
        }

        fn finish(state: &booster::diagnostic::HostState) -> f64 {
            booster::diagnostic::reduction::Mean::finish(state)
        }
    };
}
