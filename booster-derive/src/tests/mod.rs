//! Tests of expansions, of the spans of errors, and against panics.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod batch_errors;
mod completions;
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
    /// The source text that the error points at.
    on: String,
}

fn parse(source: &str) -> TokenStream {
    source.parse().expect("test source should lex")
}

fn diagnostic(source: &str) -> TokenStream {
    crate::diagnostic::derive(&parse(source))
}

fn batch(source: &str) -> TokenStream {
    crate::batch::derive(&parse(source))
}

/// Expands `source` below `#[evaluator(arguments)]`.
fn evaluator_with(arguments: &str, source: &str) -> TokenStream {
    crate::evaluator::attribute(parse(arguments), &parse(source))
}

fn evaluator(source: &str) -> TokenStream {
    evaluator_with("", source)
}

/// Returns all `compile_error!`s in an expansion.
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

/// Returns whether an expansion reports any error, faster than [`reported`].
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

/// Asserts that `expansion` reports one error on each of these texts, in order.
///
/// The messages are tested only by the cases in `ui-tests`.
#[track_caller]
fn assert_errors(expansion: TokenStream, expected: &[&str]) {
    let on: Vec<String> = reported(expansion).into_iter().map(|error| error.on).collect();
    assert_eq!(on, expected);
}

/// Asserts that `expansion` reports a single error on this text, with a computed word in its message.
#[track_caller]
fn assert_computed(expansion: TokenStream, on: &str, computed: &str) {
    let errors = reported(expansion);
    assert_eq!(errors.iter().map(|error| error.on.as_str()).collect::<Vec<_>>(), [on]);
    let quoted = format!("`{computed}`");
    assert!(errors.iter().all(|error| error.message.contains(&quoted)), "{quoted} is not in {errors:?}");
}
