//! What booster needs of libtorch and [`tch`] does not bind: generators' states, gradients as values, operations on many tensors at
//! once, which tensors are one or stand for another, what a thread's state is, and arithmetic with numbers that cannot panic.
//!
//! The C++ is in `csrc`; each function here is safe, and gives libtorch's own message where it refuses.

pub mod accelerator;
pub mod detach;
mod ffi;
pub mod foreach;
pub mod generator;
pub mod gradient;
pub mod identity;
pub mod info;
pub mod replica;
pub mod scalar;
pub mod sum;
pub mod swap;
pub mod thread;
