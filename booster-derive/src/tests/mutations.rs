use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use quote::quote;

use super::{diagnostic, evaluator, is_refused, parse};

/// Inputs of which every mutation is to be either expanded or reported.
const SOURCES: [&str; 8] = [
    "#[diagnostic(crate = a::b)] #[allow(x)] pub struct D<'a, A: Diagnostic + From<B>, B = f64, const N: usize = 3>
     where B: Send { /// Doc.
     #[group = \"loss\"] #[metric(mean)] pub elbo: Option<Tensor>, #[group = \"type\"] #[metric(samples)] r#n: i64,
     #[diagnostic(flatten)] auxiliary: A, #[diagnostic(skip)] pub cache: [B; N] }",
    "struct Pair<T>(Tensor, pub T);",
    "#[batch(crate = a)] struct Labelled { input: Tensor, target: Vec<Tensor> }",
    "enum E { A(T), B { x: i64 } }",
    "/// Doc.
     #[inline] pub fn classification<M: ModuleT>(model: &M, batch: &Labelled, mode: Mode,
     #[param(default = 0.1)] smoothing: f64, #[param] x: &Vec<M>) -> booster::Result<Tensor> {
     #[output] let logits: Tensor = model.forward(batch)?; if c { return Err(e); }
     #[group = \"loss\"] #[metric(sum)] let nll: Tensor = { let y = |z| z; y(logits) };
     Ok(nll.mean()?) }",
    "fn elbo(model: &impl Model, (a, b): &Images, _: Mode, #[param] beta: f64) -> Result<(Loss, D<f64>, O)> {
     return f(model); }",
    "struct Several<T> { #[group = \"a\"] #[metric(mean, std, p95, p99_9, ema(0.99), histogram(-1, 2.5, 20), count)]
     kl: Tensor, #[group = \"a\"] #[metric(histogram, mean_dims, reduce = path::To<3, f64>)] weight: Option<Tensor>,
     #[diagnostic(flatten)] inner: inner::Diagnostics, #[group = \"b\"] #[metric(p0_01, var)] x: T }",
    "#[metric(quantile(0.95), median, p105, p99.9, ema(1.5), histogram(1, 0, 5), reduce = 3, reduce, men)]
     struct D { #[group = \"a\"] #[metric(ema, histogram(), reduce = \"x\", std(2), samples, path::To, -3)] x: T }",
];

/// A small generator of its own (Knuth's MMIX constants): the same mutations in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % bound.max(1)
    }
}

/// Deletes, doubles, swaps or replaces one token, somewhere.
fn mutate(random: &mut Random, tokens: TokenStream, pool: &[TokenTree]) -> TokenStream {
    let mut tokens: Vec<TokenTree> = tokens.into_iter().collect();
    if tokens.is_empty() {
        return pool[random.below(pool.len())].clone().into();
    }
    let at = random.below(tokens.len());
    if let TokenTree::Group(group) = &tokens[at]
        && random.below(8) != 0
    {
        let inner = mutate(random, group.stream(), pool);
        tokens[at] = Group::new(group.delimiter(), inner).into();
        return tokens.into_iter().collect();
    }
    match random.below(5) {
        0 => drop(tokens.remove(at)),
        1 => tokens.insert(at, tokens[at].clone()),
        2 => {
            let other = random.below(tokens.len());
            tokens.swap(at, other);
        }
        3 => tokens[at] = pool[random.below(pool.len())].clone(),
        _ => tokens.insert(at, pool[random.below(pool.len())].clone()),
    }
    tokens.into_iter().collect()
}

/// Every token of every source, and what the sources lack.
fn pool() -> Vec<TokenTree> {
    fn flatten(tokens: TokenStream, pool: &mut Vec<TokenTree>) {
        for token in tokens {
            if let TokenTree::Group(group) = &token {
                flatten(group.stream(), pool);
            }
            pool.push(token);
        }
    }
    let mut pool = Vec::new();
    for source in SOURCES {
        flatten(parse(source), &mut pool);
    }
    flatten(parse("self Self _ async unsafe extern const \"\" \"a/b\" 3 'x' r#fn dyn str * ! ... < >"), &mut pool);
    pool.push(Group::new(Delimiter::None, parse("Option<T>")).into());
    pool
}

#[test]
fn a_mutated_input_is_expanded_or_reported_and_never_panics() {
    let pool = pool();
    let mut random = Random(1);
    let (mut expanded, mut refused) = (0, 0);
    let sources = SOURCES.map(parse);
    for source in &sources {
        for _ in 0..300 {
            let mut input = source.clone();
            for _ in 0..=random.below(3) {
                input = mutate(&mut random, input, &pool);
            }
            let expansions = [
                crate::diagnostic::derive(input.clone()),
                crate::batch::derive(input.clone()),
                crate::evaluator::attribute(TokenStream::new(), &input),
                crate::evaluator::attribute(input.clone(), &sources[5]),
            ];
            for expansion in expansions {
                if !is_refused(expansion.clone()) {
                    assert!(syn::parse2::<syn::File>(expansion.clone()).is_ok(), "{input}\nbecame\n{expansion}");
                    expanded += 1;
                } else {
                    refused += 1;
                }
            }
        }
    }
    assert!(expanded > 50 && refused > 50, "{expanded} expanded, {refused} refused");
}

#[test]
fn a_mutated_list_of_reductions_is_expanded_or_reported_and_never_panics() {
    let lists = [
        "mean, std, p95",
        "ema(0.99), histogram(-1, 2.5, 20)",
        "reduce = path::To<3, f64>, mean_dims",
        "samples",
        "quantile(0.95), p99.9, p105",
    ]
    .map(parse);
    let mut pool: Vec<TokenTree> = lists.iter().flat_map(Clone::clone).collect();
    pool.extend(parse(
        "p50 p1_25 p99999999999 - -1 1e400 0x10 1_0.5 \"x\" 'c' = , . :: < > & ! () [] {} reduce histogram()",
    ));
    pool.push(Group::new(Delimiter::None, parse("path::To")).into());
    let mut random = Random(3);
    let (mut expanded, mut refused) = (0, 0);
    for list in &lists {
        for _ in 0..600 {
            let mut list = list.clone();
            for _ in 0..=random.below(3) {
                list = mutate(&mut random, list, &pool);
            }
            let expansion = crate::diagnostic::derive(quote!(
                struct D {
                    #[group = "a"]
                    #[metric(#list)]
                    x: T,
                }
            ));
            if !is_refused(expansion.clone()) {
                assert!(syn::parse2::<syn::File>(expansion.clone()).is_ok(), "{list}\nbecame\n{expansion}");
                expanded += 1;
            } else {
                refused += 1;
            }
        }
    }
    assert!(expanded > 200 && refused > 200, "{expanded} expanded, {refused} refused");
}

/// Some of `parts`, below each other.
fn combine(random: &mut Random, parts: &[&str]) -> String {
    let count = random.below(5);
    let picked: Vec<&str> = (0..count).map(|_| parts[random.below(parts.len())]).collect();
    // A doc comment ends with its line.
    picked.join("\n")
}

fn pick<'a>(random: &mut Random, parts: &[&'a str]) -> &'a str {
    parts[random.below(parts.len())]
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

#[test]
fn combinations_of_valid_syntax_are_expanded_or_reported() {
    let mut random = Random(2);
    let (mut expanded, mut refused) = (0, 0);
    for round in 0..1600 {
        let mut body = String::new();
        for field in 0..random.below(4) {
            let attributes =
                if random.below(2) == 0 { "#[group = \"loss\"]".to_owned() } else { combine(&mut random, &ATTRIBUTES) };
            let ty = pick(&mut random, &TYPES);
            let field = if round % 2 == 0 {
                format!("{attributes}\nf{field}: {ty},")
            } else {
                format!("{attributes}\nlet f{field}: {ty} = value;")
            };
            body.push_str(&field);
        }
        let generics = pick(&mut random, &["", "<A>", "<'a, A: Copy, B, const N: usize>", "<B: From<A>, A: Into<B>>"]);
        let expansion = if round % 2 == 0 {
            diagnostic(&format!("pub struct D{generics} {{ {body} }}"))
        } else {
            let param = pick(&mut random, &["", "#[param] x: A", "#[param(default = 3)] x: &B", "#[param] x: &str"]);
            let returns = pick(&mut random, &["Tensor", "Tensor", "Loss, E", "(Loss, A, B)"]);
            evaluator(&format!(
                "fn f{generics}(model: &A, batch: &impl Has<B>, mode: Mode, {param}) -> Result<{returns}> {{ {body} Ok(x) }}"
            ))
        };
        if !is_refused(expansion.clone()) {
            assert!(syn::parse2::<syn::File>(expansion.clone()).is_ok(), "{body}\nbecame\n{expansion}");
            expanded += 1;
        } else {
            refused += 1;
        }
    }
    // Neither way is rare, or the test would say nothing about it.
    assert!(expanded > 200 && refused > 200, "{expanded} expanded, {refused} refused");
}
