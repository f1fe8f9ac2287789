//! `#[evaluator]`.

mod arguments;
mod ast;
mod body;
mod check;
mod collected;
mod expand;
mod fallback;
mod returns;
mod strip;
mod structure;

use proc_macro2::TokenStream;
use quote::quote;
use syn::ItemFn;

use crate::ctxt::Ctxt;
use crate::library::Library;
use crate::meta;

/// The evaluator made from the function in `item`, or its errors and the function.
pub(crate) fn attribute(arguments: TokenStream, item: &TokenStream) -> TokenStream {
    let ctxt = Ctxt::new();
    let library = library(&ctxt, arguments);
    let function: ItemFn = match syn::parse2(item.clone()) {
        Ok(function) => function,
        Err(error) => {
            check::not_a_function(&ctxt, item, error);
            let errors = ctxt.check().err();
            return quote!(#errors #item);
        }
    };
    let evaluator = ast::Evaluator::from_function(&ctxt, &function);
    match (ctxt.check(), evaluator) {
        (Ok(()), Some(evaluator)) => expand::evaluator(&library, &evaluator),
        (checked, _) => fallback::evaluator(&function, checked.err().unwrap_or_default()),
    }
}

/// Reads `crate = path`, the only argument of the attribute itself.
fn library(ctxt: &Ctxt, arguments: TokenStream) -> Library {
    let mut found = None;
    meta::parse_arguments(ctxt, arguments, "`#[evaluator(crate = path)]`", |meta| {
        meta::crate_argument(ctxt, &meta, "argument", &mut found);
    });
    found.unwrap_or_default()
}
