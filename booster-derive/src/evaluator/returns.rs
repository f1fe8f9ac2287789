//! The two forms of an evaluator function's return type.

use proc_macro2::Span;
use quote::ToTokens;
use syn::{GenericArgument, PathArguments, ReturnType, Signature, Type, TypePath};

use super::field_type;
use crate::ctxt::Ctxt;
use crate::library;

pub(super) enum Returns<'a> {
    /// `Result<Tensor>`, with diagnostics and output marked in the body.
    Loss { declared: &'a TypePath },
    /// `Result<(Loss, D, O)>`, with the user's own types.
    All { diagnostics: &'a Type, output: &'a Type },
}

/// Returns the form of the return type. Reports any other type and returns `None`.
pub(super) fn read<'a>(ctxt: &Ctxt, sig: &'a Signature) -> Option<Returns<'a>> {
    let culprit = match &sig.output {
        ReturnType::Type(_, ty) => match form(ty) {
            Some(returns) => {
                if let Returns::All { diagnostics, output } = &returns {
                    field_type::owned(ctxt, diagnostics, "the diagnostics");
                    field_type::owned(ctxt, output, "the output");
                }
                return Some(returns);
            }
            None => ty.to_token_stream(),
        },
        // A missing return type has no span, so the error points at the function's name.
        ReturnType::Default => sig.ident.to_token_stream(),
    };
    ctxt.error_with_help(
        culprit,
        "an evaluator must return `Result<Tensor>` or `Result<(Loss, D, O)>`",
        "write `-> booster::Result<Tensor>` rather than an alias, and mark diagnostics and output in the body",
    );
    None
}

/// Returns the span of the first token of the return type.
pub(super) fn start(sig: &Signature) -> Span {
    match &sig.output {
        ReturnType::Type(_, ty) => library::start(ty),
        ReturnType::Default => sig.ident.span(),
    }
}

fn form(ty: &Type) -> Option<Returns<'_>> {
    let declared = path(ty)?;
    if declared.path.segments.last()?.ident != "Result" {
        return None;
    }
    let value = value(declared)?;
    if is_loss(value) {
        return Some(Returns::Loss { declared });
    }
    let Type::Tuple(tuple) = ungrouped(value) else {
        return None;
    };
    let mut elems = tuple.elems.iter();
    match (elems.next(), elems.next(), elems.next(), elems.next()) {
        (Some(loss), Some(diagnostics), Some(output), None) if is_loss(loss) => {
            Some(Returns::All { diagnostics, output })
        }
        _ => None,
    }
}

/// Returns `ty` without enclosing parentheses and invisible groups.
pub(super) fn ungrouped(ty: &Type) -> &Type {
    match ty {
        Type::Group(group) => ungrouped(&group.elem),
        Type::Paren(paren) => ungrouped(&paren.elem),
        _ => ty,
    }
}

fn path(ty: &Type) -> Option<&TypePath> {
    match ungrouped(ty) {
        Type::Path(path) => Some(path),
        _ => None,
    }
}

/// Returns the `T` of `Result<T, ..>`.
fn value(result: &TypePath) -> Option<&Type> {
    let PathArguments::AngleBracketed(arguments) = &result.path.segments.last()?.arguments else {
        return None;
    };
    arguments.args.iter().find_map(|argument| match argument {
        GenericArgument::Type(ty) => Some(ty),
        _ => None,
    })
}

fn is_loss(ty: &Type) -> bool {
    path(ty)
        .and_then(|path| path.path.segments.last())
        .is_some_and(|last| last.ident == "Tensor" || last.ident == "Loss")
}

/// Replaces the `T` of `Result<T, ..>` with the type returned by `make`.
pub(super) fn with_value(declared: &TypePath, make: impl FnOnce(&Type) -> Type) -> TypePath {
    let mut result = declared.clone();
    if let Some(last) = result.path.segments.last_mut()
        && let PathArguments::AngleBracketed(arguments) = &mut last.arguments
    {
        let value = arguments.args.iter_mut().find_map(|argument| match argument {
            GenericArgument::Type(ty) => Some(ty),
            _ => None,
        });
        if let Some(value) = value {
            *value = make(value);
        }
    }
    result
}
