//! The attributes that mark a `let`, including those in a `cfg_attr`.

use proc_macro2::{Group, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::parse::{ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::{Attribute, Item, Meta, Token, parse_quote};

use crate::meta;

/// One of our attributes.
pub(super) struct Marker {
    /// The content of the brackets, or one attribute of the `cfg_attr`.
    pub(super) meta: Meta,
    /// The attribute itself, or `None` if it is part of a `cfg_attr`.
    attribute: Option<Attribute>,
    /// The condition of the `cfg_attr`.
    pub(super) condition: Option<TokenStream>,
}

impl Marker {
    pub(super) fn is(&self, name: &str) -> bool {
        self.meta.path().is_ident(name)
    }

    pub(super) fn is_diagnostic(&self) -> bool {
        self.is("group") || self.is("metric")
    }

    /// Returns the attribute for a field.
    pub(super) fn attribute(&self) -> Attribute {
        self.attribute.clone().unwrap_or_else(|| {
            let (condition, meta) = (&self.condition, &self.meta);
            parse_quote!(#[cfg_attr(#condition, #meta)])
        })
    }
}

/// The tokens that an error points at: the attribute, or its part of a `cfg_attr`.
impl ToTokens for Marker {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        match &self.attribute {
            Some(attribute) => attribute.to_tokens(tokens),
            None => self.meta.to_tokens(tokens),
        }
    }
}

/// Returns whether an attribute belongs to our macros.
fn is_ours(meta: &Meta) -> bool {
    ["group", "metric", "output", "param", "diagnostic"].iter().any(|name| meta.path().is_ident(name))
}

/// Returns our attributes, in source order.
pub(super) fn markers(attrs: &[Attribute]) -> Vec<Marker> {
    let mut found = Vec::new();
    for attribute in attrs {
        if is_ours(&attribute.meta) {
            found.push(Marker { meta: attribute.meta.clone(), attribute: Some(attribute.clone()), condition: None });
        } else {
            conditional(&attribute.meta, None, &mut found);
        }
    }
    found
}

pub(super) fn is_marked(attrs: &[Attribute]) -> bool {
    !markers(attrs).is_empty()
}

/// Collects our attributes in a `cfg_attr`.
fn conditional(meta: &Meta, outer: Option<&TokenStream>, found: &mut Vec<Marker>) {
    let Some((condition, metas)) = cfg_attr(meta) else { return };
    let condition = outer.map_or_else(|| condition.clone(), |outer| quote!(all(#outer, #condition)));
    for meta in metas {
        if is_ours(&meta) {
            found.push(Marker { meta, attribute: None, condition: Some(condition.clone()) });
        } else {
            conditional(&meta, Some(&condition), found);
        }
    }
}

/// Returns the condition and the attributes of a `cfg_attr`, or `None` for another attribute or an invalid `cfg_attr`.
fn cfg_attr(meta: &Meta) -> Option<(TokenStream, Punctuated<Meta, Token![,]>)> {
    let Meta::List(list) = meta else { return None };
    if !list.path.is_ident("cfg_attr") {
        return None;
    }
    let parser = |input: ParseStream<'_>| {
        let condition = meta::rest_of_argument(input);
        input.parse::<Token![,]>()?;
        Ok((condition, Punctuated::parse_terminated(input)?))
    };
    parser.parse2(list.tokens.clone()).ok()
}

/// Removes our attributes, including those in a `cfg_attr`.
pub(super) fn strip(attrs: &mut Vec<Attribute>) {
    attrs.retain_mut(|attribute| stripped(&mut attribute.meta));
}

/// Removes our attributes from `meta`, which may be a `cfg_attr`, and returns whether anything is left.
fn stripped(meta: &mut Meta) -> bool {
    if is_ours(meta) {
        return false;
    }
    let mut found = Vec::new();
    conditional(meta, None, &mut found);
    if found.is_empty() {
        return true;
    }
    let Some((condition, metas)) = cfg_attr(meta) else { return true };
    let left: Vec<Meta> = metas.into_iter().filter_map(|mut meta| stripped(&mut meta).then_some(meta)).collect();
    *meta = parse_quote!(cfg_attr(#condition, #(#left),*));
    !left.is_empty()
}

/// Removes our attributes from tokens that do not parse.
pub(super) fn stripped_tokens(tokens: TokenStream) -> TokenStream {
    let mut left = TokenStream::new();
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        let ahead = match (&token, tokens.peek()) {
            (TokenTree::Punct(sign), Some(ahead)) if sign.as_char() == '#' => Some(quote!(#token #ahead)),
            _ => None,
        };
        let attribute = ahead.and_then(|ahead| Attribute::parse_outer.parse2(ahead).ok());
        if attribute.is_some_and(|attribute| is_marked(&attribute)) {
            tokens.next();
        } else if let TokenTree::Group(group) = &token {
            let mut inner = Group::new(group.delimiter(), stripped_tokens(group.stream()));
            inner.set_span(group.span());
            left.extend([TokenTree::from(inner)]);
        } else {
            left.extend([token]);
        }
    }
    left
}

/// Returns a `#[cfg(..)]` that holds if any of the markers is active, or no tokens if one is unconditional.
pub(super) fn any_of<'m>(markers: impl Iterator<Item = &'m Marker>) -> TokenStream {
    let conditions: Option<Vec<_>> = markers.map(|marker| marker.condition.as_ref()).collect();
    conditions.map_or_else(TokenStream::new, |conditions| quote!(#[cfg(any(#(#conditions),*))]))
}

/// Returns whether an item in a function body may use our attributes itself: a struct through a derive, other items
/// through an attribute macro.
pub(super) fn reads_its_own(item: &Item) -> bool {
    const PLAIN: [&str; 12] = [
        "doc",
        "cfg",
        "allow",
        "expect",
        "warn",
        "deny",
        "inline",
        "must_use",
        "cold",
        "rustfmt",
        "deprecated",
        "cfg_attr",
    ];
    let attrs = match item {
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Const(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        _ => return true,
    };
    !attrs.iter().all(|attr| is_ours(&attr.meta) || PLAIN.iter().any(|name| attr.path().is_ident(name)))
}
