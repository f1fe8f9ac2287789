//! The expansion of an erroneous input, which prevents follow-up errors in uses of the type as a batch.

use proc_macro2::TokenStream;
use quote::quote;
use syn::DeriveInput;

use super::expand;
use crate::fallback;
use crate::library::Library;

/// Emits `errors` and an `impl Batch` whose methods are never called.
pub(super) fn container(library: &Library, input: &DeriveInput, errors: &TokenStream) -> TokenStream {
    let bodies = [(); 3].map(|()| quote!(::core::unreachable!()));
    let implementation = expand::unused(library, input, &fallback::with_unchecked_bounds(input), bodies);
    quote!(#errors #implementation)
}
