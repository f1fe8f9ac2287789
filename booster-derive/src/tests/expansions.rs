use proc_macro2::TokenStream;

use super::{batch, diagnostic, evaluator, evaluator_with, reported};

/// Compares an expansion without errors with its snapshot.
#[track_caller]
fn assert_expansion(name: &str, expansion: TokenStream) {
    assert!(reported(expansion.clone()).is_empty(), "{name} is in error: {expansion}");
    assert_text(name, expansion);
}

/// Compares an expansion with errors with its snapshot.
#[track_caller]
fn assert_fallback(name: &str, expansion: TokenStream) {
    assert!(!reported(expansion.clone()).is_empty(), "{name} is not in error: {expansion}");
    assert_text(name, expansion);
}

/// Compares the formatted expansion with its snapshot.
#[track_caller]
fn assert_text(name: &str, expansion: TokenStream) {
    let file: syn::File = syn::parse2(expansion).expect("items");
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../snapshots");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, prettyplease::unparse(&file)));
}

#[test]
fn diagnostic_with_groups_and_reductions() {
    assert_expansion(
        "diagnostic_plain",
        diagnostic(
            "/// Measured.
            pub struct VaeDiagnostics {
                /// Evidence lower bound.
                #[group = \"loss\"] pub elbo: Tensor,
                #[group = \"info\"] #[metric(last)] pub beta: f64,
                #[group = \"loss\"] #[metric(max)] pub kl: Tensor,
                #[diagnostic(skip)] pub cache: Scratch,
            }",
        ),
    );
}

#[test]
fn diagnostic_with_generic_flattened_field() {
    assert_expansion(
        "diagnostic_generic",
        diagnostic(
            "pub(crate) struct Generic<A: Diagnostic + From<B>, B, T: Copy, const N: usize = 3>
            where B: Send + 'static, T: Sync {
                #[group = \"loss\"] leaf: T,
                #[diagnostic(flatten)] auxiliary: A,
                #[diagnostic(flatten)] fixed: inner::Diagnostics,
                #[diagnostic(skip)] rest: [B; N],
            }",
        ),
    );
}

#[test]
fn diagnostic_with_optional_and_samples() {
    assert_expansion(
        "diagnostic_optional_samples",
        diagnostic(
            "struct Masked {
                #[group = \"loss\"] nll: std::option::Option<Tensor>,
                #[group = \"info\"] #[metric(samples)] tokens: i64,
            }",
        ),
    );
}

#[test]
fn diagnostic_with_several_reductions() {
    assert_expansion(
        "diagnostic_several",
        diagnostic(
            "pub struct Several {
                /// Divergence.
                #[group = \"loss\"] #[metric(mean, std, p95, p99_9, ema(0.99))] pub kl: Tensor,
                #[group = \"loss\"] #[metric(var, count)] pub r#type: Option<Tensor>,
                #[group = \"info\"] #[metric(histogram, histogram(-1, 2.5, 20))] pub weight: Tensor,
                #[group = \"info\"] #[metric(mean_dims)] pub maybe: Option<Tensor>,
            }",
        ),
    );
}

#[test]
fn diagnostic_with_custom_reductions() {
    assert_expansion(
        "diagnostic_own_reduction",
        diagnostic(
            "#[diagnostic(crate = other::library)]
            struct Own {
                #[group = \"loss\"] #[metric(mean, reduce = path::GeometricMean<3, f64>)] nll: Option<Tensor>,
                #[group = \"info\"] n: i64,
                #[diagnostic(flatten)] inner: inner::Diagnostics,
                #[diagnostic(flatten)] more: More,
            }",
        ),
    );
}

#[test]
fn diagnostic_with_raw_identifiers() {
    assert_expansion("diagnostic_raw", diagnostic("struct Raw { #[group = \"type\"] r#match: f64 }"));
}

/// All generated items use the given name, placeholders included.
#[test]
fn diagnostic_with_a_renamed_summary() {
    for last in ["", "b: f64"] {
        let with = |attribute: &str| {
            let text =
                diagnostic(&format!("{attribute} struct D {{ #[group = \"loss\"] a: f64, {last} }}")).to_string();
            // The attributes differ, and so do their words.
            let (before, words) = text.split_once("# [cfg (rust_analyzer)]").expect("words");
            let (_, behind) = words.split_once("} ; } ;").expect("their end");
            format!("{before}{behind}")
        };
        let derived = with("");
        assert!(derived.contains("DSummaryLoss"), "{derived}");
        assert_eq!(with("#[diagnostic(summary = Report)]"), derived.replace("DSummary", "Report"));
    }
}

#[test]
fn diagnostic_of_a_renamed_crate_without_fields() {
    assert_expansion("diagnostic_crate", diagnostic("#[diagnostic(crate = other::library)] struct Empty {}"));
}

/// The placeholder of the summary has the group and its valid metrics.
#[test]
fn diagnostic_in_error() {
    assert_fallback(
        "diagnostic_in_error",
        diagnostic(
            "pub struct D<A: Copy> {
                kl: Tensor,
                #[group = \"loss\"] #[metric(mean, p95, men, reduce = Own)] nll: Option<Tensor>,
                #[diagnostic(flatten)] auxiliary: A,
            }",
        ),
    );
}

/// A field without a type is left to rustc, and the others keep their summary.
#[test]
fn diagnostic_that_is_half_typed() {
    let typed = "#[group = \"loss\"] pub kl: Tensor, #[group = \"info\"] pub r#in: Option<f64>,";
    let whole = diagnostic(&format!("pub struct D {{ {typed} }}")).to_string();
    for half in ["#[group = \"loss\"] pub nll", "nll,", "nll:", "#[metric(mean)] nll: ,"] {
        assert_eq!(diagnostic(&format!("pub struct D {{ {typed} {half} }}")).to_string(), whole, "{half}");
    }
    let within = "pub struct D { #[group = \"loss\"] pub kl: Tensor, nll #[group = \"info\"] pub r#in: Option<f64> }";
    assert_eq!(diagnostic(within).to_string(), whole);
    assert_eq!(batch("struct B { a: Tensor, b, c: T }").to_string(), batch("struct B { a: Tensor, c: T }").to_string());
}

/// Only a field without a type is dropped; any other syntax error is reported.
#[test]
fn an_invalid_field_is_an_error() {
    for source in ["struct D { kl: Tensor = }", "struct D { kl: Tensor; nll }", "struct D { nll, 3 }"] {
        assert_eq!(reported(diagnostic(source)).len(), 1, "{source}");
        assert_eq!(reported(batch(source)).len(), 1, "{source}");
    }
}

#[test]
fn batch_with_named_fields() {
    assert_expansion("batch_named", batch("pub struct Labeled { pub input: Tensor, pub r#type: Option<Tensor> }"));
}

#[test]
fn batch_of_a_generic_tuple() {
    assert_expansion("batch_tuple", batch("#[batch(crate = other)] struct Pair<T: Copy, U = f64>(Tensor, Vec<T>, U);"));
}

#[test]
fn batch_without_fields() {
    assert_expansion("batch_unit", batch("struct Nothing;"));
}

#[test]
fn evaluator_that_marks_its_diagnostics() {
    assert_expansion(
        "evaluator_first_form",
        evaluator(
            "/// Cross-entropy classification.
            #[inline]
            pub fn classification<M: ModuleT>(
                model: &M, batch: &Labeled, mode: Mode,
                /// Smoothing.
                #[param] label_smoothing: f64,
            ) -> booster::Result<Tensor> {
                /// Logits.
                #[output]
                let logits: Tensor = model.forward_t(&batch.input, mode.is_train());
                #[group = \"loss\"]
                #[allow(unused_variables)]
                let nll: Tensor = loss(&logits)?;
                #[group = \"metrics\"]
                #[metric(sum)]
                #[output]
                let accuracy: Tensor = correct(&logits)?;
                let logits = drop(logits);
                Ok(nll.f_mean(Kind::Float)?)
            }",
        ),
    );
}

#[test]
fn evaluator_that_returns_its_diagnostics() {
    assert_expansion(
        "evaluator_second_form",
        evaluator_with(
            "crate = other::library",
            "fn elbo<A>(model: &impl ModuleT, batch: &Images<A>, _: Mode, #[param] beta: f64)
                -> Result<(Loss, VaeDiagnostics<A>, VaeOutput), TchError> where A: Clone {
                return early(model, batch, beta);
            }",
        ),
    );
}

/// The function is kept, and each type that it would have generated has a placeholder.
#[test]
fn evaluator_in_error() {
    assert_fallback(
        "evaluator_in_error",
        evaluator(
            "/// Documented.
            pub fn penalized<M: ModuleT>(model: &M, batch: &impl Images, mode: Mode, beta: f64) -> Result<Tensor> {
                #[group = \"loss\"] let nll: Tensor = loss(model, batch)?;
                #[output] let logits = model.forward(batch);
                report(&nll);
            }",
        ),
    );
}

/// The incomplete line is kept, so that an editor can complete it.
#[test]
fn evaluator_that_is_half_typed() {
    let expansion = evaluator(
        "fn typed(model: &Net, batch: &Images, _: Mode) -> Result<Tensor> {
            #[group = \"loss\"] let nll: Tensor = loss(model)?;
            let mean = nll. ;
            #[output] let logits: Tensor = { let x = model. ; #[output] #[inline] let y = 3; x };
            nll.
        }",
    );
    assert_eq!(reported(expansion.clone()).len(), 1);
    let text = expansion.to_string();
    for kept in ["type Typed =", "type TypedDiagnostics =", "let nll : Tensor = loss (model) ? ;", "let mean = nll . ;"]
    {
        assert!(text.contains(kept), "{kept} is not in {text}");
    }
    let nested = "let logits : Tensor = { let x = model . ; # [inline] let y = 3 ; x } ; nll . }";
    assert!(text.contains(nested), "{nested} is not in {text}");
    assert!(!text.contains("[output") && !text.contains("[group"), "{text}");
}

#[test]
fn evaluator_without_marks() {
    assert_expansion(
        "evaluator_no_diagnostics",
        evaluator("pub fn model(model: &Net, batch: &Tensor, mode: Mode) -> Result<Loss> { return Ok(loss(model)); }"),
    );
}

#[test]
fn evaluator_with_parameters_of_all_kinds() {
    assert_expansion(
        "evaluator_params",
        evaluator(
            "pub fn annealed<M: Model, S: Schedule>(
                model: &M, batch: &Images, mode: Mode,
                #[param] schedule: &S,
                #[param] hidden: M::Hidden,
                #[param(default = 1.0)] beta: f64,
                #[param(default = vec![beta])] mut r#type: Vec<f64>,
            ) -> Result<Tensor> {
                #[group = \"info\"] let size: S = schedule.clone();
                Ok(loss)
            }",
        ),
    );
}
