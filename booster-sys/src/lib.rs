//! What booster needs of libtorch and [`tch`] does not bind: generators' states, and gradients as values.
//!
//! The C++ is in `csrc`; each function here is safe, and gives libtorch's own message where it refuses.

mod ffi;
pub mod generator;
pub mod gradient;
