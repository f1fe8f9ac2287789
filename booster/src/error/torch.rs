//! Errors of libtorch, without its C++ stack.

use std::fmt;

use booster_sys::swap::LEAST_VERSION;
use tch::TchError;

/// What libtorch or tch said, shown without the C++ stack that libtorch appends to each message.
pub struct TorchError(TchError);

impl TorchError {
    /// The error as tch gave it, stack included.
    pub fn as_tch(&self) -> &TchError {
        &self.0
    }

    /// The error that `unwrap` or `expect` panicked on, as in tch's methods without `f_`, and what the panic says before.
    pub(crate) fn in_panic(text: &str) -> Option<(&str, Self)> {
        let (before, message) = text.split_once("Torch(\"")?;
        let message = message.strip_suffix("\")")?.replace("\\n", "\n").replace("\\\"", "\"");
        Some((before, Self(TchError::Torch(message))))
    }
}

impl From<TchError> for TorchError {
    fn from(error: TchError) -> Self {
        Self(error)
    }
}

impl fmt::Display for TorchError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match &self.0 {
            TchError::Torch(text) => text.clone(),
            other => other.to_string(),
        };
        // What follows is the stack of C++ functions.
        let stack = ["\nException raised from", "\nframe #0:"].into_iter().filter_map(|start| text.find(start)).min();
        let end = stack.unwrap_or(text.len());
        formatter.write_str(text[..end].trim_end())?;
        if is_of_swapped(&text) {
            formatter.write_str(
                " (a graph holds variables, not values: one of averaged weights is differentiated before those are \
                 dropped, one of the variables' own values not while averages take their place)",
            )?;
        }
        Ok(())
    }
}

/// Whether libtorch refuses a graph since a variable has, or had, other values for a while: by the version that it names.
fn is_of_swapped(text: &str) -> bool {
    let numbers = text.split("version ").skip(1).map(|rest| rest.split(|end: char| !end.is_ascii_digit()).next());
    text.contains("modified by an inplace operation")
        && numbers.flatten().filter_map(|number| number.parse().ok()).any(|version: u32| version >= LEAST_VERSION)
}

impl fmt::Debug for TorchError {
    /// The message as it is displayed: a `main` that returns an error prints it in this form.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:?}", self.to_string())
    }
}
