use super::{assert_errors, diagnostic, reported};

const NO_GROUP: &str = "add `#[group = \"loss\"]`, or `#[diagnostic(skip)]`";
const WRITE_GROUP: &str = "write `#[group = \"loss\"]`";

/// Asserts the errors of a struct with these fields.
#[track_caller]
fn assert_fields(fields: &str, expected: &[(&str, &str, &str)]) {
    assert_errors(diagnostic(&format!("struct D {{ {fields} }}")), expected);
}

#[test]
fn a_field_needs_a_group() {
    assert_fields("pub kl: Tensor", &[("kl", "field `kl` has no group", NO_GROUP)]);
    assert_fields("r#type: Tensor", &[("r#type", "field `type` has no group", NO_GROUP)]);
    assert_fields("#[metric(sum)] kl: Tensor", &[("kl", "field `kl` has no group", NO_GROUP)]);
}

#[test]
fn a_group_takes_a_value_after_an_equals_sign() {
    for attribute in ["#[group]", "#[group(\"loss\")]", "#[group(loss)]"] {
        let fields = format!("{attribute} kl: Tensor");
        assert_fields(&fields, &[(attribute, "`group` takes a value after `=`", WRITE_GROUP)]);
    }
}

#[test]
fn a_group_is_a_string_literal() {
    for value in ["3", "b\"loss\"", "\"loss\"suffix"] {
        let message = format!("expected a string literal, found `{value}`");
        let fields = format!("#[group = {value}] kl: Tensor");
        assert_fields(&fields, &[(value, &message, "put the name in quotes")]);
    }
}

/// rustc says so itself: the same words at the same place are printed once.
#[test]
fn a_group_that_is_no_literal_is_reported_in_rustc_s_words() {
    for value in ["LOSS", "path::LOSS"] {
        let fields = format!("#[group = {value}] kl: Tensor");
        assert_fields(&fields, &[(value, "attribute value must be a literal", "")]);
    }
}

#[test]
fn a_field_owns_its_value() {
    let help = "own the value: write `Tensor`";
    assert_fields(
        "#[group = \"a\"] a: &'static Tensor, #[diagnostic(flatten)] b: &'static Tensor",
        &[
            ("&'static Tensor", "a metric cannot be a reference", help),
            ("&'static Tensor", "a flattened field cannot be a reference", help),
        ],
    );
    // A lifetime that is missing is rustc's to report, and nothing else is to be said.
    let expansion = diagnostic("struct D { #[group = \"a\"] a: &Tensor }").to_string();
    assert!(expansion.contains("EmptySummary") && !expansion.contains("compile_error"), "{expansion}");
}

#[test]
fn a_field_belongs_to_one_group() {
    assert_fields(
        "#[group = \"a\"] #[group = \"b\"] kl: Tensor",
        &[("#[group = \"b\"]", "duplicate `#[group]` on field `kl`", "a field belongs to one group")],
    );
}

#[test]
fn a_group_is_an_identifier() {
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
        let message = format!("`{name}` is not a group name");
        let help = format!("a group name is a Rust identifier, such as `{meant}`");
        assert_fields(&format!("#[group = {literal}] kl: Tensor"), &[(&literal, &message, &help)]);
    }
}

#[test]
fn only_structs_with_named_fields_are_diagnostics() {
    let message = "`Diagnostic` can only be derived for structs with named fields";
    for (source, on) in [
        ("enum E { A }", "enum"),
        ("union U { a: i64 }", "union"),
        ("struct T(Tensor, f64);", "(Tensor, f64)"),
        ("struct U;", "struct"),
    ] {
        assert_errors(diagnostic(source), &[(on, message, "field names become metric names")]);
    }
}

#[test]
fn one_field_counts_the_samples() {
    assert_fields(
        "#[group = \"a\"] #[metric(samples)] n: i64, #[group = \"b\"] #[metric(samples)] m: i64",
        &[(
            "#[metric(samples)]",
            "fields `n` and `m` both count the samples",
            "one field of a struct is `#[metric(samples)]`",
        )],
    );
}

#[test]
fn a_field_is_skipped_or_flattened_or_measured() {
    assert_fields(
        "#[diagnostic(skip, flatten)] a: A",
        &[("flatten", "field `a` is both skipped and flattened", "keep one of `skip` and `flatten`")],
    );
    assert_fields(
        "#[diagnostic(skip)] #[group = \"a\"] #[metric(sum)] a: A",
        &[
            (
                "#[group = \"a\"]",
                "field `a` is skipped and takes no `#[group]`",
                "remove `#[group]` or `#[diagnostic(skip)]`",
            ),
            (
                "#[metric(sum)]",
                "field `a` is skipped and takes no `#[metric]`",
                "remove `#[metric]` or `#[diagnostic(skip)]`",
            ),
        ],
    );
    assert_fields(
        "#[group = \"a\"] #[diagnostic(flatten)] a: A",
        &[(
            "#[group = \"a\"]",
            "field `a` is flattened and takes no `#[group]`",
            "remove `#[group]` or `#[diagnostic(flatten)]`",
        )],
    );
    assert_fields("#[diagnostic(skip, skip)] a: A", &[("skip", "duplicate `skip` on field `a`", "remove one of them")]);
}

#[test]
fn unknown_attributes_of_a_field_are_reported() {
    let help = "expected `skip` or `flatten`";
    assert_fields(
        "#[diagnostic(flaten)] a: A",
        &[("flaten", "unknown attribute `flaten`, did you mean `flatten`?", help)],
    );
    assert_fields(
        "#[diagnostic(rename = \"b\")] #[group = \"a\"] a: A",
        &[("rename", "unknown attribute `rename`", help)],
    );
    assert_fields(
        "#[diagnostic(crate = b)] #[group = \"a\"] a: A",
        &[("crate", "`crate` goes on the struct", "write `#[diagnostic(crate = path)]` above the struct")],
    );
    assert_fields(
        "#[diagnostic] #[group = \"a\"] a: A",
        &[(
            "#[diagnostic]",
            "`diagnostic` takes its arguments in parentheses",
            "write `#[diagnostic(skip)]` or `#[diagnostic(flatten)]`",
        )],
    );
}

#[test]
fn attributes_of_the_struct_are_its_own() {
    let help = "expected `crate`";
    assert_errors(
        diagnostic("#[diagnostic(crat = a::b, x)] struct D {}"),
        &[("crat", "unknown attribute `crat`, did you mean `crate`?", help), ("x", "unknown attribute `x`", help)],
    );
    assert_errors(
        diagnostic("#[diagnostic(crate = a)] #[diagnostic(crate = b)] struct D {}"),
        &[("crate", "duplicate `crate`", "remove one of them")],
    );
    assert_errors(
        diagnostic("#[group = \"a\"] #[metric(sum)] struct D {}"),
        &[
            ("#[group = \"a\"]", "`#[group]` goes on a field", "each field has its own attributes"),
            ("#[metric(sum)]", "`#[metric]` goes on a field", "each field has its own attributes"),
        ],
    );
    assert_errors(
        diagnostic("#[diagnostic(crate = \"a\")] struct D {}"),
        &[(
            "\"a\"",
            "expected the path of a crate, found `\"a\"`",
            "write `crate = path::to::booster`, without quotes",
        )],
    );
    for attribute in ["crate", "crate =", "crate(a)"] {
        assert_errors(
            diagnostic(&format!("#[diagnostic({attribute})] struct D {{}}")),
            &[("crate", "`crate` takes a path after `=`", "write `crate = path::to::booster`")],
        );
    }
}

#[test]
fn names_of_generated_items_are_distinct() {
    assert_fields(
        "#[group = \"loss_a\"] a: A, #[group = \"lossA\"] b: A",
        &[("\"lossA\"", "groups `loss_a` and `lossA` are both `LossA` in the name of a type", "rename one of them")],
    );
    assert_fields(
        "#[group = \"aux\"] a: A, #[diagnostic(flatten)] aux: B",
        &[(
            "\"aux\"",
            "group `aux` has the name of a flattened field",
            "both are fields of the summary: rename one of them",
        )],
    );
}

#[test]
fn all_faults_of_a_struct_are_reported_at_once() {
    let source = "#[diagnostic(crat = x)]
        struct D { a: A, #[group] b: B, #[group = \"c\"] #[metric(men)] c: C, #[diagnostic(skp)] #[group = \"\"] d: D }";
    assert_eq!(reported(diagnostic(source)).len(), 6);
}

#[test]
fn an_implementation_stands_in_beside_errors() {
    for source in ["enum E<T: Copy> { A(T) }", "struct D { kl: Tensor }"] {
        let expansion = diagnostic(source);
        let file: syn::File = syn::parse2(expansion).expect("items");
        assert!(file.items.iter().any(|item| matches!(item, syn::Item::Impl(_))), "{source}");
    }
}
