use super::{assert_computed, assert_errors, diagnostic};

/// Asserts the tokens that the errors of a struct with these fields point at.
#[track_caller]
fn assert_fields(fields: &str, expected: &[&str]) {
    assert_errors(diagnostic(&format!("struct D {{ {fields} }}")), expected);
}

#[test]
fn a_field_needs_a_group() {
    assert_fields("pub kl: Tensor", &["kl"]);
    assert_fields("#[metric(sum)] kl: Tensor", &["kl"]);
    assert_computed(diagnostic("struct D { r#type: Tensor }"), "r#type", "type");
}

#[test]
fn a_group_takes_a_value_after_an_equals_sign() {
    for attribute in ["#[group]", "#[group(\"loss\")]", "#[group(loss)]"] {
        assert_fields(&format!("{attribute} kl: Tensor"), &[attribute]);
    }
}

#[test]
fn a_group_is_a_string_literal() {
    for value in ["3", "b\"loss\"", "\"loss\"suffix", "LOSS", "path::LOSS"] {
        assert_fields(&format!("#[group = {value}] kl: Tensor"), &[value]);
    }
}

#[test]
fn a_field_must_own_its_value() {
    assert_fields(
        "#[group = \"a\"] a: &'static Tensor, #[diagnostic(flatten)] b: &'static Tensor",
        &["&'static Tensor", "&'static Tensor"],
    );
    // rustc reports a missing lifetime itself.
    let expansion = diagnostic("struct D { #[group = \"a\"] a: &Tensor }").to_string();
    assert!(expansion.contains("EmptySummary") && !expansion.contains("compile_error"), "{expansion}");
}

#[test]
fn a_field_has_a_single_group() {
    assert_fields("#[group = \"a\"] #[group = \"b\"] kl: Tensor", &["#[group = \"b\"]"]);
}

#[test]
fn a_group_name_is_an_identifier() {
    for (name, meant) in [
        ("", "loss"),
        ("a/b", "a_b"),
        ("2x", "_2x"),
        ("self", "self_"),
        ("Self", "Self_"),
        ("super", "super_"),
        ("crate", "crate_"),
        ("_", "loss"),
        (" a", "a"),
        ("a b", "a_b"),
        ("r#type", "type"),
    ] {
        let literal = format!("\"{name}\"");
        let source = format!("struct D {{ #[group = {literal}] kl: Tensor }}");
        assert_computed(diagnostic(&source), &literal, meant);
    }
}

#[test]
fn only_a_struct_with_named_fields_can_be_a_diagnostic() {
    for (source, on) in [
        ("enum E { A }", "enum"),
        ("union U { a: i64 }", "union"),
        ("struct T(Tensor, f64);", "(Tensor, f64)"),
        ("struct U;", "struct"),
    ] {
        assert_errors(diagnostic(source), &[on]);
    }
}

#[test]
fn only_one_field_counts_the_samples() {
    assert_fields(
        "#[group = \"a\"] #[metric(samples)] n: i64, #[group = \"b\"] #[metric(samples)] m: i64",
        &["#[metric(samples)]"],
    );
}

#[test]
fn a_field_is_skipped_flattened_or_measured() {
    assert_fields("#[diagnostic(skip, flatten)] a: A", &["flatten"]);
    assert_fields("#[diagnostic(skip)] #[group = \"a\"] #[metric(sum)] a: A", &["#[group = \"a\"]", "#[metric(sum)]"]);
    assert_fields("#[group = \"a\"] #[diagnostic(flatten)] a: A", &["#[group = \"a\"]"]);
    assert_fields("#[diagnostic(skip, skip)] a: A", &["skip"]);
}

#[test]
fn unknown_attributes_of_a_field_are_reported() {
    assert_fields("#[diagnostic(flaten)] a: A", &["flaten"]);
    assert_fields("#[diagnostic(rename = \"b\")] #[group = \"a\"] a: A", &["rename"]);
    assert_fields("#[diagnostic(crate = b)] #[group = \"a\"] a: A", &["crate"]);
    assert_fields("#[diagnostic] #[group = \"a\"] a: A", &["#[diagnostic]"]);
}

#[test]
fn invalid_attributes_of_the_struct_are_reported() {
    for (attributes, on) in [
        ("#[diagnostic(crat = a::b, x)]", &["crat", "x"][..]),
        ("#[diagnostic(crate = a)] #[diagnostic(crate = b)]", &["crate"]),
        ("#[group = \"a\"] #[metric(sum)]", &["#[group = \"a\"]", "#[metric(sum)]"]),
        ("#[diagnostic(crate = \"a\")]", &["\"a\""]),
        ("#[diagnostic(crate)]", &["crate"]),
        ("#[diagnostic(crate =)]", &["crate"]),
        ("#[diagnostic(crate(a))]", &["crate"]),
    ] {
        assert_errors(diagnostic(&format!("{attributes} struct D {{}}")), on);
    }
}

#[test]
fn conflicting_names_of_generated_items_are_reported() {
    assert_fields("#[group = \"loss_a\"] a: A, #[group = \"lossA\"] b: A", &["\"lossA\""]);
    assert_fields("#[group = \"aux\"] a: A, #[diagnostic(flatten)] aux: B", &["\"aux\""]);
}

#[test]
fn all_errors_of_a_struct_are_reported_at_once() {
    let source = "#[diagnostic(crat = x)]
        struct D { a: A, #[group] b: B, #[group = \"c\"] #[metric(men)] c: C, #[diagnostic(skp)] #[group = \"\"] d: D }";
    assert_errors(diagnostic(source), &["crat", "a", "#[group]", "men", "skp", "\"\""]);
}

#[test]
fn an_erroneous_diagnostic_is_still_implemented() {
    for source in ["enum E<T: Copy> { A(T) }", "struct D { kl: Tensor }"] {
        let expansion = diagnostic(source);
        let file: syn::File = syn::parse2(expansion).expect("items");
        assert!(file.items.iter().any(|item| matches!(item, syn::Item::Impl(_))), "{source}");
    }
}
