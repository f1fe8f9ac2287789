//! What attributes and fields mean together, and which combinations mean nothing.

use std::collections::BTreeMap;

use proc_macro2::Ident;
use quote::ToTokens;
use syn::{Attribute, Type};

use super::ast::{Container, Field, Leaf, Metric, Role};
use super::attr::{FieldAttrs, GroupAttr, GroupName};
use super::metric::{self, MetricAttr};
use super::reduce::Reduce;
use crate::ctxt::Ctxt;
use crate::{generics, meta, names, owned};

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
    if attrs.batch_size.is_some() {
        return Some(Role::BatchSize);
    }
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
            owned::check(ctxt, &field.ty, "a flattened field");
            let state = format!("field `{name}` is flattened");
            unmeasured(ctxt, attrs.group.as_ref(), attrs.metric.as_ref(), &state, "flatten");
            return Some(Role::Flatten);
        }
        (None, None) => {}
    }
    let metrics = match &attrs.metric {
        Some(metric) => metrics(ctxt, metric, ident),
        None => Vec::new(),
    };
    // Of reductions that are all in error, the field itself stays known.
    let metrics = if metrics.is_empty() { vec![alone(ident, Reduce::MEAN)] } else { metrics };
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
    owned::check(ctxt, &field.ty, "a metric");
    Some(Role::Leaf(Leaf {
        group: group.group?,
        metrics,
        samples: attrs.metric.is_some_and(|metric| metric.samples.is_some()),
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

/// The only metric of the field `ident`.
fn alone(ident: &Ident, reduce: Reduce) -> Metric {
    Metric { ident: ident.clone(), reduce, tokens: ident.to_token_stream(), word: ident.to_token_stream() }
}

/// The metrics that `#[metric(..)]` makes of the field `ident`, without those in error.
fn metrics(ctxt: &Ctxt, attr: &MetricAttr<'_>, ident: &Ident) -> Vec<Metric> {
    let field = names::plain(ident);
    if let Some(samples) = &attr.samples {
        if !attr.reductions.is_empty() {
            ctxt.error_with_help(
                samples,
                "`samples` stands alone in `#[metric(..)]`",
                "a field that counts the samples is reduced by their sum",
            );
        }
        return vec![alone(ident, Reduce::SUM)];
    }
    let mut metrics: Vec<Metric> = Vec::new();
    for reduction in &attr.reductions {
        if metrics.iter().any(|metric| metric.reduce.is_same(&reduction.reduce)) {
            metric::duplicate(ctxt, &reduction.tokens, &field);
            continue;
        }
        let (ident, tokens) = if metrics.is_empty() {
            (ident.clone(), ident.to_token_stream())
        } else {
            let name = format!("{field}_{}", reduction.reduce.suffix());
            (names::generated(&name, ident.span()), reduction.tokens.clone())
        };
        metrics.push(Metric { ident, reduce: reduction.reduce.clone(), tokens, word: reduction.tokens.clone() });
    }
    metrics
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
    one_metric_per_name(ctxt, container);
    custom_reductions(ctxt, container);
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

fn one_metric_per_name(ctxt: &Ctxt, container: &Container<'_>) {
    for group in &container.groups {
        let mut owners: BTreeMap<String, &Field<'_>> = BTreeMap::new();
        for (field, leaf) in container.leaves(group) {
            for metric in &leaf.metrics {
                let name = names::plain(&metric.ident);
                let Some(first) = owners.get(&name) else {
                    owners.insert(name, field);
                    continue;
                };
                let (first, second) = (first.name(), field.name());
                let help = if first == second {
                    "measure the value a second time, in a field of its own".to_owned()
                } else {
                    format!("rename `{first}` or `{second}`, or put them into different groups")
                };
                let group = &group.name;
                ctxt.error_with_help(
                    &metric.tokens,
                    format_args!("group `{group}` has two metrics named `{name}`"),
                    help,
                );
            }
        }
    }
}

/// A group's summary has no parameters, and `Self` would be another type in each place.
fn custom_reductions(ctxt: &Ctxt, container: &Container<'_>) {
    for ty in container.custom_reductions() {
        let mut mentioned = generics::mentioned(&container.input.generics, ty);
        if meta::mentions_ident(ty.to_token_stream(), "Self") {
            mentioned.insert("Self".to_owned());
        }
        if let Some(name) = mentioned.first() {
            ctxt.error_with_help(
                ty,
                format_args!("a reduction cannot depend on `{name}`"),
                "name a type without the struct's parameters",
            );
        }
    }
}
