//! Tensor functions for training code.

mod device;
mod image_grid;
mod log_space;
mod pixels;
mod precision;
mod reduce;

pub use booster_sys::scalar::{Number, ScalarOps, full};

pub use self::device::{available_device, why_no_cuda};
pub use self::image_grid::image_grid;
pub use self::log_space::{log_mean_exp, log_sum_exp};
pub(crate) use self::pixels::to_bytes;
pub(crate) use self::precision::{at_least_single, real_shape_and_kind, shape_and_kind};
pub use self::reduce::{BatchReduction, batch_reduce};
