//! The syntax tree of an evaluator function.

use std::collections::BTreeSet;

use proc_macro2::{Ident, TokenStream};
use quote::quote;
use syn::{Attribute, Generics, ItemFn};

use super::arguments::Arguments;
use super::body::{self, Mark};
use super::returns::{self, Returns};
use super::signature;
use crate::ctxt::Ctxt;
use crate::{meta, names};

pub(super) struct Evaluator<'a> {
    pub(super) function: &'a ItemFn,
    /// The name of the evaluator struct.
    pub(super) ident: Ident,
    /// The generics of the function, with a parameter for each `impl Trait`.
    pub(super) generics: Generics,
    pub(super) arguments: Arguments<'a>,
    pub(super) returns: Returns<'a>,
    /// The marked `let`s, in source order.
    pub(super) marks: Vec<Mark<'a>>,
}

impl<'a> Evaluator<'a> {
    /// Parses a function. Reports all errors, and returns `None` if any of them prevents an expansion.
    pub(super) fn from_function(ctxt: &Ctxt, function: &'a ItemFn, name: Option<&Ident>) -> Option<Self> {
        signature::once(ctxt, function);
        let free = signature::check(ctxt, function);
        let returns = returns::read(ctxt, &function.sig);
        let marks = body::read(ctxt, function, returns.as_ref());
        // A method cannot be an evaluator, so its arguments are not checked.
        if !free {
            return None;
        }
        let mut generics = function.sig.generics.clone();
        let arguments = Arguments::read(ctxt, function, &mut generics)?;
        distinct_names(ctxt, &arguments, &marks);
        let ident = name.cloned().or_else(|| signature::name(ctxt, &function.sig.ident));
        Some(Self { function, ident: ident?, generics, arguments, returns: returns?, marks })
    }

    pub(super) fn docs(&self) -> impl Iterator<Item = &'a Attribute> {
        meta::docs(&self.function.attrs)
    }

    /// Returns the `#[cfg]`s of the function, which each generated item repeats.
    pub(super) fn cfgs(&self) -> impl Iterator<Item = &'a Attribute> {
        meta::cfgs(&self.function.attrs)
    }

    /// Returns the attributes that stay on the function itself.
    pub(super) fn function_attrs(&self) -> impl Iterator<Item = &'a Attribute> {
        let attrs = self.function.attrs.iter();
        attrs.filter(|attr| !meta::is_doc(attr) && !meta::is_cfg(attr) && !is_deprecated(attr))
    }

    /// Returns the function's `#[deprecated]`, which moves to the struct, the function's only caller.
    pub(super) fn deprecated(&self) -> Option<&'a Attribute> {
        self.function.attrs.iter().find(|attr| is_deprecated(attr))
    }

    /// Returns `#[allow(deprecated)]` for the `impl` blocks of a deprecated evaluator struct.
    pub(super) fn quiet(&self) -> Option<TokenStream> {
        self.deprecated().map(|_| quote!(#[allow(deprecated)]))
    }

    /// Returns the marked `let`s whose values go into the diagnostics.
    pub(super) fn diagnostics(&self) -> impl Iterator<Item = &Mark<'a>> {
        self.marks.iter().filter(|mark| mark.is_diagnostic())
    }

    /// Returns the marked `let`s whose values go into the output.
    pub(super) fn output(&self) -> impl Iterator<Item = &Mark<'a>> {
        self.marks.iter().filter(|mark| mark.is_output())
    }
}

fn is_deprecated(attr: &Attribute) -> bool {
    attr.path().is_ident("deprecated")
}

/// Reports duplicate field names in a generated struct.
fn distinct_names(ctxt: &Ctxt, arguments: &Arguments<'_>, marks: &[Mark<'_>]) {
    let params = arguments.params.iter().map(|param| param.ident);
    distinct(ctxt, params, "parameters");
    // Conditional `let`s may share a name, since a build may contain only one of them.
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
                format_args!("two {what} are named `{name}`"),
                "each becomes a field: rename one of them",
            );
        }
    }
}
