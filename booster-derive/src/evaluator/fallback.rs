//! The expansion of an erroneous input: the errors, the user's function, and placeholders for the generated structs.

use std::collections::BTreeSet;

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, quote};
use syn::visit_mut::{self, VisitMut};
use syn::{FnArg, Generics, ItemFn, Pat, PatType, ReturnType, Stmt, Type, parse_quote};

use super::arguments::Arguments;
use super::marked::{self, Marker};
use super::{loss, returns, signature, strip};
use crate::ctxt::Ctxt;
use crate::fallback::InError;
use crate::names;

/// Emits `errors` and the function without marks.
pub(super) fn function(function: &ItemFn, errors: &TokenStream) -> TokenStream {
    let without_marks = without_marks(function, None);
    quote!(#errors #without_marks)
}

/// Emits `errors`, the function without marks, and a function `new` for the user's type whose name conflicts with the
/// evaluator's.
pub(super) fn constructor_of(function: &ItemFn, name: &Ident, errors: TokenStream) -> TokenStream {
    let in_error = InError::new(&function.attrs, &function.vis, name, errors);
    let (cfgs, constant, without_marks) = (in_error.cfgs(), in_error.constant(), without_marks(function, None));
    let ident = in_error.ident();
    // Declare `new` in a trait, so that it cannot conflict with the type's own `new`.
    quote! {
        #constant
        #cfgs
        #[allow(dead_code, non_camel_case_types, non_upper_case_globals)]
        trait #ident {
            const new: [(); { #ident }] = [];
        }
        #cfgs
        impl<__Named> #ident for __Named {}
        #without_marks
    }
}

/// Emits `errors`, the function without marks, and placeholders for the structs.
pub(super) fn evaluator(
    function: &ItemFn,
    name: Option<Ident>,
    words: &TokenStream,
    errors: &TokenStream,
) -> TokenStream {
    // A method is emitted in an `impl` block, where no struct can be declared.
    let name = name.or_else(|| unreported(|ctxt| signature::name(ctxt, &function.sig.ident)));
    let Some(name) = name.filter(|_| !is_method(function)) else {
        return self::function(function, errors);
    };
    let in_error = InError::new(&function.attrs, &function.vis, &name, quote!(#words #errors));
    let constant = in_error.constant();
    let without_marks = without_marks(function, Some(in_error.ident()));
    let generics = generics(function);
    let evaluator = in_error.alias(&name, &generics);
    let collected = collected(function)
        .into_iter()
        .map(|suffix| in_error.alias(&names::generated(&format!("{name}{suffix}"), name.span()), &Generics::default()));
    quote! {
        #constant
        #evaluator
        #(#collected)*
        #without_marks
    }
}

fn is_method(function: &ItemFn) -> bool {
    let receives = matches!(function.sig.inputs.first(), Some(FnArg::Receiver(_)));
    receives || signature::first_self(function.sig.to_token_stream()).is_some()
}

/// Returns the function without marks, adjusted to avoid further errors outside the macro.
fn without_marks(function: &ItemFn, in_error: Option<&Ident>) -> TokenStream {
    let mut function = strip::markers(function.clone());
    function.sig.constness = None;
    function.sig.variadic = None;
    if let Some(in_error) = in_error {
        Quiet { in_error, names: BTreeSet::new() }.visit_signature_mut(&mut function.sig);
    }
    let returns = !matches!(function.sig.output, ReturnType::Default);
    // Without the stray `;`, the error type of `Ok(loss)` can be inferred.
    if let Some(Stmt::Expr(last, semicolon)) = function.block.stmts.last_mut()
        && returns
        && loss::is_result(last)
    {
        *semicolon = None;
    }
    if returns && loss::tail(&function.block).is_empty() {
        function.block.stmts.push(Stmt::Expr(parse_quote!(::core::unreachable!()), None));
    }
    // Without marks, the values of marked `let`s may be unused.
    quote!(#[allow(irrefutable_let_patterns, unused)] #function)
}

/// A visitor that removes the parts of a signature that rustc would report again.
struct Quiet<'a> {
    in_error: &'a Ident,
    names: BTreeSet<String>,
}

impl VisitMut for Quiet<'_> {
    fn visit_pat_type_mut(&mut self, argument: &mut PatType) {
        if let Pat::Ident(pat) = &*argument.pat
            && !self.names.insert(names::plain(&pat.ident))
        {
            *argument.pat = parse_quote!(_);
        }
        visit_mut::visit_pat_type_mut(self, argument);
    }

    fn visit_type_mut(&mut self, ty: &mut Type) {
        visit_mut::visit_type_mut(self, ty);
        if let Type::Infer(_) = ty {
            let in_error = self.in_error;
            *ty = parse_quote!([(); { #in_error }]);
        }
    }
}

/// Returns the generics of the function, with a parameter for each `impl Trait` in valid arguments.
fn generics(function: &ItemFn) -> Generics {
    let mut generics = function.sig.generics.clone();
    unreported(|ctxt| Arguments::read(ctxt, function, &mut generics).is_some());
    generics
}

/// Calls `read` and discards its errors, which are already reported.
fn unreported<T>(read: impl FnOnce(&Ctxt) -> T) -> T {
    let ctxt = Ctxt::new();
    let found = read(&ctxt);
    drop(ctxt.check());
    found
}

/// Returns the suffixes of the structs generated for marked values.
fn collected(function: &ItemFn) -> Vec<&'static str> {
    let returned = unreported(|ctxt| returns::read(ctxt, &function.sig));
    if let Some(returns::Returns::All { .. }) = returned {
        return Vec::new();
    }
    let lets = function.block.stmts.iter().filter_map(|stmt| match stmt {
        Stmt::Local(local) => Some(marked::markers(&local.attrs)),
        _ => None,
    });
    let markers: Vec<Marker> = lets.flatten().collect();
    let mut suffixes = Vec::new();
    if markers.iter().any(Marker::is_diagnostic) {
        suffixes.extend(["Diagnostics", "DiagnosticsSummary"]);
    }
    if markers.iter().any(|marker| marker.is("output")) {
        suffixes.push("Output");
    }
    suffixes
}
