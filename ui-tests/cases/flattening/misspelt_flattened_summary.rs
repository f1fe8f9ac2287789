use booster::prelude::*;

#[derive(Diagnostic)]
struct Auxiliary {
    #[group = "info"]
    beta: f64,
}

#[derive(Diagnostic)]
struct Vae {
    #[diagnostic(flatten)]
    auxiliary: Auxiliary,
}

fn read(summary: &VaeSummary) -> f64 {
    summary.auxiliary.info.beat
}

fn main() {}
