//! The summary of a diagnostics: a struct of groups, each a struct of numbers.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote};
use syn::{Generics, Type, Visibility, parse_quote};

use super::ast::{Container, Field, Leaf, Metric, Role};
use super::attr::GroupName;
use crate::generics::{self, Names, is_generic};
use crate::library::Library;
use crate::{meta, names};

/// The generated structs, before they are written out.
pub(super) struct Summary<'a> {
    library: &'a Library,
    container: &'a Container<'a>,
    vis: &'a Visibility,
    ident: Ident,
    generics: Generics,
    /// The same, and what the implementations may rely on.
    impl_generics: Generics,
    /// Parameters that stand in a bound and in no field.
    unused: Names,
}

impl<'a> Summary<'a> {
    pub(super) fn new(library: &'a Library, container: &'a Container<'a>) -> Self {
        let all = &container.input.generics;
        let types = || container.flattened().map(Field::ty);
        let used = generics::mentioned_in(all, types());
        let kept = generics::closure(all, used.clone());
        let mut restricted = generics::restricted(all, &kept);
        let bound = |ty: &Type| super::expand::flattened_bound(library, all, ty);
        let (generic, concrete): (Vec<&Type>, Vec<&Type>) = types().partition(|ty| is_generic(all, ty));
        generics::add_predicates(&mut restricted, generic.into_iter().map(bound));
        let mut impl_generics = restricted.clone();
        generics::add_predicates(&mut impl_generics, concrete.into_iter().map(bound));
        let near = container.input.ident.span();
        let name = format!("{}Summary", names::plain(&container.input.ident));
        Self {
            library,
            container,
            vis: &container.input.vis,
            ident: names::generated(&name, near),
            generics: restricted,
            impl_generics,
            unused: &kept - &used,
        }
    }

    /// The summary's type, in terms of the user's parameters.
    pub(super) fn ty(&self) -> TokenStream {
        let ident = &self.ident;
        let (_, ty_generics, _) = self.generics.split_for_impl();
        quote!(#ident #ty_generics)
    }

    fn group_ident(&self, group: &GroupName) -> Ident {
        let camel = names::upper_camel(&group.name);
        let name = format!("{}{camel}Summary", names::plain(&self.container.input.ident));
        names::generated(&name, self.ident.span())
    }

    fn marker(&self) -> Option<TokenStream> {
        let phantom = generics::phantom(&self.generics, &self.unused);
        (!self.unused.is_empty()).then(|| quote!(__marker: ::core::marker::PhantomData<fn() -> #phantom>,))
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
        let doc = meta::doc(&format!("Summary of [`{}`]: one value per metric, by group.", container.input.ident));
        let lints = self.lints(container.groups.iter().map(|group| &group.name));
        let where_clause = &generics.where_clause;
        let group_structs = container.groups.iter().map(|group| self.group_struct(group));
        quote! {
            #doc
            #lints
            #vis struct #ident #generics #where_clause {
                #(#groups)*
                #(#flattened)*
                #marker
            }

            #(#group_structs)*
        }
    }

    /// The lint levels of a generated struct whose fields have these names.
    fn lints<'n>(&self, mut fields: impl Iterator<Item = &'n String>) -> TokenStream {
        let mut lints = meta::lint_levels(&self.container.input.attrs);
        if fields.any(|name| !names::is_snake(name)) {
            // Whoever names a group or a metric has decided on its case already.
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
        for (field, leaf) in self.container.leaves(group) {
            let docs: Vec<_> = meta::docs(&field.original.attrs).collect();
            let blank = (!docs.is_empty()).then(|| quote!(#[doc = ""]));
            for metric in &leaf.metrics {
                let (name, ty) = (&metric.ident, value_ty(leaf));
                let reduced = meta::doc(metric.reduce.sentence());
                metric_names.push(names::plain(name));
                fields.extend(quote!(#(#docs)* #blank #reduced #vis #name: #ty,));
            }
        }
        let lints = self.lints(metric_names.iter());
        quote! {
            #doc
            #lints
            #[derive(
                ::core::clone::Clone,
                ::core::marker::Copy,
                ::core::fmt::Debug,
                ::core::cmp::PartialEq,
            )]
            #vis struct #ident {
                #fields
            }
        }
    }

    pub(super) fn impls(&self) -> TokenStream {
        let summary = self.impl_summary();
        let clone = self.impl_clone();
        let debug = self.impl_debug();
        let eq = self.impl_partial_eq();
        let library = self.library;
        let (impl_generics, ty_generics, where_clause) = self.impl_generics.split_for_impl();
        let ident = &self.ident;
        let mut with_lifetime = self.impl_generics.clone();
        with_lifetime.params.insert(0, parse_quote!('__de));
        let (de_generics, _, _) = with_lifetime.split_for_impl();
        quote! {
            #summary
            #clone
            #debug
            #eq

            #[automatically_derived]
            impl #impl_generics ::core::fmt::Display for #ident #ty_generics #where_clause {
                fn fmt(&self, formatter: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                    #library::format_summary(self, formatter)
                }
            }

            #[automatically_derived]
            impl #impl_generics #library::serde::Serialize for #ident #ty_generics #where_clause {
                fn serialize<__S: #library::serde::Serializer>(
                    &self,
                    serializer: __S,
                ) -> ::core::result::Result<__S::Ok, __S::Error> {
                    #library::serialize_summary(self, serializer)
                }
            }

            #[automatically_derived]
            impl #de_generics #library::serde::Deserialize<'__de> for #ident #ty_generics
            #where_clause
            {
                fn deserialize<__D: #library::serde::Deserializer<'__de>>(
                    deserializer: __D,
                ) -> ::core::result::Result<Self, __D::Error> {
                    #library::deserialize_summary(deserializer)
                }
            }
        }
    }

    fn impl_summary(&self) -> TokenStream {
        let library = self.library;
        let ident = &self.ident;
        let (impl_generics, ty_generics, where_clause) = self.impl_generics.split_for_impl();
        let fields = || self.container.fields.iter();
        let entries = fields().filter_map(|field| self.entry(field));
        let puts: TokenStream = fields().map(|field| self.put(field)).collect();
        let take = self.take();
        let values = if puts.is_empty() { quote!(_) } else { quote!(values) };
        quote! {
            #[automatically_derived]
            impl #impl_generics #library::Summary for #ident #ty_generics #where_clause {
                const SCHEMA: #library::Schema = #library::Schema {
                    entries: &[#(#entries,)*],
                };

                fn take(#values: &mut #library::Values) -> Self {
                    #take
                }

                fn put(&self, #values: &mut #library::Values) {
                    #puts
                }
            }
        }
    }

    fn entry(&self, field: &Field<'_>) -> Option<TokenStream> {
        let library = self.library;
        match &field.role {
            Role::Leaf(leaf) => {
                let (group, name) = (&leaf.group.name, field.name());
                let (optional, samples) = (leaf.optional, leaf.samples);
                let metrics = leaf.metrics.iter().map(|Metric { ident, reduce }| {
                    let name = names::plain(ident);
                    let reduce = Ident::new(reduce.variant(), Span::call_site());
                    quote!(#library::Metric { name: #name, reduce: #library::Reduce::#reduce })
                });
                Some(quote! {
                    #library::Entry::Field(#library::Field {
                        group: #group,
                        name: #name,
                        optional: #optional,
                        samples: #samples,
                        metrics: &[#(#metrics,)*],
                    })
                })
            }
            Role::Flatten => {
                let summary = self.flattened_ty(field.ty());
                Some(quote! {
                    #library::Entry::Flatten(<#summary as #library::Summary>::SCHEMA)
                })
            }
            Role::Skip => None,
        }
    }

    fn put(&self, field: &Field<'_>) -> TokenStream {
        let library = self.library;
        match &field.role {
            Role::Leaf(leaf) => {
                let group = &leaf.group.ident;
                let names = leaf.metrics.iter().map(|metric| &metric.ident);
                quote!(#(#library::SummaryValue::put(&self.#group.#names, values);)*)
            }
            Role::Flatten => {
                let ident = field.ident;
                quote!(#library::Summary::put(&self.#ident, values);)
            }
            Role::Skip => TokenStream::new(),
        }
    }

    /// Reads the values in the schema's order, then builds the groups from them.
    fn take(&self) -> TokenStream {
        let library = self.library;
        let reads = self.reads();
        let lets =
            reads.iter().map(|Read { value, ty, of, .. }| quote!(let #value = <#ty as #library::#of>::take(values);));
        let fields_of = |group: Option<&str>| -> TokenStream {
            let fields = reads.iter().filter(|read| read.group == group);
            fields.map(|Read { ident, value, .. }| quote!(#ident: #value,)).collect()
        };
        let groups = self.container.groups.iter().map(|group| {
            let (ident, ty) = (&group.ident, self.group_ident(group));
            let fields = fields_of(Some(&group.name));
            quote!(#ident: #ty { #fields },)
        });
        let flattened = fields_of(None);
        let marker = (!self.unused.is_empty()).then(|| quote!(__marker: ::core::marker::PhantomData,));
        quote! {
            #(#lets)*
            Self {
                #(#groups)*
                #flattened
                #marker
            }
        }
    }

    fn reads(&self) -> Vec<Read<'_>> {
        let mut reads = Vec::new();
        for field in &self.container.fields {
            match &field.role {
                Role::Leaf(leaf) => reads.extend(leaf.metrics.iter().map(|metric| Read {
                    group: Some(&leaf.group.name),
                    ident: &metric.ident,
                    value: metric.ident.clone(),
                    ty: value_ty(leaf),
                    of: names::generated("SummaryValue", Span::call_site()),
                })),
                Role::Flatten => reads.push(Read {
                    group: None,
                    ident: field.ident,
                    value: field.ident.clone(),
                    ty: self.flattened_ty(field.ty()),
                    of: names::generated("Summary", Span::call_site()),
                }),
                Role::Skip => {}
            }
        }
        for (index, read) in reads.iter_mut().enumerate() {
            // Numbered: two groups may each have a field of one name.
            read.value = format_ident!("value_{index}", span = Span::mixed_site());
        }
        reads
    }

    /// The fields of the summary itself, in order of declaration.
    fn members(&self) -> impl Iterator<Item = &Ident> {
        let groups = self.container.groups.iter().map(|group| &group.ident);
        groups.chain(self.container.flattened().map(|field| field.ident))
    }

    // By hand, since a derive would ask for `A: Clone` where `A`'s summary is what is cloned.
    fn impl_clone(&self) -> TokenStream {
        let ident = &self.ident;
        let (impl_generics, ty_generics, where_clause) = self.impl_generics.split_for_impl();
        let members: Vec<&Ident> = self.members().collect();
        let marker = (!self.unused.is_empty()).then(|| quote!(__marker: ::core::marker::PhantomData,));
        quote! {
            #[automatically_derived]
            impl #impl_generics ::core::clone::Clone for #ident #ty_generics #where_clause {
                fn clone(&self) -> Self {
                    Self {
                        #(#members: ::core::clone::Clone::clone(&self.#members),)*
                        #marker
                    }
                }
            }
        }
    }

    fn impl_debug(&self) -> TokenStream {
        let ident = &self.ident;
        let (impl_generics, ty_generics, where_clause) = self.impl_generics.split_for_impl();
        let name = ident.to_string();
        let fields = self.members().map(|member| {
            let name = names::plain(member);
            quote!(.field(#name, &self.#member))
        });
        quote! {
            #[automatically_derived]
            impl #impl_generics ::core::fmt::Debug for #ident #ty_generics #where_clause {
                fn fmt(&self, formatter: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                    formatter.debug_struct(#name)#(#fields)*.finish()
                }
            }
        }
    }

    fn impl_partial_eq(&self) -> TokenStream {
        let ident = &self.ident;
        let (impl_generics, ty_generics, where_clause) = self.impl_generics.split_for_impl();
        let members: Vec<&Ident> = self.members().collect();
        let (other, equal) = if members.is_empty() {
            (quote!(_), quote!(true))
        } else {
            (quote!(other), quote!(#(self.#members == other.#members)&&*))
        };
        quote! {
            #[automatically_derived]
            impl #impl_generics ::core::cmp::PartialEq for #ident #ty_generics #where_clause {
                fn eq(&self, #other: &Self) -> ::core::primitive::bool {
                    #equal
                }
            }
        }
    }
}

/// One step of `Summary::take`.
struct Read<'a> {
    /// None for a flattened field.
    group: Option<&'a str>,
    ident: &'a Ident,
    /// The local that holds what is read.
    value: Ident,
    ty: TokenStream,
    /// The trait that reads it.
    of: Ident,
}

/// The type of a leaf's values in the summary.
fn value_ty(leaf: &Leaf) -> TokenStream {
    if leaf.optional { quote!(::core::option::Option<::core::primitive::f64>) } else { quote!(::core::primitive::f64) }
}
