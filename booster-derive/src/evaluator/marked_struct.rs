//! The structs of marked values: diagnostics and output.

use proc_macro2::{Ident, TokenStream};
use quote::{quote, quote_spanned};
use syn::Generics;

use super::ast::Evaluator;
use super::body::Mark;
use super::returns::Returns;
use super::structure::docs_or;
use crate::library::{self, Library};
use crate::{generics, meta, names};

/// The diagnostics and output structs, each present if any value is marked for it.
pub(super) struct MarkedStructs<'a> {
    pub(super) diagnostics: Option<MarkedStruct<'a>>,
    pub(super) output: Option<MarkedStruct<'a>>,
}

impl<'a> MarkedStructs<'a> {
    pub(super) fn new(evaluator: &'a Evaluator<'a>) -> Self {
        Self {
            diagnostics: MarkedStruct::new(evaluator, Kind::Diagnostics),
            output: MarkedStruct::new(evaluator, Kind::Output),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.diagnostics.is_none() && self.output.is_none()
    }

    /// Returns the types of the diagnostics and the output.
    pub(super) fn types(&self, evaluator: &Evaluator<'_>) -> (TokenStream, TokenStream) {
        match &evaluator.returns {
            Returns::All { diagnostics, output } => (quote!(#diagnostics), quote!(#output)),
            Returns::Loss { .. } => {
                let ty = |it: &Option<MarkedStruct<'_>>| it.as_ref().map_or_else(|| quote!(()), MarkedStruct::ty);
                (ty(&self.diagnostics), ty(&self.output))
            }
        }
    }

    pub(super) fn structs(&self, library: &Library, evaluator: &Evaluator<'_>) -> TokenStream {
        let diagnostics = self.diagnostics.as_ref().map(|it| it.diagnostics(library, evaluator));
        let output = self.output.as_ref().map(|it| it.output(library, evaluator));
        quote!(#diagnostics #output)
    }
}

enum Kind {
    Diagnostics,
    Output,
}

/// A struct of marked values.
pub(super) struct MarkedStruct<'a> {
    pub(super) marks: Vec<&'a Mark<'a>>,
    kind: Kind,
    pub(super) ident: Ident,
    generics: Generics,
}

impl<'a> MarkedStruct<'a> {
    /// Creates the struct, or returns `None` if no value is marked for it.
    fn new(evaluator: &'a Evaluator<'a>, kind: Kind) -> Option<Self> {
        let (marks, suffix): (Vec<_>, _) = match kind {
            Kind::Diagnostics => (evaluator.diagnostics().collect(), "Diagnostics"),
            Kind::Output => (evaluator.output().collect(), "Output"),
        };
        let all = &evaluator.generics;
        let mentioned = generics::mentioned_in(all, marks.iter().map(|mark| mark.ty));
        let ident = &evaluator.ident;
        (!marks.is_empty()).then(|| Self {
            marks,
            kind,
            ident: names::generated(&format!("{ident}{suffix}"), ident.span()),
            generics: generics::restricted(all, &mentioned),
        })
    }

    /// Returns the `#[cfg]`s of the field for a mark.
    pub(super) fn cfgs(&self, mark: &Mark<'_>) -> TokenStream {
        match self.kind {
            Kind::Diagnostics => mark.diagnostic_cfgs(),
            Kind::Output => mark.output_cfgs(),
        }
    }

    fn ty(&self) -> TokenStream {
        let ident = &self.ident;
        let (_, ty_generics, _) = self.generics.split_for_impl();
        quote!(#ident #ty_generics)
    }

    fn diagnostics(&self, library: &Library, evaluator: &Evaluator<'_>) -> TokenStream {
        let doc = format!("Diagnostics of [`{}`].", evaluator.ident);
        let root = library.root();
        // Spanned at the function's name, so that errors in the derived code are reported there.
        let attrs = quote_spanned! {self.ident.span()=>
            #[derive(#root::Diagnostic)]
            #[diagnostic(crate = #root)]
        };
        let definition = self.definition(evaluator, &doc, &attrs, |mark| {
            let doc = format!("Diagnostic `{}`.", names::plain(mark.ident));
            let docs = docs_or(mark.docs(), &doc);
            let attrs = mark.diagnostic_attrs();
            quote!(#docs #(#attrs)*)
        });
        let debug = self.debug(library, evaluator, &quote!(Diagnostic), &quote!(debug_diagnostics));
        quote!(#definition #debug)
    }

    fn output(&self, library: &Library, evaluator: &Evaluator<'_>) -> TokenStream {
        let doc = format!("Output of [`{}`].", evaluator.ident);
        let root = library.root();
        // Spanned at the function's name, so that errors in the derived code are reported there.
        let attrs = quote_spanned! {self.ident.span()=>
            #[derive(#root::Batch)]
            #[batch(crate = #root)]
        };
        let definition = self.definition(evaluator, &doc, &attrs, |mark| {
            let doc = format!("Output `{}`.", names::plain(mark.ident));
            docs_or(mark.docs(), &doc)
        });
        let debug = self.debug(library, evaluator, &quote!(Batch), &quote!(debug_batch));
        quote!(#definition #debug)
    }

    fn definition(
        &self,
        evaluator: &Evaluator<'_>,
        doc: &str,
        attrs: &TokenStream,
        field_attrs: impl Fn(&Mark<'_>) -> TokenStream,
    ) -> TokenStream {
        let Self { ident, generics, .. } = self;
        let vis = &evaluator.function.vis;
        let where_clause = &generics.where_clause;
        let doc = meta::doc(doc);
        let cfgs = evaluator.cfgs();
        let lints = meta::lint_levels(&evaluator.function.attrs);
        let fields = self.marks.iter().map(|mark| {
            let (name, ty, cfgs) = (mark.ident, mark.ty, self.cfgs(mark));
            let attrs = field_attrs(mark);
            quote!(#attrs #cfgs #vis #name: #ty,)
        });
        let structure = quote_spanned! {ident.span()=>
            struct #ident #generics #where_clause {
                #(#fields)*
            }
        };
        quote! {
            #doc
            #(#cfgs)*
            #lints
            #attrs
            #vis #structure
        }
    }

    /// Implements `Debug` through the `Diagnostic` or `Batch` trait, since the fields might not implement `Debug`.
    fn debug(
        &self,
        library: &Library,
        evaluator: &Evaluator<'_>,
        bound: &TokenStream,
        format: &TokenStream,
    ) -> TokenStream {
        let Self { ident, generics, .. } = self;
        let (impl_generics, ty_generics, _) = generics.split_for_impl();
        let (near, this) = library::at_name(ident, &ty_generics);
        let predicates = generics.where_clause.as_ref().map(|clause| &clause.predicates);
        let own = (!generics.params.is_empty()).then(|| quote!(Self: #library::#bound,));
        let predicates = predicates.filter(|predicates| !predicates.is_empty()).map(|predicates| quote!(#predicates,));
        let name = names::plain(ident);
        let cfgs = evaluator.cfgs();
        quote_spanned! {near=>
            #(#cfgs)*
            #[automatically_derived]
            impl #impl_generics ::core::fmt::Debug for #this where #predicates #own {
                fn fmt(&self, formatter: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                    #library::#format(self, #name, formatter)
                }
            }
        }
    }
}
