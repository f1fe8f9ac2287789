//! Fields own what they hold: diagnostics and batches outlive the step and are sent to other threads.

use syn::Type;

use crate::ctxt::Ctxt;
use crate::text::compact;

/// Reports a field that is a reference, as which nothing can be measured or scattered.
pub(crate) fn check(ctxt: &Ctxt, ty: &Type, what: &str) {
    match ty {
        Type::Group(group) => check(ctxt, &group.elem, what),
        Type::Paren(paren) => check(ctxt, &paren.elem, what),
        // Without a lifetime it is an error in any struct.
        Type::Reference(reference) if reference.lifetime.is_none() => ctxt.left_to_rustc(),
        Type::Reference(reference) => {
            let owned = compact(&reference.elem);
            ctxt.error_with_help(
                ty,
                format_args!("{what} cannot be a reference"),
                format_args!("own the value: write `{owned}`"),
            );
        }
        _ => {}
    }
}
