//! The mean over samples, keeping other dimensions.

use tch::Kind;

use super::basic::add;
use super::values::LeafValues;
use super::{HostState, Reduction, State};
use crate::diagnostic::value::Array;
use crate::error::Result;

/// The mean over the samples of `[batch, *dims]`, as an array `[*dims]`; NaN for entries of total weight 0.
#[derive(Debug)]
pub struct MeanDims;

impl Reduction for MeanDims {
    type Value = Array;
    const NAME: &'static str = "mean_dims";

    fn from_values(leaf: &LeafValues) -> Result<State> {
        let (values, weights) = (leaf.values()?, leaf.weights()?);
        let dims = values.size()[1..].to_vec();
        let sum = |tensor: tch::Tensor| tensor.f_sum_dim_intlist(0, false, Kind::Double)?.f_reshape([-1]);
        Ok(State::new([sum(values.f_mul(&weights)?)?, sum(weights)?]).with_dims(&dims))
    }

    fn merge(earlier: &State, later: &State) -> Result<State> {
        add(earlier, later)
    }

    fn finish(state: &HostState) -> Array {
        let [sums, weights] = state.parts() else { return Array::default() };
        let data = sums.iter().zip(weights).map(|(sum, weight)| sum / weight).collect();
        Array { shape: state.dims().to_vec(), data }
    }
}
