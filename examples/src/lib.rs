//! What the examples of booster share: data, models and what a command line needs.

pub mod command_line;
pub mod data;
pub mod model;
pub mod pictures;
pub mod progress;
