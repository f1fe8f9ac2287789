use quote::ToTokens;

use super::{assert_computed, assert_errors, evaluator, evaluator_with};

/// Returns a function of the first form with this body.
fn with_body(body: &str) -> String {
    format!("fn f(model: &Net, batch: &Images, mode: Mode) -> Result<Tensor> {{ {body} }}")
}

/// Returns a function with this argument after the mode.
fn with_argument(argument: &str) -> String {
    format!("fn f(model: &Net, batch: &Images, mode: Mode, {argument}) -> Result<Tensor> {{ Ok(loss) }}")
}

/// Returns a function with these arguments.
fn with_arguments(arguments: &str) -> String {
    format!("fn f({arguments}) -> Result<Tensor> {{ Ok(loss) }}")
}

fn with_return(ty: &str) -> String {
    format!("fn f(model: &Net, batch: &Images, mode: Mode) -> {ty} {{ Ok(loss) }}")
}

#[test]
fn an_evaluator_cannot_be_async_const_unsafe_or_extern() {
    let function = with_body("Ok(loss)");
    for word in ["async", "const", "unsafe", "extern"] {
        assert_computed(evaluator(&format!("{word} {function}")), word, word);
    }
    let variadic = "fn f(model: &Net, batch: &Images, mode: Mode, ...) -> Result<Tensor> { Ok(loss) }";
    assert_errors(evaluator(variadic), &["..."]);
}

#[test]
fn a_method_is_not_an_evaluator() {
    for receiver in ["self", "&self", "&mut self", "self: Box<Self>"] {
        let source = with_arguments(&format!("{receiver}, batch: &Images, mode: Mode"));
        assert_errors(evaluator(&source), &["self"]);
    }
}

#[test]
fn an_associated_function_is_not_an_evaluator() {
    assert_errors(evaluator(&with_arguments("model: &Self, batch: &Images, mode: Mode")), &["Self"]);
}

#[test]
fn only_a_function_can_be_an_evaluator() {
    for (source, on) in [("struct S { x: i64 }", "struct"), ("pub enum E {}", "enum"), ("mod m {}", "mod")] {
        assert_errors(evaluator(source), &[on]);
    }
}

#[test]
fn a_trait_function_is_not_an_evaluator() {
    assert_errors(evaluator("fn f(model: &Self, batch: &B, mode: Mode) -> Result<Tensor>;"), &[";"]);
}

#[test]
fn a_wrong_return_type_is_reported() {
    for ty in ["Tensor", "Result<f64>", "Result<(Loss, D)>", "Result<(D, Loss, O)>", "Result", "Option<Tensor>", "R"] {
        assert_errors(evaluator(&with_return(ty)), &[ty]);
    }
    assert_errors(evaluator("fn f(model: &Net, batch: &Images, mode: Mode) {}"), &["f"]);
}

#[test]
fn return_types_are_recognized_by_their_last_segments() {
    for ty in [
        "Result<Tensor>",
        "booster::Result<booster::Loss>",
        "Result<tch::Tensor, TchError>",
        "std::result::Result<(Tensor, D, O), E>",
        "Result<(Loss, (), ())>",
        "Result<((Loss), Diagnostics<f64>, Vec<O>)>",
    ] {
        assert_errors(evaluator(&with_return(ty)), &[]);
    }
}

#[test]
fn the_first_three_arguments_are_model_batch_and_mode() {
    for arguments in ["", "model: &Net", "model: &Net, batch: &Images"] {
        assert_errors(evaluator(&with_arguments(arguments)), &["f"]);
    }
    for arguments in ["model: &Net, batch: &Images, #[param] beta: f64", "#[param] model: &Net, b: &B, m: Mode"] {
        assert_errors(evaluator(&with_arguments(arguments)), &["#[param]"]);
    }
}

#[test]
fn model_and_batch_are_shared_references() {
    for (arguments, on) in [
        ("model: Net, batch: &B, mode: Mode", "Net"),
        ("model: &N, batch: B, mode: Mode", "B"),
        ("model: &mut N, batch: &B, mode: Mode", "mut"),
        ("model: &N, batch: &Vec<&T>, mode: Mode", "&"),
        ("model: &N, batch: &B<'_>, mode: Mode", "'_"),
        ("model: &'static N, batch: &B, mode: Mode", "'static"),
    ] {
        assert_errors(evaluator(&with_arguments(arguments)), &[on]);
    }
}

#[test]
fn an_argument_after_the_mode_must_be_a_parameter() {
    assert_errors(evaluator(&with_argument("beta: f64")), &["beta"]);
}

#[test]
fn a_parameter_must_be_a_valid_field() {
    for (argument, on) in [
        ("#[param] x: &str", "str"),
        ("#[param] x: &[f64]", "[f64]"),
        ("#[param] x: &dyn Schedule", "dyn Schedule"),
        ("#[param] x: &mut f64", "mut"),
        ("#[param] x: impl Schedule", "impl Schedule"),
        ("#[param] x: Option<&f64>", "&"),
        ("#[param] (x, y): (f64, f64)", "(x, y)"),
        ("#[param] x: Vec<_>", "_"),
        ("#[param] #[cfg(test)] x: f64", "#[cfg(test)]"),
    ] {
        assert_errors(evaluator(&with_argument(argument)), &[on]);
    }
    for (argument, on, written) in [("&str", "str", "&String"), ("&[f64]", "[f64]", "&Vec<f64>")] {
        assert_computed(evaluator(&with_argument(&format!("#[param] x: {argument}"))), on, written);
    }
}

#[test]
fn the_arguments_of_param_are_checked() {
    assert_computed(evaluator(&with_argument("#[param(defaul = 3)] x: f64")), "defaul", "default");
    assert_errors(evaluator(&with_argument("#[param(default = 1, default = 2)] x: f64")), &["default"]);
    assert_errors(evaluator(&with_argument("#[param] #[param] x: f64")), &["#[param]"]);
    for argument in ["default", "default(3)", "default =", "default = *"] {
        assert_errors(evaluator(&with_argument(&format!("#[param({argument})] x: f64"))), &["default"]);
    }
    assert_errors(evaluator(&with_argument("#[param = 3] x: f64")), &["#[param = 3]"]);
}

#[test]
fn an_evaluator_cannot_have_a_lifetime_parameter() {
    assert_errors(
        evaluator("fn f<'a>(model: &'a N, batch: &'a B, mode: Mode) -> Result<Tensor> { Ok(loss) }"),
        &["'a"],
    );
}

#[test]
fn the_crate_argument_is_checked() {
    let function = with_body("Ok(loss)");
    for (arguments, on) in [
        ("crat = a", &["crat"][..]),
        ("crate = a, crate = b", &["crate"]),
        ("crate = a::b", &[]),
        ("crate", &["crate"]),
    ] {
        assert_errors(evaluator_with(arguments, &function), on);
    }
}

#[test]
fn the_function_name_must_convert_to_a_struct_name() {
    for name in ["__", "_1", "self_"] {
        let source = format!("fn {name}(model: &N, batch: &B, mode: Mode) -> Result<Tensor> {{ Ok(loss) }}");
        assert_errors(evaluator(&source), &[name]);
    }
}

#[test]
fn all_errors_of_a_function_are_reported_at_once() {
    let source = "async fn f(model: Net, batch: &B, mode: Mode, beta: f64, #[param] x: &str) -> Tensor {
        #[group = \"a\"] let x = 3; Ok(loss) }";
    assert_errors(evaluator(source), &["async", "Tensor", "x", "beta", "str", "Net"]);
}

#[test]
fn an_erroneous_function_is_emitted_without_marks() {
    let source = "/// Docs.
        pub async fn f(model: &N, batch: &B, mode: Mode, /** Doc. */ #[param] x: f64) -> Result<Tensor> {
            /// Doc.
            #[group = \"a\"] #[metric(sum)] #[allow(unused)] let y: f64 = x;
            if c { #[output] let z: f64 = x; }
            Ok(loss)
        }";
    let file: syn::File = syn::parse2(evaluator(source)).expect("items");
    let mut functions = file.items.into_iter().filter_map(|item| match item {
        syn::Item::Fn(function) => Some(function),
        _ => None,
    });
    let without_marks = functions.next().expect("the function");
    let expected = "#[allow(irrefutable_let_patterns, unused)]
        /// Docs.
        pub async fn f(model: &N, batch: &B, mode: Mode, x: f64) -> Result<Tensor> {
            #[allow(unused)] let y: f64 = x;
            if c { let z: f64 = x; }
            Ok(loss)
        }";
    assert_eq!(without_marks.to_token_stream().to_string(), super::parse(expected).to_string());
}

#[test]
fn misplaced_arguments_are_reported() {
    for (arguments, on) in [
        ("model: &N, images: &A, labels: &B, mode: Mode", "labels"),
        ("model: &N, images: &A, labels: &B, mode: booster::Mode, #[param] beta: f64", "labels"),
        ("batch: &B, model: &N, mode: Mode", "model"),
        ("x: &B, net: &impl ModuleT, mode: Mode", "net"),
        ("model: &N, batch: &B, mode: &Mode", "&Mode"),
        ("#[group = \"a\"] model: &N, batch: &B, mode: Mode", "#[group = \"a\"]"),
        ("model: &N, batch: &B, mode: Mode, #[param] #[output] beta: f64", "#[output]"),
        ("model: &N, batch: &B, mode: Mode, #[cfg_attr(c, param)] beta: f64", "param"),
    ] {
        assert_errors(evaluator(&format!("fn f({arguments}) -> Result<Tensor> {{ Ok(loss) }}")), &[on]);
    }
}

#[test]
fn a_generated_struct_cannot_share_the_name_of_a_type_in_the_function() {
    let body = "#[group = \"a\"] let x: f64 = y; Ok(loss)";
    for ty in ["Vae", "Vec<Vae>", "VaeDiagnostics", "VaeDiagnosticsSummary"] {
        let source = format!("fn vae(model: &{ty}, batch: &B, mode: Mode) -> Result<Tensor> {{ {body} }}");
        assert_errors(evaluator(&source), &["vae"]);
        assert_errors(evaluator_with("name = Own", &source), &[]);
    }
    for ty in ["models::Vae", "VaeOutput", "Other<f64>"] {
        let source = format!("fn vae(model: &{ty}, batch: &B, mode: Mode) -> Result<Tensor> {{ {body} }}");
        assert_errors(evaluator(&source), &[]);
    }
}

#[test]
fn the_name_argument_is_checked() {
    let source = "fn f(model: &N, batch: &B, mode: Mode) -> Result<Tensor> { Ok(loss) }";
    for (arguments, on) in
        [("name", "name"), ("name = \"A\"", "name"), ("name = A, name = B", "name"), ("nam = A", "nam")]
    {
        assert_errors(evaluator_with(arguments, source), &[on]);
    }
}
