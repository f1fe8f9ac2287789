//! Expansions as text, errors as text and place, and no panic on anything.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod batch_errors;
mod diagnostic_errors;
mod evaluator_errors;
mod expansions;
mod fuzz;
mod mark_errors;
mod metric_errors;
mod spans;

use proc_macro2::{TokenStream, TokenTree};

/// An error as the user sees it.
#[derive(Debug, PartialEq)]
struct Reported {
    message: String,
    /// The source text that is underlined.
    on: String,
}

fn parse(source: &str) -> TokenStream {
    source.parse().expect("the source of a test lexes")
}

fn diagnostic(source: &str) -> TokenStream {
    crate::diagnostic::derive(parse(source))
}

fn batch(source: &str) -> TokenStream {
    crate::batch::derive(parse(source))
}

/// `source` stands below an `#[evaluator(arguments)]`.
fn evaluator_with(arguments: &str, source: &str) -> TokenStream {
    crate::evaluator::attribute(parse(arguments), &parse(source))
}

fn evaluator(source: &str) -> TokenStream {
    evaluator_with("", source)
}

/// The `compile_error!`s of an expansion, wherever they stand.
fn reported(expansion: TokenStream) -> Vec<Reported> {
    let tokens: Vec<TokenTree> = expansion.into_iter().collect();
    // `::core::compile_error! { "message" }`
    let mut errors: Vec<Reported> = tokens.windows(8).filter_map(error).collect();
    for token in tokens {
        if let TokenTree::Group(group) = token {
            errors.extend(reported(group.stream()));
        }
    }
    errors
}

/// Whether an expansion reports anything, for those that are too many to be read.
fn is_refused(expansion: TokenStream) -> bool {
    expansion.into_iter().any(|token| match token {
        TokenTree::Ident(ident) => ident == "compile_error",
        TokenTree::Group(group) => is_refused(group.stream()),
        TokenTree::Punct(_) | TokenTree::Literal(_) => false,
    })
}

fn error(window: &[TokenTree]) -> Option<Reported> {
    let (TokenTree::Ident(name), TokenTree::Group(group)) = (&window[5], &window[7]) else {
        return None;
    };
    if name != "compile_error" {
        return None;
    }
    let literal: syn::LitStr = syn::parse2(group.stream()).ok()?;
    let span = window[0].span().join(group.span())?;
    Some(Reported { message: literal.value(), on: span.source_text().unwrap_or_default() })
}

/// Asserts that `expansion` reports exactly these errors: underlined text, message and help.
#[track_caller]
fn assert_errors(expansion: TokenStream, expected: &[(&str, &str, &str)]) {
    let expected: Vec<Reported> = expected
        .iter()
        .map(|&(on, message, help)| Reported {
            message: if help.is_empty() { message.to_owned() } else { format!("{message}\n\nhelp: {help}") },
            on: on.to_owned(),
        })
        .collect();
    assert_eq!(reported(expansion), expected);
}
