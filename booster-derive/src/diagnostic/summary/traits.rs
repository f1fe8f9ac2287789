//! Standard and serde traits for summaries.

use proc_macro2::{Ident, TokenStream};
use quote::quote;
use syn::{Generics, parse_quote};

use super::{Summary, marker};
use crate::diagnostic::attr::GroupName;
use crate::diagnostic::bounds;
use crate::{generics, names};

impl Summary<'_> {
    pub(in crate::diagnostic) fn impls(&self) -> TokenStream {
        let summary = self.impl_summary();
        let (ident, generics, members) = (&self.ident, &self.impl_generics, self.members().collect());
        let parts = Parts { ident, generics, members, marker: !self.unused.is_empty() }.impls();
        let groups: TokenStream = self.container.groups.iter().filter_map(|group| self.group_impls(group)).collect();
        let library = self.library;
        let (impl_generics, ty_generics, where_clause) = self.impl_generics.split_for_impl();
        let mut with_lifetime = self.impl_generics.clone();
        with_lifetime.params.insert(0, parse_quote!('__de));
        let (de_generics, _, _) = with_lifetime.split_for_impl();
        quote! {
            #summary
            #parts
            #groups

            #[automatically_derived]
            impl #impl_generics ::core::fmt::Display for #ident #ty_generics #where_clause {
                fn fmt(&self, formatter: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                    #library::format_summary(
                        &<Self as #library::Summary>::SCHEMA,
                        #library::Values::of(self),
                        formatter,
                    )
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

    /// Implements the traits of a group with custom reductions. Other groups derive these traits.
    fn group_impls(&self, group: &GroupName) -> Option<TokenStream> {
        let mut own = self.custom(group).peekable();
        own.peek()?;
        let mut generics = Generics::default();
        generics::add_predicates(&mut generics, own.map(|ty| bounds::reduction(self.library, ty)));
        let members =
            self.container.leaves(group).flat_map(|(_, leaf)| &leaf.metrics).map(|metric| &metric.ident).collect();
        let ident = self.group_ident(group);
        Some(Parts { ident: &ident, generics: &generics, members, marker: true }.impls())
    }
}

/// A generated struct for which standard traits cannot be derived.
///
/// A derive would require `A: Clone` although only the summary of `A` is cloned, and would report an invalid reduction
/// several times.
struct Parts<'s> {
    ident: &'s Ident,
    generics: &'s Generics,
    members: Vec<&'s Ident>,
    marker: bool,
}

impl Parts<'_> {
    fn impls(&self) -> TokenStream {
        let clone = self.impl_clone();
        let debug = self.impl_debug();
        let eq = self.impl_partial_eq();
        quote!(#clone #debug #eq)
    }

    fn impl_clone(&self) -> TokenStream {
        let Self { ident, members, .. } = self;
        let (impl_generics, ty_generics, where_clause) = self.generics.split_for_impl();
        let marker = self.marker.then(marker);
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
        let ident = self.ident;
        let (impl_generics, ty_generics, where_clause) = self.generics.split_for_impl();
        let name = ident.to_string();
        let fields = self.members.iter().map(|member| {
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
        let Self { ident, members, .. } = self;
        let (impl_generics, ty_generics, where_clause) = self.generics.split_for_impl();
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
