use booster::prelude::*;

#[derive(Diagnostic)]
struct Value<T> {
    #[group = "info"]
    value: T,
}

fn summarize(value: Value<String>) -> booster::Result<()> {
    Aggregator::new().update(&value)
}

fn main() {}
