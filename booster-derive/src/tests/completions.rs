//! Completion of attribute arguments in an editor.

use std::collections::BTreeSet;
use std::path::Path;

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::Item;

use super::{diagnostic, evaluator_with};

/// Returns the words in an expansion, as `module::word`.
fn words(expansion: TokenStream) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let tokens: Vec<TokenTree> = expansion.into_iter().collect();
    for (index, token) in tokens.iter().enumerate() {
        match token {
            TokenTree::Group(group) => found.extend(words(group.stream())),
            // `words::module::{word as _}`
            TokenTree::Ident(ident) if ident == "words" => {
                let (module, listed) = (&tokens[index + 3], &tokens[index + 6]);
                let TokenTree::Group(listed) = listed else { panic!("no list: {listed}") };
                let words = listed.stream().into_iter().map(|token| token.to_string());
                let words = words.filter(|word| !matches!(&**word, "as" | "_" | ","));
                found.extend(words.map(|word| format!("{module}::{word}")));
            }
            _ => {}
        }
    }
    found
}

/// Returns the words that the library documents.
fn documented() -> BTreeSet<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../booster/src/private/words.rs");
    let file = syn::parse_file(&std::fs::read_to_string(path).expect("the library's file")).expect("a file of Rust");
    let modules = file.items.iter().filter_map(|item| match item {
        Item::Mod(module) => Some((module.ident.to_string(), &module.content.as_ref()?.1)),
        _ => None,
    });
    let words = modules.flat_map(|(module, items)| {
        items.iter().map(move |item| {
            let Item::Struct(word) = item else { panic!("no word: {}", item.to_token_stream()) };
            assert!(word.attrs.iter().any(|attr| attr.path().is_ident("doc")), "{} is not explained", word.ident);
            format!("{module}::{}", word.ident)
        })
    });
    words.collect()
}

fn set(words: &[&str]) -> BTreeSet<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

#[test]
fn every_word_in_an_expansion_is_documented() {
    let mut written = words(diagnostic(
        "#[diagnostic(summary = Sum, crate = booster)] struct D {
            #[group = \"a\"] #[metric(mean, sum, min, max, last, count, std, var, p1, ema(0.9), histogram, mean_dims)] a: T,
            #[group = \"a\"] #[metric(reduce = To<A, B>)] b: T,
            #[group = \"a\"] #[metric(samples)] c: T,
            #[diagnostic(flatten)] d: T,
            #[diagnostic(skip)] e: T,
        }",
    ));
    written.extend(words(evaluator_with(
        "name = E",
        "fn f(model: &M, batch: &B, _: Mode, #[param(default = 0.1)] beta: f64) -> Result<Tensor> {
            #[output] let y: Tensor = x; Ok(y) }",
    )));
    let documented = documented();
    assert_eq!(written.difference(&documented).collect::<Vec<_>>(), Vec::<&String>::new());
    // In expansions, `p95` stands for all percentiles.
    let others = documented.difference(&written).cloned().collect::<BTreeSet<_>>();
    assert_eq!(others, set(&["metric::p50", "metric::p99"]));
}

#[test]
fn a_half_typed_word_is_found() {
    let found = words(diagnostic("struct D { #[group = \"a\"] #[metric(mean, p9x)] a: T }"));
    assert_eq!(found, set(&["attributes::group", "attributes::metric", "metric::mean", "metric::p9x"]));
    let found = words(evaluator_with("na", "fn f(#[param(def)] model: M) -> X { #[metric(me)] let x = 1; x. }"));
    let expected = ["attributes::metric", "attributes::param", "evaluator::na", "metric::me", "param::def"];
    assert_eq!(found, set(&expected));
}
