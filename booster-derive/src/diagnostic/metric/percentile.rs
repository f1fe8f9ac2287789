//! Parsing of percentiles, such as `p95` and `p99_9`.

use proc_macro2::{Ident, TokenStream, TokenTree};
use quote::ToTokens;

use crate::ctxt::Ctxt;
use crate::diagnostic::reduce::Reduce;
use crate::meta;

/// Returns the whole and fractional digits of `p95` or `p99_9`.
pub(super) fn digits(word: &str) -> Option<(&str, &str)> {
    let digits = word.strip_prefix('p')?;
    let (whole, decimals) = digits.split_once('_').unwrap_or((digits, "0"));
    let all_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    (all_digits(whole) && all_digits(decimals)).then_some((whole, decimals))
}

pub(super) fn read(ctxt: &Ctxt, word: &Ident, rest: &TokenStream, whole: &str, decimals: &str) -> Option<Reduce> {
    let mut behind = rest.clone().into_iter();
    if let (Some(TokenTree::Punct(dot)), Some(TokenTree::Literal(more))) = (behind.next(), behind.next())
        && dot.as_char() == '.'
    {
        let mut tokens = word.to_token_stream();
        tokens.extend(rest.clone());
        ctxt.error_with_help(
            tokens,
            format_args!("`{word}.{more}` is not a valid percentile"),
            format_args!("write `{word}_{more}`"),
        );
        return None;
    }
    if !meta::no_arguments(ctxt, word, rest) {
        return None;
    }
    if decimals.len() > 2 {
        ctxt.error_with_help(
            word,
            format_args!("`{word}` has more than two decimals"),
            format_args!("write `p{whole}_{}`", &decimals[..2]),
        );
        return None;
    }
    // The strings contain only digits, so `None` means that a number is too large.
    let hundredths = whole.parse::<u32>().ok().and_then(|whole| {
        let decimals = format!("{decimals:0<2}").parse::<u32>().ok()?;
        whole.checked_mul(100)?.checked_add(decimals)
    });
    let help = match hundredths {
        Some(hundredths @ 1..=9999) => return Some(Reduce::Quantile { word: word.to_string(), hundredths }),
        Some(0) => "write `min` for the smallest value",
        Some(10_000) => "write `max` for the largest value",
        _ => "write a percentile such as `p95` or `p99_9`",
    };
    ctxt.error_with_help(word, format_args!("a percentile must be between 0 and 100, found `{word}`"), help);
    None
}

/// Formats `percent` as a reduction, if it has at most two decimals and is within bounds.
pub(super) fn word(percent: f64) -> Option<String> {
    let hundredths = (percent * 100.0).round();
    let exact = (percent * 100.0 - hundredths).abs() < 1e-6;
    let percent = hundredths / 100.0;
    (exact && percent > 0.0 && percent < 100.0).then(|| format!("p{percent}").replace('.', "_"))
}
