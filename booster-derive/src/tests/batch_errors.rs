use super::{assert_errors, batch};

#[test]
fn only_a_struct_can_be_a_batch() {
    assert_errors(batch("enum E { A }"), &["enum"]);
    assert_errors(batch("union U { a: i64 }"), &["union"]);
}

#[test]
fn an_attribute_on_a_field_is_reported() {
    let source = "struct B { #[batch(skip)] a: Tensor, #[batch] b: Tensor }";
    assert_errors(batch(source), &["#[batch(skip)]", "#[batch]"]);
}

#[test]
fn unknown_attributes_are_reported() {
    assert_errors(batch("#[batch(crates = a)] struct B { a: Tensor }"), &["crates"]);
    assert_errors(batch("#[batch] struct B { a: Tensor }"), &["#[batch]"]);
    assert_errors(batch("#[batch(crate)] struct B { a: Tensor }"), &["crate"]);
}

#[test]
fn an_erroneous_batch_is_still_implemented() {
    let file: syn::File = syn::parse2(batch("enum E<T> { A(T) }")).expect("items");
    assert!(file.items.iter().any(|item| matches!(item, syn::Item::Impl(_))));
}
