use super::{assert_errors, evaluator};

const LAST: &str = "an evaluator that marks its diagnostics gives its loss as its last expression";
const LAST_HELP: &str = "write the loss as last expression, or return `Result<(Loss, D, O)>`";
const OWNED: &str = "evaluators, batches and diagnostics outlive the call: use an owned type";

/// A function of the first form with this body.
fn with_body(body: &str) -> String {
    format!("fn f(model: &Net, batch: &Images, mode: Mode) -> Result<Tensor> {{ {body} }}")
}

#[test]
fn a_marked_let_binds_one_name_of_a_written_type() {
    for (body, on, message, help) in [
        (
            "#[group = LOSS] let x: f64 = 1.0;",
            "LOSS",
            "expected a string literal, found `LOSS`",
            "put the name in quotes",
        ),
        ("#[group = \"a\"] let x = 1.0;", "x", "marked `x` has no type", "write `let x: Tensor = ..`"),
        ("#[output] let x: Tensor; x = y;", "x", "marked `x` has no value", "write `let x: Tensor = ..`"),
        (
            "#[output] let (x, y): (A, B) = z;",
            "(x, y)",
            "a marked `let` binds one plain name",
            "the name becomes that of a field",
        ),
        (
            "#[output] let x: A = z else { return Err(e) };",
            "else",
            "a marked `let` has no `else`",
            "give an `Option` a group: it may be absent in some steps",
        ),
        (
            "#[output] let x: Vec<_> = z;",
            "_",
            "a marked value has its type written out",
            "it becomes the type of a field",
        ),
        (
            "#[group = \"a\"] let x: &'static f64 = z;",
            "&'static f64",
            "a marked value cannot be a reference",
            "own the value: write `f64`",
        ),
        ("#[output] let x: &Tensor = z;", "&", "a marked value cannot hold a borrow", OWNED),
        (
            "#[metric(sum)] let x: f64 = z;",
            "#[metric(sum)]",
            "`#[metric]` on a value without a group",
            "add `#[group = \"loss\"]`",
        ),
        (
            "#[param] let x: f64 = z;",
            "#[param]",
            "`#[param]` goes on an argument",
            "a parameter stands behind the mode",
        ),
        ("#[output = 3] let x: f64 = z;", "#[output = 3]", "`output` takes no arguments", "write `#[output]`"),
        ("#[output] #[output] let x: f64 = z;", "#[output]", "duplicate `#[output]`", "remove one of them"),
    ] {
        assert_errors(evaluator(&with_body(&format!("{body} Ok(loss)"))), &[(on, message, help)]);
    }
}

#[test]
fn a_mark_stands_in_the_function_s_own_body() {
    let help = "write it above a `let name: Type = ..` outside of all blocks: each call gives every field one value";
    for body in [
        "if c { #[group = \"a\"] let x: f64 = y; }",
        "let g = || { #[group = \"a\"] let x: f64 = y; };",
        "#[group = \"a\"] { x }",
        "let x = { #[group = \"a\"] let x: f64 = y; x };",
        "#[output] let x: f64 = { #[group = \"a\"] let x: f64 = y; x };",
    ] {
        assert_errors(
            evaluator(&with_body(&format!("{body} Ok(loss)"))),
            &[("#[group = \"a\"]", "`#[group]` is not on a `let` of the function's own body", help)],
        );
    }
    // The fields of another struct are its own affair.
    let item = "#[derive(Diagnostic)] struct D { #[group = \"a\"] x: f64 } Ok(loss)";
    assert_errors(evaluator(&with_body(item)), &[]);
}

#[test]
fn the_second_form_marks_nothing() {
    let source = "fn f(model: &N, batch: &B, mode: Mode) -> Result<(Loss, D, O)> {
        #[group = \"a\"] let x: f64 = y; #[output] let z: Tensor = w; Ok((loss, d, o)) }";
    assert_errors(
        evaluator(source),
        &[
            (
                "#[group = \"a\"]",
                "`#[group]` in an evaluator that returns its diagnostics and output",
                "remove `#[group]`, or return `Result<Tensor>`",
            ),
            (
                "#[output]",
                "`#[output]` in an evaluator that returns its diagnostics and output",
                "remove `#[output]`, or return `Result<Tensor>`",
            ),
        ],
    );
}

#[test]
fn the_loss_is_the_last_expression_beside_marks() {
    let mark = "#[group = \"a\"] let x: f64 = y;";
    for (body, on) in [
        ("if c { return Ok(early); } Ok(loss)", "return Ok(early)"),
        ("if c { return early; } Ok(loss)", "return early"),
        ("return Ok(loss);", "return Ok(loss)"),
        ("finish();", "finish();"),
    ] {
        assert_errors(evaluator(&with_body(&format!("{mark} {body}"))), &[(on, LAST, LAST_HELP)]);
    }
}

#[test]
fn errors_and_closures_return_early_beside_marks() {
    let mark = "#[group = \"a\"] let x: f64 = y;";
    for body in [
        "if c { return Err(e); } Ok(loss)",
        "if c { return Err(e)?; } Ok(loss)",
        "if c { return Result::Err(e); } Ok(loss)",
        "let g = || { return 3; }; Ok(loss)",
        "let g = async { return 3; }; Ok(loss)",
        "fn g() -> i64 { return 3; } Ok(loss)",
        "todo!()",
        "match c { _ => Ok(loss) }",
    ] {
        assert_errors(evaluator(&with_body(&format!("{mark} {body}"))), &[]);
    }
    // Without marks there is nothing that an early return could leave out.
    assert_errors(evaluator(&with_body("return Ok(loss);")), &[]);
}

#[test]
fn fields_have_distinct_names() {
    let twice = "#[group = \"a\"] let x: f64 = y; #[group = \"b\"] let x: f64 = z; Ok(loss)";
    assert_errors(
        evaluator(&with_body(twice)),
        &[("x", "two diagnostics are called `x`", "each becomes a field: rename one of them")],
    );
    let conditional =
        "#[cfg(a)] #[group = \"a\"] let x: f64 = y; #[cfg(not(a))] #[group = \"a\"] let x: f64 = z; Ok(loss)";
    assert_errors(evaluator(&with_body(conditional)), &[]);
}
