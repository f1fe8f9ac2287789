//! `#[derive(Diagnostic)]`.

mod ast;
mod attr;
mod check;
mod expand;
mod fallback;
mod metric;
mod reduce;
mod suited;
mod summary;

use proc_macro2::TokenStream;

use crate::ctxt::Ctxt;
use crate::{half_typed, meta};

/// The implementation and the summary of the struct in `input`, or its errors and a stand-in.
pub(crate) fn derive(input: &TokenStream) -> TokenStream {
    let input = match half_typed::structure(input) {
        Ok(input) => input,
        Err(error) => return error.into_compile_error(),
    };
    let ctxt = Ctxt::new();
    let library = meta::container_library(&ctxt, &input.attrs, "diagnostic");
    let container = ast::Container::from_input(&ctxt, &input);
    if let Some(container) = &container {
        check::container(&ctxt, container);
    }
    match (ctxt.check(), container) {
        (Ok(()), Some(container)) => expand::container(&library, &container),
        (checked, known) => fallback::container(&library, &input, known, checked.err().unwrap_or_default()),
    }
}
