use booster::prelude::*;

#[derive(Diagnostic)]
enum Vae {
    Kl(f64),
}

fn read(summary: VaeSummary) -> f64 {
    summary.loss.kl
}

fn log(vae: &Vae, sink: &mut TensorBoard) -> booster::Result<f64> {
    vae.log(sink, 3)?;
    Ok(read(vae.summary()?))
}

fn main() {}
