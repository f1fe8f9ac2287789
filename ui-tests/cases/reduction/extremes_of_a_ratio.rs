// errors: 3
use booster::prelude::*;

type Accuracy = Option<Ratio>;

#[derive(Diagnostic)]
struct Measured {
    #[group = "metrics"]
    #[metric(mean, max, sum, count)]
    accuracy: Ratio,
    #[group = "metrics"]
    #[metric(p95)]
    recall: Option<Ratio>,
    #[group = "metrics"]
    #[metric(mean, histogram(0, 1, 10))]
    precision: Accuracy,
}

fn main() {}
