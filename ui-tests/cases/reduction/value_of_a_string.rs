use booster::diagnostic::{Chunk, HostState, State};
use booster::{Reduction, Result};

struct Named;

impl Reduction for Named {
    type Value = String;
    const NAME: &'static str = "named";

    fn lift(_: &Chunk) -> Result<State> {
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
