//! What has to compile, under the strictest lints; the misuses lie in `cases/`, and `tests/ui.rs` runs them.

#![no_implicit_prelude]
#![deny(warnings, missing_docs, unreachable_pub, clippy::all, clippy::pedantic)]

pub mod shapes;
