//! The summary of a diagnostics struct: a struct of groups, which are structs of metrics.

mod fallback;
mod traits;
mod values;

use proc_macro2::{Ident, TokenStream};
use quote::{quote, quote_spanned};
use syn::{Generics, Type, Visibility};

use crate::diagnostic::ast::{Container, Field, Leaf};
use crate::diagnostic::attr::GroupName;
use crate::diagnostic::bounds;
use crate::diagnostic::reduce::Value;
use crate::generics::{self, Names, is_generic};
use crate::library::{Library, shown_at};
use crate::{meta, names};

/// The structs of a summary.
pub(super) struct Summary<'a> {
    library: &'a Library,
    container: &'a Container<'a>,
    vis: &'a Visibility,
    ident: Ident,
    generics: Generics,
    /// The user's generics, with the additional bounds of the generated `impl` blocks.
    impl_generics: Generics,
    /// The parameters that occur in bounds but in no field.
    unused: Names,
}

impl<'a> Summary<'a> {
    pub(super) fn new(library: &'a Library, container: &'a Container<'a>) -> Self {
        let all = &container.input.generics;
        let types = || container.flattened().map(Field::ty);
        let used = generics::mentioned_in(all, types());
        let kept = generics::closure(all, used.clone());
        let mut restricted = generics::restricted(all, &kept);
        let bound = |ty: &Type| bounds::flattened(library, all, ty);
        let (generic, concrete): (Vec<&Type>, Vec<&Type>) = types().partition(|ty| is_generic(all, ty));
        generics::add_predicates(&mut restricted, generic.into_iter().map(bound));
        let mut impl_generics = restricted.clone();
        generics::add_predicates(&mut impl_generics, concrete.into_iter().map(bound));
        generics::add_predicates(&mut impl_generics, bounds::reductions(library, container));
        let ident = &container.input.ident;
        let derived = || names::generated(&format!("{}Summary", names::plain(ident)), ident.span());
        Self {
            library,
            container,
            vis: &container.input.vis,
            ident: container.summary.map_or_else(derived, names::again),
            generics: restricted,
            impl_generics,
            unused: &kept - &used,
        }
    }

    /// Returns the type of the summary, with the user's parameters as arguments.
    pub(super) fn ty(&self) -> TokenStream {
        let ident = &self.ident;
        let (_, ty_generics, _) = self.generics.split_for_impl();
        quote!(#ident #ty_generics)
    }

    /// Returns the name of a group's struct, prefixed with the summary's name to make it unique.
    fn group_ident(&self, group: &GroupName) -> Ident {
        let name = format!("{}{}", self.ident, names::upper_camel(&group.name));
        names::generated(&name, self.ident.span())
    }

    fn marker(&self) -> Option<TokenStream> {
        let phantom = generics::phantom(&self.generics, &self.unused);
        (!self.unused.is_empty())
            .then(|| quote!(#[doc(hidden)] __marker: ::core::marker::PhantomData<fn() -> #phantom>,))
    }

    fn flattened_ty(&self, ty: &Type) -> TokenStream {
        self.library.method(ty, "Diagnostic", "Summary")
    }

    pub(super) fn structs(&self) -> TokenStream {
        let Self { vis, ident, container, generics, .. } = self;
        let groups = container.groups.iter().map(|group| {
            let (ident, ty) = (&group.ident, self.group_ident(group));
            let doc = meta::doc(&format!("Group `{}`.", group.name));
            quote!(#doc #vis #ident: #ty,)
        });
        let flattened = container.flattened().map(|field| {
            let (ident, ty) = (field.ident, self.flattened_ty(field.ty()));
            let doc = meta::doc(&format!("Summary of the flattened field `{}`.", field.name()));
            quote!(#doc #vis #ident: #ty,)
        });
        let marker = self.marker();
        let doc = meta::doc(&format!("Summary of [`{}`], with its metrics by group.", container.input.ident));
        let lints = self.lints(container.groups.iter().map(|group| &group.name));
        let where_clause = &generics.where_clause;
        // Spanned at the name, so that a conflict with a struct of the same name is reported there.
        let fields = quote_spanned!(shown_at(ident.span())=> {
            #(#groups)*
            #(#flattened)*
            #marker
        });
        let group_structs = container.groups.iter().map(|group| self.group_struct(group));
        quote! {
            #doc
            #lints
            #vis struct #ident #generics #where_clause #fields

            #(#group_structs)*
        }
    }

    /// Returns the lint levels for a generated struct with these field names.
    fn lints<'n>(&self, mut fields: impl Iterator<Item = &'n String>) -> TokenStream {
        let mut lints = meta::lint_levels(&self.container.input.attrs);
        if fields.any(|name| !names::is_snake(name)) {
            // The user chose the case of group and metric names.
            lints.extend(quote!(#[allow(non_snake_case)]));
        }
        lints
    }

    fn group_struct(&self, group: &GroupName) -> TokenStream {
        let vis = self.vis;
        let ident = self.group_ident(group);
        let doc = meta::doc(&format!("Group `{}` of [`{}`].", group.name, self.ident));
        let mut metric_names = Vec::new();
        let mut fields = TokenStream::new();
        let mut copy = true;
        for (field, leaf) in self.container.leaves(group) {
            let docs: Vec<_> = meta::docs(&field.original.attrs).collect();
            let blank = (!docs.is_empty()).then(|| quote!(#[doc = ""]));
            for metric in &leaf.metrics {
                let (name, value) = (&metric.ident, metric.reduce.value());
                let ty = self.value_ty(leaf, value);
                let reduced = meta::doc(&metric.reduce.sentence());
                copy &= value.is_number();
                metric_names.push(names::plain(name));
                fields.extend(quote!(#(#docs)* #blank #reduced #vis #name: #ty,));
            }
        }
        let lints = self.lints(metric_names.iter());
        let copy = copy.then(|| quote!(::core::marker::Copy,));
        let derives = quote!(#[derive(::core::clone::Clone, #copy ::core::fmt::Debug, ::core::cmp::PartialEq)]);
        // The type of a custom reduction might not implement `Reduction`. So that only its field causes an error,
        // bounded `impl` blocks replace the derives, and a final field makes the size of the group known.
        let (derives, marker) = if self.custom(group).next().is_some() {
            (None, Some(quote!(#[doc(hidden)] __marker: ::core::marker::PhantomData<()>,)))
        } else {
            (Some(derives), None)
        };
        let fields = quote_spanned!(shown_at(ident.span())=> { #fields #marker });
        quote! {
            #doc
            #lints
            #derives
            #vis struct #ident #fields
        }
    }

    /// Returns the custom reductions in `group`.
    fn custom<'s>(&'s self, group: &GroupName) -> impl Iterator<Item = &'s Type> {
        let metrics = self.container.leaves(group).flat_map(|(_, leaf)| &leaf.metrics);
        metrics.filter_map(|metric| metric.reduce.custom())
    }

    /// Returns the type of a metric's field.
    fn value_ty(&self, leaf: &Leaf, value: Value<'_>) -> TokenStream {
        let ty = value.ty(self.library);
        if leaf.optional { quote!(::core::option::Option<#ty>) } else { ty }
    }

    /// Returns the fields of the summary itself, in order of declaration.
    fn members(&self) -> impl Iterator<Item = &Ident> {
        let groups = self.container.groups.iter().map(|group| &group.ident);
        groups.chain(self.container.flattened().map(|field| field.ident))
    }
}

/// Returns the marker field for a struct literal.
fn marker() -> TokenStream {
    quote!(__marker: ::core::marker::PhantomData,)
}
