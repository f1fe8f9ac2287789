use booster::prelude::*;
use booster::tch::{Device, Tensor};

#[derive(Batch)]
#[batch(krate = booster)]
struct Images {
    input: Tensor,
}

fn moved(images: &Images) -> booster::Result<Images> {
    let images = images.move_to(Device::Cpu)?;
    assert_eq!(images.batch_size()?, Some(4));
    Ok(images)
}

fn main() {}
