//! The inputs for mutation, and the tokens of random inputs.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

use crate::tests::parse;

/// Valid and invalid inputs, each with the index of its macro.
pub(super) const ITEMS: [(usize, &str); 13] = [
    (0, "#[diagnostic(crate = a::b)] #[allow(x)] pub struct D<'a, A: Diagnostic + From<B>, B = f64, const N: usize = 3>
     where B: Send { /// Doc.
     #[group = \"loss\"] #[metric(mean)] pub elbo: Option<Tensor>, #[group = \"type\"] #[metric(samples)] r#n: i64,
     #[diagnostic(flatten)] auxiliary: A, #[diagnostic(skip)] pub cache: [B; N] }"),
    (1, "struct Pair<T>(Tensor, pub T);"),
    (1, "#[batch(crate = a)] struct Labeled { input: Tensor, target: Vec<Tensor>, #[batch] more: &'static T }"),
    (0, "enum E { A(T), B { x: i64 } }"),
    (2, "/// Doc.
     #[inline] pub fn classification<M: ModuleT>(model: &M, batch: &Labeled, mode: Mode,
     #[param(default = 0.1)] smoothing: f64, #[param] x: &Vec<M>) -> booster::Result<Tensor> {
     #[output] let logits: Tensor = model.forward(batch)?; if c { return Err(e); }
     #[group = \"loss\"] #[metric(sum)] let nll: Tensor = { let y = |z| z; y(logits) };
     Ok(nll.mean()?) }"),
    (2, "fn elbo(model: &impl Model, (a, b): &Images, _: Mode, #[param] beta: f64) -> Result<(Loss, D<f64>, O)> {
     return f(model); }"),
    (0, "struct Several<T> { #[group = \"a\"] #[metric(mean, std, p95, p99_9, ema(0.99), histogram(-1, 2.5, 20), count)]
     kl: Tensor, #[group = \"a\"] #[metric(histogram, mean_dims, reduce = path::To<3, f64>)] weight: Option<Tensor>,
     #[diagnostic(flatten)] inner: inner::Diagnostics, #[group = \"b\"] #[metric(p0_01, var)] x: T }"),
    (0, "#[metric(quantile(0.95), median, p105, p99.9, ema(1.5), histogram(1, 0, 5), reduce = 3, reduce, men)]
     struct D { #[group = \"a\"] #[metric(ema, histogram(), reduce = \"x\", std(2), samples, path::To, -3)] x: T }"),
    (2, "#[cfg(a)] pub(in a::b) const unsafe extern \"C\" fn r#match<'a, const N: usize>(Labeled { input, .. }: &'a M,
     batch: &[impl Fn(&T) -> U; N], mode: Mode, /** Doc. */ #[param] #[cfg(b)] (x, y): &mut (f64, Vec<_>), ...)
     -> std::result::Result<Loss, E> where M: 'a { #[cfg(c)] #[group = \"größe\"] let größe: f64 = x else { panic!() };
     struct Inner { #[group = \"a\"] x: f64 } async { #[output] let z: T = w.await; } loop {} }"),
    (2, "trait T { fn f(&self); }"),
    (0, "pub struct Plain { #[group = \"loss\"] pub kl: Tensor, #[group = \"info\"] pub beta: Option<f64> }"),
    (1, "pub struct Images<T>(pub Tensor, pub Vec<T>, pub Option<(Tensor, ())>);"),
    (2, "pub fn plain(model: &Net, batch: &Images, mode: Mode, #[param] beta: f64) -> Result<Tensor> {
     let logits = model.forward(&batch.input)?; if logits.dim() > 3 { return Err(error(beta)); }
     #[group = \"loss\"] let nll: Tensor = loss(&logits, |x| { return x; })?; Ok(nll.mean()?) }"),
];

/// Arguments for each attribute.
pub(super) const LISTS: [&str; 9] = [
    "mean, std, p95",
    "ema(0.99), histogram(-1, 2.5, 20)",
    "reduce = path::To<3, f64>, mean_dims",
    "samples",
    "quantile(0.95), p99.9, p105",
    "skip, flatten, summary = Name",
    "crate = a::b",
    "default = f::<A, B>(3) + 1",
    "\"loss\"",
];

/// Returns all tokens and groups of the inputs above, and some that they lack.
pub(super) fn pool() -> Vec<TokenTree> {
    let mut pool = Vec::new();
    for source in ITEMS.iter().map(|(_, item)| item).chain(&LISTS) {
        flatten(parse(source), &mut pool);
    }
    flatten(
        parse(
            "self Self crate super _ async unsafe extern const gen dyn r#fn macro_rules \"\" \"a/b\" b\"b\" c\"c\" 3 1e400
             0x10 1_0.5 'x' '\\n' str * ! ... .. < > << & && ! ? @ # $ ~ | || => -> ; : :: 'static () [] {} Err Ok Option
             p1_25 p99999999999 histogram() größe",
        ),
        &mut pool,
    );
    for (delimiter, inner) in [(Delimiter::None, "Option<T>"), (Delimiter::None, "\"loss\""), (Delimiter::None, "")] {
        pool.push(Group::new(delimiter, parse(inner)).into());
    }
    pool
}

fn flatten(tokens: TokenStream, pool: &mut Vec<TokenTree>) {
    for token in tokens {
        if let TokenTree::Group(group) = &token {
            flatten(group.stream(), pool);
        }
        pool.push(token);
    }
}
