//! Checks for conflicts between the fields of a struct.

use std::collections::BTreeMap;

use quote::ToTokens;

use super::ast::{Container, Field};
use super::attr::GroupName;
use crate::ctxt::Ctxt;
use crate::{generics, names};

/// Reports conflicts between the fields of a struct.
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
                format_args!("group `{name}` has the same name as a flattened field"),
                "both become fields of the summary: rename one of them",
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
                format_args!("groups `{}` and `{}` both become `{camel}` in type names", first.name, group.name),
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
            "only one field of a struct can be `#[metric(samples)]`",
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
                    "measure the value again in a separate field".to_owned()
                } else {
                    format!("rename `{first}` or `{second}`, or move one to another group")
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

/// Reports custom reductions that depend on a generic parameter or on `Self`.
///
/// A group's summary has no generic parameters, and the meaning of `Self` differs between the generated items.
fn custom_reductions(ctxt: &Ctxt, container: &Container<'_>) {
    for ty in container.custom_reductions() {
        let mut mentioned = generics::mentioned(&container.input.generics, ty);
        if names::mentions_ident(ty.to_token_stream(), "Self") {
            mentioned.insert("Self".to_owned());
        }
        if let Some(name) = mentioned.first() {
            ctxt.error_with_help(
                ty,
                format_args!("a reduction cannot depend on `{name}`"),
                "use a type without `Self` or the struct's parameters",
            );
        }
    }
}
