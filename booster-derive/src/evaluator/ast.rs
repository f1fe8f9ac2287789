//! The model of an evaluator's function.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, quote};
use syn::{Attribute, Generics, ItemFn};

use super::arguments::Arguments;
use super::body::{self, Mark};
use super::returns::Returns;
use super::{check, returns};
use crate::ctxt::Ctxt;
use crate::meta;

pub(super) struct Evaluator<'a> {
    pub(super) function: &'a ItemFn,
    /// The struct's name.
    pub(super) ident: Ident,
    /// The function's, and a parameter for each `impl Trait`.
    pub(super) generics: Generics,
    pub(super) arguments: Arguments<'a>,
    pub(super) returns: Returns<'a>,
    /// The marked `let`s, in order.
    pub(super) marks: Vec<Mark<'a>>,
}

impl<'a> Evaluator<'a> {
    /// None where something is in error, all of which is reported.
    pub(super) fn from_function(ctxt: &Ctxt, function: &'a ItemFn, name: Option<&Ident>) -> Option<Self> {
        check::once(ctxt, function);
        let free = check::signature(ctxt, function);
        let returns = returns::read(ctxt, &function.sig);
        let marks = body::read(ctxt, function, returns.as_ref());
        // Of a method, the arguments are not counted: it is not one of ours at all.
        if !free {
            return None;
        }
        let mut generics = function.sig.generics.clone();
        let arguments = Arguments::read(ctxt, function, &mut generics)?;
        check::names(ctxt, &arguments, &marks);
        let ident = name.cloned().or_else(|| check::name(ctxt, &function.sig.ident));
        Some(Self { function, ident: ident?, generics, arguments, returns: returns?, marks })
    }

    pub(super) fn docs(&self) -> impl Iterator<Item = &'a Attribute> {
        meta::docs(&self.function.attrs)
    }

    /// The conditions under which the function exists at all: each generated item has them.
    pub(super) fn cfgs(&self) -> impl Iterator<Item = &'a Attribute> {
        meta::cfgs(&self.function.attrs)
    }

    /// What stays on the function itself.
    pub(super) fn function_attrs(&self) -> impl Iterator<Item = &'a Attribute> {
        let attrs = self.function.attrs.iter();
        attrs.filter(|attr| !meta::is_doc(attr) && !meta::is_cfg(attr) && !is_deprecated(attr))
    }

    /// The struct is what is deprecated: the function is called by it alone.
    pub(super) fn deprecated(&self) -> Option<&'a Attribute> {
        self.function.attrs.iter().find(|attr| is_deprecated(attr))
    }

    /// For what is implemented for a struct that may be deprecated.
    pub(super) fn quiet(&self) -> Option<TokenStream> {
        self.deprecated().map(|_| quote!(#[allow(deprecated)]))
    }

    /// The marks that go to the diagnostics.
    pub(super) fn diagnostics(&self) -> impl Iterator<Item = &Mark<'a>> {
        self.marks.iter().filter(|mark| mark.is_diagnostic())
    }

    /// The marks that go to the output.
    pub(super) fn output(&self) -> impl Iterator<Item = &Mark<'a>> {
        self.marks.iter().filter(|mark| mark.is_output())
    }

    /// A name that no token of the function has, and none of `taken`.
    pub(super) fn unused_name(function: &ItemFn, name: &str, taken: &[String]) -> String {
        let mut candidate = name.to_owned();
        let mut count = 1_usize;
        while taken.contains(&candidate) || meta::mentions_ident(function.to_token_stream(), &candidate) {
            count += 1;
            candidate = format!("{name}{count}");
        }
        candidate
    }
}

fn is_deprecated(attr: &Attribute) -> bool {
    attr.path().is_ident("deprecated")
}
