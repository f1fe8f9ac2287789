use booster::Batch;
use booster::tch::Tensor;

#[derive(Batch)]
pub struct Images {
    pub pixels: Tensor,
    pub labels
}

fn main() {}
