//! Names of generated items.

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use syn::ext::IdentExt;

/// Converts `free_bits` to `FreeBits`.
pub(crate) fn upper_camel(name: &str) -> String {
    name.split('_')
        .flat_map(|word| {
            let mut letters = word.chars();
            letters.next().into_iter().flat_map(char::to_uppercase).chain(letters.collect::<Vec<_>>())
        })
        .collect()
}

/// Converts `GeometricMean` to `geometric_mean`.
pub(crate) fn snake(name: &str) -> String {
    let letters: Vec<char> = name.chars().collect();
    let mut snake = String::new();
    for (index, letter) in letters.iter().enumerate() {
        let behind = index.checked_sub(1).map(|before| letters[before]);
        let ahead = letters.get(index + 1);
        // A word starts after a lowercase letter or at the last capital of an acronym: `KLMean` becomes `kl_mean`.
        let starts = letter.is_uppercase()
            && behind.is_some_and(|behind| {
                behind != '_' && (!behind.is_uppercase() || ahead.is_some_and(|ahead| ahead.is_lowercase()))
            });
        if starts {
            snake.push('_');
        }
        snake.extend(letter.to_lowercase());
    }
    snake
}

/// Returns whether rustc's `non_snake_case` lint accepts `name`.
pub(crate) fn is_snake(name: &str) -> bool {
    !name.chars().any(char::is_uppercase)
}

/// Returns the identifier for `name`, raw if it is a keyword, or `None` if `name` cannot name a field.
pub(crate) fn identifier(name: &str, span: Span) -> Option<Ident> {
    let mut letters = name.chars();
    let starts = letters.next().is_some_and(|first| first == '_' || first.is_alphabetic());
    // Check the letters before lexing, since the lexer would report a stray quote and drop comments and spaces.
    if !starts || !letters.all(|letter| letter == '_' || letter.is_alphanumeric()) {
        return None;
    }
    // A type cannot be named after underscores alone.
    if matches!(name, "self" | "Self" | "super" | "crate") || upper_camel(name).is_empty() {
        return None;
    }
    // `gen` is a keyword since edition 2024, but syn accepts it. The raw identifier is valid in all editions.
    if name == "gen" {
        return Some(Ident::new_raw(name, span));
    }
    if let Ok(mut ident) = syn::parse_str::<Ident>(name) {
        ident.set_span(span);
        return Some(ident);
    }
    // An identifier that the lexer accepts but syn rejects is a keyword.
    let keyword = syn::parse::Parser::parse_str(Ident::parse_any, name).ok()?;
    Some(Ident::new_raw(&keyword.to_string(), span))
}

/// Returns a valid identifier similar to `name`.
pub(crate) fn like(name: &str) -> String {
    let letters = name.trim().strip_prefix("r#").unwrap_or(name.trim()).chars();
    let mut like: String = letters.map(|letter| if letter.is_alphanumeric() { letter } else { '_' }).collect();
    if like.starts_with(|first: char| first.is_numeric()) {
        like.insert(0, '_');
    } else if identifier(&like, Span::call_site()).is_none() {
        like.push('_');
    }
    if identifier(&like, Span::call_site()).is_some() { like } else { "loss".to_owned() }
}

/// Returns `ident` without `r#`, for messages, tags and schemas.
pub(crate) fn plain(ident: &Ident) -> String {
    ident.unraw().to_string()
}

/// Returns `ident` with a generated span, which suppresses lints on uses of the identifier in generated code.
pub(crate) fn again(ident: &Ident) -> Ident {
    let mut ident = ident.clone();
    ident.set_span(Span::call_site().located_at(ident.span()));
    ident
}

/// Returns an identifier for a generated item, with its span at `near`.
pub(crate) fn generated(name: &str, near: Span) -> Ident {
    Ident::new(name, Span::call_site().located_at(near))
}

/// Returns whether the identifier `name` occurs in `tokens`.
pub(crate) fn mentions_ident(tokens: TokenStream, name: &str) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Group(group) => mentions_ident(group.stream(), name),
        TokenTree::Ident(ident) => ident == name,
        TokenTree::Punct(_) | TokenTree::Literal(_) => false,
    })
}

/// Returns `name`, with a number appended if it is in `taken` or occurs in `tokens`.
pub(crate) fn unused(name: &str, taken: &[String], tokens: &TokenStream) -> String {
    let mut candidate = name.to_owned();
    let mut count = 1_usize;
    while taken.contains(&candidate) || mentions_ident(tokens.clone(), &candidate) {
        count += 1;
        candidate = format!("{name}{count}");
    }
    candidate
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(name: &str) -> Option<String> {
        identifier(name, Span::call_site()).map(|ident| ident.to_string())
    }

    #[test]
    fn names_are_converted_to_upper_camel_case() {
        assert_eq!(upper_camel("loss"), "Loss");
        assert_eq!(upper_camel("free_bits"), "FreeBits");
        assert_eq!(upper_camel("_kl__2d_"), "Kl2d");
        assert_eq!(upper_camel("lossA"), "LossA");
        assert_eq!(upper_camel("__"), "");
    }

    #[test]
    fn names_are_converted_to_snake_case() {
        assert_eq!(snake("GeometricMean"), "geometric_mean");
        assert_eq!(snake("KLMean"), "kl_mean");
        assert_eq!(snake("P95"), "p95");
        assert_eq!(snake("My_Type"), "my_type");
        assert_eq!(snake("std"), "std");
    }

    #[test]
    fn a_keyword_becomes_a_raw_identifier() {
        assert_eq!(field("type").as_deref(), Some("r#type"));
        assert_eq!(field("gen").as_deref(), Some("r#gen"));
        assert_eq!(field("loss").as_deref(), Some("loss"));
        assert_eq!(field("größe").as_deref(), Some("größe"));
    }

    #[test]
    fn a_valid_name_is_suggested_for_an_invalid_one() {
        for (name, meant) in [
            ("a/b", "a_b"),
            ("2x", "_2x"),
            ("self", "self_"),
            ("", "loss"),
            ("_", "loss"),
            (" a", "a"),
            ("r#type", "type"),
        ] {
            assert_eq!(like(name), meant, "{name:?}");
        }
    }

    #[test]
    fn an_invalid_field_name_is_rejected() {
        for name in [
            "", "a/b", "2x", " a", "a ", "a b", "a/**/", "r#type", "self", "Self", "super", "crate", "_", "__", "\"",
            "'a", "a-b", "a.b", "ⓐ", "x²",
        ] {
            assert_eq!(field(name), None, "{name:?}");
        }
    }
}
