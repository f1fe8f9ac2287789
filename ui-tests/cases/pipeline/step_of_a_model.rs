use booster::prelude::*;
use booster::tch::nn;

fn step(model: &mut nn::SequentialT, batch: &Labeled, optimizer: &mut nn::Optimizer) -> booster::Result<()> {
    training_step(model, batch, optimizer)?;
    Ok(())
}

fn main() {}
