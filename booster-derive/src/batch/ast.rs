//! The syntax tree of a batch, a struct of any shape.

use quote::ToTokens;
use syn::{Data, DeriveInput, Fields, Member, Type};

use crate::ctxt::Ctxt;
use crate::{names, owned};

pub(super) struct Container<'a> {
    pub(super) input: &'a DeriveInput,
    pub(super) shape: &'a Fields,
    pub(super) fields: Vec<Field<'a>>,
}

pub(super) struct Field<'a> {
    pub(super) member: Member,
    pub(super) ty: &'a Type,
}

impl<'a> Container<'a> {
    /// Parses a struct. Reports any other input and returns `None`.
    pub(super) fn from_input(ctxt: &Ctxt, input: &'a DeriveInput) -> Option<Self> {
        let culprit = match &input.data {
            Data::Struct(data) => {
                owned::packed(ctxt, &input.attrs, "Batch");
                stray_attributes(ctxt, &data.fields);
                for field in &data.fields {
                    owned::check(ctxt, &field.ty, "a field of a batch");
                }
                return Some(Self { input, shape: &data.fields, fields: fields(&data.fields) });
            }
            Data::Enum(data) => data.enum_token.to_token_stream(),
            Data::Union(data) => data.union_token.to_token_stream(),
        };
        ctxt.error_with_help(
            culprit,
            "`Batch` can only be derived for structs",
            "a batch has the same tensors in every step",
        );
        None
    }
}

fn fields(shape: &Fields) -> Vec<Field<'_>> {
    let members = shape.members().zip(shape);
    members.map(|(member, field)| Field { member, ty: &field.ty }).collect()
}

impl Field<'_> {
    /// Returns the field's name or zero-based index, used in the paths of messages.
    pub(super) fn name(&self) -> String {
        match &self.member {
            Member::Named(ident) => names::plain(ident),
            Member::Unnamed(index) => index.index.to_string(),
        }
    }
}

/// Reports `#[batch]` on a field.
fn stray_attributes(ctxt: &Ctxt, fields: &Fields) {
    let attrs = fields.iter().flat_map(|field| &field.attrs);
    for attr in attrs.filter(|attr| attr.path().is_ident("batch")) {
        ctxt.error_with_help(
            attr,
            "`#[batch]` can only be applied to the struct",
            "write `#[batch(crate = path)]` above the struct",
        );
    }
}
