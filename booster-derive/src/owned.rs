//! The check that fields own their values: diagnostics and batches outlive the step and move between threads.

use syn::{Attribute, GenericArgument, Ident, PathArguments, Type, TypePath};

use crate::ctxt::Ctxt;
use crate::text::compact;

/// Reports a field that borrows or shares its value or is a trait object, none of which can be measured or scattered.
pub(crate) fn check(ctxt: &Ctxt, ty: &Type, what: &str) {
    match ty {
        Type::Group(group) => check(ctxt, &group.elem, what),
        Type::Paren(paren) => check(ctxt, &paren.elem, what),
        // rustc reports a missing lifetime in any struct.
        Type::Reference(reference) if reference.lifetime.is_none() => ctxt.left_to_rustc(),
        Type::Reference(reference) => {
            let owned = compact(&reference.elem);
            ctxt.error_with_help(
                ty,
                format_args!("{what} cannot be a reference"),
                format_args!("own the value: write `{owned}`"),
            );
        }
        Type::Ptr(pointer) => {
            let owned = compact(&pointer.elem);
            ctxt.error_with_help(
                ty,
                format_args!("{what} cannot be a raw pointer"),
                format_args!("own the value: write `{owned}`"),
            );
        }
        Type::TraitObject(_) => ctxt.error_with_help(
            ty,
            format_args!("{what} cannot be a trait object"),
            "use a concrete type, or a type parameter of the struct",
        ),
        Type::Array(array) => check(ctxt, &array.elem, what),
        Type::Tuple(tuple) => tuple.elems.iter().for_each(|ty| check(ctxt, ty, what)),
        Type::Path(path) => {
            if let Some((name, value)) = argument(path) {
                if name == "Arc" || name == "Rc" {
                    let owned = compact(value);
                    ctxt.error_with_help(
                        ty,
                        format_args!("{what} cannot be an `{name}`"),
                        format_args!("own the value: write `{owned}`"),
                    );
                } else if name == "Option" || name == "Vec" || name == "Box" {
                    check(ctxt, value, what);
                }
            }
        }
        _ => {}
    }
}

/// Returns the last segment of a path that has a single type argument, and that argument.
fn argument(path: &TypePath) -> Option<(&Ident, &Type)> {
    let last = path.path.segments.last()?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else {
        return None;
    };
    match arguments.args.first() {
        Some(GenericArgument::Type(ty)) if arguments.args.len() == 1 => Some((&last.ident, ty)),
        _ => None,
    }
}

/// Reports a packed struct, whose fields cannot be borrowed.
pub(crate) fn packed(ctxt: &Ctxt, attrs: &[Attribute], derived: &str) {
    for attr in attrs.iter().filter(|attr| attr.path().is_ident("repr")) {
        // rustc reports an invalid `repr`.
        let _ = attr.parse_nested_meta(|meta| {
            if meta.path.is_ident("packed") {
                ctxt.error_with_help(
                    &meta.path,
                    format_args!("`{derived}` cannot be derived for a packed struct"),
                    "remove `packed`: the fields of a packed struct cannot be borrowed",
                );
            }
            crate::meta::skip_argument(meta.input);
            Ok(())
        });
    }
}
