//! `impl Summary`: the schema, and the values in its order.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote};

use super::{Summary, value_ty};
use crate::diagnostic::ast::{Field, Metric, Role};
use crate::names;

impl Summary<'_> {
    pub(super) fn impl_summary(&self) -> TokenStream {
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
