//! The user's function, which returns its marked values along with the loss.

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote};
use syn::{FnArg, Signature, Stmt, Type, parse_quote};

use super::ast::Evaluator;
use super::body::Mark;
use super::marked_struct::{MarkedStruct, MarkedStructs};
use super::returns::{self, Returns};
use super::{loss, marked};
use crate::library::Library;
use crate::{meta, names};

/// Generates the function that the evaluator calls.
pub(super) fn tokens(library: &Library, evaluator: &Evaluator<'_>, marked: &MarkedStructs<'_>) -> TokenStream {
    Function { library, evaluator, marked }.tokens()
}

struct Function<'a> {
    library: &'a Library,
    evaluator: &'a Evaluator<'a>,
    marked: &'a MarkedStructs<'a>,
}

impl Function<'_> {
    fn tokens(&self) -> TokenStream {
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
            Returns::Loss { declared } if !self.marked.is_empty() => {
                let (diagnostics, output) = self.marked.types(self.evaluator);
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
            // The macro prescribes the signature, so the user cannot fix these lints.
            #[allow(#lints)]
            #sig #body
        }
    }

    /// Generates the user's statements, and saves each marked value and its version right after the statement.
    ///
    /// The user's code may thus move or shadow the value later; a changed version reveals a later write to its tensor.
    fn body(&self, declared: &TokenStream) -> TokenStream {
        let library = self.library;
        let block = &*self.evaluator.function.block;
        let tail = loss::tail(block);
        let mut statements = TokenStream::new();
        let count = block.stmts.len() - tail.len();
        for (index, statement) in block.stmts.iter().take(count).enumerate() {
            statements.extend(self.statement(index, statement));
        }
        // The last expression can only have attributes within a block.
        let tail = if tail.iter().any(loss::is_conditional) { quote!({ #(#tail)* }) } else { quote!(#(#tail)*) };
        let (loss, marked) = (local("loss", None), local("marked", None));
        let (diagnostics_ty, output_ty) = self.marked.types(self.evaluator);
        let diagnostics = collect(self.marked.diagnostics.as_ref(), |mark, name| {
            let (kept, writes) = (local("leaf", Some(mark.statement)), library.method(mark.ty, "Leaf", "writes"));
            let schema = quote!(<#diagnostics_ty as #library::Diagnostic>::SCHEMA);
            quote!({
                #library::unwritten_diagnostic(#schema, #name, #kept.1, #writes(&#kept.0))?;
                #kept.0
            })
        });
        let output = collect(self.marked.output.as_ref(), |mark, name| {
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

/// Returns the lints that the required signature of an evaluator may trigger.
///
/// Includes lints of `clippy::all` only if they apply, since an `allow` causes a warning in a crate that forbids them.
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

/// Constructs the struct of marked values, or `()` if nothing is marked.
fn collect(marked: Option<&MarkedStruct<'_>>, value: impl Fn(&Mark<'_>, &str) -> TokenStream) -> TokenStream {
    let Some(marked) = marked else { return quote!(()) };
    let ident = &marked.ident;
    let fields = marked.marks.iter().map(|mark| {
        let (name, cfgs, value) = (mark.ident, marked.cfgs(mark), value(mark, &names::plain(mark.ident)));
        quote!(#cfgs #name: #value,)
    });
    quote!(#ident { #(#fields)* })
}

/// Returns a hygienic name for a local, invisible to the user's code.
fn local(name: &str, index: Option<usize>) -> syn::Ident {
    match index {
        Some(index) => format_ident!("{name}_{index}", span = Span::mixed_site()),
        None => format_ident!("{name}", span = Span::mixed_site()),
    }
}
