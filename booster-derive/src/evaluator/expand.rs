//! `impl Evaluator`: the user's function, and what it marks.

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::{FnArg, Generics, Signature, Stmt, Type, WherePredicate, parse_quote};

use super::arguments::Param;
use super::ast::Evaluator;
use super::body::{self, Mark};
use super::collected::Collected;
use super::marked;
use super::returns::{self, Returns};
use super::structure;
use crate::generics::{self, is_generic};
use crate::library::{self, Library};
use crate::{meta, names};

/// All that the attribute emits.
pub(super) fn evaluator(library: &Library, evaluator: &Evaluator<'_>) -> TokenStream {
    let structure = structure::evaluator(library, evaluator);
    let diagnostics = Collected::new(evaluator, evaluator.diagnostics(), "Diagnostics", Mark::diagnostic_cfgs);
    let output = Collected::new(evaluator, evaluator.output(), "Output", Mark::output_cfgs);
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
        let (near, this) = library::at_name(ident, &ty_generics);
        let implemented = library.item("Evaluator", near);
        let (model, batch) = (&evaluator.arguments.model, &evaluator.arguments.batch);
        let (diagnostics, output) = self.types();
        let function = self.function();
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
            // Of a type that is fixed as well, so that it is at fault itself and not the struct that holds it.
            let send = quote_spanned!(library::shown_at(library::start(ty))=> ::core::marker::Send);
            predicates.push(parse_quote!(#ty: #send));
            predicates.extend(needs(ty, quote!(::core::clone::Clone)));
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
            Returns::Loss { .. } if self.marks_nothing() => quote! {
                #into_loss(::core::result::Result::map(#call, |loss| (loss, (), ())))
            },
            Returns::All { .. } => quote!(#into_loss(#call)),
            Returns::Loss { .. } => {
                let with_marked = library.item("with_marked", Span::call_site());
                quote!(#with_marked(#call))
            }
        }
    }

    /// The user's function, which gives what it marks beside its loss.
    fn function(&self) -> TokenStream {
        let function = self.evaluator.function;
        let attrs = self.evaluator.function_attrs();
        let mut sig = function.sig.clone();
        for input in &mut sig.inputs {
            if let FnArg::Typed(input) = input {
                input.attrs.retain(|attr| !meta::is_doc(attr));
                marked::strip(&mut input.attrs);
            }
        }
        let body = match &self.evaluator.returns {
            Returns::Loss { declared } if !self.marks_nothing() => {
                let (diagnostics, output) = self.types();
                let library = self.library;
                let ty =
                    returns::with_value(declared, |loss| parse_quote!(#library::Marked<#loss, #diagnostics, #output>));
                sig.output = parse_quote!(-> #ty);
                self.body(&quote!(#declared))
            }
            Returns::Loss { .. } | Returns::All { .. } => {
                let block = &function.block;
                quote!(#block)
            }
        };
        let lints = lints(&function.sig);
        quote! {
            #(#attrs)*
            // The shape of the signature is the macro's wish, not the user's.
            #[allow(#lints)]
            #sig #body
        }
    }

    /// The user's statements; behind each marked one its value is kept, so that neither a later move nor a later name of
    /// the same spelling matters, with how often it was written, so that a later write is found.
    fn body(&self, declared: &TokenStream) -> TokenStream {
        let library = self.library;
        let block = &*self.evaluator.function.block;
        let tail = body::tail(block);
        let mut statements = TokenStream::new();
        let count = block.stmts.len() - tail.len();
        for (index, statement) in block.stmts.iter().take(count).enumerate() {
            statements.extend(self.statement(index, statement));
        }
        // Only within a block may the last expression have attributes.
        let tail = if tail.iter().any(body::is_conditional) { quote!({ #(#tail)* }) } else { quote!(#(#tail)*) };
        let (loss, marked) = (local("loss", None), local("marked", None));
        let (diagnostics_ty, output_ty) = self.types();
        let diagnostics = collect(self.diagnostics.as_ref(), |mark, name| {
            let (kept, writes) = (local("leaf", Some(mark.statement)), library.method(mark.ty, "Leaf", "writes"));
            let schema = quote!(<#diagnostics_ty as #library::Diagnostic>::SCHEMA);
            quote!({
                #library::unwritten_diagnostic(#schema, #name, #kept.1, #writes(&#kept.0))?;
                #kept.0
            })
        });
        let output = collect(self.output.as_ref(), |mark, name| {
            let (kept, writes) = (local("output", Some(mark.statement)), library.method(mark.ty, "Batch", "writes"));
            let output = local("output", None);
            quote!({
                let #output = #kept.0?;
                #library::unwritten_output(#name, #kept.1, #writes(&#output))?;
                #output
            })
        });
        quote!({
            #statements
            let #loss: #declared = #tail;
            let #marked = || -> #library::Result<(#diagnostics_ty, #output_ty)> {
                ::core::result::Result::Ok((#diagnostics, #output))
            };
            ::core::result::Result::Ok((#loss?, #marked()))
        })
    }

    fn statement(&self, index: usize, statement: &Stmt) -> TokenStream {
        let mut marks = self.evaluator.marks.iter();
        let Some(mark) = marks.find(|mark| mark.statement == index) else {
            return quote!(#statement);
        };
        let local_statement = mark.statement();
        let (ident, ty) = (mark.ident, mark.ty);
        let keep = |cfgs: TokenStream, kept: &str, of: &str, share: &str| {
            let kept = local(kept, Some(index));
            let (share, writes) = (self.library.method(ty, of, share), self.library.method(ty, of, "writes"));
            quote!(#cfgs let #kept = (#share(&#ident), #writes(&#ident));)
        };
        let leaf = mark.is_diagnostic().then(|| keep(mark.diagnostic_cfgs(), "leaf", "Leaf", "share_leaf"));
        let output = mark.is_output().then(|| keep(mark.output_cfgs(), "output", "Batch", "share"));
        quote!(#local_statement #leaf #output)
    }
}

/// The lints that the required form of an evaluator trips on its signature. Those of `clippy::all` only where they apply:
/// a crate that forbids them would be warned of an `allow`.
fn lints(sig: &Signature) -> TokenStream {
    let mut lints = quote! {
        clippy::needless_pass_by_value,
        clippy::ref_option,
        clippy::trivially_copy_pass_by_ref,
        clippy::unnecessary_wraps,
    };
    if sig.inputs.len() > 7 {
        lints.extend(quote!(clippy::too_many_arguments,));
    }
    for input in &sig.inputs {
        let FnArg::Typed(input) = input else { continue };
        let Type::Reference(reference) = returns::ungrouped(&input.ty) else { continue };
        let Type::Path(behind) = returns::ungrouped(&reference.elem) else { continue };
        match behind.path.segments.last() {
            Some(last) if last.ident == "Box" => lints.extend(quote!(clippy::borrowed_box,)),
            Some(last) if ["Vec", "String", "PathBuf", "Cow"].iter().any(|name| last.ident == name) => {
                lints.extend(quote!(clippy::ptr_arg,));
            }
            _ => {}
        }
    }
    lints
}

/// The struct of what was kept; `()` where there is none.
fn collect(collected: Option<&Collected<'_>>, value: impl Fn(&Mark<'_>, &str) -> TokenStream) -> TokenStream {
    let Some(Collected { marks, ident, cfgs, .. }) = collected else { return quote!(()) };
    let fields = marks.iter().map(|mark| {
        let (name, cfgs, value) = (mark.ident, cfgs(mark), value(mark, &names::plain(mark.ident)));
        quote!(#cfgs #name: #value,)
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
