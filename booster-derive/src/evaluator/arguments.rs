//! The arguments: model, batch and mode by position, then parameters.

use syn::parse::discouraged::Speculative;
use syn::visit_mut::{self, VisitMut};
use syn::{
    Attribute, Expr, FnArg, GenericParam, Generics, Ident, ItemFn, Meta, Pat, PatType, Token, Type, parse_quote,
};

use super::ast::Evaluator;
use super::check;
use crate::ctxt::Ctxt;
use crate::meta::{self, Argument};
use crate::text::compact;
use crate::{generics, names};

pub(super) struct Arguments<'a> {
    /// Behind the reference, with a parameter for each `impl Trait`.
    pub(super) model: Type,
    /// Likewise.
    pub(super) batch: Type,
    /// The type as written.
    pub(super) mode: &'a Type,
    pub(super) params: Vec<Param<'a>>,
}

/// `#[param] beta: f64`.
pub(super) struct Param<'a> {
    pub(super) ident: &'a Ident,
    /// The field's type: for an argument `&T` it is `T`.
    pub(super) ty: &'a Type,
    /// Whether the argument is lent the field, in place of a clone of it.
    pub(super) by_reference: bool,
    /// None where `new` takes the parameter.
    pub(super) default: Option<Expr>,
    attrs: &'a [Attribute],
}

impl<'a> Arguments<'a> {
    /// None, and reported, where they are in error; adds a parameter to `generics` for each
    /// `impl Trait`.
    pub(super) fn read(ctxt: &Ctxt, function: &'a ItemFn, generics: &mut Generics) -> Option<Self> {
        let sig = &function.sig;
        let inputs = sig.inputs.iter().filter_map(|input| match input {
            FnArg::Typed(input) => Some(input),
            FnArg::Receiver(_) => None,
        });
        let inputs: Vec<&PatType> = inputs.collect();
        let params: Vec<_> = inputs.iter().skip(3).map(|input| param(ctxt, input)).collect();
        let first = inputs.iter().take(3).flat_map(|input| &input.attrs);
        if let Some(attr) = first.into_iter().find(|attr| is_param(attr)) {
            ctxt.error_with_help(
                attr,
                "the first three arguments are the model, the batch and the mode",
                "write `(model: &Net, batch: &Images, mode: Mode, #[param] ..)`",
            );
            return None;
        }
        let [model, batch, mode, ..] = inputs[..] else {
            ctxt.error_with_help(
                // There is nothing to point at but the name.
                &sig.ident,
                "an evaluator takes the model, the batch and the mode",
                "write `(model: &Net, batch: &Images, mode: Mode)`",
            );
            return None;
        };
        let model = lent(ctxt, function, generics, &model.ty, &MODEL);
        let batch = lent(ctxt, function, generics, &batch.ty, &BATCH);
        Some(Self { model: model?, batch: batch?, mode: &mode.ty, params: params.into_iter().collect::<Option<_>>()? })
    }
}

/// An argument that is lent for the call.
struct Lent {
    what: &'static str,
    /// The name of the type parameter for an `impl Trait`.
    param: &'static str,
    usage: &'static str,
}

const MODEL: Lent = Lent { what: "the model", param: "Model", usage: "write `model: &Net`" };
const BATCH: Lent = Lent { what: "the batch", param: "Batch", usage: "write `batch: &Images`" };

/// The type behind the reference, with a parameter for each `impl Trait`.
fn lent(ctxt: &Ctxt, function: &ItemFn, generics: &mut Generics, ty: &Type, lent: &Lent) -> Option<Type> {
    let Type::Reference(reference) = ungrouped(ty) else {
        ctxt.error_with_help(ty, format_args!("{} is taken by reference", lent.what), lent.usage);
        return None;
    };
    if let Some(mutability) = &reference.mutability {
        check::mutable(ctxt, *mutability);
        return None;
    }
    if let Some(lifetime) = &reference.lifetime
        && lifetime.ident == "static"
    {
        ctxt.error_with_help(lifetime, format_args!("{} is lent for the call alone", lent.what), lent.usage);
    }
    let mut named = (*reference.elem).clone();
    let mut anonymous = NameImplTrait { function, name: lent.param, params: Vec::new() };
    anonymous.visit_type_mut(&mut named);
    generics.params.extend(anonymous.params);
    check::owned(ctxt, &named, lent.what);
    Some(named)
}

/// Replaces each `impl Trait` by a type parameter of its own.
struct NameImplTrait<'a> {
    function: &'a ItemFn,
    name: &'static str,
    params: Vec<GenericParam>,
}

impl VisitMut for NameImplTrait<'_> {
    fn visit_type_mut(&mut self, ty: &mut Type) {
        // From the inside, since a bound may hold another `impl Trait`.
        visit_mut::visit_type_mut(self, ty);
        if let Type::ImplTrait(anonymous) = ty {
            let taken: Vec<String> = self.params.iter().map(generics::name_of).collect();
            let name = Evaluator::unused_name(self.function, self.name, &taken);
            let ident = names::generated(&name, anonymous.impl_token.span);
            let bounds = &anonymous.bounds;
            self.params.push(parse_quote!(#ident: #bounds));
            *ty = parse_quote!(#ident);
        }
    }
}

fn is_param(attr: &Attribute) -> bool {
    attr.path().is_ident("param")
}

fn ungrouped(ty: &Type) -> &Type {
    match ty {
        Type::Group(group) => ungrouped(&group.elem),
        Type::Paren(paren) => ungrouped(&paren.elem),
        _ => ty,
    }
}

/// An argument behind the mode; none, and reported, where it is in error.
fn param<'a>(ctxt: &Ctxt, input: &'a PatType) -> Option<Param<'a>> {
    let mut attrs = input.attrs.iter().filter(|attr| is_param(attr));
    let Some(attr) = attrs.next() else {
        let written = compact(&input.pat);
        ctxt.error_with_help(
            &input.pat,
            format_args!("argument `{written}` is neither model, batch nor mode"),
            format_args!("write `#[param] {written}`, which makes it a field of the evaluator"),
        );
        return None;
    };
    for second in attrs {
        ctxt.error_with_help(second, "duplicate `#[param]`", "remove one of them");
    }
    for cfg in meta::cfgs(&input.attrs) {
        ctxt.error_with_help(
            cfg,
            "a parameter cannot depend on `#[cfg]`",
            "put the `#[cfg]` on the function, and a second function beside it",
        );
    }
    let default = default(ctxt, attr);
    let Pat::Ident(pat) = &*input.pat else {
        plain_name(ctxt, &input.pat);
        return None;
    };
    if pat.by_ref.is_some() || pat.subpat.is_some() {
        plain_name(ctxt, &input.pat);
        return None;
    }
    let (ty, by_reference) = field_type(ctxt, &input.ty)?;
    check::owned(ctxt, ty, "a parameter");
    Some(Param { ident: &pat.ident, ty, by_reference, default, attrs: &input.attrs })
}

fn plain_name(ctxt: &Ctxt, pat: &Pat) {
    ctxt.error_with_help(
        pat,
        "a parameter has a plain name",
        "its name becomes that of a field: take it apart in the function's body",
    );
}

/// The field behind an argument, and whether the argument is a reference to it.
fn field_type<'a>(ctxt: &Ctxt, ty: &'a Type) -> Option<(&'a Type, bool)> {
    let Type::Reference(reference) = ungrouped(ty) else {
        return Some((ty, false));
    };
    if let Some(mutability) = &reference.mutability {
        check::mutable(ctxt, *mutability);
        return None;
    }
    // A `&'static T` is not lent by the evaluator, it is a value to keep.
    if reference.lifetime.as_ref().is_some_and(|lifetime| lifetime.ident == "static") {
        return Some((ty, false));
    }
    Some((&reference.elem, true))
}

/// Reads `#[param]` or `#[param(default = expression)]`.
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

/// Reads `= expression` of `default = expression`; none, and reported, where there is none.
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

impl<'a> Param<'a> {
    pub(super) fn docs(&self) -> impl Iterator<Item = &'a Attribute> {
        meta::docs(self.attrs)
    }
}
