//! What the behavior tests share.

mod figures;
pub mod gan;

use std::sync::{Mutex, MutexGuard, PoisonError};

use booster::tch::{Kind, Tensor};

pub use self::figures::Figures;

/// The greatest difference of two tensors' entries over the greatest entry of the second.
pub fn relative_difference(one: &Tensor, other: &Tensor) -> f64 {
    let one = one.to_kind(Kind::Double);
    let other = other.to_kind(Kind::Double);
    let scale = other.abs().max().double_value(&[]).max(f64::MIN_POSITIVE);
    (one - other).abs().max().double_value(&[]) / scale
}

/// libtorch's generator is the process's: tests that draw from it, or seed it, hold this and so take turns.
pub fn generator() -> MutexGuard<'static, ()> {
    static GENERATOR: Mutex<()> = Mutex::new(());
    GENERATOR.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The methods of a reduction of one's own that comes to the mean.
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
