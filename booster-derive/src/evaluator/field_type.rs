//! Syntactic checks of the types of generated fields.

use quote::ToTokens;
use syn::visit::{self, Visit};
use syn::{Lifetime, Type, TypeReference};

use crate::ctxt::Ctxt;
use crate::text::compact;

/// Reports a field type with borrowed, inferred, unnamed or unsized parts.
pub(super) fn owned(ctxt: &Ctxt, ty: &Type, what: &str) {
    if let Some(instead) = sized_instead(ty) {
        ctxt.error_with_help(
            ty,
            format_args!("{what} must have a size known at compile time, found `{}`", compact(ty)),
            format_args!("use {instead}"),
        );
        return;
    }
    Owned { ctxt, what }.visit_type(ty);
}

/// Returns a sized replacement for an unsized type, or `None` for a sized type.
fn sized_instead(ty: &Type) -> Option<String> {
    match ty {
        Type::Slice(slice) => Some(format!("`&Vec<{}>`", compact(&slice.elem))),
        Type::TraitObject(_) => Some("a type parameter or an `enum`".to_owned()),
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
            format_args!("{} cannot have an inferred type", self.what),
            "write out the type: it becomes the type of a field",
        );
    }

    fn visit_type_impl_trait(&mut self, ty: &'ast syn::TypeImplTrait) {
        self.ctxt.error_with_help(
            ty,
            format_args!("{} cannot be of type `impl Trait`", self.what),
            "name the type, for example with a type parameter of the function",
        );
    }

    // References in a function signature do not borrow from the field.
    fn visit_type_fn_ptr(&mut self, _: &'ast syn::TypeFnPtr) {}

    fn visit_parenthesized_generic_arguments(&mut self, _: &'ast syn::ParenthesizedGenericArguments) {}
}

impl Owned<'_> {
    fn borrowed(&self, token: impl ToTokens) {
        self.ctxt.error_with_help(
            token,
            format_args!("{} cannot contain borrowed data", self.what),
            "evaluators, batches and diagnostics outlive the call: use an owned type",
        );
    }
}

/// Reports the `mut` of a `&mut`.
pub(super) fn mutable(ctxt: &Ctxt, mutability: syn::Token![mut]) {
    ctxt.error_with_help(
        mutability,
        "evaluator arguments cannot be `&mut`",
        "replicas run the evaluator concurrently: use a shared reference",
    );
}
