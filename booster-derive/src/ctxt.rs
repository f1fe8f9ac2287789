//! Collection of all errors of an expansion, so that the user sees them at once.

use std::cell::{Cell, RefCell};
use std::fmt::Display;

use proc_macro2::TokenStream;
use quote::ToTokens;

/// The errors found so far.
///
/// Panics in debug builds if dropped without [`Ctxt::check`], so that no error is lost.
#[derive(Default)]
pub(crate) struct Ctxt {
    errors: RefCell<Vec<syn::Error>>,
    left_to_rustc: Cell<bool>,
    checked: Cell<bool>,
}

impl Ctxt {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Reports `message` on `tokens`.
    pub(crate) fn error(&self, tokens: impl ToTokens, message: impl Display) {
        self.syn_error(syn::Error::new_spanned(tokens, message));
    }

    /// Reports `message` on `tokens`, followed by `help`.
    ///
    /// Stable macros cannot emit a `help:` line, but rustc aligns one that follows a blank line in the message.
    pub(crate) fn error_with_help(&self, tokens: impl ToTokens, message: impl Display, help: impl Display) {
        self.error(tokens, format_args!("{message}\n\nhelp: {help}"));
    }

    /// Reports an error from syn.
    pub(crate) fn syn_error(&self, error: syn::Error) {
        self.errors.borrow_mut().push(error);
    }

    /// Records an error that rustc reports itself, so that it is not reported twice.
    pub(crate) fn left_to_rustc(&self) {
        self.left_to_rustc.set(true);
    }

    /// Returns the errors as `compile_error!`s, or as no tokens if rustc reports all of them itself.
    pub(crate) fn check(self) -> Result<(), TokenStream> {
        self.checked.set(true);
        let errors = self.errors.take();
        if errors.is_empty() && !self.left_to_rustc.get() {
            return Ok(());
        }
        Err(errors.into_iter().map(syn::Error::into_compile_error).collect())
    }
}

impl Drop for Ctxt {
    fn drop(&mut self) {
        debug_assert!(self.checked.get() || std::thread::panicking(), "an expansion ended without checking for errors");
    }
}
