//! The marked `let`s of a body, and marks where none can be.

use quote::ToTokens;
use syn::visit::{self, Visit};
use syn::{Attribute, Block, Expr, ExprReturn, Ident, Item, ItemFn, Local, Meta, Pat, Stmt, Type};

use super::check;
use super::returns::Returns;
use crate::ctxt::Ctxt;
use crate::text::compact;
use crate::{meta, names, owned};

/// A marked `let`.
pub(super) struct Mark<'a> {
    /// Its place among the statements of the body.
    pub(super) statement: usize,
    pub(super) ident: &'a Ident,
    pub(super) ty: &'a Type,
    /// Whether it belongs to the output.
    pub(super) output: bool,
    local: &'a Local,
}

impl<'a> Mark<'a> {
    pub(super) fn is_diagnostic(&self) -> bool {
        self.diagnostic_attrs().next().is_some()
    }

    /// The attributes that the diagnostics' own derive reads.
    pub(super) fn diagnostic_attrs(&self) -> impl Iterator<Item = &'a Attribute> + use<'a> {
        let attrs = self.local.attrs.iter();
        attrs.filter(|attr| is(attr, "group") || is(attr, "metric"))
    }

    pub(super) fn docs(&self) -> impl Iterator<Item = &'a Attribute> + use<'a> {
        self.local.attrs.iter().filter(|attr| meta::is_doc(attr))
    }

    pub(super) fn cfgs(&self) -> impl Iterator<Item = &'a Attribute> + use<'a> {
        self.local.attrs.iter().filter(|attr| meta::is_cfg(attr))
    }

    /// The statement with the attributes that are not for a field.
    pub(super) fn statement(&self) -> Local {
        let mut local = self.local.clone();
        local.attrs.retain(|attr| !is_marker(attr) && !meta::is_doc(attr));
        local
    }
}

fn is(attr: &Attribute, name: &str) -> bool {
    attr.path().is_ident(name)
}

/// Whether `attr` is one of ours.
pub(super) fn is_marker(attr: &Attribute) -> bool {
    ["group", "metric", "output", "param"].iter().any(|name| is(attr, name))
}

/// Reads the marks of the function's body. `returns` is none where it is in error.
pub(super) fn read<'a>(ctxt: &Ctxt, function: &'a ItemFn, returns: Option<&Returns<'_>>) -> Vec<Mark<'a>> {
    let mut marks = Vec::new();
    let mut marked = false;
    for (statement, stmt) in function.block.stmts.iter().enumerate() {
        match stmt {
            Stmt::Local(local) if local.attrs.iter().any(is_marker) => {
                marked = true;
                if let Some(Returns::All { .. }) = returns {
                    returned_already(ctxt, &local.attrs);
                } else {
                    marks.extend(mark(ctxt, statement, local));
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
        loss_comes_last(ctxt, &function.block);
    }
    marks
}

/// Reports the marks of a function that returns what they would collect.
fn returned_already(ctxt: &Ctxt, attrs: &[Attribute]) {
    for attr in attrs.iter().filter(|attr| is_marker(attr)) {
        let name = compact(attr.path());
        ctxt.error_with_help(
            attr,
            format_args!("`#[{name}]` in an evaluator that returns its diagnostics and output"),
            format_args!("remove `#[{name}]`, or return `Result<Tensor>`"),
        );
    }
}

fn mark<'a>(ctxt: &Ctxt, statement: usize, local: &'a Local) -> Option<Mark<'a>> {
    let output = attributes(ctxt, local)?;
    let Pat::Type(typed) = &local.pat else {
        let pat = &local.pat;
        ctxt.error_with_help(
            pat,
            format_args!("marked `{}` has no type", compact(pat)),
            format_args!("write `let {}: Tensor = ..`", compact(pat)),
        );
        return None;
    };
    let ident = match &*typed.pat {
        Pat::Ident(pat) if pat.by_ref.is_none() && pat.subpat.is_none() => &pat.ident,
        pat => {
            ctxt.error_with_help(pat, "a marked `let` binds one plain name", "the name becomes that of a field");
            return None;
        }
    };
    let name = names::plain(ident);
    match &local.init {
        None => {
            ctxt.error_with_help(
                ident,
                format_args!("marked `{name}` has no value"),
                format_args!("write `let {name}: Tensor = ..`"),
            );
            return None;
        }
        Some(init) => {
            if let Some((token, _)) = &init.diverge {
                ctxt.error_with_help(
                    token,
                    "a marked `let` has no `else`",
                    "give an `Option` a group: it may be absent in some steps",
                );
                return None;
            }
        }
    }
    check::owned(ctxt, &typed.ty, "a marked value");
    owned::check(ctxt, &typed.ty, "a marked value");
    Some(Mark { statement, ident, ty: &typed.ty, output, local })
}

/// Whether the marks of a `let` make it an output; none, and reported, where they make no sense.
fn attributes(ctxt: &Ctxt, local: &Local) -> Option<bool> {
    let find = |name| local.attrs.iter().filter(move |attr| is(attr, name));
    if let Some(attr) = find("param").next() {
        ctxt.error_with_help(attr, "`#[param]` goes on an argument", "a parameter stands behind the mode");
        return None;
    }
    if find("group").next().is_none()
        && let Some(attr) = find("metric").next()
    {
        ctxt.error_with_help(attr, "`#[metric]` on a value without a group", "add `#[group = \"loss\"]`");
        return None;
    }
    for attr in find("group") {
        // On a field, rustc would be first to say so, and with less help.
        if let Meta::NameValue(group) = &attr.meta
            && !matches!(meta::ungrouped(&group.value), Expr::Lit(_))
        {
            meta::not_a_string(ctxt, &group.value);
            return None;
        }
    }
    let mut outputs = find("output");
    let output = outputs.next();
    if let Some(attr) = output {
        check::without_arguments(ctxt, attr);
    }
    if let Some(second) = outputs.next() {
        ctxt.error_with_help(second, "duplicate `#[output]`", "remove one of them");
    }
    Some(output.is_some())
}

/// Finds marks on anything but a `let` of the function's own body.
struct Stray<'c> {
    ctxt: &'c Ctxt,
}

impl<'ast> Visit<'ast> for Stray<'_> {
    fn visit_attribute(&mut self, attr: &'ast Attribute) {
        if is_marker(attr) {
            let name = compact(attr.path());
            self.ctxt.error_with_help(
                attr,
                format_args!("`#[{name}]` is not on a `let` of the function's own body"),
                "write it above a `let name: Type = ..` outside of all blocks: each call gives every field one value",
            );
        }
    }

    // A struct in a body may have a derive of its own.
    fn visit_item(&mut self, _: &'ast Item) {}
}

/// Reports where a function with marks ends without its loss.
fn loss_comes_last(ctxt: &Ctxt, block: &Block) {
    let mut returns = Returned { ctxt, found: false };
    returns.visit_block(block);
    if returns.found || tail(block).is_some() {
        return;
    }
    match block.stmts.last() {
        Some(last) => not_last(ctxt, last),
        None => not_last(ctxt, block),
    }
}

fn not_last(ctxt: &Ctxt, culprit: impl ToTokens) {
    ctxt.error_with_help(
        culprit,
        "an evaluator that marks its diagnostics gives its loss as its last expression",
        "write the loss as last expression, or return `Result<(Loss, D, O)>`",
    );
}

/// The last expression, where there is one.
pub(super) fn tail(block: &Block) -> Option<&Stmt> {
    block.stmts.last().filter(|last| match last {
        Stmt::Expr(_, None) => true,
        Stmt::Macro(mac) => mac.semi_token.is_none(),
        Stmt::Expr(_, Some(_)) | Stmt::Local(_) | Stmt::Item(_) => false,
    })
}

/// Finds a `return` of anything but an error.
struct Returned<'c> {
    ctxt: &'c Ctxt,
    found: bool,
}

impl<'ast> Visit<'ast> for Returned<'_> {
    fn visit_expr_return(&mut self, expr: &'ast ExprReturn) {
        if expr.expr.as_deref().is_some_and(is_err) {
            visit::visit_expr_return(self, expr);
        } else {
            self.found = true;
            not_last(self.ctxt, expr);
        }
    }

    // These return from themselves.
    fn visit_expr_closure(&mut self, _: &'ast syn::ExprClosure) {}
    fn visit_expr_async(&mut self, _: &'ast syn::ExprAsync) {}
    fn visit_item(&mut self, _: &'ast Item) {}
}

/// Whether `expr` is written as `Err(..)`.
fn is_err(expr: &Expr) -> bool {
    match expr {
        Expr::Call(call) => match &*call.func {
            Expr::Path(path) => path.path.segments.last().is_some_and(|last| last.ident == "Err"),
            _ => false,
        },
        Expr::Try(expr) => is_err(&expr.expr),
        Expr::Group(group) => is_err(&group.expr),
        Expr::Paren(paren) => is_err(&paren.expr),
        _ => false,
    }
}
