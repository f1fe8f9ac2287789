use booster::prelude::*;
use booster::tch::{Device, Tensor, nn};

mod evaluators {
    use booster::prelude::*;
    use booster::tch::Tensor;
    use booster::tch::nn::ModuleT;

    #[evaluator]
    pub fn likelihood<M: ModuleT>(model: &M, batch: &Labeled, mode: Mode, beta: f64) -> booster::Result<Tensor> {
        #[group = "loss"]
        let nll: Tensor = model.forward_t(&batch.input, mode.is_train());
        Ok(nll * beta)
    }
}

fn evaluate(batch: &Labeled) -> booster::Result<Tensor> {
    let net = |path: &nn::Path<'_>| nn::linear(path, 4, 3, Default::default());
    let mut pipeline = Pipeline::build(Device::Cpu, net, evaluators::Likelihood::new(0.5));
    let (_, diagnostics, _) = pipeline.evaluate(batch, Mode::Eval)?;
    let diagnostics: evaluators::LikelihoodDiagnostics = diagnostics;
    println!("{}", diagnostics.summary()?.loss.nll);
    Ok(diagnostics.nll)
}

fn main() {}
