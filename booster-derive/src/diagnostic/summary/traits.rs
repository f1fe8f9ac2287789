//! What every summary also is: cloned, compared, shown and stored.

use proc_macro2::{Ident, TokenStream};
use quote::quote;
use syn::parse_quote;

use super::Summary;
use crate::names;

impl Summary<'_> {
    pub(in crate::diagnostic) fn impls(&self) -> TokenStream {
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
