//! The loss, which must be the last expression of a function with marks.

use quote::ToTokens;
use syn::visit::{self, Visit};
use syn::{Attribute, Block, Expr, ExprReturn, Item, Stmt};

use crate::ctxt::Ctxt;
use crate::meta;

/// Reports a function with marks that does not end with its loss.
pub(super) fn comes_last(ctxt: &Ctxt, block: &Block) {
    let mut returns = Returned { ctxt, found: false };
    returns.visit_block(block);
    if returns.found || !tail(block).is_empty() {
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
        "the loss must be the last expression of an evaluator with marked `let`s",
        "write the loss as the last expression, or return `Result<(Loss, D, O)>`",
    );
}

/// Returns the statements that yield a function's value: its last expression, or alternatives under `#[cfg]`.
///
/// Returns an empty slice if the body has no last expression.
pub(super) fn tail(block: &Block) -> &[Stmt] {
    let stmts = &block.stmts[..];
    let count = match stmts.last() {
        Some(last) if is_conditional(last) => stmts.iter().rev().take_while(|stmt| is_conditional(stmt)).count(),
        Some(last) => usize::from(value_attrs(last).is_some()),
        None => 0,
    };
    &stmts[stmts.len() - count..]
}

/// Returns whether a statement is a value under a `#[cfg]`.
pub(super) fn is_conditional(stmt: &Stmt) -> bool {
    value_attrs(stmt).is_some_and(|attrs| attrs.iter().any(meta::is_cfg))
}

/// Returns the attributes of an expression with a value, or `None` for any other statement.
fn value_attrs(stmt: &Stmt) -> Option<&[Attribute]> {
    match stmt {
        Stmt::Expr(Expr::Block(expr), None) => Some(&expr.attrs),
        Stmt::Expr(Expr::Unsafe(expr), None) => Some(&expr.attrs),
        Stmt::Expr(Expr::If(expr), None) => Some(&expr.attrs),
        Stmt::Expr(Expr::Match(expr), None) => Some(&expr.attrs),
        Stmt::Expr(Expr::Loop(expr), None) => Some(&expr.attrs),
        // rustc allows no attributes on other expressions.
        Stmt::Expr(_, None) => Some(&[]),
        Stmt::Macro(mac) if mac.semi_token.is_none() => Some(&mac.attrs),
        Stmt::Expr(_, Some(_)) | Stmt::Macro(_) | Stmt::Local(_) | Stmt::Item(_) => None,
    }
}

/// A visitor that reports each `return` of anything but an error.
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

    // A `return` in a closure, async block or nested item does not return from the function.
    fn visit_expr_closure(&mut self, _: &'ast syn::ExprClosure) {}
    fn visit_expr_async(&mut self, _: &'ast syn::ExprAsync) {}
    fn visit_item(&mut self, _: &'ast Item) {}
}

/// Returns whether `expr` has the form `Ok(..)` or `Err(..)`.
pub(super) fn is_result(expr: &Expr) -> bool {
    calls(expr, "Ok") || calls(expr, "Err")
}

fn calls(expr: &Expr, name: &str) -> bool {
    let Expr::Call(call) = expr else { return false };
    let Expr::Path(path) = &*call.func else { return false };
    path.path.segments.last().is_some_and(|last| last.ident == name)
}

/// Returns whether `expr` has the form `Err(..)`.
fn is_err(expr: &Expr) -> bool {
    match expr {
        Expr::Call(_) => calls(expr, "Err"),
        Expr::Try(expr) => is_err(&expr.expr),
        Expr::Group(group) => is_err(&group.expr),
        Expr::Paren(paren) => is_err(&paren.expr),
        _ => false,
    }
}
