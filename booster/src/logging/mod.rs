//! Where summaries go.

mod sink;
mod tensorboard;

pub use self::sink::{Buckets, Point, PointData, Sink};
pub use self::tensorboard::TensorBoard;
