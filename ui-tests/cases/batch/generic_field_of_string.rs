use booster::prelude::*;

#[derive(Batch)]
struct Pair<T>(T, T);

fn join(parts: Vec<Pair<String>>) -> booster::Result<Pair<String>> {
    Batch::join(parts)
}

fn main() {}
