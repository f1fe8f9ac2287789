use booster::diagnostic::{LeafValues, HostState, State};
use booster::{Reduction, Result};

struct Named;

impl Reduction for Named {
    type Value = String;
    const NAME: &'static str = "named";

    fn from_values(_: &LeafValues) -> Result<State> {
        Ok(State::new([]))
    }

    fn merge(_: &State, _: &State) -> Result<State> {
        Ok(State::new([]))
    }

    fn finish(_: &HostState) -> String {
        String::new()
    }
}

fn main() {}
