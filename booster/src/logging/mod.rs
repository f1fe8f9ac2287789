//! Where summaries go.

mod sink;
mod tensorboard;

pub use self::sink::{Scalar, Sink};
pub use self::tensorboard::TensorBoard;
