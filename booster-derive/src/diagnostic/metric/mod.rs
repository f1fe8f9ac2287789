//! `#[metric(..)]`: a list of reductions, each read on its own.

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

/// `#[metric(mean, std)]`.
pub(super) struct MetricAttr<'a> {
    pub(super) attr: &'a Attribute,
    /// In the order written, without those in error.
    pub(super) reductions: Vec<Reduction>,
    /// Whether `samples` is among them, and where.
    pub(super) samples: Option<Path>,
}

/// One entry of `#[metric(..)]`.
pub(super) struct Reduction {
    /// Where to point at it.
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

/// Reports a reduction that its field has already.
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
        ctxt.error_with_help(word, "`ema` needs its decay", WRITE_EMA);
        return None;
    }
    let Some([decay]) = arguments(&rest).and_then(|all| <[Expr; 1]>::try_from(all).ok()) else {
        ctxt.error_with_help(rest, "`ema` takes one number, its decay, in parentheses", WRITE_EMA);
        return None;
    };
    let value = literal(ctxt, &decay, WRITE_EMA)?;
    if value > 0.0 && value < 1.0 {
        return Some(Reduce::Ema { decay: value });
    }
    let shown = compact(&decay);
    ctxt.error_with_help(decay, format_args!("the decay `{shown}` is not between 0 and 1"), WRITE_EMA);
    None
}

fn histogram(ctxt: &Ctxt, word: &Ident, rest: TokenStream) -> Option<Reduce> {
    let Some([low, high, bins]) = arguments(&rest).and_then(|all| <[Expr; 3]>::try_from(all).ok()) else {
        ctxt.error_with_help(
            rest,
            format_args!("`{word}` takes three numbers in parentheses, or none"),
            WRITE_HISTOGRAM,
        );
        return None;
    };
    let range = (literal(ctxt, &low, WRITE_HISTOGRAM), literal(ctxt, &high, WRITE_HISTOGRAM));
    let range = match range {
        (Some(from), Some(to)) if from >= to => {
            let (low, shown) = (compact(&low), compact(&high));
            ctxt.error_with_help(high, format_args!("`{shown}` is not above `{low}`"), "the low end comes first");
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
            format_args!("`{shown}` is not a number of bins"),
            format_args!("write an integer from 1 to {MOST_BINS}"),
        );
    }
    let (low, high) = range?;
    Some(Reduce::Histogram { low, high, bins: count? })
}

fn custom(ctxt: &Ctxt, meta: &Argument<'_>) -> Option<Reduction> {
    // Read as tokens only where it is no type: a comma may stand in a type's arguments.
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
            ctxt.error_with_help(rest, format_args!("expected the path of a type, found `{found}`"), WRITE_REDUCE);
        }
        return None;
    }
    meta.input.parse::<Token![=]>().ok()?;
    let ty: Type = meta.input.parse().ok()?;
    Some(Reduction { tokens: ty.to_token_stream(), reduce: Reduce::Custom(Box::new(ty)) })
}
