//! The bounds on field types in the generated implementations.

use quote::quote;
use syn::{Generics, Type, WherePredicate, parse_quote};

use super::ast::{Container, Field, Role};
use super::suited;
use crate::generics::{self, is_generic};
use crate::library::Library;

/// Returns the user's generics, with a bound for each field whose type needs one.
pub(super) fn generics(library: &Library, container: &Container<'_>) -> Generics {
    let all = &container.input.generics;
    let mut generics = all.clone();
    let fields = container.fields.iter();
    let predicates: Vec<WherePredicate> = fields.filter_map(|field| predicate(library, all, field)).collect();
    generics::add_predicates(&mut generics, predicates);
    generics::add_predicates(&mut generics, reductions(library, container));
    generics::add_predicates(&mut generics, suited_bounds(library, container));
    generics
}

fn predicate(library: &Library, all: &Generics, field: &Field<'_>) -> Option<WherePredicate> {
    let ty = field.ty();
    let bound = match &field.role {
        Role::Flatten => return Some(flattened(library, all, ty)),
        Role::Leaf(leaf) if leaf.samples => quote!(#library::SampleCount + ::core::marker::Send),
        Role::Leaf(_) => quote!(#library::Leaf + ::core::marker::Send),
        Role::BatchSize | Role::Skip => quote!(::core::marker::Send + 'static),
    };
    is_generic(all, ty).then(|| parse_quote!(#ty: #bound))
}

/// Returns the bound on the type of a flattened field.
///
/// For a type without parameters, a `for<..>` keeps rustc from checking the bound here, so that the only error is
/// the one on the type of the summary's field.
pub(super) fn flattened(library: &Library, all: &Generics, ty: &Type) -> WherePredicate {
    if is_generic(all, ty) {
        parse_quote!(#ty: #library::Diagnostic)
    } else {
        parse_quote!(for<'flatten> #ty: #library::Diagnostic)
    }
}

/// Returns the bounds on the custom reductions.
pub(super) fn reductions(library: &Library, container: &Container<'_>) -> Vec<WherePredicate> {
    container.custom_reductions().map(|ty| reduction(library, ty)).collect()
}

/// Returns the bound on a custom reduction.
///
/// The `for<..>` keeps rustc from checking the bound here, so that the only error is the one on the field in the
/// group's summary.
pub(super) fn reduction(library: &Library, ty: &Type) -> WherePredicate {
    let root = library.root();
    parse_quote!(for<'reduction> #ty: #root::Reduction)
}

/// Returns the bounds that reductions place on field types that mention a parameter.
fn suited_bounds(library: &Library, container: &Container<'_>) -> Vec<WherePredicate> {
    let all = &container.input.generics;
    let fields = suited::checked(container).filter(|(field, _)| is_generic(all, field.ty()));
    let bounds = fields.flat_map(|(field, metrics)| {
        let ty = field.ty();
        metrics.into_iter().map(move |metric| {
            let reduce = metric.reduce.ty(library);
            parse_quote!(#ty: #library::ReducedBy<#reduce>)
        })
    });
    bounds.collect()
}
