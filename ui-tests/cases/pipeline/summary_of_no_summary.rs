use booster::prelude::*;

fn write<S: Summary>(summary: &S) -> Option<f64> {
    summary.get("loss", "nll")
}

fn main() {
    write(&3.0);
}
