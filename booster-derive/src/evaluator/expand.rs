//! `impl Evaluator`: the user's function, and what it marks.

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::{Generics, Stmt, Type, WherePredicate, parse_quote};

use super::arguments::Param;
use super::ast::Evaluator;
use super::body;
use super::collected::Collected;
use super::returns::{self, Returns};
use super::structure;
use crate::generics::{self, is_generic};
use crate::library::{self, Library};
use crate::names;

/// All that the attribute emits.
pub(super) fn evaluator(library: &Library, evaluator: &Evaluator<'_>) -> TokenStream {
    let structure = structure::evaluator(library, evaluator);
    let diagnostics = Collected::new(evaluator, evaluator.diagnostics(), "Diagnostics");
    let output = Collected::new(evaluator, evaluator.output(), "Output");
    let diagnostics_struct = diagnostics.as_ref().map(|it| it.diagnostics(library, evaluator));
    let output_struct = output.as_ref().map(|it| it.output(library, evaluator));
    let implementation = Implementation { library, evaluator, diagnostics, output };
    let implementation = implementation.tokens();
    quote! {
        #structure
        #diagnostics_struct
        #output_struct
        #implementation
    }
}

struct Implementation<'a> {
    library: &'a Library,
    evaluator: &'a Evaluator<'a>,
    diagnostics: Option<Collected<'a>>,
    output: Option<Collected<'a>>,
}

impl Implementation<'_> {
    fn tokens(&self) -> TokenStream {
        let (library, evaluator) = (self.library, self.evaluator);
        let ident = &evaluator.ident;
        let cfgs = evaluator.cfgs();
        let generics = self.generics();
        let (impl_generics, ty_generics, where_clause) = generics.split_for_impl();
        let (model, batch) = (&evaluator.arguments.model, &evaluator.arguments.batch);
        let (diagnostics, output) = self.types();
        let function = self.function();
        let [first, second, third] = self.argument_names();
        let evaluate = self.evaluate();
        quote! {
            #(#cfgs)*
            #[automatically_derived]
            impl #impl_generics #library::Evaluator for #ident #ty_generics #where_clause {
                type Model = #model;
                type Batch = #batch;
                type Diagnostics = #diagnostics;
                type Output = #output;

                fn evaluate(
                    &self,
                    #first: &#model,
                    #second: &#batch,
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
        let needs = |ty: &Type, bound: TokenStream| -> Option<WherePredicate> {
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
            predicates.extend(needs(ty, quote!(::core::clone::Clone + ::core::marker::Send)));
        }
        generics::add_predicates(&mut generics, predicates);
        generics
    }

    /// The types of diagnostics and output.
    fn types(&self) -> (TokenStream, TokenStream) {
        match &self.evaluator.returns {
            Returns::All { diagnostics, output } => (quote!(#diagnostics), quote!(#output)),
            Returns::Loss { .. } => {
                let ty =
                    |collected: &Option<Collected<'_>>| collected.as_ref().map_or_else(|| quote!(()), Collected::ty);
                (ty(&self.diagnostics), ty(&self.output))
            }
        }
    }

    /// The names of the method's arguments; the function inside must stay visible beside them.
    fn argument_names(&self) -> [syn::Ident; 3] {
        let function = names::plain(&self.evaluator.function.sig.ident);
        let types = &self.evaluator.arguments;
        let modes = library::start(types.mode);
        [("model", Span::call_site()), ("batch", Span::call_site()), ("mode", modes)].map(|(name, near)| {
            let suffix = if name == function { "_" } else { "" };
            // Shown at the user's type, since that is what does not fit where one does not.
            names::generated(&format!("{name}{suffix}"), near)
        })
    }

    fn marks_nothing(&self) -> bool {
        self.diagnostics.is_none() && self.output.is_none()
    }

    /// The call of the function inside, and its result as the trait wants it.
    fn evaluate(&self) -> TokenStream {
        let library = self.library;
        let sig = &self.evaluator.function.sig;
        let names = self.argument_names();
        let params = self.evaluator.arguments.params.iter().map(|param| {
            let (ident, ty) = (param.ident, param.ty);
            if param.by_reference {
                quote!(&self.#ident)
            } else {
                let clone = library::core_method(ty, "clone", "Clone", "clone");
                quote!(#clone(&self.#ident))
            }
        });
        let into_loss = library.item("into_loss", Span::call_site());
        // Where the function's error is none of the library's, its return type is at fault.
        let at = returns::start(sig);
        let mut function = sig.ident.clone();
        function.set_span(library::shown_at(at));
        let call = quote_spanned! {library::shown_at(at)=>
            ::core::result::Result::map_err(#function(#(#names,)* #(#params,)*), ::core::convert::From::from)
        };
        match (&self.evaluator.returns, &self.output) {
            (Returns::Loss { .. }, _) if self.marks_nothing() => quote! {
                #into_loss(::core::result::Result::map(#call, |loss| (loss, (), ())))
            },
            (Returns::All { .. }, _) | (Returns::Loss { .. }, None) => quote!(#into_loss(#call)),
            (Returns::Loss { .. }, Some(_)) => quote! {
                let (loss, diagnostics, output) = #into_loss(#call)?;
                ::core::result::Result::Ok((loss, diagnostics, output?))
            },
        }
    }

    /// The user's function, which gives what it marks beside its loss.
    fn function(&self) -> TokenStream {
        let function = self.evaluator.function;
        let attrs = self.evaluator.function_attrs();
        let mut sig = function.sig.clone();
        for input in &mut sig.inputs {
            if let syn::FnArg::Typed(input) = input {
                let ours = |attr: &syn::Attribute| crate::meta::is_doc(attr) || body::is_marker(attr);
                input.attrs.retain(|attr| !ours(attr));
            }
        }
        let body = match &self.evaluator.returns {
            Returns::Loss { declared } if !self.marks_nothing() => {
                let (diagnostics, output) = self.types();
                let library = self.library;
                let output = if self.output.is_some() { quote!(#library::Result<#output>) } else { output };
                let ty = returns::with_value(declared, |loss| parse_quote!((#loss, #diagnostics, #output)));
                sig.output = parse_quote!(-> #ty);
                self.body(&quote!(#declared))
            }
            Returns::Loss { .. } | Returns::All { .. } => {
                let block = &function.block;
                quote!(#block)
            }
        };
        quote! {
            #(#attrs)*
            // The shape of the signature is the macro's wish, not the user's.
            #[allow(
                clippy::needless_pass_by_value,
                clippy::ptr_arg,
                clippy::too_many_arguments,
                clippy::trivially_copy_pass_by_ref,
                clippy::unnecessary_wraps,
            )]
            #sig #body
        }
    }

    /// The user's statements; behind each marked one its value is kept, so that neither a later
    /// move nor a later name of the same spelling matters.
    fn body(&self, declared: &TokenStream) -> TokenStream {
        let library = self.library;
        let block = &*self.evaluator.function.block;
        let tail = body::tail(block);
        let mut statements = TokenStream::new();
        let count = block.stmts.len() - usize::from(tail.is_some());
        for (index, statement) in block.stmts.iter().take(count).enumerate() {
            statements.extend(self.statement(index, statement));
        }
        let loss = local("loss", None);
        let output = local("output", None);
        let diagnostics = self
            .diagnostics
            .as_ref()
            .map_or_else(|| quote!(()), |collected| collect(collected, "leaf", &TokenStream::new()));
        let (collect, output) = match &self.output {
            None => (TokenStream::new(), quote!(())),
            Some(collected) => {
                let (ty, value) = (collected.ty(), collect(collected, "output", &quote!(?)));
                let collect = quote! {
                    let #output = || -> #library::Result<#ty> {
                        ::core::result::Result::Ok(#value)
                    };
                };
                (collect, quote!(#output()))
            }
        };
        quote!({
            #statements
            let #loss: #declared = #tail;
            #collect
            ::core::result::Result::Ok((#loss?, #diagnostics, #output))
        })
    }

    fn statement(&self, index: usize, statement: &Stmt) -> TokenStream {
        let mut marks = self.evaluator.marks.iter();
        let Some(mark) = marks.find(|mark| mark.statement == index) else {
            return quote!(#statement);
        };
        let local_statement = mark.statement();
        let (ident, ty) = (mark.ident, mark.ty);
        let cfgs: Vec<_> = mark.cfgs().collect();
        let keep = |kept: &str, of: &str, method: &str| {
            let kept = local(kept, Some(index));
            let method = self.library.method(ty, of, method);
            quote!(#(#cfgs)* let #kept = #method(&#ident);)
        };
        let leaf = mark.is_diagnostic().then(|| keep("leaf", "Leaf", "share_leaf"));
        let output = mark.output.then(|| keep("output", "Batch", "share"));
        quote!(#local_statement #leaf #output)
    }
}

/// The struct built of what was kept.
fn collect(collected: &Collected<'_>, kept: &str, unwrap: &TokenStream) -> TokenStream {
    let ident = &collected.ident;
    let fields = collected.marks.iter().map(|mark| {
        let (name, cfgs) = (mark.ident, mark.cfgs());
        let value = local(kept, Some(mark.statement));
        quote!(#(#cfgs)* #name: #value #unwrap,)
    });
    quote!(#ident { #(#fields)* })
}
/// A local beside the user's own, which cannot see it.
fn local(name: &str, index: Option<usize>) -> syn::Ident {
    match index {
        Some(index) => format_ident!("{name}_{index}", span = Span::mixed_site()),
        None => format_ident!("{name}", span = Span::mixed_site()),
    }
}
