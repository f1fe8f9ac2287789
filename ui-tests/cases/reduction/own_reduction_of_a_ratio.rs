use booster::diagnostic::{LeafValues, HostState, Reduction, State};
use booster::prelude::*;

struct Largest;

impl Reduction for Largest {
    type Value = f64;
    const NAME: &'static str = "largest";

    fn from_values(leaf: &LeafValues) -> booster::Result<State> {
        Ok(State::new([leaf.values()?]))
    }

    fn merge(_: &State, later: &State) -> booster::Result<State> {
        Ok(State::new([later.parts()[0].shallow_clone()]))
    }

    fn finish(state: &HostState) -> f64 {
        state.parts()[0][0]
    }
}

#[derive(Diagnostic)]
struct Measured {
    #[group = "metrics"]
    #[metric(reduce = Largest)]
    accuracy: Ratio,
}

fn main() {}
