//! Shared code of the examples: data, models and command-line helpers.

pub mod command_line;
pub mod data;
pub mod model;
pub mod pictures;
pub mod progress;

/// `println!` that returns write errors: see [`command_line::print_line`].
#[macro_export]
macro_rules! print_line {
    ($($argument:tt)*) => {
        $crate::command_line::print_line(format_args!($($argument)*))
    };
}
