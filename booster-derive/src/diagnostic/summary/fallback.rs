//! Placeholders for the summary of an erroneous struct, with its valid groups and metrics.

use std::collections::BTreeSet;

use proc_macro2::TokenStream;
use quote::quote;
use syn::Generics;

use super::Summary;
use crate::diagnostic::ast::Metric;
use crate::diagnostic::attr::GroupName;
use crate::fallback::InError;
use crate::names;

impl Summary<'_> {
    /// Generates placeholders for the structs, without fields that may be invalid. Access to an omitted field causes no
    /// error.
    pub(in crate::diagnostic) fn fallback(&self, in_error: &InError<'_>) -> TokenStream {
        let mut seen = BTreeSet::new();
        let groups = self.container.groups.iter();
        let groups: Vec<_> = groups.filter(|group| seen.insert(names::upper_camel(&group.name))).collect();
        let fields = groups.iter().map(|group| {
            let (ident, ty, vis) = (&group.ident, self.group_ident(group), self.vis);
            quote!(#vis #ident: #ty,)
        });
        let summary = in_error.structure(&self.ident, &self.generics, &fields.collect());
        let groups = groups.iter().map(|group| {
            in_error.structure(&self.group_ident(group), &Generics::default(), &self.known_metrics(group))
        });
        quote!(#summary #(#groups)*)
    }

    fn known_metrics(&self, group: &GroupName) -> TokenStream {
        let mut seen = BTreeSet::new();
        let metrics = self.container.leaves(group).flat_map(|(_, leaf)| leaf.metrics.iter().map(move |it| (leaf, it)));
        let metrics = metrics
            .filter(|(_, Metric { ident, reduce, .. })| reduce.custom().is_none() && seen.insert(names::plain(ident)));
        let vis = self.vis;
        let fields = metrics.map(|(leaf, Metric { ident, reduce, .. })| {
            let ty = self.value_ty(leaf, reduce.value());
            quote!(#vis #ident: #ty,)
        });
        fields.collect()
    }
}
