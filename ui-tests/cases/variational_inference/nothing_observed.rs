use booster::evaluation::Observed;
use booster::tch::Tensor;

fn observed<B: Observed>(batch: &B) -> &Tensor {
    batch.observed()
}

fn main() {
    let _ = observed(&());
}
