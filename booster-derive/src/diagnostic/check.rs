//! What attributes and fields mean together, and which combinations mean nothing.

use std::collections::BTreeMap;

use proc_macro2::Ident;
use syn::{Attribute, Type};

use super::ast::{Container, Leaf, Metric, Reduce, Role};
use super::attr::{FieldAttrs, GroupAttr, GroupName, MetricAttr, ReductionKind};
use crate::ctxt::Ctxt;
use crate::names;

/// Reports the attributes of fields that stand on the struct.
pub(super) fn stray_attributes(ctxt: &Ctxt, attrs: &[Attribute]) {
    for name in ["group", "metric"] {
        for attr in attrs.iter().filter(|attr| attr.path().is_ident(name)) {
            ctxt.error_with_help(
                attr,
                format_args!("`#[{name}]` goes on a field"),
                "each field has its own attributes",
            );
        }
    }
}

/// The role that its attributes give to a field; none where they are in error.
pub(super) fn role(ctxt: &Ctxt, field: &syn::Field, ident: &Ident, attrs: FieldAttrs<'_>) -> Option<Role> {
    let name = names::plain(ident);
    match (attrs.skip, attrs.flatten) {
        (Some(_), Some(flatten)) => {
            ctxt.error_with_help(
                flatten,
                format_args!("field `{name}` is both skipped and flattened"),
                "keep one of `skip` and `flatten`",
            );
            return None;
        }
        (Some(_), None) => {
            let state = format!("field `{name}` is skipped");
            unmeasured(ctxt, attrs.group.as_ref(), attrs.metric.as_ref(), &state, "skip");
            return Some(Role::Skip);
        }
        (None, Some(_)) => {
            let state = format!("field `{name}` is flattened");
            unmeasured(ctxt, attrs.group.as_ref(), attrs.metric.as_ref(), &state, "flatten");
            return Some(Role::Flatten);
        }
        (None, None) => {}
    }
    let reduction = match &attrs.metric {
        Some(metric) => reduction(ctxt, metric),
        None => Some(ReductionKind::By(Reduce::Mean)),
    };
    let Some(group) = attrs.group else {
        // A `#[diagnostic(..)]` that neither skips nor flattens is reported already: it was to.
        if !field.attrs.iter().any(|attr| attr.path().is_ident("diagnostic")) {
            ctxt.error_with_help(
                ident,
                format_args!("field `{name}` has no group"),
                "add `#[group = \"loss\"]`, or `#[diagnostic(skip)]`",
            );
        }
        return None;
    };
    let (reduce, samples) = match reduction? {
        ReductionKind::By(reduce) => (reduce, false),
        ReductionKind::Samples => (Reduce::Sum, true),
    };
    Some(Role::Leaf(Leaf {
        group: group.group?,
        metrics: vec![Metric { ident: ident.clone(), reduce }],
        samples,
        optional: is_option(&field.ty),
    }))
}

/// Reports `#[group]` and `#[metric]` on a field that has no metric of its own.
fn unmeasured(ctxt: &Ctxt, group: Option<&GroupAttr<'_>>, metric: Option<&MetricAttr<'_>>, state: &str, word: &str) {
    let group = group.iter().map(|group| (group.attr, "group"));
    let metric = metric.iter().map(|metric| (metric.attr, "metric"));
    for (attr, name) in group.chain(metric) {
        ctxt.error_with_help(
            attr,
            format_args!("{state} and takes no `#[{name}]`"),
            format_args!("remove `#[{name}]` or `#[diagnostic({word})]`"),
        );
    }
}

/// The one reduction of `#[metric(..)]`; none where it is in error.
fn reduction(ctxt: &Ctxt, metric: &MetricAttr<'_>) -> Option<ReductionKind> {
    let (first, more) = metric.reductions.split_first()?;
    if let Some(second) = more.first() {
        ctxt.error_with_help(
            &second.word,
            "`#[metric]` takes one reduction",
            "measure the value a second time in a field of its own",
        );
        return None;
    }
    Some(first.kind)
}

/// Whether `ty` is written as an `Option`, which is all that a macro can know.
fn is_option(ty: &Type) -> bool {
    match ty {
        Type::Path(ty) => ty.path.segments.last().is_some_and(|last| last.ident == "Option"),
        Type::Group(ty) => is_option(&ty.elem),
        Type::Paren(ty) => is_option(&ty.elem),
        _ => false,
    }
}

/// Checks the fields of a struct against each other.
pub(super) fn container(ctxt: &Ctxt, container: &Container<'_>) {
    one_name_per_group(ctxt, container);
    one_samples_field(ctxt, container);
    for flattened in container.flattened() {
        let name = flattened.name();
        if let Some(group) = container.groups.iter().find(|group| group.name == name) {
            ctxt.error_with_help(
                &group.literal,
                format_args!("group `{name}` has the name of a flattened field"),
                "both are fields of the summary: rename one of them",
            );
        }
    }
}

fn one_name_per_group(ctxt: &Ctxt, container: &Container<'_>) {
    let mut types: BTreeMap<String, &GroupName> = BTreeMap::new();
    for group in &container.groups {
        let camel = names::upper_camel(&group.name);
        if let Some(first) = types.get(&camel) {
            ctxt.error_with_help(
                &group.literal,
                format_args!("groups `{}` and `{}` are both `{camel}` in the name of a type", first.name, group.name),
                "rename one of them",
            );
        } else {
            types.insert(camel, group);
        }
    }
}

fn one_samples_field(ctxt: &Ctxt, container: &Container<'_>) {
    let mut counting = container.fields.iter().filter(|field| field.leaf().is_some_and(|leaf| leaf.samples));
    let Some(first) = counting.next() else {
        return;
    };
    for field in counting {
        let metric = field.original.attrs.iter().find(|attr| attr.path().is_ident("metric"));
        ctxt.error_with_help(
            metric,
            format_args!("fields `{}` and `{}` both count the samples", first.name(), field.name()),
            "one field of a struct is `#[metric(samples)]`",
        );
    }
}
