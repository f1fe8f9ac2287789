//! What has to compile where booster has another name, or is reached through another crate's module.

#![no_implicit_prelude]
#![deny(warnings, missing_docs, unreachable_pub, clippy::all, clippy::pedantic)]

pub mod by_its_name;
pub mod by_its_name_in_the_manifest;
pub mod through_a_module;

/// Not the library: nothing may mean this one.
pub mod booster {}

/// Where a library of one's own would re-export it.
pub mod facade {
    pub use ::engine as nested;
}
