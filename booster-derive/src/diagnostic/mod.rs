//! The `#[derive(Diagnostic)]` macro.

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
use quote::quote;
use syn::{Attribute, Data, DeriveInput};

use crate::completion::Words;
use crate::ctxt::Ctxt;
use crate::library::Library;
use crate::{half_typed, meta};

/// Generates `impl Diagnostic` and the summary for the struct in `input`, or the errors in the struct and placeholders.
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
    let words = words(&library, &input);
    match (ctxt.check(), container) {
        (Ok(()), Some(container)) => expand::container(&library, &container, &words),
        (checked, known) => {
            let errors = checked.err().filter(|errors| !errors.is_empty());
            let errors = errors.map(|errors| quote!(#words #errors)).unwrap_or_default();
            fallback::container(&library, &input, summary.as_ref(), known, errors)
        }
    }
}

/// Returns the argument names in all attributes, for completion in an editor.
fn words(library: &Library, input: &DeriveInput) -> TokenStream {
    let mut words = Words::default();
    words.attributes(&input.attrs, &[("diagnostic", "structure")]);
    if let Data::Struct(data) = &input.data {
        for field in &data.fields {
            words.attributes(&field.attrs, &[("group", "attributes"), ("metric", "metric"), ("diagnostic", "field")]);
        }
    }
    words.tokens(library)
}

/// The arguments of `#[diagnostic(..)]` on the struct.
struct Options {
    library: Library,
    /// The name of the summary, or `None` to derive it from the struct's name.
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
