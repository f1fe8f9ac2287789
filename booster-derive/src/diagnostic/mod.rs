//! `#[derive(Diagnostic)]`.

mod ast;
mod attr;
mod bounds;
mod check;
mod expand;
mod fallback;
mod metric;
mod reduce;
mod suited;
mod summary;

use proc_macro2::{Ident, TokenStream};
use syn::Attribute;

use crate::ctxt::Ctxt;
use crate::library::Library;
use crate::{half_typed, meta};

/// The implementation and the summary of the struct in `input`, or its errors and a stand-in.
pub(crate) fn derive(input: &TokenStream) -> TokenStream {
    let input = match half_typed::structure(input) {
        Ok(input) => input,
        Err(error) => return error.into_compile_error(),
    };
    let ctxt = Ctxt::new();
    let Options { library, summary } = Options::read(&ctxt, &input.attrs);
    let container = ast::Container::from_input(&ctxt, &input, summary.as_ref());
    if let Some(container) = &container {
        check::container(&ctxt, container);
    }
    match (ctxt.check(), container) {
        (Ok(()), Some(container)) => expand::container(&library, &container),
        (checked, known) => {
            fallback::container(&library, &input, summary.as_ref(), known, checked.err().unwrap_or_default())
        }
    }
}

/// The arguments of the attribute on the struct.
struct Options {
    library: Library,
    /// The summary's name, in place of one made of the struct's.
    summary: Option<Ident>,
}

impl Options {
    fn read(ctxt: &Ctxt, attrs: &[Attribute]) -> Self {
        let (mut library, mut summary) = (None, None);
        for attr in attrs.iter().filter(|attr| attr.path().is_ident("diagnostic")) {
            meta::arguments(ctxt, attr, "`#[diagnostic(summary = Name, crate = path)]`", |meta| {
                if meta.path.is_ident("summary") {
                    meta::name_argument(ctxt, &meta, &mut summary);
                } else {
                    meta::crate_argument(ctxt, &meta, "attribute", &["summary", "crate"], &mut library);
                }
            });
        }
        Self { library: library.unwrap_or_default(), summary }
    }
}
