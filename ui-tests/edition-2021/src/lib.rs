//! What has to compile, in the edition before the workspace's own.

#![no_implicit_prelude]
#![deny(warnings, missing_docs, unreachable_pub, clippy::all, clippy::pedantic)]

#[path = "../../src/shapes/mod.rs"]
pub mod shapes;
