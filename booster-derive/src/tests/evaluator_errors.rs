use quote::ToTokens;

use super::{assert_errors, evaluator, evaluator_with, reported};

const RETURNS: &str = "an evaluator returns `Result<Tensor>` or `Result<(Loss, D, O)>`";
const RETURNS_HELP: &str =
    "write `-> booster::Result<Tensor>` for the loss alone: marked `let`s give diagnostics and output";
const OWNED: &str = "evaluators, batches and diagnostics outlive the call: use an owned type";

/// A function of the first form with this body.
fn with_body(body: &str) -> String {
    format!("fn f(model: &Net, batch: &Images, mode: Mode) -> Result<Tensor> {{ {body} }}")
}

/// A function with this argument behind the mode.
fn with_argument(argument: &str) -> String {
    format!("fn f(model: &Net, batch: &Images, mode: Mode, {argument}) -> Result<Tensor> {{ Ok(loss) }}")
}

/// A function with these arguments.
fn with_arguments(arguments: &str) -> String {
    format!("fn f({arguments}) -> Result<Tensor> {{ Ok(loss) }}")
}

fn with_return(ty: &str) -> String {
    format!("fn f(model: &Net, batch: &Images, mode: Mode) -> {ty} {{ Ok(loss) }}")
}

#[test]
fn a_function_is_neither_async_nor_const_nor_unsafe_nor_extern() {
    let function = with_body("Ok(loss)");
    for word in ["async", "const", "unsafe", "extern"] {
        let message = format!("`#[evaluator]` functions cannot be `{word}`");
        assert_errors(evaluator(&format!("{word} {function}")), &[(word, &message, &format!("remove `{word}`"))]);
    }
    let variadic = "fn f(model: &Net, batch: &Images, mode: Mode, ...) -> Result<Tensor> { Ok(loss) }";
    assert_errors(evaluator(variadic), &[("...", "`#[evaluator]` functions cannot be variadic", "remove `...`")]);
}

#[test]
fn a_method_is_no_evaluator() {
    for receiver in ["self", "&self", "&mut self", "self: Box<Self>"] {
        let source = with_arguments(&format!("{receiver}, batch: &Images, mode: Mode"));
        assert_errors(
            evaluator(&source),
            &[(
                "self",
                "`#[evaluator]` functions cannot be methods",
                "write a free function, with a `#[param]` for each field that it needs",
            )],
        );
    }
}

#[test]
fn a_function_of_a_type_is_no_evaluator() {
    assert_errors(
        evaluator(&with_arguments("model: &Self, batch: &Images, mode: Mode")),
        &[(
            "Self",
            "`#[evaluator]` functions cannot be methods",
            "write a free function, with a `#[param]` for each field that it needs",
        )],
    );
}

#[test]
fn only_a_function_is_an_evaluator() {
    for (source, on) in [("struct S { x: i64 }", "struct"), ("pub enum E {}", "enum"), ("mod m {}", "mod")] {
        assert_errors(
            evaluator(source),
            &[(
                on,
                "`#[evaluator]` goes on a function",
                "the function's name becomes the evaluator's, its `#[param]`s the fields",
            )],
        );
    }
}

#[test]
fn a_function_of_a_trait_is_no_evaluator() {
    assert_errors(
        evaluator("fn f(model: &Self, batch: &B, mode: Mode) -> Result<Tensor>;"),
        &[(
            ";",
            "an `#[evaluator]` function has a body",
            "write a free function, with a type parameter for what differs",
        )],
    );
}

#[test]
fn a_wrong_return_type_is_underlined() {
    for ty in ["Tensor", "Result<f64>", "Result<(Loss, D)>", "Result<(D, Loss, O)>", "Result", "Option<Tensor>", "R"] {
        let expansion = evaluator(&with_return(ty));
        assert_errors(expansion, &[(ty, RETURNS, RETURNS_HELP)]);
    }
    let source = "fn f(model: &Net, batch: &Images, mode: Mode) {}";
    assert_errors(evaluator(source), &[("f", RETURNS, RETURNS_HELP)]);
}

#[test]
fn both_forms_of_return_type_are_known_by_their_last_segments() {
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
        assert_errors(
            evaluator(&with_arguments(arguments)),
            &[(
                "f",
                "an evaluator takes the model, the batch and the mode",
                "write `(model: &Net, batch: &Images, mode: Mode)`",
            )],
        );
    }
    for arguments in ["model: &Net, batch: &Images, #[param] beta: f64", "#[param] model: &Net, b: &B, m: Mode"] {
        assert_errors(
            evaluator(&with_arguments(arguments)),
            &[(
                "#[param]",
                "the first three arguments are the model, the batch and the mode",
                "write `(model: &Net, batch: &Images, mode: Mode, #[param] ..)`",
            )],
        );
    }
}

#[test]
fn model_and_batch_are_shared_references() {
    for (arguments, on, message, help) in [
        ("model: Net, batch: &B, mode: Mode", "Net", "the model is taken by reference", "write `model: &Net`"),
        ("model: &N, batch: B, mode: Mode", "B", "the batch is taken by reference", "write `batch: &Images`"),
        (
            "model: &mut N, batch: &B, mode: Mode",
            "mut",
            "an evaluator takes nothing by `&mut`",
            "replicas run it at the same time: take a shared reference",
        ),
        ("model: &N, batch: &Vec<&T>, mode: Mode", "&", "the batch cannot hold a borrow", OWNED),
        ("model: &N, batch: &B<'_>, mode: Mode", "'_", "the batch cannot hold a borrow", OWNED),
        (
            "model: &'static N, batch: &B, mode: Mode",
            "'static",
            "the model is lent for the call alone",
            "write `model: &Net`",
        ),
    ] {
        assert_errors(evaluator(&with_arguments(arguments)), &[(on, message, help)]);
    }
}

#[test]
fn an_argument_behind_the_mode_is_a_parameter() {
    assert_errors(
        evaluator(&with_argument("beta: f64")),
        &[(
            "beta",
            "argument `beta` is neither model, batch nor mode",
            "write `#[param] beta`, which makes it a field of the evaluator",
        )],
    );
}

#[test]
fn a_parameter_can_be_a_field() {
    for (argument, on, message, help) in [
        ("#[param] x: &str", "str", "a parameter has a size known at compile time, `str` has not", "take `&String`"),
        (
            "#[param] x: &[f64]",
            "[f64]",
            "a parameter has a size known at compile time, `[f64]` has not",
            "take `&Vec<f64>`",
        ),
        (
            "#[param] x: &dyn Schedule",
            "dyn Schedule",
            "a parameter has a size known at compile time, `dyn Schedule` has not",
            "take an argument of a type parameter, or of an `enum`",
        ),
        (
            "#[param] x: &mut f64",
            "mut",
            "an evaluator takes nothing by `&mut`",
            "replicas run it at the same time: take a shared reference",
        ),
        (
            "#[param] x: impl Schedule",
            "impl Schedule",
            "a parameter cannot be of type `impl Trait`",
            "name the type: a type parameter of the function is one of the evaluator",
        ),
        ("#[param] x: Option<&f64>", "&", "a parameter cannot hold a borrow", OWNED),
        (
            "#[param] (x, y): (f64, f64)",
            "(x, y)",
            "a parameter has a plain name",
            "its name becomes that of a field: take it apart in the function's body",
        ),
        ("#[param] x: Vec<_>", "_", "a parameter has its type written out", "it becomes the type of a field"),
        (
            "#[param] #[cfg(test)] x: f64",
            "#[cfg(test)]",
            "a parameter cannot depend on `#[cfg]`",
            "put the `#[cfg]` on the function, and a second function beside it",
        ),
    ] {
        assert_errors(evaluator(&with_argument(argument)), &[(on, message, help)]);
    }
}

#[test]
fn the_arguments_of_param_are_checked() {
    assert_errors(
        evaluator(&with_argument("#[param(defaul = 3)] x: f64")),
        &[("defaul", "unknown attribute `defaul`, did you mean `default`?", "expected `default`")],
    );
    assert_errors(
        evaluator(&with_argument("#[param(default = 1, default = 2)] x: f64")),
        &[("default", "duplicate `default`", "remove one of them")],
    );
    assert_errors(
        evaluator(&with_argument("#[param] #[param] x: f64")),
        &[("#[param]", "duplicate `#[param]`", "remove one of them")],
    );
    for argument in ["default", "default(3)", "default =", "default = *"] {
        assert_errors(
            evaluator(&with_argument(&format!("#[param({argument})] x: f64"))),
            &[(
                "default",
                "`default` takes an expression after `=`",
                "write `default = 0.1`, or another expression of the parameter's type",
            )],
        );
    }
    assert_errors(
        evaluator(&with_argument("#[param = 3] x: f64")),
        &[(
            "#[param = 3]",
            "`param` takes its arguments in parentheses",
            "write `#[param]` or `#[param(default = 0.1)]`",
        )],
    );
}

#[test]
fn an_evaluator_has_no_lifetime_parameter() {
    assert_errors(
        evaluator("fn f<'a>(model: &'a N, batch: &'a B, mode: Mode) -> Result<Tensor> { Ok(loss) }"),
        &[(
            "'a",
            "`#[evaluator]` functions have no lifetime parameters",
            "an evaluator owns its parameters; leave the lifetimes of `&` out",
        )],
    );
}

#[test]
fn the_attribute_takes_the_crate_alone() {
    let function = with_body("Ok(loss)");
    assert_errors(
        evaluator_with("crat = a", &function),
        &[("crat", "unknown argument `crat`, did you mean `crate`?", "expected `crate`")],
    );
    assert_errors(
        evaluator_with("crate = a, crate = b", &function),
        &[("crate", "duplicate `crate`", "remove one of them")],
    );
    assert_errors(evaluator_with("crate = a::b", &function), &[]);
    assert_errors(
        evaluator_with("crate", &function),
        &[("crate", "`crate` takes a path after `=`", "write `crate = path::to::booster`")],
    );
}

#[test]
fn the_function_s_name_gives_that_of_a_type() {
    for name in ["__", "_1", "self_"] {
        let source = format!("fn {name}(model: &N, batch: &B, mode: Mode) -> Result<Tensor> {{ Ok(loss) }}");
        let message = format!("`{name}` gives the evaluator no name");
        let help = "the struct has the function's name in UpperCamelCase: rename the function";
        assert_errors(evaluator(&source), &[(name, &message, help)]);
    }
}

#[test]
fn all_faults_of_a_function_are_reported_at_once() {
    let source = "async fn f(model: Net, batch: &B, mode: Mode, beta: f64, #[param] x: &str) -> Tensor {
        #[group = \"a\"] let x = 3; Ok(loss) }";
    assert_eq!(reported(evaluator(source)).len(), 6);
}

#[test]
fn the_function_comes_back_without_marks() {
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
    let given_back = functions.next().expect("the function");
    let expected = "#[allow(irrefutable_let_patterns, unused, clippy::all, clippy::pedantic)]
        /// Docs.
        pub async fn f(model: &N, batch: &B, mode: Mode, x: f64) -> Result<Tensor> {
            #[allow(unused)] let y: f64 = x;
            if c { let z: f64 = x; }
            Ok(loss)
        }";
    assert_eq!(given_back.to_token_stream().to_string(), super::parse(expected).to_string());
}
