//! Suggestions for misspelled and unknown reductions.

use proc_macro2::TokenStream;
use syn::Path;

use super::arguments::{arguments, number};
use super::percentile;
use crate::ctxt::Ctxt;
use crate::text::compact;
use crate::{names, suggest};

/// The candidates for a misspelled word.
const WORDS: [&str; 13] =
    ["mean", "sum", "min", "max", "last", "count", "std", "var", "ema", "histogram", "mean_dims", "reduce", "samples"];
const EXPECTED: &str = "expected `mean`, `sum`, `min`, `max`, `last`, `count`, `std`, `var`, a percentile such as `p95`, \
                        `ema(0.99)`, `histogram`, `mean_dims`, `reduce = path::To::Type` or `samples`";
/// The names of reductions in other libraries, each with our name for the reduction.
const ELSEWHERE: [(&str, &str); 12] = [
    ("average", "mean"),
    ("avg", "mean"),
    ("total", "sum"),
    ("minimum", "min"),
    ("maximum", "max"),
    ("latest", "last"),
    ("stdev", "std"),
    ("stddev", "std"),
    ("variance", "var"),
    ("median", "p50"),
    ("ewma", "ema"),
    ("hist", "histogram"),
];

/// Reports an unknown reduction, with a suggestion.
pub(super) fn unknown(ctxt: &Ctxt, word: &Path, rest: &TokenStream) {
    let name = compact(word);
    if name == "quantile" || name == "percentile" {
        let argument = arguments(rest).and_then(|arguments| number(arguments.first()?));
        let percent = argument.map(|value| if name == "quantile" { value * 100.0 } else { value });
        let written = percent.and_then(percentile::word).unwrap_or_else(|| "p95".to_owned());
        ctxt.error_with_help(word, format_args!("unknown reduction `{name}`"), format_args!("write `{written}`"));
        return;
    }
    let type_like = word.leading_colon.is_some() || word.segments.len() > 1 || name.starts_with(char::is_uppercase);
    if let Some(near) = meant(&name) {
        ctxt.error_with_help(word, format_args!("unknown reduction `{name}`, did you mean `{near}`?"), EXPECTED);
    } else if type_like {
        ctxt.error_with_help(word, format_args!("unknown reduction `{name}`"), format_args!("write `reduce = {name}`"));
    } else {
        ctxt.error_with_help(word, format_args!("unknown reduction `{name}`"), EXPECTED);
    }
}

/// Returns the reduction that `name` spells in another case, in another library, or with a typo.
fn meant(name: &str) -> Option<String> {
    let shouted = !name.chars().any(char::is_lowercase);
    let spelled = if shouted { name.to_lowercase() } else { names::snake(name) };
    let elsewhere = ELSEWHERE.iter().find(|(other, _)| *other == spelled).map(|(_, word)| *word);
    let exact = elsewhere.or_else(|| WORDS.into_iter().find(|word| *word == spelled));
    // A type name may resemble a reduction by accident, so only its original case is compared.
    let near = || suggest::nearest(if shouted { &spelled } else { name }, &WORDS);
    if let Some(word) = exact.or_else(near) {
        return Some(word.to_owned());
    }
    (spelled != name && percentile::digits(&spelled).is_some()).then_some(spelled)
}
