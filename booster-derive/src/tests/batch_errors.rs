use super::{assert_errors, batch};

#[test]
fn only_structs_are_batches() {
    for (source, on) in [("enum E { A }", "enum"), ("union U { a: i64 }", "union")] {
        assert_errors(
            batch(source),
            &[(on, "`Batch` can only be derived for structs", "a batch has the same tensors in every step")],
        );
    }
}

#[test]
fn a_field_has_no_attribute() {
    assert_errors(
        batch("struct B { #[batch(skip)] a: Tensor, #[batch] b: Tensor }"),
        &["#[batch(skip)]", "#[batch]"]
            .map(|on| (on, "`#[batch]` goes on the struct", "write `#[batch(crate = path)]` above the struct")),
    );
}

#[test]
fn unknown_attributes_are_reported() {
    assert_errors(
        batch("#[batch(crates = a)] struct B { a: Tensor }"),
        &[("crates", "unknown attribute `crates`, did you mean `crate`?", "expected `crate`")],
    );
    assert_errors(
        batch("#[batch] struct B { a: Tensor }"),
        &[("#[batch]", "`batch` takes its arguments in parentheses", "write `#[batch(crate = path)]`")],
    );
    assert_eq!(super::reported(batch("#[batch(crate)] struct B { a: Tensor }")).len(), 1);
}

#[test]
fn an_implementation_stands_in_beside_errors() {
    let file: syn::File = syn::parse2(batch("enum E<T> { A(T) }")).expect("items");
    assert!(file.items.iter().any(|item| matches!(item, syn::Item::Impl(_))));
}
