//! Conversion of panics in user code to errors.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use booster_sys::thread::ThreadState;

use crate::error::{Error, Result, TorchError};

/// Runs user code, turning panics into [`Error::Panicked`] and restoring the thread's gradient and autocast modes.
pub(crate) fn catch_panic<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    let state = ThreadState::current();
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|payload| {
        state.restore();
        Err(Error::Panicked { message: message(payload) })
    })
}

fn message(payload: Box<dyn Any + Send>) -> String {
    let text = match payload.downcast::<String>() {
        Ok(text) => return without_stack(*text),
        Err(payload) => payload.downcast::<&str>().map(|text| (*text).to_owned()),
    };
    text.unwrap_or_else(|payload| {
        // Dropping a payload of another type may panic again.
        std::mem::forget(payload);
        "no message".to_owned()
    })
}

/// Strips the C++ stack from the message of a panic on a libtorch error.
fn without_stack(text: String) -> String {
    match TorchError::in_panic(&text) {
        Some(("called `Result::unwrap()` on an `Err` value: ", error)) => Error::Torch(error).to_string(),
        Some((before, error)) => format!("{before}{}", Error::Torch(error)),
        None => text,
    }
}
