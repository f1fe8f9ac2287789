//! Bindings to the parts of libtorch that booster needs and [`tch`] lacks: generator states, gradients, operations on
//! many tensors at once, fused optimizer steps, tensor identity, replicas, per-thread state, and scalar arithmetic that
//! returns errors instead of panicking.
//!
//! The C++ is in `csrc`. All functions are safe, and libtorch's exceptions become errors with the same message.

pub mod accelerator;
pub mod detach;
mod ffi;
pub mod foreach;
pub mod fused;
pub mod generator;
pub mod gradient;
pub mod identity;
pub mod info;
pub mod replica;
pub mod scalar;
pub mod sum;
pub mod swap;
pub mod thread;
