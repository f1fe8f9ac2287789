//! Formatting of tokens in messages, as a user would write them.
//!
//! The output of `TokenStream::to_string` has unspecified spacing.

use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree};
use quote::ToTokens;

/// Formats `tokens` with spaces between words, around binary operators and after commas.
pub(crate) fn compact(tokens: &impl ToTokens) -> String {
    let mut text = String::new();
    write(tokens.to_token_stream(), &mut text);
    text.trim_end().to_owned()
}

fn write(tokens: TokenStream, text: &mut String) {
    let mut operator = false;
    for token in tokens {
        // An operator after a word is binary.
        let word = text.ends_with(|last: char| last.is_alphanumeric() || "_\"')]}".contains(last));
        match token {
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    Delimiter::Parenthesis => ("(", ")"),
                    Delimiter::Bracket => ("[", "]"),
                    Delimiter::Brace => ("{ ", " }"),
                    Delimiter::None => ("", ""),
                };
                if word && group.delimiter() == Delimiter::Brace {
                    text.push(' ');
                }
                text.push_str(open);
                write(group.stream(), text);
                text.push_str(close);
            }
            TokenTree::Punct(punct) => {
                let sign = punct.as_char();
                let binary = "=+-*/|&!".contains(sign) && word && !operator;
                if binary {
                    text.push(' ');
                }
                text.push(sign);
                let ends = punct.spacing() == Spacing::Alone;
                if ends && (binary || operator || ",;".contains(sign)) {
                    text.push(' ');
                }
                operator = !ends && (binary || operator);
                continue;
            }
            TokenTree::Ident(_) | TokenTree::Literal(_) => {
                if word && !text.ends_with('\'') {
                    text.push(' ');
                }
                text.push_str(&token.to_string());
            }
        }
        operator = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_formatted_as_written() -> Result<(), proc_macro2::LexError> {
        for written in [
            "path::To<A, 3>",
            "::path::LOSS",
            "-0.5",
            "1.0 - 0.1",
            "decay = 0.9",
            "a == -b",
            "ema(0.50)",
            "histogram(-1, 2.5, 20)",
            "&To",
            "&'a mut T",
            "[T; N]",
            "To from",
            "b\"loss\"",
            "Fn(A) -> B",
            "<A as B>::C",
            "f(&x)?",
        ] {
            assert_eq!(compact(&written.parse::<TokenStream>()?), written);
        }
        Ok(())
    }
}
