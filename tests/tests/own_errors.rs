//! User-defined errors, returned with `?` from functions with booster's `Result`.

use booster::{Error, Result};

fn of_a_text() -> Result<()> {
    Err("the vocabulary is empty")?
}

fn of_a_string(word: &str) -> Result<()> {
    Err(format!("no word `{word}`"))?
}

fn of_a_box() -> Result<()> {
    let boxed: Box<dyn std::error::Error + Send + Sync> = Box::new(std::fmt::Error);
    Err(boxed)?
}

fn of_another_crate() -> Result<i32> {
    "twelve".parse::<i32>().map_err(Error::custom)
}

/// Returns the user-defined error in `result`, if any.
fn own<T>(result: Result<T>) -> Option<Box<dyn std::error::Error + Send + Sync>> {
    match result {
        Err(Error::Custom(own)) => Some(own),
        _ => None,
    }
}

#[test]
fn texts_come_back_as_they_are() {
    assert_eq!(own(of_a_text()).map(|own| own.to_string()).as_deref(), Some("the vocabulary is empty"));
    assert_eq!(own(of_a_string("tensor")).map(|own| own.to_string()).as_deref(), Some("no word `tensor`"));
}

#[test]
fn errors_of_other_crates_keep_their_type() {
    assert!(own(of_a_box()).is_some_and(|own| own.is::<std::fmt::Error>()));
    assert!(own(of_another_crate()).is_some_and(|own| own.is::<std::num::ParseIntError>()));
}
