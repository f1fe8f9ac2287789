//! The type of a field of a generated struct, as far as a macro can tell what is wrong with it.

use quote::ToTokens;
use syn::visit::{self, Visit};
use syn::{Lifetime, Type, TypeReference};

use crate::ctxt::Ctxt;
use crate::text::compact;

/// Reports what a field's type cannot have: borrowed, inferred, unnamed or unsized parts.
pub(super) fn owned(ctxt: &Ctxt, ty: &Type, what: &str) {
    if let Some(instead) = sized_instead(ty) {
        ctxt.error_with_help(
            ty,
            format_args!("{what} has a size known at compile time, `{}` has not", compact(ty)),
            format_args!("take {instead}"),
        );
        return;
    }
    Owned { ctxt, what }.visit_type(ty);
}

/// What to take in place of an unsized type; none for another type.
fn sized_instead(ty: &Type) -> Option<String> {
    match ty {
        Type::Slice(slice) => Some(format!("`&Vec<{}>`", compact(&slice.elem))),
        Type::TraitObject(_) => Some("an argument of a type parameter, or of an `enum`".to_owned()),
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
            format_args!("{} has its type written out", self.what),
            "it becomes the type of a field",
        );
    }

    fn visit_type_impl_trait(&mut self, ty: &'ast syn::TypeImplTrait) {
        self.ctxt.error_with_help(
            ty,
            format_args!("{} cannot be of type `impl Trait`", self.what),
            "name the type: a type parameter of the function is one of the evaluator",
        );
    }

    // References between the arguments and the result of a function are its own.
    fn visit_type_fn_ptr(&mut self, _: &'ast syn::TypeFnPtr) {}

    fn visit_parenthesized_generic_arguments(&mut self, _: &'ast syn::ParenthesizedGenericArguments) {}
}

impl Owned<'_> {
    fn borrowed(&self, token: impl ToTokens) {
        self.ctxt.error_with_help(
            token,
            format_args!("{} cannot hold a borrow", self.what),
            "evaluators, batches and diagnostics outlive the call: use an owned type",
        );
    }
}

/// Reports a `mut` behind a `&`.
pub(super) fn mutable(ctxt: &Ctxt, mutability: syn::Token![mut]) {
    ctxt.error_with_help(
        mutability,
        "an evaluator takes nothing by `&mut`",
        "replicas run it at the same time: take a shared reference",
    );
}
