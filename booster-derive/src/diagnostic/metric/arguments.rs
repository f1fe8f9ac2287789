//! The numeric arguments of a reduction.

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use syn::parse::Parser;
use syn::punctuated::Punctuated;
use syn::{Expr, ExprLit, ExprUnary, Lit, Token, UnOp};

use crate::ctxt::Ctxt;
use crate::meta;
use crate::text::compact;

/// Returns the expressions of `(a, b)`, or `None` for anything else.
pub(super) fn arguments(rest: &TokenStream) -> Option<Vec<Expr>> {
    let mut tokens = rest.clone().into_iter();
    let (Some(TokenTree::Group(group)), None) = (tokens.next(), tokens.next()) else {
        return None;
    };
    if group.delimiter() != Delimiter::Parenthesis {
        return None;
    }
    let all = Punctuated::<Expr, Token![,]>::parse_terminated.parse2(group.stream()).ok()?;
    Some(all.into_iter().collect())
}

/// Returns the value of a literal, since a macro cannot evaluate other expressions.
pub(super) fn number(value: &Expr) -> Option<f64> {
    let value = match meta::ungrouped(value) {
        Expr::Unary(ExprUnary { op: UnOp::Neg(_), expr, .. }) => -number(expr)?,
        Expr::Lit(ExprLit { lit: Lit::Float(value), .. }) if value.suffix().is_empty() => value.base10_parse().ok()?,
        Expr::Lit(ExprLit { lit: Lit::Int(value), .. }) if value.suffix().is_empty() => {
            value.base10_digits().parse().ok()?
        }
        _ => return None,
    };
    // Adding zero normalizes negative zero, whose different bits would make a different reduction type.
    f64::is_finite(value).then_some(value + 0.0)
}

/// Returns the value of a literal, and reports any other expression.
pub(super) fn literal(ctxt: &Ctxt, value: &Expr, help: &str) -> Option<f64> {
    let found = number(value);
    if found.is_none() {
        ctxt.error_with_help(value, format_args!("expected a number, found `{}`", compact(value)), help);
    }
    found
}
