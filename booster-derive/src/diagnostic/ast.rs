//! The syntax tree of a diagnostics struct, with the tokens that errors point at.

use proc_macro2::{Ident, TokenStream};
use quote::ToTokens;
use syn::{Attribute, Data, DeriveInput, Fields, GenericArgument, PathArguments, PathSegment, Type};

use super::attr::{FieldAttrs, GroupAttr, GroupName};
use super::metric::{self, MetricAttr};
use super::reduce::Reduce;
use crate::ctxt::Ctxt;
use crate::{names, owned};

/// A struct whose fields all have a role.
pub(super) struct Container<'a> {
    pub(super) input: &'a DeriveInput,
    /// The name of the summary, or `None` to derive it from the struct's name.
    pub(super) summary: Option<&'a Ident>,
    pub(super) fields: Vec<Field<'a>>,
    /// The groups, in order of first appearance.
    pub(super) groups: Vec<GroupName>,
}

pub(super) struct Field<'a> {
    pub(super) original: &'a syn::Field,
    pub(super) ident: &'a Ident,
    pub(super) role: Role,
}

/// The role of a field in a diagnostics struct.
pub(super) enum Role {
    Leaf(Leaf),
    Flatten,
    /// The batch size, which weights batch-level fields if nothing else determines the number of samples.
    BatchSize,
    Skip,
}

/// A measured field.
pub(super) struct Leaf {
    pub(super) group: GroupName,
    /// The metrics, each a field of the group's summary.
    pub(super) metrics: Vec<Metric>,
    /// Whether the field counts the samples.
    pub(super) samples: bool,
    /// Whether the type is written as an `Option`.
    pub(super) optional: bool,
    /// Whether the type is written as a `Duration` or an `Option<Duration>`.
    pub(super) duration: bool,
}

/// A value of the summary.
pub(super) struct Metric {
    pub(super) ident: Ident,
    pub(super) reduce: Reduce,
    /// The tokens that errors point at.
    pub(super) tokens: TokenStream,
    /// The reduction as written, or the field's name if no reduction is written.
    pub(super) word: TokenStream,
}

impl<'a> Container<'a> {
    /// Parses a struct, skipping and reporting invalid fields. Returns `None` and reports an error if the struct has no
    /// named fields.
    pub(super) fn from_input(ctxt: &Ctxt, input: &'a DeriveInput, summary: Option<&'a Ident>) -> Option<Self> {
        stray_attributes(ctxt, &input.attrs);
        owned::packed(ctxt, &input.attrs, "Diagnostic");
        let fields = named_fields(ctxt, input)?;
        let fields: Vec<Field<'a>> = fields.filter_map(|field| Field::from_syn(ctxt, field)).collect();
        let mut groups: Vec<GroupName> = Vec::new();
        for leaf in fields.iter().filter_map(Field::leaf) {
            if !groups.iter().any(|group| group.name == leaf.group.name) {
                groups.push(leaf.group.clone());
            }
        }
        Some(Self { input, summary, fields, groups })
    }

    /// Returns the container for an input that is not a struct with named fields.
    pub(super) fn empty(input: &'a DeriveInput, summary: Option<&'a Ident>) -> Self {
        Self { input, summary, fields: Vec::new(), groups: Vec::new() }
    }

    /// Returns the fields of `group`, in order of declaration.
    pub(super) fn leaves<'s>(&'s self, group: &GroupName) -> impl Iterator<Item = (&'s Field<'a>, &'s Leaf)> {
        let leaves = self.fields.iter().filter_map(|field| Some((field, field.leaf()?)));
        leaves.filter(move |(_, leaf)| leaf.group.name == group.name)
    }

    /// Returns the custom reductions, in order of declaration.
    pub(super) fn custom_reductions(&self) -> impl Iterator<Item = &Type> {
        let metrics = self.fields.iter().filter_map(Field::leaf).flat_map(|leaf| &leaf.metrics);
        metrics.filter_map(|metric| metric.reduce.custom())
    }

    /// Returns the flattened fields, in order of declaration.
    pub(super) fn flattened(&self) -> impl Iterator<Item = &Field<'a>> {
        self.fields.iter().filter(|field| matches!(field.role, Role::Flatten))
    }
}

impl<'a> Field<'a> {
    fn from_syn(ctxt: &Ctxt, original: &'a syn::Field) -> Option<Self> {
        let ident = original.ident.as_ref()?;
        let attrs = FieldAttrs::read(ctxt, original, &names::plain(ident));
        let role = role(ctxt, original, ident, attrs)?;
        Some(Self { original, ident, role })
    }

    pub(super) fn leaf(&self) -> Option<&Leaf> {
        match &self.role {
            Role::Leaf(leaf) => Some(leaf),
            Role::Flatten | Role::BatchSize | Role::Skip => None,
        }
    }

    pub(super) fn ty(&self) -> &'a Type {
        &self.original.ty
    }

    /// Returns the field's name for messages, tags and schemas.
    pub(super) fn name(&self) -> String {
        names::plain(self.ident)
    }
}

fn named_fields<'a>(ctxt: &Ctxt, input: &'a DeriveInput) -> Option<impl Iterator<Item = &'a syn::Field> + use<'a>> {
    let culprit = match &input.data {
        Data::Struct(data) => match &data.fields {
            Fields::Named(fields) => return Some(fields.named.iter()),
            Fields::Unnamed(fields) => fields.to_token_stream(),
            Fields::Unit => data.struct_token.to_token_stream(),
        },
        Data::Enum(data) => data.enum_token.to_token_stream(),
        Data::Union(data) => data.union_token.to_token_stream(),
    };
    ctxt.error_with_help(
        culprit,
        "`Diagnostic` can only be derived for structs with named fields",
        "field names become metric names",
    );
    None
}

/// Reports field attributes on the struct.
fn stray_attributes(ctxt: &Ctxt, attrs: &[Attribute]) {
    for name in ["group", "metric"] {
        for attr in attrs.iter().filter(|attr| attr.path().is_ident(name)) {
            ctxt.error_with_help(
                attr,
                format_args!("`#[{name}]` can only be applied to fields"),
                "move it to the field it describes",
            );
        }
    }
}

/// Returns the role of a field, or `None` if its attributes are invalid.
fn role(ctxt: &Ctxt, field: &syn::Field, ident: &Ident, attrs: FieldAttrs<'_>) -> Option<Role> {
    let name = names::plain(ident);
    if attrs.batch_size.is_some() {
        return Some(Role::BatchSize);
    }
    match (attrs.skip, attrs.flatten) {
        (Some(_), Some(flatten)) => {
            ctxt.error_with_help(
                flatten,
                format_args!("field `{name}` is both skipped and flattened"),
                "remove `skip` or `flatten`",
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
    // If all reductions are invalid, the summary's placeholder still needs a metric for the field.
    let metrics = if metrics.is_empty() { vec![alone(ident, Reduce::MEAN)] } else { metrics };
    let Some(group) = attrs.group else {
        // A `#[diagnostic(..)]` that neither skips nor flattens is already reported.
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
        duration: is_duration(&field.ty),
    }))
}

/// Reports `#[group]` and `#[metric]` on a field that has no metric of its own.
fn unmeasured(ctxt: &Ctxt, group: Option<&GroupAttr<'_>>, metric: Option<&MetricAttr<'_>>, state: &str, word: &str) {
    let group = group.iter().map(|group| (group.attr, "group"));
    let metric = metric.iter().map(|metric| (metric.attr, "metric"));
    for (attr, name) in group.chain(metric) {
        ctxt.error_with_help(
            attr,
            format_args!("{state} and cannot have `#[{name}]`"),
            format_args!("remove `#[{name}]` or `#[diagnostic({word})]`"),
        );
    }
}

/// Returns the only metric of the field `ident`.
fn alone(ident: &Ident, reduce: Reduce) -> Metric {
    Metric { ident: ident.clone(), reduce, tokens: ident.to_token_stream(), word: ident.to_token_stream() }
}

/// Returns the valid metrics in `#[metric(..)]` for the field `ident`.
fn metrics(ctxt: &Ctxt, attr: &MetricAttr<'_>, ident: &Ident) -> Vec<Metric> {
    let field = names::plain(ident);
    if let Some(samples) = &attr.samples {
        if !attr.reductions.is_empty() {
            ctxt.error_with_help(
                samples,
                "`samples` cannot be combined with other reductions",
                "a field that counts the samples is always summed",
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

/// Returns whether `ty` is written as an `Option`, since a macro cannot resolve aliases.
fn is_option(ty: &Type) -> bool {
    last_segment(ty).is_some_and(|last| last.ident == "Option")
}

/// Returns whether `ty` is written as a `Duration` or an `Option<Duration>`.
fn is_duration(ty: &Type) -> bool {
    last_segment(ty).is_some_and(|last| match &last.arguments {
        PathArguments::AngleBracketed(arguments) if last.ident == "Option" => {
            matches!(arguments.args.first(), Some(GenericArgument::Type(inner)) if is_duration(inner))
        }
        _ => last.ident == "Duration",
    })
}

fn last_segment(ty: &Type) -> Option<&PathSegment> {
    match ty {
        Type::Path(ty) => ty.path.segments.last(),
        Type::Group(ty) => last_segment(&ty.elem),
        Type::Paren(ty) => last_segment(&ty.elem),
        _ => None,
    }
}
