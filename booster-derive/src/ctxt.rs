//! Gathers every error of one expansion, so that the user sees all of them at once.

use std::cell::{Cell, RefCell};
use std::fmt::Display;

use proc_macro2::TokenStream;
use quote::ToTokens;

/// The errors found so far.
///
/// Dropping it without [`Ctxt::check`] panics in debug builds: an error that is found and never
/// shown is a defect of these macros.
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

    /// Reports `message` on `tokens`, and below it what to do.
    ///
    /// Stable macros cannot print a `help:` line of their own; rustc aligns one that follows a
    /// blank line of the message.
    pub(crate) fn error_with_help(&self, tokens: impl ToTokens, message: impl Display, help: impl Display) {
        self.error(tokens, format_args!("{message}\n\nhelp: {help}"));
    }

    /// Reports an error of syn's own parsers.
    pub(crate) fn syn_error(&self, error: syn::Error) {
        self.errors.borrow_mut().push(error);
    }

    /// Takes note of an error that rustc reports itself: one of ours would be the second.
    pub(crate) fn left_to_rustc(&self) {
        self.left_to_rustc.set(true);
    }

    /// The `compile_error!`s, if there is anything wrong; none of them where rustc reports it all.
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
