//! `impl Evaluator`, beside the structs that it names.

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

/// All that the attribute emits; the `words` are those of [`Words`](crate::completion::Words).
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
        // Shown at the user's types, which are at fault where they are less visible than the function.
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

    /// The function's own generics, and what the trait asks of types that mention a parameter.
    fn generics(&self) -> Generics {
        let (library, evaluator) = (self.library, self.evaluator);
        let mut generics = evaluator.generics.clone();
        // Shown where the method is: what is wrong with the type is one error of both.
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
            // Of a type that is fixed as well, so that it is at fault itself and not the struct that holds it.
            let send = quote_spanned!(library::shown_at(library::start(ty))=> ::core::marker::Send);
            predicates.push(parse_quote!(#ty: #send));
            predicates.extend(needs(ty, quote!(::core::clone::Clone)));
        }
        generics::add_predicates(&mut generics, predicates);
        generics
    }

    /// The names of the method's arguments; the function inside must stay visible beside them.
    fn argument_names(&self) -> [syn::Ident; 3] {
        let function = names::plain(&self.evaluator.function.sig.ident);
        let types = &self.evaluator.arguments;
        let modes = library::start(types.mode);
        let own = self.evaluator.ident.span();
        [("model", own), ("batch", own), ("mode", modes)].map(|(name, near)| {
            let suffix = if name == function { "_" } else { "" };
            // Shown at the user's type, since that is what does not fit where one does not.
            names::generated(&format!("{name}{suffix}"), near)
        })
    }

    /// The call of the function inside, and its result as the trait wants it.
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
        // Where the function's error is none of the library's, its return type is at fault.
        let at = returns::start(sig);
        let evaluator_error = library.item("EvaluatorError", at);
        let into_error = quote_spanned!(library::shown_at(at)=> #evaluator_error::into_error);
        let mut function = sig.ident.clone();
        function.set_span(library::shown_at(at));
        // A parameter may stand in the body alone.
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
