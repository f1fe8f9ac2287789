use booster::prelude::*;

#[derive(Batch)]
union Labelled {
    index: i64,
}

fn main() {}
