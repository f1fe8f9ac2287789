//! The parameters of an evaluator: the function's arguments after the mode.

use quote::ToTokens;
use syn::parse::discouraged::Speculative;
use syn::{Attribute, Expr, Ident, Meta, Pat, PatType, Token, Type};

use super::field_type;
use super::marked::markers;
use super::returns::ungrouped;
use crate::ctxt::Ctxt;
use crate::meta::{self, Argument};
use crate::text::compact;

/// A parameter, such as `#[param] beta: f64`.
pub(super) struct Param<'a> {
    pub(super) ident: &'a Ident,
    /// The type of the field: `T` for an argument `&T`.
    pub(super) ty: &'a Type,
    /// Whether the argument borrows the field instead of cloning it.
    pub(super) by_reference: bool,
    /// The default value, or `None` if the parameter is an argument of `new`.
    pub(super) default: Option<Expr>,
    attrs: &'a [Attribute],
}

impl<'a> Param<'a> {
    /// Parses a parameter. Reports an invalid argument and returns `None`.
    pub(super) fn read(ctxt: &Ctxt, input: &'a PatType) -> Option<Self> {
        let mut attrs = input.attrs.iter().filter(|attr| attr.path().is_ident("param"));
        let Some(attr) = attrs.next() else {
            if let Some(conditional) = markers(&input.attrs).iter().find(|marker| marker.is("param")) {
                under_a_condition(ctxt, conditional);
                return None;
            }
            let written = compact(&input.pat);
            ctxt.error_with_help(
                &input.pat,
                format_args!("argument `{written}` after the mode must be marked `#[param]`"),
                format_args!("write `#[param] {written}` to make it a field of the evaluator"),
            );
            return None;
        };
        for second in attrs {
            ctxt.error_with_help(second, "duplicate `#[param]`", "remove one of them");
        }
        meta::cfgs(&input.attrs).for_each(|cfg| under_a_condition(ctxt, cfg));
        let default = default(ctxt, attr);
        let ident = match &*input.pat {
            Pat::Ident(pat) if pat.by_ref.is_none() && pat.subpat.is_none() => &pat.ident,
            pat => {
                ctxt.error_with_help(
                    pat,
                    "expected a plain identifier for this parameter",
                    "the identifier becomes a field name: destructure the parameter in the function body",
                );
                return None;
            }
        };
        let (ty, by_reference) = behind(ctxt, &input.ty)?;
        field_type::owned(ctxt, ty, "a parameter");
        Some(Self { ident, ty, by_reference, default, attrs: &input.attrs })
    }

    pub(super) fn docs(&self) -> impl Iterator<Item = &'a Attribute> {
        meta::docs(self.attrs)
    }
}

fn under_a_condition(ctxt: &Ctxt, condition: impl ToTokens) {
    ctxt.error_with_help(
        condition,
        "a parameter cannot depend on `#[cfg]`",
        "apply `#[cfg]` to the function, and write a second function for the other case",
    );
}

/// Returns the type of the field for an argument of type `ty`, and whether the argument borrows the field.
fn behind<'a>(ctxt: &Ctxt, ty: &'a Type) -> Option<(&'a Type, bool)> {
    let Type::Reference(reference) = ungrouped(ty) else {
        return Some((ty, false));
    };
    if let Some(mutability) = &reference.mutability {
        field_type::mutable(ctxt, *mutability);
        return None;
    }
    // A `&'static T` needs no owner, so the field stores the reference itself.
    if reference.lifetime.as_ref().is_some_and(|lifetime| lifetime.ident == "static") {
        return Some((ty, false));
    }
    Some((&reference.elem, true))
}

/// Parses `#[param]` or `#[param(default = expression)]`, and returns the default, if any.
fn default(ctxt: &Ctxt, attr: &Attribute) -> Option<Expr> {
    if matches!(attr.meta, Meta::Path(_)) {
        return None;
    }
    let mut default = None;
    meta::arguments(ctxt, attr, "`#[param]` or `#[param(default = 0.1)]`", |meta| {
        if !meta.path.is_ident("default") {
            meta::unknown(ctxt, &meta, "attribute", &["default"]);
        } else if default.is_some() {
            ctxt.error_with_help(&meta.path, "duplicate `default`", "remove one of them");
            meta::skip_argument(meta.input);
        } else {
            default = value(ctxt, &meta);
        }
    });
    default
}

/// Parses the `= expression` of `default = expression`. Reports a missing expression and returns `None`.
fn value(ctxt: &Ctxt, meta: &Argument<'_>) -> Option<Expr> {
    let ahead = meta.input.fork();
    let Ok(value) = ahead.parse::<Token![=]>().and_then(|_| ahead.parse::<Expr>()) else {
        ctxt.error_with_help(
            &meta.path,
            "`default` takes an expression after `=`",
            "write `default = 0.1`, or another expression of the parameter's type",
        );
        meta::skip_argument(meta.input);
        return None;
    };
    meta.input.advance_to(&ahead);
    Some(value)
}
