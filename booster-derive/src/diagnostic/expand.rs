//! `impl Diagnostic`: how an aggregator reaches the leaves.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Generics, Type, WherePredicate, parse_quote};

use super::ast::{Container, Field, Role};
use super::suited;
use super::summary::Summary;
use crate::generics::{self, is_generic};
use crate::library::Library;
use crate::meta;

/// All that the derive emits.
pub(super) fn container(library: &Library, container: &Container<'_>) -> TokenStream {
    let summary = Summary::new(library, container);
    let structs = summary.structs();
    let lints = lints(container);
    let diagnostic = impl_diagnostic(library, container, &summary);
    let check = summary.check();
    let suited = suited::check(library, container);
    let summary = summary.impls();
    quote! {
        #structs

        #lints
        const _: () = {
            #diagnostic
            #summary
            #check
            #suited
        };
    }
}

/// Lint levels for the implementations.
fn lints(container: &Container<'_>) -> TokenStream {
    let mut lints = meta::lint_levels(&container.input.attrs);
    let fields = container.fields.iter().flat_map(|field| &field.original.attrs);
    if (container.input.attrs.iter().chain(fields)).any(|attr| attr.path().is_ident("deprecated")) {
        // The user is warned where the field is used, not where it is declared.
        lints.extend(quote!(#[allow(deprecated)]));
    }
    lints
}

fn impl_diagnostic(library: &Library, container: &Container<'_>, summary: &Summary<'_>) -> TokenStream {
    let ident = &container.input.ident;
    let generics = impl_generics(library, container);
    let (impl_generics, ty_generics, where_clause) = generics.split_for_impl();
    let summary = summary.ty();
    let visits: TokenStream = container.fields.iter().map(|field| visit(library, field, &Access::SHARED)).collect();
    let visits_mut: TokenStream =
        container.fields.iter().map(|field| visit(library, field, &Access::MUTABLE)).collect();
    let leaves = if visits.is_empty() { quote!(_) } else { quote!(leaves) };
    quote! {
        #[automatically_derived]
        impl #impl_generics #library::Diagnostic for #ident #ty_generics #where_clause {
            type Summary = #summary;

            fn visit<'leaves>(&'leaves self, #leaves: &mut #library::Leaves<'leaves>) {
                #visits
            }

            fn visit_mut<'leaves>(&'leaves mut self, #leaves: &mut #library::LeavesMut<'leaves>) {
                #visits_mut
            }
        }
    }
}

/// How one of the two visits reaches a field.
struct Access {
    mutable: bool,
    leaf: &'static str,
    samples: &'static str,
    visit: &'static str,
}

impl Access {
    const SHARED: Self = Self { mutable: false, leaf: "leaf_ref", samples: "count_ref", visit: "visit" };
    const MUTABLE: Self = Self { mutable: true, leaf: "leaf_mut", samples: "count_mut", visit: "visit_mut" };
}

fn visit(library: &Library, field: &Field<'_>, access: &Access) -> TokenStream {
    let (ident, ty) = (field.ident, field.ty());
    let mutability = access.mutable.then(|| quote!(mut));
    let place = quote!(&#mutability self.#ident);
    match &field.role {
        Role::Leaf(leaf) => {
            let (of, method) = if leaf.samples { ("SampleCount", access.samples) } else { ("Leaf", access.leaf) };
            let method = library.method(ty, of, method);
            quote!(leaves.push(#method(#place));)
        }
        Role::Flatten => {
            let method = library.method(ty, "Diagnostic", access.visit);
            quote!(#method(#place, leaves);)
        }
        Role::BatchSize if !access.mutable => quote!(leaves.batch_size(self.#ident);),
        Role::BatchSize | Role::Skip => TokenStream::new(),
    }
}

/// The user's generics, and a bound for each field whose type needs one.
fn impl_generics(library: &Library, container: &Container<'_>) -> Generics {
    let all = &container.input.generics;
    let mut generics = all.clone();
    let fields = container.fields.iter();
    let predicates: Vec<WherePredicate> = fields.filter_map(|field| predicate(library, all, field)).collect();
    generics::add_predicates(&mut generics, predicates);
    generics::add_predicates(&mut generics, reduction_bounds(library, container));
    generics::add_predicates(&mut generics, suited::bounds(library, container));
    generics
}

fn predicate(library: &Library, all: &Generics, field: &Field<'_>) -> Option<WherePredicate> {
    let ty = field.ty();
    let bound = match &field.role {
        Role::Flatten => return Some(flattened_bound(library, all, ty)),
        Role::Leaf(leaf) if leaf.samples => quote!(#library::SampleCount + ::core::marker::Send),
        Role::Leaf(_) => quote!(#library::Leaf + ::core::marker::Send),
        Role::BatchSize | Role::Skip => quote!(::core::marker::Send + 'static),
    };
    is_generic(all, ty).then(|| parse_quote!(#ty: #bound))
}

/// The bound on the type of a flattened field.
///
/// Quantified where it mentions no parameter: rustc takes such a bound on trust. Where it is false,
/// the one error is that of the summary's field, on the type, and the implementations stay quiet.
pub(super) fn flattened_bound(library: &Library, all: &Generics, ty: &Type) -> WherePredicate {
    if is_generic(all, ty) {
        parse_quote!(#ty: #library::Diagnostic)
    } else {
        parse_quote!(for<'flatten> #ty: #library::Diagnostic)
    }
}

/// The bounds on the user's own reductions.
pub(super) fn reduction_bounds(library: &Library, container: &Container<'_>) -> Vec<WherePredicate> {
    container.custom_reductions().map(|ty| reduction_bound(library, ty)).collect()
}

/// The bound on a reduction of the user's, on trust for the same reason: the one error is that of the
/// field in its group's summary.
pub(super) fn reduction_bound(library: &Library, ty: &Type) -> WherePredicate {
    let root = library.root();
    parse_quote!(for<'reduction> #ty: #root::Reduction)
}
