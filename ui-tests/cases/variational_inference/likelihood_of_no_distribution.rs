use booster::distributions::Distribution;
use booster::tch::Tensor;

fn entropy<D: Distribution>(distribution: &D) -> booster::Result<Tensor> {
    distribution.entropy()
}

fn main() {
    let _ = entropy(&0.5);
}
