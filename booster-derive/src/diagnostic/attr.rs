//! Parsing of field attributes, from which the module `ast` determines the role of each field.

use syn::{Attribute, Expr, ExprLit, Ident, Lit, LitStr, Meta, Path};

use super::metric::MetricAttr;
use crate::ctxt::Ctxt;
use crate::meta::{self, Argument};
use crate::names;
use crate::text::compact;

/// The attributes of one field.
#[derive(Default)]
pub(super) struct FieldAttrs<'a> {
    pub(super) group: Option<GroupAttr<'a>>,
    pub(super) metric: Option<MetricAttr<'a>>,
    pub(super) skip: Option<Path>,
    pub(super) flatten: Option<Path>,
    /// The argument `batch_size`, which only the library's own diagnostics use.
    pub(super) batch_size: Option<Path>,
}

/// A group attribute, such as `#[group = "loss"]`.
pub(super) struct GroupAttr<'a> {
    pub(super) attr: &'a Attribute,
    /// The group, or `None` if the attribute is invalid and reported.
    pub(super) group: Option<GroupName>,
}

/// The name of a group, and its field in the summary.
#[derive(Clone)]
pub(super) struct GroupName {
    pub(super) name: String,
    pub(super) ident: Ident,
    pub(super) literal: LitStr,
}

impl<'a> FieldAttrs<'a> {
    pub(super) fn read(ctxt: &Ctxt, field: &'a syn::Field, name: &str) -> Self {
        let mut attrs = Self::default();
        for attr in &field.attrs {
            if attr.path().is_ident("group") {
                attrs.group(ctxt, attr, name);
            } else if attr.path().is_ident("metric") {
                attrs.metric(ctxt, attr, name);
            } else if attr.path().is_ident("diagnostic") {
                let usage = "`#[diagnostic(skip)]` or `#[diagnostic(flatten)]`";
                meta::arguments(ctxt, attr, usage, |meta| {
                    attrs.diagnostic(ctxt, meta, name);
                });
            }
        }
        attrs
    }

    fn group(&mut self, ctxt: &Ctxt, attr: &'a Attribute, field: &str) {
        if self.group.is_some() {
            ctxt.error_with_help(
                attr,
                format_args!("duplicate `#[group]` on field `{field}`"),
                "a field belongs to a single group",
            );
            return;
        }
        let group = group_name(ctxt, attr);
        self.group = Some(GroupAttr { attr, group });
    }

    fn metric(&mut self, ctxt: &Ctxt, attr: &'a Attribute, field: &str) {
        if self.metric.is_some() {
            ctxt.error_with_help(
                attr,
                format_args!("duplicate `#[metric]` on field `{field}`"),
                "list all reductions in one `#[metric(..)]`",
            );
            return;
        }
        self.metric = Some(MetricAttr::read(ctxt, attr, field));
    }

    fn diagnostic(&mut self, ctxt: &Ctxt, meta: Argument<'_>, field: &str) {
        let slot = if meta.path.is_ident("skip") {
            &mut self.skip
        } else if meta.path.is_ident("flatten") {
            &mut self.flatten
        } else if meta.path.is_ident("batch_size") {
            &mut self.batch_size
        } else if meta.path.is_ident("crate") {
            ctxt.error_with_help(
                &meta.path,
                "`crate` belongs on the struct",
                "write `#[diagnostic(crate = path)]` above the struct",
            );
            meta::skip_argument(meta.input);
            return;
        } else {
            meta::unknown(ctxt, &meta, "attribute", &["skip", "flatten"]);
            return;
        };
        let rest = meta::rest_of_argument(meta.input);
        if slot.is_some() {
            let word = compact(&meta.path);
            ctxt.error_with_help(
                &meta.path,
                format_args!("duplicate `{word}` on field `{field}`"),
                "remove one of them",
            );
        } else if meta::no_arguments(ctxt, &meta.path, &rest) {
            *slot = Some(meta.path);
        }
    }
}

fn group_name(ctxt: &Ctxt, attr: &Attribute) -> Option<GroupName> {
    let Meta::NameValue(meta) = &attr.meta else {
        ctxt.error_with_help(attr, "`group` takes a value after `=`", "write `#[group = \"loss\"]`");
        return None;
    };
    let value = meta::ungrouped(&meta.value);
    let literal = match value {
        Expr::Lit(ExprLit { lit: Lit::Str(literal), .. }) if literal.suffix().is_empty() => literal,
        Expr::Lit(_) => {
            meta::not_a_string(ctxt, value);
            return None;
        }
        _ => {
            // Reuse rustc's own message and span, so that the error is printed once.
            ctxt.error(value, "attribute value must be a literal");
            return None;
        }
    };
    let name = literal.value();
    let Some(ident) = names::identifier(&name, crate::library::shown_at(literal.span())) else {
        ctxt.error_with_help(
            literal,
            format_args!("`{name}` is not a valid group name"),
            format_args!("use an identifier, such as `{}`", names::like(&name)),
        );
        return None;
    };
    Some(GroupName { name, ident, literal: literal.clone() })
}
