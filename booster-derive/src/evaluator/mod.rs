//! The `#[evaluator]` attribute.

mod arguments;
mod ast;
mod body;
mod check;
mod expand;
mod fallback;
mod field_type;
mod function;
mod groups;
mod loss;
mod marked;
mod marked_struct;
mod params;
mod returns;
mod signature;
mod strip;
mod structure;

use proc_macro2::{Ident, TokenStream};
use quote::quote;
use syn::{FnArg, ItemFn, Stmt};

use crate::completion::Words;
use crate::ctxt::Ctxt;
use crate::half_typed;
use crate::library::Library;
use crate::meta;

/// Expands the function in `item` into an evaluator, or into its errors and the function itself.
pub(crate) fn attribute(arguments: TokenStream, item: &TokenStream) -> TokenStream {
    let ctxt = Ctxt::new();
    let Options { library, name } = Options::read(&ctxt, arguments.clone());
    let (function, is_whole) = match syn::parse2(item.clone()).map_err(|error| (error, half_typed::function(item))) {
        Ok(function) => (groups::made_visible(function), true),
        Err((error, Some(function))) => {
            ctxt.syn_error(error);
            (function, false)
        }
        Err((error, None)) => {
            signature::not_a_function(&ctxt, item, error);
            let errors = ctxt.check().err();
            return quote!(#errors #item);
        }
    };
    let words = words(&library, arguments, &function);
    let evaluator = if is_whole { ast::Evaluator::from_function(&ctxt, &function, name.as_ref()) } else { None };
    let named_already = evaluator.as_ref().is_some_and(|evaluator| check::named_already(&ctxt, evaluator));
    match (ctxt.check(), evaluator) {
        (Ok(()), Some(evaluator)) => expand::evaluator(&library, &evaluator, &words),
        // The placeholder for the evaluator would conflict with the user's type of the same name.
        (Err(errors), Some(evaluator)) if named_already => {
            fallback::constructor_of(&function, &evaluator.ident, errors)
        }
        (checked, _) => fallback::evaluator(&function, name, &words, &checked.err().unwrap_or_default()),
    }
}

/// Returns the argument names in all attributes, for completion in an editor.
fn words(library: &Library, arguments: TokenStream, function: &ItemFn) -> TokenStream {
    let mut words = Words::default();
    words.list("evaluator", arguments);
    for input in &function.sig.inputs {
        if let FnArg::Typed(input) = input {
            words.attributes(&input.attrs, &[("param", "param")]);
        }
    }
    for statement in &function.block.stmts {
        if let Stmt::Local(local) = statement {
            words.attributes(&local.attrs, &[("group", "attributes"), ("metric", "metric"), ("output", "attributes")]);
        }
    }
    words.tokens(library)
}

/// The arguments of `#[evaluator]`.
#[derive(Default)]
struct Options {
    library: Library,
    /// The name of the evaluator struct, or `None` to derive it from the function's name.
    name: Option<Ident>,
}

impl Options {
    fn read(ctxt: &Ctxt, arguments: TokenStream) -> Self {
        let (mut library, mut name) = (None, None);
        meta::parse_arguments(ctxt, arguments, "`#[evaluator(name = Name, crate = path)]`", |meta| {
            if meta.path.is_ident("name") {
                meta::name_argument(ctxt, &meta, &mut name);
            } else {
                meta::crate_argument(ctxt, &meta, "argument", &["name", "crate"], &mut library);
            }
        });
        Self { library: library.unwrap_or_default(), name }
    }
}
