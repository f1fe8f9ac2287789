//! Parsing of `#[metric(..)]`, a list of reductions.

mod arguments;
mod percentile;
mod words;

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::{Attribute, Expr, ExprLit, Ident, Lit, Path, Token, Type};

use self::arguments::{arguments, literal};
use super::reduce::{self, Reduce};
use crate::ctxt::Ctxt;
use crate::meta::{self, Argument};
use crate::text::compact;

const USAGE: &str = "`#[metric(mean)]`";
const WRITE_EMA: &str = "write `ema(0.99)`, with the decay per sample";
const WRITE_HISTOGRAM: &str = "write `histogram`, or `histogram(low, high, bins)`";
const WRITE_REDUCE: &str = "write `reduce = path::To::Type`";
const MOST_BINS: u32 = 10_000;

/// A metric attribute, such as `#[metric(mean, std)]`.
pub(super) struct MetricAttr<'a> {
    pub(super) attr: &'a Attribute,
    /// The valid reductions, in source order.
    pub(super) reductions: Vec<Reduction>,
    /// The argument `samples`, if present.
    pub(super) samples: Option<Path>,
}

/// An entry of `#[metric(..)]`.
pub(super) struct Reduction {
    /// The tokens that errors point at.
    pub(super) tokens: TokenStream,
    pub(super) reduce: Reduce,
}

impl<'a> MetricAttr<'a> {
    pub(super) fn read(ctxt: &Ctxt, attr: &'a Attribute, field: &str) -> Self {
        let mut read = Self { attr, reductions: Vec::new(), samples: None };
        meta::arguments(ctxt, attr, USAGE, |meta| {
            if !meta.path.is_ident("samples") {
                read.reductions.extend(reduction(ctxt, &meta));
                return;
            }
            let rest = meta::rest_of_argument(meta.input);
            if read.samples.is_some() {
                duplicate(ctxt, &meta.path, field);
            } else if meta::no_arguments(ctxt, &meta.path, &rest) {
                read.samples = Some(meta.path);
            }
        });
        read
    }
}

/// Reports a duplicate reduction.
pub(super) fn duplicate(ctxt: &Ctxt, tokens: &impl ToTokens, field: &str) {
    let name = compact(tokens);
    ctxt.error_with_help(tokens, format_args!("duplicate `{name}` on field `{field}`"), "remove one of them");
}

fn reduction(ctxt: &Ctxt, meta: &Argument<'_>) -> Option<Reduction> {
    if meta.path.is_ident("reduce") {
        return custom(ctxt, meta);
    }
    let rest = meta::rest_of_argument(meta.input);
    let Some(word) = meta.path.get_ident() else {
        words::unknown(ctxt, &meta.path, &rest);
        return None;
    };
    let text = word.to_string();
    let reduce = if text == "ema" {
        ema(ctxt, word, rest.clone())?
    } else if text == "histogram" && !rest.is_empty() {
        histogram(ctxt, word, rest.clone())?
    } else if let Some(reduce) = Reduce::named(&text) {
        meta::no_arguments(ctxt, word, &rest).then_some(reduce)?
    } else if let Some((whole, decimals)) = percentile::digits(&text) {
        percentile::read(ctxt, word, &rest, whole, decimals)?
    } else {
        words::unknown(ctxt, &meta.path, &rest);
        return None;
    };
    let mut tokens = word.to_token_stream();
    tokens.extend(rest);
    Some(Reduction { tokens, reduce })
}

fn ema(ctxt: &Ctxt, word: &Ident, rest: TokenStream) -> Option<Reduce> {
    if rest.is_empty() {
        ctxt.error_with_help(word, "`ema` requires a decay", WRITE_EMA);
        return None;
    }
    let Some([decay]) = arguments(&rest).and_then(|all| <[Expr; 1]>::try_from(all).ok()) else {
        ctxt.error_with_help(rest, "`ema` takes one number in parentheses, the decay", WRITE_EMA);
        return None;
    };
    let value = literal(ctxt, &decay, WRITE_EMA)?;
    if value > 0.0 && value < 1.0 {
        return Some(Reduce::Ema { decay: value });
    }
    let shown = compact(&decay);
    ctxt.error_with_help(decay, format_args!("the decay must be between 0 and 1, found `{shown}`"), WRITE_EMA);
    None
}

fn histogram(ctxt: &Ctxt, word: &Ident, rest: TokenStream) -> Option<Reduce> {
    let Some([low, high, bins]) = arguments(&rest).and_then(|all| <[Expr; 3]>::try_from(all).ok()) else {
        ctxt.error_with_help(
            rest,
            format_args!("`{word}` takes three numbers in parentheses or no arguments"),
            WRITE_HISTOGRAM,
        );
        return None;
    };
    let range = (literal(ctxt, &low, WRITE_HISTOGRAM), literal(ctxt, &high, WRITE_HISTOGRAM));
    let range = match range {
        (Some(from), Some(to)) if from >= to => {
            let (low, shown) = (compact(&low), compact(&high));
            ctxt.error_with_help(
                high,
                format_args!("the upper bound must be greater than `{low}`, found `{shown}`"),
                WRITE_HISTOGRAM,
            );
            None
        }
        (Some(from), Some(to)) => Some((from, to)),
        _ => None,
    };
    let count = match meta::ungrouped(&bins) {
        Expr::Lit(ExprLit { lit: Lit::Int(count), .. }) if count.suffix().is_empty() => {
            count.base10_parse::<u32>().ok().filter(|count| (1..=MOST_BINS).contains(count))
        }
        _ => None,
    };
    if count.is_none() {
        let shown = compact(&bins);
        ctxt.error_with_help(
            bins,
            format_args!("the number of bins must be an integer from 1 to {MOST_BINS}, found `{shown}`"),
            WRITE_HISTOGRAM,
        );
    }
    let (low, high) = range?;
    Some(Reduce::Histogram { low, high, bins: count? })
}

fn custom(ctxt: &Ctxt, meta: &Argument<'_>) -> Option<Reduction> {
    // Parse a type before looking for the next comma, since the type's generic arguments may contain commas.
    let equals = meta.input.peek(Token![=]);
    let ahead = meta.input.fork();
    let is_type = ahead.parse::<Token![=]>().is_ok()
        && ahead.parse::<Type>().is_ok_and(|ty| reduce::path(&ty).is_some())
        && (ahead.is_empty() || ahead.peek(Token![,]));
    if !is_type {
        let rest: TokenStream = meta::rest_of_argument(meta.input).into_iter().skip(1).collect();
        if !equals || rest.is_empty() {
            ctxt.error_with_help(&meta.path, "`reduce` takes a type after `=`", WRITE_REDUCE);
        } else {
            let found = compact(&rest);
            ctxt.error_with_help(rest, format_args!("expected a type path, found `{found}`"), WRITE_REDUCE);
        }
        return None;
    }
    meta.input.parse::<Token![=]>().ok()?;
    let ty: Type = meta.input.parse().ok()?;
    Some(Reduction { tokens: ty.to_token_stream(), reduce: Reduce::Custom(Box::new(ty)) })
}
