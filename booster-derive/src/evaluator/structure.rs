//! The evaluator struct, with one field per parameter.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::visit::{self, Visit};
use syn::{Generics, Path, Type, WherePredicate, parse_quote};

use super::ast::Evaluator;
use super::params::Param;
use crate::generics::{self, Names, is_generic};
use crate::library::{self, Library};
use crate::{completion, meta, names};

/// Generates the struct with its constructor, setters, `Clone` and `Debug`.
pub(super) fn evaluator(library: &Library, evaluator: &Evaluator<'_>, words: &TokenStream) -> TokenStream {
    let ident = &evaluator.ident;
    let vis = &evaluator.function.vis;
    let generics = struct_generics(evaluator);
    let where_clause = &generics.where_clause;
    let docs = evaluator.docs();
    let cfgs: Vec<_> = evaluator.cfgs().collect();
    let lints = meta::lint_levels(&evaluator.function.attrs);
    let fields = evaluator.arguments.params.iter().map(|param| {
        let (name, ty) = (param.ident, param.ty);
        let docs = docs_or(param.docs(), &format!("Parameter `{}`.", names::plain(name)));
        quote!(#docs #vis #name: #ty,)
    });
    let marker = unused(evaluator).map(|names| {
        let unused = generics::phantom(&evaluator.generics, &names);
        quote!(#[doc(hidden)] __marker: #library::Marker<#unused>,)
    });
    let (deprecated, quiet) = (evaluator.deprecated(), evaluator.quiet());
    let methods = constructor(evaluator, &generics);
    let clone = impl_clone(library, evaluator, &generics, words);
    let debug = impl_debug(evaluator, &generics);
    // Spanned at the function's name, so that a conflict with another struct is reported there.
    let structure = quote_spanned! {ident.span()=>
        struct #ident #generics #where_clause {
            #(#fields)*
            #marker
        }
    };
    quote! {
        #(#docs)*
        #(#cfgs)*
        #lints
        #deprecated
        #vis #structure

        #(#cfgs)*
        #quiet
        #methods

        #(#cfgs)*
        #quiet
        #clone

        #(#cfgs)*
        #quiet
        #debug
    }
}

/// Returns the type parameters that no field mentions, which need a marker field.
///
/// Returns `None` if all are mentioned: without a marker field, a struct literal can create the evaluator.
fn unused(evaluator: &Evaluator<'_>) -> Option<Names> {
    let generics = &evaluator.generics;
    let mentioned = generics::mentioned_in(generics, evaluator.arguments.params.iter().map(|param| param.ty));
    let types = generics.type_params().map(|param| param.ident.to_string());
    let unused: Names = types.filter(|name| !mentioned.contains(name)).collect();
    (!unused.is_empty()).then_some(unused)
}

fn marker_value(evaluator: &Evaluator<'_>) -> Option<TokenStream> {
    unused(evaluator).map(|_| quote!(__marker: ::core::marker::PhantomData,))
}

/// Returns `docs`, or the doc comment `line` if `docs` is empty.
pub(super) fn docs_or<'d>(docs: impl Iterator<Item = &'d syn::Attribute>, line: &str) -> TokenStream {
    let mut docs = docs.peekable();
    if docs.peek().is_none() { meta::doc(line) } else { quote!(#(#docs)*) }
}

/// Returns the generics of the struct, with bounds only if a field's type needs them.
fn struct_generics(evaluator: &Evaluator<'_>) -> Generics {
    let generics = &evaluator.generics;
    let types = || evaluator.arguments.params.iter().map(|param| param.ty);
    if types().any(|ty| projects(generics, ty)) {
        generics::restricted(generics, &generics::names(generics))
    } else {
        generics::bare(generics)
    }
}

/// Returns whether `ty` names an associated type of a parameter, such as `M::Hidden` or `<M as Model>::Hidden`.
fn projects(generics: &Generics, ty: &Type) -> bool {
    struct Projections<'a> {
        generics: &'a Generics,
        found: bool,
    }
    impl<'ast> Visit<'ast> for Projections<'_> {
        fn visit_qself(&mut self, qself: &'ast syn::QSelf) {
            self.found |= is_generic(self.generics, &qself.ty);
        }

        fn visit_path(&mut self, path: &'ast Path) {
            let mut params = self.generics.type_params();
            self.found |= path.segments.len() > 1
                && path.leading_colon.is_none()
                && params.any(|param| path.segments.first().is_some_and(|head| head.ident == param.ident));
            visit::visit_path(self, path);
        }
    }
    let mut projections = Projections { generics, found: false };
    projections.visit_type(ty);
    projections.found
}

fn constructor(evaluator: &Evaluator<'_>, generics: &Generics) -> TokenStream {
    let ident = &evaluator.ident;
    let vis = &evaluator.function.vis;
    let (impl_generics, ty_generics, where_clause) = generics.split_for_impl();
    let (near, this) = library::at_name(ident, &ty_generics);
    let params = &evaluator.arguments.params;
    let taken: Vec<&Param<'_>> = params.iter().filter(|param| param.default.is_none()).collect();
    let names = taken.iter().map(|param| names::again(param.ident));
    let types = taken.iter().map(|param| param.ty);
    let fields = params.iter().map(|Param { ident, default, .. }| {
        let ident = names::again(ident);
        let value = default.as_ref().map_or_else(|| quote!(#ident), |default| quote!(#default));
        quote!(#ident: #value,)
    });
    let setters = params.iter().filter(|param| param.default.is_some());
    let setters = setters.map(|param| setter(evaluator, param));
    // The user's function determines the number of arguments.
    let many = (taken.len() > 7).then(|| quote!(#[allow(clippy::too_many_arguments)]));
    let marker = marker_value(evaluator);
    let default = taken.is_empty().then(|| {
        let (cfgs, quiet) = (evaluator.cfgs(), evaluator.quiet());
        quote_spanned! {near=>
            #(#cfgs)*
            #quiet
            #[automatically_derived]
            impl #impl_generics ::core::default::Default for #this #where_clause {
                fn default() -> Self {
                    Self::new()
                }
            }
        }
    });
    quote_spanned! {near=>
        impl #impl_generics #this #where_clause {
            /// Creates the evaluator.
            #[must_use]
            #many
            #vis fn new(#(#names: #types),*) -> Self {
                Self {
                    #(#fields)*
                    #marker
                }
            }

            #(#setters)*
        }

        #default
    }
}

fn setter(evaluator: &Evaluator<'_>, Param { ident, ty, .. }: &Param<'_>) -> TokenStream {
    let vis = &evaluator.function.vis;
    let ident = names::again(ident);
    let name = names::plain(&ident);
    let setter = names::generated(&format!("with_{name}"), ident.span());
    let doc = meta::doc(&format!("Sets `{name}`."));
    quote! {
        #doc
        #[must_use]
        // A crate may never override the default.
        #[allow(dead_code)]
        #vis fn #setter(mut self, #ident: #ty) -> Self {
            self.#ident = #ident;
            self
        }
    }
}

/// Returns `generics` with `bound` on the type of each parameter that needs it.
fn with_bound(evaluator: &Evaluator<'_>, generics: &Generics, bound: &TokenStream) -> Generics {
    let mut bounded = generics.clone();
    let types = evaluator.arguments.params.iter().map(|param| param.ty);
    let predicates: Vec<WherePredicate> =
        types.filter(|ty| is_generic(generics, ty)).map(|ty| parse_quote!(#ty: #bound)).collect();
    generics::add_predicates(&mut bounded, predicates);
    bounded
}

// Generates `impl Clone`, since a derive would require `M: Clone` of a model that the struct does not contain.
fn impl_clone(library: &Library, evaluator: &Evaluator<'_>, generics: &Generics, words: &TokenStream) -> TokenStream {
    let ident = &evaluator.ident;
    let bounded = with_bound(evaluator, generics, &quote!(::core::clone::Clone));
    let (impl_generics, ty_generics, where_clause) = bounded.split_for_impl();
    let (near, this) = library::at_name(ident, &ty_generics);
    let fields = evaluator.arguments.params.iter().map(|Param { ident, ty, .. }| {
        let (ident, copied) = (names::again(ident), library.method(ty, "EvaluatorParam", "copied"));
        quote!(#ident: #copied(&self.#ident),)
    });
    let marker = marker_value(evaluator);
    let lints = (!words.is_empty()).then(completion::lints);
    quote_spanned! {near=>
        #lints
        #[automatically_derived]
        impl #impl_generics ::core::clone::Clone for #this #where_clause {
            fn clone(&self) -> Self {
                #words
                Self {
                    #(#fields)*
                    #marker
                }
            }
        }
    }
}

fn impl_debug(evaluator: &Evaluator<'_>, generics: &Generics) -> TokenStream {
    let ident = &evaluator.ident;
    let name = ident.to_string();
    let bounded = with_bound(evaluator, generics, &quote!(::core::fmt::Debug));
    let (impl_generics, ty_generics, where_clause) = bounded.split_for_impl();
    let (near, this) = library::at_name(ident, &ty_generics);
    let fields = evaluator.arguments.params.iter().map(|Param { ident, ty, .. }| {
        let (ident, name) = (names::again(ident), names::plain(ident));
        // Spanned at the type, so that a missing `Debug` is reported there.
        let value = quote_spanned!(library::shown_at(library::start(ty))=> &self.#ident);
        quote!(.field(#name, #value))
    });
    quote_spanned! {near=>
        #[automatically_derived]
        impl #impl_generics ::core::fmt::Debug for #this #where_clause {
            fn fmt(&self, formatter: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                formatter.debug_struct(#name)#(#fields)*.finish()
            }
        }
    }
}
