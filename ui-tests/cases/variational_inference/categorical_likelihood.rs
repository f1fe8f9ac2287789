use booster::distributions::{Categorical, Likelihood};
use booster::tch::Tensor;

fn decode(parameters: &Tensor) -> booster::Result<Categorical> {
    <Categorical as Likelihood>::from_parameters(parameters)
}

fn main() {}
