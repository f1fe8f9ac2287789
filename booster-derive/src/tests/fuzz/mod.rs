//! Every input is either expanded to valid Rust or reported, without a panic.

mod random;
mod sources;

use std::cell::Cell;

use proc_macro2::TokenStream;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, RngSeed, TestCaseResult, TestRunner};
use quote::quote;

use self::random::{edits, soup, tokens};
use super::{diagnostic, evaluator, is_refused, parse};

/// The number of cases per property, more than 100,000 in total.
const MUTATED_ITEMS: u32 = 40_000;
const RANDOM_ITEMS: u32 = 25_000;
const MUTATED_LISTS: u32 = 20_000;
const RANDOM_LISTS: u32 = 10_000;
const COMBINATIONS: u32 = 6_000;

/// The numbers of inputs that were expanded and reported.
#[derive(Default)]
struct Tally {
    expanded: Cell<u32>,
    refused: Cell<u32>,
}

impl Tally {
    /// Asserts that an expansion is valid Rust, unless it reports an error.
    fn take(&self, input: &dyn std::fmt::Display, expansion: &TokenStream) -> TestCaseResult {
        if is_refused(expansion.clone()) {
            self.refused.set(self.refused.get() + 1);
            return Ok(());
        }
        self.expanded.set(self.expanded.get() + 1);
        let parsed = syn::parse2::<syn::File>(expansion.clone());
        prop_assert!(parsed.is_ok(), "{}\nbecame\n{}", input, expansion);
        Ok(())
    }

    /// Asserts that both outcomes occurred often enough for a meaningful test.
    #[track_caller]
    fn assert_both(&self, least: u32) {
        let (expanded, refused) = (self.expanded.get(), self.refused.get());
        assert!(expanded >= least && refused >= least, "{expanded} expanded, {refused} refused");
    }
}

/// Tests a property on deterministic inputs.
#[track_caller]
fn run<S: Strategy>(cases: u32, strategy: &S, property: impl Fn(S::Value) -> TestCaseResult) {
    let seed = RngSeed::Fixed(u64::from(cases));
    let config = Config { cases, failure_persistence: None, rng_seed: seed, ..Config::default() };
    if let Err(failure) = TestRunner::new(config).run(strategy, property) {
        panic!("{failure}");
    }
}

/// Applies one of the macros to the input.
fn expand(with: usize, input: &TokenStream) -> TokenStream {
    match with % 3 {
        0 => crate::diagnostic::derive(input),
        1 => crate::batch::derive(input),
        _ => crate::evaluator::attribute(TokenStream::new(), input),
    }
}

/// Expands the input as the arguments of one of the attributes.
fn expand_arguments(with: usize, list: &TokenStream) -> TokenStream {
    let function = |function| crate::evaluator::attribute(TokenStream::new(), &function);
    match with % 7 {
        0 => crate::diagnostic::derive(&quote!(
            struct D {
                #[group = "a"]
                #[metric(#list)]
                x: T,
            }
        )),
        1 => crate::diagnostic::derive(&quote!(
            struct D {
                #[diagnostic(#list)]
                x: T,
            }
        )),
        2 => crate::diagnostic::derive(&quote!(struct D { #[group = #list] x: T })),
        3 => crate::batch::derive(&quote!(
            #[batch(#list)]
            struct D {
                x: T,
            }
        )),
        4 => crate::evaluator::attribute(
            list.clone(),
            &quote!(
                fn f(m: &M, b: &B, _: Mode) -> Result<Tensor> {
                    Ok(l)
                }
            ),
        ),
        5 => function(quote!(
            fn f(m: &M, b: &B, _: Mode, #[param(#list)] x: T) -> Result<Tensor> {
                Ok(l)
            }
        )),
        _ => function(quote! {
            fn f(m: &M, b: &B, _: Mode) -> Result<Tensor> { #[group = "a"] #[metric(#list)] let x: T = y; Ok(l) }
        }),
    }
}

#[test]
fn a_mutated_item_is_expanded_or_reported() {
    let (pool, items, tally) = (sources::pool(), sources::ITEMS.map(|(_, item)| parse(item)), Tally::default());
    // Mostly the macro that the item is meant for.
    let with = prop_oneof![4 => Just(None), 1 => (0..3_usize).prop_map(Some)];
    run(MUTATED_ITEMS, &(0..items.len(), with, edits()), |(item, with, edits)| {
        let input = edits.iter().fold(items[item].clone(), |input, edit| edit.apply(input, &pool));
        tally.take(&input, &expand(with.unwrap_or(sources::ITEMS[item].0), &input))
    });
    tally.assert_both(1500);
}

#[test]
fn a_random_item_is_expanded_or_reported() {
    let (pool, tally) = (sources::pool(), Tally::default());
    run(RANDOM_ITEMS, &(select(&STARTS[..]), 0..3_usize, soup()), |(start, with, soup)| {
        let input: TokenStream = parse(start).into_iter().chain(tokens(&soup, &pool)).collect();
        tally.take(&input, &expand(with, &input))
    });
    tally.assert_both(10);
}

#[test]
fn a_mutated_list_of_arguments_is_expanded_or_reported() {
    let (pool, lists, tally) = (sources::pool(), sources::LISTS.map(parse), Tally::default());
    run(MUTATED_LISTS, &(0..lists.len(), 0..7_usize, edits()), |(list, with, edits)| {
        let list = edits.iter().fold(lists[list].clone(), |list, edit| edit.apply(list, &pool));
        tally.take(&list, &expand_arguments(with, &list))
    });
    tally.assert_both(1000);
}

#[test]
fn a_random_list_of_arguments_is_expanded_or_reported() {
    let (pool, tally) = (sources::pool(), Tally::default());
    run(RANDOM_LISTS, &(0..7_usize, soup()), |(with, soup)| {
        let list = tokens(&soup, &pool);
        tally.take(&list, &expand_arguments(with, &list))
    });
    tally.assert_both(10);
}

const ATTRIBUTES: [&str; 18] = [
    "#[group = \"loss\"]",
    "#[group = \"type\"]",
    "#[group = \"loss\"] #[metric(sum)]",
    "#[metric(samples)]",
    "#[metric(mean, sum)]",
    "#[metric(std, p95, ema(0.5), histogram(0, 1, 5))]",
    "#[metric(mean_dims, reduce = path::To<3>)]",
    "#[metric(max, reduce = To<A>)]",
    "#[metric(last, count, p101)]",
    "#[diagnostic(skip)]",
    "#[diagnostic(flatten)]",
    "#[group = 3]",
    "#[group(a)]",
    "/// Doc.",
    "#[group = \"lossA\"]",
    "#[group = \"loss_a\"]",
    "#[output]",
    "#[allow(unused)]",
];
const TYPES: [&str; 8] =
    ["Tensor", "Option<A>", "[B; N]", "A::Item", "&'a f64", "impl Trait", "dyn Fn(&A) -> B", "(A, mac!(B))"];

/// The starts of random items, without which most would not parse.
const STARTS: [&str; 6] =
    ["", "struct D", "pub struct D<T>", "enum E", "fn f", "fn f(m: &M, b: &B, mode: Mode) -> Result<Tensor>"];
const GENERICS: [&str; 4] = ["", "<A>", "<'a, A: Copy, B, const N: usize>", "<B: From<A>, A: Into<B>>"];
const PARAMS: [&str; 4] = ["", "#[param] x: A", "#[param(default = 3)] x: &B", "#[param] x: &str"];
const RETURNS: [&str; 4] = ["Tensor", "Tensor", "Loss, E", "(Loss, A, B)"];

/// Generates attributes and types for a few fields.
fn fields() -> impl Strategy<Value = Vec<(Vec<&'static str>, &'static str)>> {
    let attributes = prop_oneof![Just(vec!["#[group = \"loss\"]"]), vec(select(&ATTRIBUTES[..]), 0..5)];
    vec((attributes, select(&TYPES[..])), 0..4)
}

#[test]
fn a_combination_of_valid_syntax_is_expanded_or_reported() {
    let tally = Tally::default();
    let strategy = (fields(), select(&GENERICS[..]), select(&PARAMS[..]), select(&RETURNS[..]), any::<bool>());
    run(COMBINATIONS, &strategy, |(fields, generics, param, returns, of_a_struct)| {
        let (open, close) = if of_a_struct { ("", ",") } else { ("let ", " = value;") };
        let fields = fields.iter().enumerate().map(|(index, (attributes, ty))| {
            // A doc comment extends to the end of its line.
            format!("{}\n{open}f{index}: {ty}{close}", attributes.join("\n"))
        });
        let body: String = fields.collect();
        let expansion = if of_a_struct {
            diagnostic(&format!("pub struct D{generics} {{ {body} }}"))
        } else {
            evaluator(&format!(
                "fn f{generics}(model: &A, batch: &impl Has<B>, mode: Mode, {param}) -> Result<{returns}> {{ {body} Ok(x) }}"
            ))
        };
        tally.take(&body, &expansion)
    });
    tally.assert_both(200);
}
