//! The arguments of an evaluator: model, batch and mode by position, then parameters.

use quote::ToTokens;
use syn::punctuated::Punctuated;
use syn::visit_mut::{self, VisitMut};
use syn::{FnArg, GenericParam, Generics, Ident, ItemFn, Pat, PatType, Token, Type, TypeParamBound, parse_quote};

use super::field_type;
use super::marked::markers;
use super::params::Param;
use super::returns::ungrouped;
use crate::ctxt::Ctxt;
use crate::text::compact;
use crate::{generics, names};

pub(super) struct Arguments<'a> {
    /// The model type behind the reference, with a type parameter for each `impl Trait`.
    pub(super) model: Type,
    /// The batch type behind the reference, with a type parameter for each `impl Trait`.
    pub(super) batch: Type,
    pub(super) mode: &'a Type,
    pub(super) params: Vec<Param<'a>>,
}

impl<'a> Arguments<'a> {
    /// Parses the arguments, adding a parameter to `generics` for each `impl Trait`.
    ///
    /// Reports any errors and returns `None`.
    pub(super) fn read(ctxt: &Ctxt, function: &'a ItemFn, generics: &mut Generics) -> Option<Self> {
        let sig = &function.sig;
        let inputs = sig.inputs.iter().filter_map(|input| match input {
            FnArg::Typed(input) => Some(input),
            FnArg::Receiver(_) => None,
        });
        let inputs: Vec<&PatType> = inputs.collect();
        for input in &inputs {
            marks(ctxt, input);
        }
        if one_batch_of_several(ctxt, &inputs) {
            return None;
        }
        let params: Vec<_> = inputs.iter().skip(3).map(|input| Param::read(ctxt, input)).collect();
        let first = inputs.iter().take(3).flat_map(|input| markers(&input.attrs));
        if let Some(marker) = first.into_iter().find(|marker| marker.is("param")) {
            ctxt.error_with_help(
                marker,
                "the first three arguments must be the model, the batch and the mode",
                "write `(model: &Net, batch: &Images, mode: Mode, #[param] ..)`",
            );
            return None;
        }
        let [model, batch, mode, ..] = inputs[..] else {
            ctxt.error_with_help(
                // A missing argument has no span, so the error points at the function's name.
                &sig.ident,
                "an evaluator must take a model, a batch and a mode",
                "write `(model: &Net, batch: &Images, mode: Mode)`",
            );
            return None;
        };
        if is_swapped(function, model, batch) {
            ctxt.error_with_help(
                &batch.pat,
                "the model must come before the batch",
                format_args!(
                    "write `({}: {}, {}: {}, ..)`",
                    compact(&batch.pat),
                    compact(&batch.ty),
                    compact(&model.pat),
                    compact(&model.ty)
                ),
            );
            return None;
        }
        if let Type::Reference(reference) = ungrouped(&mode.ty) {
            ctxt.error_with_help(reference, "the mode must be taken by value", "write `mode: Mode`");
            return None;
        }
        let model = lent(ctxt, function, generics, &model.ty, &MODEL);
        let batch = lent(ctxt, function, generics, &batch.ty, &BATCH);
        Some(Self { model: model?, batch: batch?, mode: &mode.ty, params: params.into_iter().collect::<Option<_>>()? })
    }
}

/// Reports attributes on an argument that belong on a `let`.
fn marks(ctxt: &Ctxt, input: &PatType) {
    for marker in markers(&input.attrs).iter().filter(|marker| !marker.is("param")) {
        let (name, pat, ty) = (compact(marker.meta.path()), compact(&input.pat), compact(&input.ty));
        ctxt.error_with_help(
            marker,
            format_args!("`#[{name}]` can only be applied to a `let` in the function body, not to an argument"),
            format_args!("write `let {pat}: {ty} = {pat};` in the body and mark it"),
        );
    }
}

/// Returns the last segment of a type's path.
fn last_word(ty: &Type) -> Option<&Ident> {
    match ungrouped(ty) {
        Type::Path(path) => path.path.segments.last().map(|last| &last.ident),
        _ => None,
    }
}

/// Reports a batch split over several arguments, which puts the mode after the third position.
fn one_batch_of_several(ctxt: &Ctxt, inputs: &[&PatType]) -> bool {
    let own: Vec<_> = inputs.iter().take_while(|input| markers(&input.attrs).is_empty()).collect();
    let mode = own.iter().position(|input| last_word(&input.ty).is_some_and(|word| word == "Mode"));
    let Some(parts) = mode.filter(|&mode| mode > 2).map(|mode| &own[1..mode]) else { return false };
    let types = parts.iter().map(|input| match ungrouped(&input.ty) {
        Type::Reference(reference) => compact(&reference.elem),
        ty => compact(ty),
    });
    let types = types.collect::<Vec<_>>().join(", ");
    ctxt.error_with_help(
        &parts[1].pat,
        "an evaluator takes a single batch",
        format_args!("write `batch: &({types})`, or derive `Batch` on a struct of these fields"),
    );
    true
}

/// Returns whether the model and the batch are swapped, judging by their names or a `Module` bound on the second one.
fn is_swapped(function: &ItemFn, first: &PatType, second: &PatType) -> bool {
    let named = |input: &PatType, name: &str| matches!(&*input.pat, Pat::Ident(pat) if pat.ident == name);
    let is_module = |bounds: &Punctuated<TypeParamBound, Token![+]>| {
        bounds.iter().any(|bound| match bound {
            TypeParamBound::Trait(bound) => {
                bound.path.segments.last().is_some_and(|last| last.ident == "Module" || last.ident == "ModuleT")
            }
            _ => false,
        })
    };
    let Type::Reference(reference) = ungrouped(&second.ty) else { return false };
    let bound_as_module = match ungrouped(&reference.elem) {
        Type::ImplTrait(anonymous) => is_module(&anonymous.bounds),
        Type::Path(path) => {
            let mut params = function.sig.generics.type_params();
            params.any(|param| path.path.is_ident(&param.ident) && is_module(&param.bounds))
        }
        _ => false,
    };
    (named(first, "batch") && named(second, "model")) || bound_as_module
}

/// The wording of errors about a borrowed argument, and the name of its type parameter.
struct Lent {
    what: &'static str,
    /// The name of the type parameter that replaces an `impl Trait`.
    param: &'static str,
    usage: &'static str,
}

const MODEL: Lent = Lent { what: "the model", param: "Model", usage: "write `model: &Net`" };
const BATCH: Lent = Lent { what: "the batch", param: "Batch", usage: "write `batch: &Images`" };

/// Returns the type behind the reference `ty`, with a type parameter for each `impl Trait`.
fn lent(ctxt: &Ctxt, function: &ItemFn, generics: &mut Generics, ty: &Type, lent: &Lent) -> Option<Type> {
    let Type::Reference(reference) = ungrouped(ty) else {
        ctxt.error_with_help(ty, format_args!("{} must be taken by reference", lent.what), lent.usage);
        return None;
    };
    if let Some(mutability) = &reference.mutability {
        field_type::mutable(ctxt, *mutability);
        return None;
    }
    if let Some(lifetime) = &reference.lifetime
        && lifetime.ident == "static"
    {
        ctxt.error_with_help(lifetime, format_args!("{} cannot be a `'static` reference", lent.what), lent.usage);
    }
    let mut named = (*reference.elem).clone();
    let mut anonymous = NameImplTrait { function, name: lent.param, params: Vec::new() };
    anonymous.visit_type_mut(&mut named);
    generics.params.extend(anonymous.params);
    field_type::owned(ctxt, &named, lent.what);
    Some(named)
}

/// A visitor that replaces each `impl Trait` with a new type parameter.
struct NameImplTrait<'a> {
    function: &'a ItemFn,
    name: &'static str,
    params: Vec<GenericParam>,
}

impl VisitMut for NameImplTrait<'_> {
    fn visit_type_mut(&mut self, ty: &mut Type) {
        // Innermost first, since a bound may contain another `impl Trait`.
        visit_mut::visit_type_mut(self, ty);
        if let Type::ImplTrait(anonymous) = ty {
            let taken: Vec<String> = self.params.iter().map(generics::name_of).collect();
            let name = names::unused(self.name, &taken, &self.function.to_token_stream());
            let ident = names::generated(&name, anonymous.impl_token.span);
            let bounds = &anonymous.bounds;
            self.params.push(parse_quote!(#ident: #bounds));
            *ty = parse_quote!(#ident);
        }
    }
}
