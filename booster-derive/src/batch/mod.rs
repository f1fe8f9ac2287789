//! The `#[derive(Batch)]` macro.

mod ast;
mod expand;
mod fallback;

use proc_macro2::TokenStream;

use crate::ctxt::Ctxt;
use crate::{half_typed, meta};

/// Generates `impl Batch` for the struct in `input`, or the errors in the struct and a placeholder.
pub(crate) fn derive(input: &TokenStream) -> TokenStream {
    let input = match half_typed::structure(input) {
        Ok(input) => input,
        Err(error) => return error.into_compile_error(),
    };
    let ctxt = Ctxt::new();
    let library = meta::container_library(&ctxt, &input.attrs, "batch");
    let container = ast::Container::from_input(&ctxt, &input);
    match (ctxt.check(), container) {
        (Ok(()), Some(container)) => expand::container(&library, &container),
        (checked, _) => fallback::container(&library, &input, &checked.err().unwrap_or_default()),
    }
}
