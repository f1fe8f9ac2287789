//! `impl Summary`: the schema, and methods that read and write values in the schema's order.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};

use super::{Summary, marker};
use crate::diagnostic::ast::{Field, Metric, Role};
use crate::diagnostic::reduce::Reduce;
use crate::library::{shown_at, start};
use crate::names;

impl Summary<'_> {
    pub(super) fn impl_summary(&self) -> TokenStream {
        let library = self.library;
        let ident = &self.ident;
        let (impl_generics, ty_generics, where_clause) = self.impl_generics.split_for_impl();
        let fields = || self.container.fields.iter();
        let schema = self.schema(false);
        let puts: TokenStream = fields().map(|field| self.put(field)).collect();
        let take = self.take();
        let values = if puts.is_empty() { quote!(_) } else { quote!(values) };
        quote! {
            #[automatically_derived]
            impl #impl_generics #library::Summary for #ident #ty_generics #where_clause {
                const SCHEMA: #library::Schema = #schema;

                fn take(#values: &mut #library::Values) -> #library::Result<Self> {
                    #take
                }

                fn put(&self, #values: &mut #library::Values) {
                    #puts
                }
            }
        }
    }

    /// Generates the schema, or the parts of it that the check for duplicate tags needs.
    ///
    /// The check avoids types that might not implement `Diagnostic` or `Reduction`, since rustc would report such types
    /// twice.
    fn schema(&self, check: bool) -> TokenStream {
        let library = self.library;
        let entries = self.container.fields.iter().filter_map(|field| self.entry(field, check));
        quote!(#library::Schema { entries: &[#(#entries,)*] })
    }

    /// Generates the check for duplicate tags among the struct and its flattened fields.
    ///
    /// Returns `None` if the struct has generic parameters, since its schema depends on their values.
    pub(in crate::diagnostic) fn check(&self) -> Option<TokenStream> {
        let first = self.container.flattened().next()?;
        if !self.container.input.generics.params.is_empty() {
            return None;
        }
        let aliases = self.container.flattened().map(|field| {
            let (alias, ty) = (self.alias(field), self.flattened_ty(field.ty()));
            quote!(type #alias = #ty;)
        });
        let schema = self.schema(true);
        let near = shown_at(first.ident.span());
        // Kept separate from the schema, so that the whole call has a single span.
        let check = quote_spanned!(near=> const _: () = __CHECKED.check(););
        let library = self.library;
        Some(quote! {
            #(#aliases)*
            const __CHECKED: #library::Schema = #schema;
            #check
        })
    }

    /// Returns an alias for a flattened field's summary, with its span at the field's type.
    ///
    /// rustc would report an invalid `<ty as Diagnostic>::Summary` twice: its spans in constants and structs differ.
    fn alias(&self, field: &Field<'_>) -> Ident {
        let index = self.container.flattened().take_while(|before| before.ident != field.ident).count();
        names::generated(&format!("__Flattened{index}"), start(field.ty()))
    }

    fn entry(&self, field: &Field<'_>, check: bool) -> Option<TokenStream> {
        let library = self.library;
        match &field.role {
            Role::Leaf(leaf) => {
                let (group, name) = (&leaf.group.name, field.name());
                let (optional, samples) = (leaf.optional, leaf.samples);
                let of_seconds = leaf.duration.then(|| quote!(.of_seconds()));
                let metrics = leaf.metrics.iter().map(|Metric { ident, reduce, .. }| {
                    let name = names::plain(ident);
                    let reduce = if check { Reduce::MEAN.ty(library) } else { reduce.ty(library) };
                    quote!(#library::Metric { name: #name, reduce: #library::Reduce::of::<#reduce>() #of_seconds })
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
                let summary = if check { self.alias(field).to_token_stream() } else { self.flattened_ty(field.ty()) };
                Some(quote! {
                    #library::Entry::Flatten(<#summary as #library::Summary>::SCHEMA)
                })
            }
            Role::BatchSize => Some(quote!(#library::Entry::BatchSize)),
            Role::Skip => None,
        }
    }

    fn put(&self, field: &Field<'_>) -> TokenStream {
        let library = self.library;
        match &field.role {
            Role::Leaf(leaf) => {
                let group = &leaf.group.ident;
                let names = leaf.metrics.iter().map(|metric| &metric.ident);
                let put = Ident::new(if leaf.optional { "put_optional" } else { "put" }, Span::call_site());
                quote!(#(#library::#put(&self.#group.#names, values);)*)
            }
            Role::Flatten => {
                let ident = field.ident;
                quote!(#library::Summary::put(&self.#ident, values);)
            }
            Role::BatchSize | Role::Skip => TokenStream::new(),
        }
    }

    /// Generates the body of `take`, which reads the values in the schema's order and then builds the groups.
    fn take(&self) -> TokenStream {
        let reads = self.reads();
        let lets = reads.iter().map(|Read { value, taken, .. }| quote!(let #value = #taken(values)?;));
        let fields_of = |group: Option<&str>| -> TokenStream {
            let fields = reads.iter().filter(|read| read.group == group);
            fields.map(|Read { ident, value, .. }| quote!(#ident: #value,)).collect()
        };
        let groups = self.container.groups.iter().map(|group| {
            let (ident, ty) = (&group.ident, self.group_ident(group));
            let fields = fields_of(Some(&group.name));
            let marker = self.custom(group).next().map(|_| marker());
            quote!(#ident: #ty { #fields #marker },)
        });
        let flattened = fields_of(None);
        let marker = (!self.unused.is_empty()).then(marker);
        quote! {
            #(#lets)*
            ::core::result::Result::Ok(Self {
                #(#groups)*
                #flattened
                #marker
            })
        }
    }

    fn reads(&self) -> Vec<Read<'_>> {
        let library = self.library;
        let mut reads = Vec::new();
        for field in &self.container.fields {
            match &field.role {
                Role::Leaf(leaf) => {
                    let take = Ident::new(if leaf.optional { "take_optional" } else { "take" }, Span::call_site());
                    reads.extend(leaf.metrics.iter().map(|metric| {
                        let ty = metric.reduce.value().ty(library);
                        let taken = quote!(#library::#take::<#ty>);
                        Read { group: Some(&leaf.group.name), ident: &metric.ident, value: metric.ident.clone(), taken }
                    }));
                }
                Role::Flatten => {
                    let ty = self.flattened_ty(field.ty());
                    let taken = quote!(<#ty as #library::Summary>::take);
                    reads.push(Read { group: None, ident: field.ident, value: field.ident.clone(), taken });
                }
                Role::BatchSize | Role::Skip => {}
            }
        }
        for (index, read) in reads.iter_mut().enumerate() {
            // Numbered, since two groups may have fields of the same name.
            read.value = format_ident!("value_{index}", span = Span::mixed_site());
        }
        reads
    }
}

/// A read in `Summary::take`.
struct Read<'a> {
    /// The group, or `None` for a flattened field.
    group: Option<&'a str>,
    ident: &'a Ident,
    /// The local variable for the value.
    value: Ident,
    /// The function that reads the value.
    taken: TokenStream,
}
