//! What cannot be an evaluator.

use std::collections::BTreeSet;

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::visit::{self, Visit};
use syn::{
    Attribute, FnArg, GenericParam, Ident, ItemFn, Lifetime, Safety, TraitItemFn, Type, TypePath, TypeReference,
};

use super::arguments::Arguments;
use super::ast::Evaluator;
use super::body::Mark;
use super::marked::Marker;
use crate::ctxt::Ctxt;
use crate::library::shown_at;
use crate::names;
use crate::text::compact;

/// Reports an item that is no function, on the keyword that says what it is.
pub(super) fn not_a_function(ctxt: &Ctxt, item: &TokenStream, error: syn::Error) {
    const KINDS: [&str; 12] =
        ["struct", "enum", "union", "trait", "impl", "mod", "use", "type", "static", "const", "macro_rules", "extern"];
    let idents: Vec<_> = item
        .clone()
        .into_iter()
        .filter_map(|token| match token {
            TokenTree::Ident(ident) => Some(ident),
            _ => None,
        })
        .collect();
    let kind = idents.iter().find(|ident| KINDS.contains(&ident.to_string().as_str()));
    match kind {
        Some(kind) if !idents.iter().any(|ident| ident == "fn") => ctxt.error_with_help(
            kind,
            "`#[evaluator]` goes on a function",
            "the function's name becomes the evaluator's, its `#[param]`s the fields",
        ),
        _ => match syn::parse2::<TraitItemFn>(item.clone()) {
            Ok(TraitItemFn { default: None, semi_token, .. }) => ctxt.error_with_help(
                semi_token,
                "an `#[evaluator]` function has a body",
                "write a free function, with a type parameter for what differs",
            ),
            _ => ctxt.syn_error(error),
        },
    }
}

/// Whether an attribute is this macro once more.
pub(super) fn is_evaluator(attr: &Attribute) -> bool {
    attr.path().segments.last().is_some_and(|last| last.ident == "evaluator")
}

/// Reports a second `#[evaluator]`, which would read what the first one made.
pub(super) fn once(ctxt: &Ctxt, function: &ItemFn) {
    for second in function.attrs.iter().filter(|attr| is_evaluator(attr)) {
        ctxt.error_with_help(second, "duplicate `#[evaluator]`", "remove one of them");
    }
}

/// Reports what no evaluator's signature has; false for a method.
pub(super) fn signature(ctxt: &Ctxt, function: &ItemFn) -> bool {
    let sig = &function.sig;
    let cannot_be = |token: &dyn ToTokens, word: &str| {
        ctxt.error_with_help(
            token.to_token_stream(),
            format_args!("`#[evaluator]` functions cannot be `{word}`"),
            format_args!("remove `{word}`"),
        );
    };
    if let Some(token) = &sig.constness {
        cannot_be(token, "const");
    }
    if let Some(token) = &sig.asyncness {
        cannot_be(token, "async");
    }
    if let Safety::Unsafe(token) = &sig.safety {
        cannot_be(token, "unsafe");
    }
    if let Some(abi) = &sig.abi {
        cannot_be(&abi.extern_token, "extern");
    }
    if let Some(variadic) = &sig.variadic {
        ctxt.error_with_help(variadic.dots, "`#[evaluator]` functions cannot be variadic", "remove `...`");
    }
    let receiver = sig.inputs.first().and_then(|input| match input {
        FnArg::Receiver(receiver) => Some(receiver.self_token.to_token_stream()),
        FnArg::Typed(_) => None,
    });
    if let Some(of_a_type) = receiver.or_else(|| the_type_itself(sig.to_token_stream())) {
        ctxt.error_with_help(
            of_a_type,
            "`#[evaluator]` functions cannot be methods",
            "write a free function, with a `#[param]` for each field that it needs",
        );
        return false;
    }
    for param in &sig.generics.params {
        if let GenericParam::Lifetime(param) = param {
            ctxt.error_with_help(
                &param.lifetime,
                "`#[evaluator]` functions have no lifetime parameters",
                "an evaluator owns its parameters; leave the lifetimes of `&` out",
            );
        }
    }
    true
}

/// The first `Self`: only a function of a type or a trait has one.
pub(super) fn the_type_itself(tokens: TokenStream) -> Option<TokenStream> {
    tokens.into_iter().find_map(|token| match token {
        TokenTree::Group(group) => the_type_itself(group.stream()),
        TokenTree::Ident(ident) if ident == "Self" => Some(ident.to_token_stream()),
        TokenTree::Ident(_) | TokenTree::Punct(_) | TokenTree::Literal(_) => None,
    })
}

/// The struct's name; none, and reported, where the function's gives none.
pub(super) fn name(ctxt: &Ctxt, function: &Ident) -> Option<Ident> {
    let camel = names::upper_camel(&names::plain(function));
    let name = names::identifier(&camel, shown_at(function.span()));
    if name.is_none() {
        ctxt.error_with_help(
            function,
            format_args!("`{function}` gives the evaluator no name"),
            "the struct has the function's name in UpperCamelCase: rename the function",
        );
    }
    name
}

/// Reports a struct that would have the name of a type in the function's own signature or marks; whether there is one.
pub(super) fn named_already(ctxt: &Ctxt, evaluator: &Evaluator<'_>) -> bool {
    let ident = &evaluator.ident;
    let mut named = Named(BTreeSet::new());
    named.visit_signature(&evaluator.function.sig);
    for mark in &evaluator.marks {
        named.visit_type(mark.ty);
    }
    let mut made = vec![ident.to_string()];
    if evaluator.diagnostics().next().is_some() {
        made.extend(["Diagnostics", "DiagnosticsSummary"].map(|suffix| format!("{ident}{suffix}")));
    }
    if evaluator.output().next().is_some() {
        made.push(format!("{ident}Output"));
    }
    let Some(clash) = made.iter().find(|name| named.0.contains(*name)) else { return false };
    ctxt.error_with_help(
        &evaluator.function.sig.ident,
        format_args!("`#[evaluator]` makes a struct `{clash}` of this function, which names another `{clash}`"),
        format_args!("give the evaluator another name: `#[evaluator(name = {ident}Evaluator)]`"),
    );
    true
}

/// The types of one word.
struct Named(BTreeSet<String>);

impl<'ast> Visit<'ast> for Named {
    fn visit_type_path(&mut self, path: &'ast TypePath) {
        if let (None, 1, Some(only)) = (&path.qself, path.path.segments.len(), path.path.segments.first()) {
            self.0.insert(only.ident.to_string());
        }
        visit::visit_type_path(self, path);
    }
}

/// Reports two fields of one name in a generated struct.
pub(super) fn names(ctxt: &Ctxt, arguments: &Arguments<'_>, marks: &[Mark<'_>]) {
    let params = arguments.params.iter().map(|param| param.ident);
    distinct(ctxt, params, "parameters");
    // Of two `let`s under conditions, one may be left.
    let marks = || marks.iter().filter(|mark| mark.is_unconditional());
    let diagnostics = marks().filter(|mark| mark.is_diagnostic());
    distinct(ctxt, diagnostics.map(|mark| mark.ident), "diagnostics");
    let outputs = marks().filter(|mark| mark.is_output());
    distinct(ctxt, outputs.map(|mark| mark.ident), "outputs");
}

fn distinct<'i>(ctxt: &Ctxt, idents: impl Iterator<Item = &'i Ident>, what: &str) {
    let mut seen = BTreeSet::new();
    for ident in idents {
        let name = names::plain(ident);
        if !seen.insert(name.clone()) {
            ctxt.error_with_help(
                ident,
                format_args!("two {what} are called `{name}`"),
                "each becomes a field: rename one of them",
            );
        }
    }
}

/// Reports what a field's type cannot have: borrowed, inferred, unnamed or unsized parts.
pub(super) fn owned(ctxt: &Ctxt, ty: &Type, what: &str) {
    if let Some(instead) = sized_instead(ty) {
        ctxt.error_with_help(
            ty,
            format_args!("{what} has a size known at compile time, `{}` has not", compact(ty)),
            format_args!("take {instead}"),
        );
        return;
    }
    Owned { ctxt, what }.visit_type(ty);
}

/// What to take in place of an unsized type; none for another type.
fn sized_instead(ty: &Type) -> Option<String> {
    match ty {
        Type::Slice(slice) => Some(format!("`&Vec<{}>`", compact(&slice.elem))),
        Type::TraitObject(_) => Some("an argument of a type parameter, or of an `enum`".to_owned()),
        Type::Path(path) if path.path.is_ident("str") => Some("`&String`".to_owned()),
        Type::Group(group) => sized_instead(&group.elem),
        Type::Paren(paren) => sized_instead(&paren.elem),
        _ => None,
    }
}

struct Owned<'c> {
    ctxt: &'c Ctxt,
    what: &'c str,
}

impl<'ast> Visit<'ast> for Owned<'_> {
    fn visit_type_reference(&mut self, reference: &'ast TypeReference) {
        if let Some(mutability) = &reference.mutability {
            mutable(self.ctxt, *mutability);
        } else if reference.lifetime.is_none() {
            self.borrowed(reference.and_token);
        }
        visit::visit_type_reference(self, reference);
    }

    fn visit_lifetime(&mut self, lifetime: &'ast Lifetime) {
        if lifetime.ident == "_" {
            self.borrowed(lifetime);
        }
    }

    fn visit_type_infer(&mut self, infer: &'ast syn::TypeInfer) {
        self.ctxt.error_with_help(
            infer,
            format_args!("{} has its type written out", self.what),
            "it becomes the type of a field",
        );
    }

    fn visit_type_impl_trait(&mut self, ty: &'ast syn::TypeImplTrait) {
        self.ctxt.error_with_help(
            ty,
            format_args!("{} cannot be of type `impl Trait`", self.what),
            "name the type: a type parameter of the function is one of the evaluator",
        );
    }

    // References between the arguments and the result of a function are its own.
    fn visit_type_fn_ptr(&mut self, _: &'ast syn::TypeFnPtr) {}

    fn visit_parenthesized_generic_arguments(&mut self, _: &'ast syn::ParenthesizedGenericArguments) {}
}

impl Owned<'_> {
    fn borrowed(&self, token: impl ToTokens) {
        self.ctxt.error_with_help(
            token,
            format_args!("{} cannot hold a borrow", self.what),
            "evaluators, batches and diagnostics outlive the call: use an owned type",
        );
    }
}

/// Reports a `mut` behind a `&`.
pub(super) fn mutable(ctxt: &Ctxt, mutability: syn::Token![mut]) {
    ctxt.error_with_help(
        mutability,
        "an evaluator takes nothing by `&mut`",
        "replicas run it at the same time: take a shared reference",
    );
}

/// Reports a marker where a form of it with arguments has no meaning.
pub(super) fn without_arguments(ctxt: &Ctxt, marker: &Marker) {
    if !matches!(marker.meta, syn::Meta::Path(_)) {
        let name = compact(marker.meta.path());
        ctxt.error_with_help(marker, format_args!("`{name}` takes no arguments"), format_args!("write `#[{name}]`"));
    }
}
