use booster::prelude::*;

#[derive(Batch)]
union Labeled {
    index: i64,
}

fn main() {}
