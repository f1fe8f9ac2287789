use super::{assert_errors, batch};

#[test]
fn only_structs_are_batches() {
    assert_errors(batch("enum E { A }"), &["enum"]);
    assert_errors(batch("union U { a: i64 }"), &["union"]);
}

#[test]
fn a_field_has_no_attribute() {
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
fn an_implementation_stands_in_beside_errors() {
    let file: syn::File = syn::parse2(batch("enum E<T> { A(T) }")).expect("items");
    assert!(file.items.iter().any(|item| matches!(item, syn::Item::Impl(_))));
}
