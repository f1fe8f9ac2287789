use super::{assert_errors, evaluator};

/// Returns a function of the first form with this body.
fn with_body(body: &str) -> String {
    format!("fn f(model: &Net, batch: &Images, mode: Mode) -> Result<Tensor> {{ {body} }}")
}

#[test]
fn a_marked_let_must_bind_an_identifier_with_a_type() {
    for (body, on) in [
        ("#[group = LOSS] let x: f64 = 1.0;", "LOSS"),
        ("#[group = \"a\"] let x = 1.0;", "x"),
        ("#[output] let x: Tensor; x = y;", "x"),
        ("#[output] let (x, y): (A, B) = z;", "(x, y)"),
        ("#[output] let x: A = z else { return Err(e) };", "else"),
        ("#[output] let x: Vec<_> = z;", "_"),
        ("#[group = \"a\"] let x: &'static f64 = z;", "&'static f64"),
        ("#[output] let x: &Tensor = z;", "&"),
        ("#[metric(sum)] let x: f64 = z;", "#[metric(sum)]"),
        ("#[param] let x: f64 = z;", "#[param]"),
        ("#[output = 3] let x: f64 = z;", "#[output = 3]"),
        ("#[output] #[output] let x: f64 = z;", "#[output]"),
        ("#[group = \"a\"] let mut x: f64 = z;", "mut"),
        ("#[output] let mut x: Tensor = z;", "mut"),
        ("#[cfg_attr(c, output)] let mut x: Tensor = z;", "mut"),
        ("#[output] let (x, y) = z;", "(x, y)"),
        ("#[diagnostic(skip)] let x: f64 = z;", "#[diagnostic(skip)]"),
        ("#[cfg_attr(c, allow(unused), metric(sum))] let x: f64 = z;", "metric(sum)"),
        ("#[cfg_attr(c, cfg_attr(d, group = LOSS))] let x: f64 = z;", "LOSS"),
        ("#[cfg_attr(c, param)] let x: f64 = z;", "param"),
    ] {
        assert_errors(evaluator(&with_body(&format!("{body} Ok(loss)"))), &[on]);
    }
}

#[test]
fn a_mark_must_be_on_a_top_level_let() {
    for body in [
        "if c { #[group = \"a\"] let x: f64 = y; }",
        "let g = || { #[group = \"a\"] let x: f64 = y; };",
        "#[group = \"a\"] { x }",
        "let x = { #[group = \"a\"] let x: f64 = y; x };",
        "#[output] let x: f64 = { #[group = \"a\"] let x: f64 = y; x };",
        "fn g() { #[group = \"a\"] let x: f64 = y; }",
        "impl A { fn g() { #[group = \"a\"] let x: f64 = y; } }",
        "#[inline] #[group = \"a\"] fn g() {}",
        "#[group = \"a\"] static X: f64 = y;",
        "#[group = \"a\"] print!();",
    ] {
        assert_errors(evaluator(&with_body(&format!("{body} Ok(loss)"))), &["#[group = \"a\"]"]);
    }
    // Other items may use our attributes themselves.
    for item in [
        "#[derive(Diagnostic)] struct D { #[group = \"a\"] x: f64 }",
        "#[evaluator] fn g() { #[group = \"a\"] let x: f64 = y; }",
        "#[other] fn g() { #[group = \"a\"] let x: f64 = y; }",
    ] {
        assert_errors(evaluator(&with_body(&format!("{item} Ok(loss)"))), &[]);
    }
}

#[test]
fn the_second_form_cannot_have_marks() {
    let source = "fn f(model: &N, batch: &B, mode: Mode) -> Result<(Loss, D, O)> {
        #[group = \"a\"] let x: f64 = y; #[output] let z: Tensor = w; Ok((loss, d, o)) }";
    assert_errors(evaluator(source), &["#[group = \"a\"]", "#[output]"]);
}

#[test]
fn the_loss_must_be_the_last_expression_in_a_function_with_marks() {
    let mark = "#[group = \"a\"] let x: f64 = y;";
    for (body, on) in [
        ("if c { return Ok(early); } Ok(loss)", "return Ok(early)"),
        ("if c { return early; } Ok(loss)", "return early"),
        ("return Ok(loss);", "return Ok(loss)"),
        ("finish();", "finish();"),
    ] {
        assert_errors(evaluator(&with_body(&format!("{mark} {body}"))), &[on]);
    }
}

#[test]
fn errors_and_closures_can_return_early_in_a_function_with_marks() {
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
        "#[cfg(c)] { Ok(loss) } #[cfg(not(c))] { Ok(other) }",
        "#[cfg(c)] { Ok(loss) }",
        "#[cfg(c)] finish! {} #[cfg(not(c))] match c { _ => Ok(loss) }",
    ] {
        assert_errors(evaluator(&with_body(&format!("{mark} {body}"))), &[]);
    }
    // Without marks, an early return is allowed.
    assert_errors(evaluator(&with_body("return Ok(loss);")), &[]);
}

#[test]
fn duplicate_field_names_are_reported() {
    let twice = "#[group = \"a\"] let x: f64 = y; #[group = \"b\"] let x: f64 = z; Ok(loss)";
    assert_errors(evaluator(&with_body(twice)), &["x"]);
    let conditional =
        "#[cfg(a)] #[group = \"a\"] let x: f64 = y; #[cfg(not(a))] #[group = \"a\"] let x: f64 = z; Ok(loss)";
    assert_errors(evaluator(&with_body(conditional)), &[]);
}
