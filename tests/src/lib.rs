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
