//! The expansion of a valid struct: its summary and `impl Diagnostic`.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{DeriveInput, Generics};

use super::ast::{Container, Field, Role};
use super::summary::Summary;
use super::{bounds, suited};
use crate::library::Library;
use crate::{completion, meta};

/// Expands the derive. `words` comes from [`Words`](crate::completion::Words).
pub(super) fn container(library: &Library, container: &Container<'_>, words: &TokenStream) -> TokenStream {
    let summary = Summary::new(library, container);
    let structs = summary.structs();
    let lints = lints(container);
    let diagnostic = impl_diagnostic(library, container, &summary);
    let check = summary.check();
    let suited = suited::check(library, container);
    let summary = summary.impls();
    quote! {
        #structs

        #lints
        const _: () = {
            #diagnostic
            #summary
            #check
            #suited
            #words
        };
    }
}

/// Returns the lint levels for the generated `impl` blocks.
fn lints(container: &Container<'_>) -> TokenStream {
    let mut lints = meta::lint_levels(&container.input.attrs);
    let fields = container.fields.iter().flat_map(|field| &field.original.attrs);
    if (container.input.attrs.iter().chain(fields)).any(|attr| attr.path().is_ident("deprecated")) {
        // A deprecated field warns at its uses, not at its declaration.
        lints.extend(quote!(#[allow(deprecated)]));
    }
    lints.extend(completion::lints());
    lints
}

fn impl_diagnostic(library: &Library, container: &Container<'_>, summary: &Summary<'_>) -> TokenStream {
    let generics = bounds::generics(library, container);
    let visits = |access: &Access| container.fields.iter().map(|field| visit(library, field, access)).collect();
    let visits = [visits(&Access::SHARED), visits(&Access::MUTABLE)];
    implementation(library, container.input, &generics, &summary.ty(), visits)
}

/// Generates `impl Diagnostic` with the given summary type and the given bodies of `visit` and `visit_mut`.
pub(super) fn implementation(
    library: &Library,
    input: &DeriveInput,
    generics: &Generics,
    summary: &TokenStream,
    [visits, visits_mut]: [TokenStream; 2],
) -> TokenStream {
    let ident = &input.ident;
    let (impl_generics, _, where_clause) = generics.split_for_impl();
    let (_, ty_generics, _) = input.generics.split_for_impl();
    let leaves = if visits.is_empty() { quote!(_) } else { quote!(leaves) };
    quote! {
        #[automatically_derived]
        impl #impl_generics #library::Diagnostic for #ident #ty_generics #where_clause {
            type Summary = #summary;

            fn visit<'leaves>(&'leaves self, #leaves: &mut #library::Leaves<'leaves>) {
                #visits
            }

            fn visit_mut<'leaves>(&'leaves mut self, #leaves: &mut #library::LeavesMut<'leaves>) {
                #visits_mut
            }
        }
    }
}

/// The methods by which `visit` or `visit_mut` accesses a field.
struct Access {
    mutable: bool,
    leaf: &'static str,
    samples: &'static str,
    visit: &'static str,
}

impl Access {
    const SHARED: Self = Self { mutable: false, leaf: "leaf_ref", samples: "count_ref", visit: "visit" };
    const MUTABLE: Self = Self { mutable: true, leaf: "leaf_mut", samples: "count_mut", visit: "visit_mut" };
}

fn visit(library: &Library, field: &Field<'_>, access: &Access) -> TokenStream {
    let (ident, ty) = (field.ident, field.ty());
    let mutability = access.mutable.then(|| quote!(mut));
    let place = quote!(&#mutability self.#ident);
    match &field.role {
        Role::Leaf(leaf) => {
            let (of, method) = if leaf.samples { ("SampleCount", access.samples) } else { ("Leaf", access.leaf) };
            let method = library.method(ty, of, method);
            quote!(leaves.push(#method(#place));)
        }
        Role::Flatten => {
            let method = library.method(ty, "Diagnostic", access.visit);
            quote!(#method(#place, leaves);)
        }
        Role::BatchSize if !access.mutable => quote!(leaves.batch_size(self.#ident);),
        Role::BatchSize | Role::Skip => TokenStream::new(),
    }
}
