//! What comes out beside errors: uses of the type as a batch stay quiet.

use proc_macro2::TokenStream;
use quote::quote;
use syn::DeriveInput;

use super::expand;
use crate::fallback;
use crate::library::Library;

/// `errors` and an implementation that never runs.
pub(super) fn container(library: &Library, input: &DeriveInput, errors: &TokenStream) -> TokenStream {
    let bodies = [(); 3].map(|()| quote!(::core::unreachable!()));
    let implementation = expand::unused(library, input, &fallback::on_trust(input), bodies);
    quote!(#errors #implementation)
}
