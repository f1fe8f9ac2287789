//! What has to compile, under the strictest lints; the misuses lie in `cases/`, and `tests/ui.rs` runs them.
//!
//! `edition-2021` compiles the same shapes in that edition, `renamed` compiles some where booster has another name.

#![no_implicit_prelude]
#![deny(warnings, missing_docs, unreachable_pub, clippy::all, clippy::pedantic)]

pub mod shapes;
