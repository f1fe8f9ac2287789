use booster::prelude::*;
use booster::Ratio;

#[derive(Diagnostic)]
struct Overlaps {
    #[group = "segmentation"]
    classes: [Ratio; 4],
}

fn main() {}
