//! The spans of generated names, which an editor's go-to-definition follows.

use proc_macro2::{Span, TokenStream};
use syn::visit::{self, Visit};

use super::{diagnostic, evaluator};

/// The names and spans of all structs and of their fields, as `Struct.field`.
#[derive(Default)]
struct Names {
    fields: Vec<(String, Span)>,
    structs: Vec<(String, Span)>,
}

impl<'ast> Visit<'ast> for Names {
    fn visit_item_struct(&mut self, item: &'ast syn::ItemStruct) {
        self.structs.push((item.ident.to_string(), item.ident.span()));
        for field in item.fields.iter().filter_map(|field| field.ident.as_ref()) {
            self.fields.push((format!("{}.{field}", item.ident), field.span()));
        }
        visit::visit_item_struct(self, item);
    }
}

fn names(expansion: TokenStream) -> Names {
    let mut names = Names::default();
    names.visit_file(&syn::parse2(expansion).expect("items"));
    names
}

/// Asserts that each name has the span of the first occurrence of a text in the source.
#[track_caller]
fn assert_at(source: &str, found: &[(String, Span)], expected: &[(&str, &str)]) {
    for (name, at) in expected {
        let (_, span) = found.iter().find(|(found, _)| found == name).unwrap_or_else(|| panic!("no {name}"));
        let column = source.find(at).expect("a text of the source");
        let start = source[..column].chars().count();
        assert_eq!((span.start().line, span.start().column), (1, start), "{name}");
        assert_eq!(span.source_text().as_deref(), Some(*at), "{name}");
    }
}

#[test]
fn a_summary_leads_to_the_fields_of_the_struct() {
    let source =
        "struct Vae { #[group = \"loss\"] #[metric(mean, std)] kl: Tensor, #[diagnostic(flatten)] auxiliary: A }";
    let names = names(diagnostic(source));
    let fields = [
        ("VaeSummary.loss", "\"loss\""),
        ("VaeSummary.auxiliary", "auxiliary"),
        ("VaeSummaryLoss.kl", "kl"),
        ("VaeSummaryLoss.kl_std", "kl"),
    ];
    assert_at(source, &names.fields, &fields);
    assert_at(source, &names.structs, &[("VaeSummary", "Vae"), ("VaeSummaryLoss", "Vae")]);
}

#[test]
fn the_summary_of_an_erroneous_struct_leads_to_its_fields() {
    let source = "struct Vae { #[group = \"loss\"] kl: Tensor, nll: Tensor }";
    let names = names(diagnostic(source));
    assert_at(source, &names.fields, &[("VaeSummary.loss", "\"loss\""), ("VaeSummaryLoss.kl", "kl")]);
}

#[test]
fn an_evaluator_leads_to_the_arguments_and_lets_of_the_function() {
    let source = "fn elbo(model: &M, batch: &B, _: Mode, #[param] beta: f64) -> Result<Tensor> { \
                  #[group = \"loss\"] let kl: Tensor = x; #[output] let latent: Tensor = y; Ok(loss) }";
    let names = names(evaluator(source));
    let fields = [("Elbo.beta", "beta"), ("ElboDiagnostics.kl", "kl"), ("ElboOutput.latent", "latent")];
    assert_at(source, &names.fields, &fields);
    let structs = [("Elbo", "elbo"), ("ElboDiagnostics", "elbo"), ("ElboOutput", "elbo")];
    assert_at(source, &names.structs, &structs);
}

#[test]
fn an_erroneous_function_keeps_its_spans() {
    let source = "fn elbo(model: M, batch: &B, _: Mode) -> Result<Tensor> { let x = y; Ok(x) }";
    let file: syn::File = syn::parse2(evaluator(source)).expect("items");
    let mut functions = file.items.iter().filter_map(|item| match item {
        syn::Item::Fn(function) => Some(function),
        _ => None,
    });
    let function = functions.next().expect("the function");
    let found = [("elbo".to_owned(), function.sig.ident.span())];
    assert_at(source, &found, &[("elbo", "elbo")]);
    let statement = function.block.stmts.first().expect("its first statement");
    assert_eq!(syn::spanned::Spanned::span(statement).start().column, source.find("let x").expect("a text"));
}
