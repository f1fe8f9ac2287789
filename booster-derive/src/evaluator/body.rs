//! The marked `let`s of a function body, and errors about misplaced marks.

use proc_macro2::TokenStream;
use quote::quote;
use syn::visit::{self, Visit};
use syn::{Attribute, Expr, Ident, Item, ItemFn, Local, Meta, Pat, Stmt, Type};

use super::marked::{self, Marker, markers};
use super::returns::Returns;
use super::{field_type, loss};
use crate::ctxt::Ctxt;
use crate::text::compact;
use crate::{meta, names, owned};

/// A marked `let`.
pub(super) struct Mark<'a> {
    /// The index of the statement in the body.
    pub(super) statement: usize,
    pub(super) ident: &'a Ident,
    pub(super) ty: &'a Type,
    markers: Vec<Marker>,
    local: &'a Local,
}

impl<'a> Mark<'a> {
    pub(super) fn is_diagnostic(&self) -> bool {
        self.markers.iter().any(Marker::is_diagnostic)
    }

    pub(super) fn is_output(&self) -> bool {
        self.markers.iter().any(|marker| marker.is("output"))
    }

    /// Returns the attributes that `#[derive(Diagnostic)]` expects on the generated field.
    pub(super) fn diagnostic_attrs(&self) -> impl Iterator<Item = Attribute> {
        self.markers.iter().filter(|marker| marker.is_diagnostic()).map(Marker::attribute)
    }

    pub(super) fn docs(&self) -> impl Iterator<Item = &'a Attribute> + use<'a> {
        self.local.attrs.iter().filter(|attr| meta::is_doc(attr))
    }

    /// Returns the `#[cfg]`s of the statement.
    pub(super) fn cfgs(&self) -> impl Iterator<Item = &'a Attribute> + use<'a> {
        self.local.attrs.iter().filter(|attr| meta::is_cfg(attr))
    }

    /// Returns the `#[cfg]`s of the field in the diagnostics.
    pub(super) fn diagnostic_cfgs(&self) -> TokenStream {
        let condition = marked::any_of(self.markers.iter().filter(|marker| marker.is_diagnostic()));
        let cfgs = self.cfgs();
        quote!(#(#cfgs)* #condition)
    }

    /// Returns the `#[cfg]`s of the field in the output.
    pub(super) fn output_cfgs(&self) -> TokenStream {
        let condition = marked::any_of(self.markers.iter().filter(|marker| marker.is("output")));
        let cfgs = self.cfgs();
        quote!(#(#cfgs)* #condition)
    }

    /// Returns whether the statement is compiled and marked in every build.
    pub(super) fn is_unconditional(&self) -> bool {
        self.cfgs().next().is_none() && self.markers.iter().all(|marker| marker.condition.is_none())
    }

    /// Returns the statement without its doc comments and our attributes, which belong to the generated field.
    pub(super) fn statement(&self) -> Local {
        let mut local = self.local.clone();
        local.attrs.retain(|attr| !meta::is_doc(attr));
        marked::strip(&mut local.attrs);
        local
    }
}

/// Parses the marks of a function body. `returns` is `None` if the return type is invalid.
pub(super) fn read<'a>(ctxt: &Ctxt, function: &'a ItemFn, returns: Option<&Returns<'_>>) -> Vec<Mark<'a>> {
    let mut marks = Vec::new();
    let mut marked = false;
    Stray { ctxt }.attributes(&function.attrs);
    for (statement, stmt) in function.block.stmts.iter().enumerate() {
        match stmt {
            Stmt::Local(local) if marked::is_marked(&local.attrs) => {
                marked = true;
                let markers = markers(&local.attrs);
                if let Some(Returns::All { .. }) = returns {
                    returned_already(ctxt, &markers);
                } else {
                    marks.extend(mark(ctxt, statement, local, markers));
                }
                Stray { ctxt }.visit_pat(&local.pat);
                if let Some(init) = &local.init {
                    Stray { ctxt }.visit_local_init(init);
                }
            }
            stmt => Stray { ctxt }.visit_stmt(stmt),
        }
    }
    if marked && let Some(Returns::Loss { .. }) = returns {
        loss::comes_last(ctxt, &function.block);
    }
    marks
}

/// Reports marks in a function that returns its own diagnostics and output.
fn returned_already(ctxt: &Ctxt, markers: &[Marker]) {
    for marker in markers {
        let name = compact(marker.meta.path());
        ctxt.error_with_help(
            marker,
            format_args!("`#[{name}]` cannot be used in an evaluator that returns its diagnostics and output"),
            format_args!("remove `#[{name}]`, or return `Result<Tensor>`"),
        );
    }
}

fn mark<'a>(ctxt: &Ctxt, statement: usize, local: &'a Local, markers: Vec<Marker>) -> Option<Mark<'a>> {
    attributes(ctxt, &markers)?;
    let (pat, ty) = match &local.pat {
        Pat::Type(typed) => (&*typed.pat, Some(&*typed.ty)),
        pat => (pat, None),
    };
    let (ident, mutability) = match pat {
        Pat::Ident(pat) if pat.by_ref.is_none() && pat.subpat.is_none() => (&pat.ident, pat.mutability),
        pat => {
            ctxt.error_with_help(
                pat,
                "a marked `let` must bind a plain identifier",
                "destructure in an unmarked `let`, and mark `let name: Type = name;` below it",
            );
            return None;
        }
    };
    let Some(ty) = ty else {
        ctxt.error_with_help(
            pat,
            format_args!("marked `{}` has no type annotation", compact(pat)),
            format_args!("write `let {}: Tensor = ..`", compact(ident)),
        );
        return None;
    };
    if let Some(mutability) = mutability {
        ctxt.error_with_help(
            mutability,
            format_args!("marked `{ident}` cannot be `mut`"),
            format_args!("mark the final value: `let {ident}: {} = {ident};` after the last write", compact(ty)),
        );
        return None;
    }
    let name = names::plain(ident);
    match &local.init {
        None => {
            ctxt.error_with_help(
                ident,
                format_args!("marked `{name}` has no initializer"),
                format_args!("write `let {name}: Tensor = ..`"),
            );
            return None;
        }
        Some(init) => {
            if let Some((token, _)) = &init.diverge {
                ctxt.error_with_help(
                    token,
                    "a marked `let` cannot have an `else`",
                    "mark an `Option` instead: it may be `None` in some steps",
                );
                return None;
            }
        }
    }
    field_type::owned(ctxt, ty, "a marked value");
    owned::check(ctxt, ty, "a marked value");
    Some(Mark { statement, ident, ty, markers, local })
}

/// Reports attributes that are invalid on a `let`. Returns `None` if the `let` cannot be marked.
fn attributes(ctxt: &Ctxt, markers: &[Marker]) -> Option<()> {
    let find = |name| markers.iter().filter(move |marker| marker.is(name));
    if let Some(marker) = find("param").next() {
        ctxt.error_with_help(marker, "`#[param]` can only be applied to an argument", "parameters come after the mode");
        return None;
    }
    if let Some(marker) = find("diagnostic").next() {
        ctxt.error_with_help(
            marker,
            "`#[diagnostic]` can only be applied to a struct that derives `Diagnostic`, or to its fields",
            "remove it: a `let` without `#[group]` is not measured",
        );
        return None;
    }
    if find("group").next().is_none()
        && let Some(marker) = find("metric").next()
    {
        ctxt.error_with_help(marker, "`#[metric]` requires a group", "add `#[group = \"loss\"]`");
        return None;
    }
    for marker in find("group") {
        // Reported here, since rustc's own error on the generated field would be less helpful.
        if let Meta::NameValue(group) = &marker.meta
            && !matches!(meta::ungrouped(&group.value), Expr::Lit(_))
        {
            meta::not_a_string(ctxt, &group.value);
            return None;
        }
    }
    find("output").for_each(|marker| without_arguments(ctxt, marker));
    if let Some(second) = find("output").filter(|marker| marker.condition.is_none()).nth(1) {
        ctxt.error_with_help(second, "duplicate `#[output]`", "remove one of them");
    }
    Some(())
}

/// Reports arguments of a marker that accepts no arguments.
fn without_arguments(ctxt: &Ctxt, marker: &Marker) {
    if !matches!(marker.meta, Meta::Path(_)) {
        let name = compact(marker.meta.path());
        ctxt.error_with_help(marker, format_args!("`{name}` takes no arguments"), format_args!("write `#[{name}]`"));
    }
}

/// A visitor that reports marks on anything but a top-level `let` of the function body.
struct Stray<'c> {
    ctxt: &'c Ctxt,
}

impl Stray<'_> {
    fn attributes(&self, attrs: &[Attribute]) {
        for marker in markers(attrs) {
            let name = compact(marker.meta.path());
            self.ctxt.error_with_help(
                &marker,
                format_args!("`#[{name}]` can only be applied to a top-level `let` of the function body"),
                "move it to a `let name: Type = ..` outside any block, so that every call sets the field once",
            );
        }
    }
}

impl<'ast> Visit<'ast> for Stray<'_> {
    fn visit_attribute(&mut self, attr: &'ast Attribute) {
        self.attributes(std::slice::from_ref(attr));
    }

    fn visit_item(&mut self, item: &'ast Item) {
        if !marked::reads_its_own(item) {
            visit::visit_item(self, item);
        }
    }
}
