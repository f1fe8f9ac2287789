use booster::prelude::*;

#[derive(Diagnostic)]
struct Value<T> {
    #[group = "info"]
    value: T,
}

fn summarise(value: Value<String>) -> booster::Result<()> {
    Aggregator::new().update(&value)
}

fn main() {}
