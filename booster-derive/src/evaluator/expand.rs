//! The expansion of a valid function: the structs and `impl Evaluator`.

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::{Generics, Type, WherePredicate, parse_quote};

use super::ast::Evaluator;
use super::marked_struct::MarkedStructs;
use super::params::Param;
use super::returns::{self, Returns};
use super::{function, structure};
use crate::generics::{self, is_generic};
use crate::library::{self, Library};
use crate::names;

/// Expands the attribute. `words` comes from [`Words`](crate::completion::Words).
pub(super) fn evaluator(library: &Library, evaluator: &Evaluator<'_>, words: &TokenStream) -> TokenStream {
    let structure = structure::evaluator(library, evaluator, words);
    let marked = MarkedStructs::new(evaluator);
    let structs = marked.structs(library, evaluator);
    let implementation = Implementation { library, evaluator, marked }.tokens();
    quote! {
        #structure
        #structs
        #implementation
    }
}

struct Implementation<'a> {
    library: &'a Library,
    evaluator: &'a Evaluator<'a>,
    marked: MarkedStructs<'a>,
}

impl Implementation<'_> {
    fn tokens(&self) -> TokenStream {
        let (library, evaluator) = (self.library, self.evaluator);
        let ident = &evaluator.ident;
        let cfgs = evaluator.cfgs();
        let generics = self.generics();
        let (impl_generics, ty_generics, where_clause) = generics.split_for_impl();
        let (near, this) = library::at_name(ident, &ty_generics);
        let implemented = library.item("Evaluator", near);
        let (model, batch) = (&evaluator.arguments.model, &evaluator.arguments.batch);
        let (diagnostics, output) = self.marked.types(evaluator);
        let function = function::tokens(library, evaluator, &self.marked);
        let [first, second, third] = self.argument_names();
        let evaluate = self.evaluate();
        let quiet = evaluator.quiet();
        // Spanned at the user's types, so that a private type in a public interface is reported there.
        let model_ty = quote_spanned!(library::shown_at(library::start(model))=> type Model = #model;);
        let batch_ty = quote_spanned!(library::shown_at(library::start(batch))=> type Batch = #batch;);
        quote_spanned! {near=>
            #(#cfgs)*
            #quiet
            #[allow(trivial_bounds)]
            #[automatically_derived]
            impl #impl_generics #implemented for #this #where_clause {
                #model_ty
                #batch_ty
                type Diagnostics = #diagnostics;
                type Output = #output;

                fn evaluate(
                    &self,
                    #first: &Self::Model,
                    #second: &Self::Batch,
                    #third: #library::Mode,
                ) -> #library::Result<(#library::Loss, #diagnostics, #output)> {
                    #function
                    #evaluate
                }
            }
        }
    }

    /// Returns the generics of the function, with the bounds that `impl Evaluator` needs.
    fn generics(&self) -> Generics {
        let (library, evaluator) = (self.library, self.evaluator);
        let mut generics = evaluator.generics.clone();
        // Spanned like the method, so that rustc reports a wrong type only once.
        let needs = |ty: &Type, bound: TokenStream| -> Option<WherePredicate> {
            let bound = library::located_at(bound, evaluator.ident.span());
            is_generic(&evaluator.generics, ty).then(|| parse_quote!(#ty: #bound))
        };
        let arguments = &evaluator.arguments;
        let mut predicates: Vec<WherePredicate> = evaluator
            .generics
            .type_params()
            .map(|param| {
                let ident = &param.ident;
                parse_quote!(#ident: 'static)
            })
            .collect();
        predicates.extend(needs(&arguments.model, quote!(::core::marker::Send)));
        predicates.extend(needs(&arguments.batch, quote!(#library::Batch)));
        for Param { ty, .. } in &arguments.params {
            // Bound concrete types too, so that the error is reported on the type and not on the struct.
            let send = quote_spanned!(library::shown_at(library::start(ty))=> ::core::marker::Send);
            predicates.push(parse_quote!(#ty: #send));
            predicates.extend(needs(ty, quote!(::core::clone::Clone)));
        }
        generics::add_predicates(&mut generics, predicates);
        generics
    }

    /// Returns names for the arguments of `Evaluator::evaluate`, which must not shadow the inner function.
    fn argument_names(&self) -> [syn::Ident; 3] {
        let function = names::plain(&self.evaluator.function.sig.ident);
        let types = &self.evaluator.arguments;
        let modes = library::start(types.mode);
        let own = self.evaluator.ident.span();
        [("model", own), ("batch", own), ("mode", modes)].map(|(name, near)| {
            let suffix = if name == function { "_" } else { "" };
            // Spanned at the user's type, so that a type mismatch is reported there.
            names::generated(&format!("{name}{suffix}"), near)
        })
    }

    /// Generates the call to the inner function and the conversion of its result.
    fn evaluate(&self) -> TokenStream {
        let library = self.library;
        let sig = &self.evaluator.function.sig;
        let names = self.argument_names();
        let params = self.evaluator.arguments.params.iter().map(|param| {
            let (ident, ty) = (names::again(param.ident), param.ty);
            if param.by_reference {
                quote!(&self.#ident)
            } else {
                let copied = library.method(ty, "EvaluatorParam", "copied");
                quote!(#copied(&self.#ident))
            }
        });
        let into_loss = library.item("into_loss", Span::call_site());
        // Spanned at the return type, so that an unsupported error type is reported there.
        let at = returns::start(sig);
        let evaluator_error = library.item("EvaluatorError", at);
        let into_error = quote_spanned!(library::shown_at(at)=> #evaluator_error::into_error);
        let mut function = sig.ident.clone();
        function.set_span(library::shown_at(at));
        // Pass the generic arguments, since a parameter used only in the body cannot be inferred.
        let arguments = sig.generics.params.iter().map(generics::argument);
        let turbofish = (!sig.generics.params.is_empty()).then(|| library::located_at(quote!(::<#(#arguments),*>), at));
        let call = quote_spanned! {library::shown_at(at)=>
            ::core::result::Result::map_err(#function #turbofish (#(#names,)* #(#params,)*), #into_error)
        };
        match &self.evaluator.returns {
            Returns::Loss { .. } if self.marked.is_empty() => quote! {
                #into_loss(::core::result::Result::map(#call, |loss| (loss, (), ())))
            },
            Returns::All { .. } => quote!(#into_loss(#call)),
            Returns::Loss { .. } => {
                let with_marked = library.item("with_marked", Span::call_site());
                quote!(#with_marked(#call))
            }
        }
    }
}
