//! What the examples of booster share: data, models and what a command line needs.

pub mod command_line;
pub mod data;
pub mod model;
pub mod pictures;
pub mod progress;

/// `println!` that returns an error where the line cannot be written: see [`command_line::print_line`].
#[macro_export]
macro_rules! print_line {
    ($($argument:tt)*) => {
        $crate::command_line::print_line(format_args!($($argument)*))
    };
}
