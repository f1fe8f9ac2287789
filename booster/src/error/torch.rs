//! libtorch errors without the C++ stack.

use std::fmt;

use booster_sys::swap::LEAST_VERSION;
use tch::TchError;

/// A libtorch or tch error, displayed without the C++ stack that libtorch appends to its messages.
pub struct TorchError(TchError);

impl TorchError {
    /// Returns the tch error, including the stack.
    pub fn as_tch(&self) -> &TchError {
        &self.0
    }

    /// Splits the message of an `unwrap` or `expect` panic, as raised by tch's methods without `f_`, into the text
    /// before the error and the error itself.
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
        // The C++ stack starts at the first of these markers.
        let stack = ["\nException raised from", "\nframe #0:"].into_iter().filter_map(|start| text.find(start)).min();
        let end = stack.unwrap_or(text.len());
        formatter.write_str(text[..end].trim_end())?;
        if is_of_swapped(&text) {
            formatter.write_str(
                " (averaged weights were swapped in or out after the graph was recorded: run the backward pass with \
                 the same weights in place)",
            )?;
        }
        Ok(())
    }
}

/// Returns whether libtorch rejected a graph because averaged weights were swapped in or out, judging by the tensor
/// versions in the message.
fn is_of_swapped(text: &str) -> bool {
    let numbers = text.split("version ").skip(1).map(|rest| rest.split(|end: char| !end.is_ascii_digit()).next());
    text.contains("modified by an inplace operation")
        && numbers.flatten().filter_map(|number| number.parse().ok()).any(|version: u32| version >= LEAST_VERSION)
}

impl fmt::Debug for TorchError {
    /// Formats the displayed message, since a `main` that returns an error prints its `Debug` form.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:?}", self.to_string())
    }
}
