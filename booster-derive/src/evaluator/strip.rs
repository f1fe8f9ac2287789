//! Removal of our attributes from the user's function, which is emitted along with errors.

use syn::visit_mut::{self, VisitMut};
use syn::{Attribute, Expr, FnArg, Item, ItemFn, Local, Pat, Type, parse_quote};

use super::{marked, signature};
use crate::meta::is_doc;

/// Removes everything from `function` that only this macro understands.
pub(super) fn markers(mut function: ItemFn) -> ItemFn {
    for input in &mut function.sig.inputs {
        // rustc rejects doc comments on arguments.
        match input {
            FnArg::Typed(input) => input.attrs.retain(|attr| !is_doc(attr)),
            FnArg::Receiver(receiver) => receiver.attrs.retain(|attr| !is_doc(attr)),
        }
    }
    marked::strip(&mut function.attrs);
    function.attrs.retain(|attr| !signature::is_evaluator(attr));
    Strip.visit_signature_mut(&mut function.sig);
    Strip.visit_block_mut(&mut function.block);
    function
}

/// A visitor that replaces each `impl Trait`, so that rustc does not repeat an error already reported.
struct Unnamed;

impl VisitMut for Unnamed {
    fn visit_type_mut(&mut self, ty: &mut Type) {
        if let Type::ImplTrait(_) = ty {
            *ty = parse_quote!(_);
        }
        visit_mut::visit_type_mut(self, ty);
    }
}

struct Strip;

impl VisitMut for Strip {
    fn visit_attributes_mut(&mut self, attrs: &mut Vec<Attribute>) {
        marked::strip(attrs);
    }

    fn visit_local_mut(&mut self, local: &mut Local) {
        if marked::is_marked(&local.attrs) {
            local.attrs.retain(|attr| !is_doc(attr));
            if let Pat::Type(typed) = &mut local.pat {
                Unnamed.visit_type_mut(&mut typed.ty);
            }
        }
        visit_mut::visit_local_mut(self, local);
    }

    // Half-typed code does not parse and is kept as verbatim tokens.
    fn visit_expr_mut(&mut self, expr: &mut Expr) {
        if let Expr::Verbatim(tokens) = expr {
            *tokens = marked::stripped_tokens(tokens.clone());
        }
        visit_mut::visit_expr_mut(self, expr);
    }

    fn visit_item_mut(&mut self, item: &mut Item) {
        if !marked::reads_its_own(item) {
            visit_mut::visit_item_mut(self, item);
        }
    }
}
