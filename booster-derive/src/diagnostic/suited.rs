//! The check that each reduction supports its field's type, reported at the reduction.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};

use super::ast::{Container, Field, Metric};
use crate::generics::is_generic;
use crate::library::{Library, located_at, shown_at, start_of};

/// Returns the fields with reductions that support only some leaf types, and the metrics of those reductions.
pub(super) fn checked<'s>(container: &'s Container<'_>) -> impl Iterator<Item = (&'s Field<'s>, Vec<&'s Metric>)> {
    let leaves = container.fields.iter().filter_map(|field| Some((field, field.leaf()?)));
    let checked = leaves.map(|(field, leaf)| {
        (field, leaf.metrics.iter().filter(|metric| !metric.reduce.takes_every_leaf()).collect::<Vec<_>>())
    });
    checked.filter(|(_, metrics)| !metrics.is_empty())
}

/// Generates the check for types that mention no parameter.
pub(super) fn check(library: &Library, container: &Container<'_>) -> Option<TokenStream> {
    let all = &container.input.generics;
    let fields = checked(container).filter(|(field, _)| !is_generic(all, field.ty()));
    let checks = fields.map(|(field, metrics)| {
        let ty = field.ty();
        let checks = metrics.into_iter().map(|metric| {
            let near = start_of(&metric.word);
            let (library, reduce) = (located_at(quote!(#library), near), located_at(metric.reduce.ty(library), near));
            quote_spanned!(shown_at(near)=> #library::Reduced::<__Leaf, #reduce>::check();)
        });
        // An alias for the type lets the whole check have the span of the reduction.
        quote!({
            type __Leaf = #ty;
            #(#checks)*
        })
    });
    let checks = checks.collect::<TokenStream>();
    (!checks.is_empty()).then(|| {
        quote! {
            const _: fn() = || {
                use #library::Unchecked as _;
                #checks
            };
        }
    })
}
