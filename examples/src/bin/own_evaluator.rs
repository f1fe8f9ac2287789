//! A custom evaluator: its diagnostics, its loss and a short training loop.
//!
//! ```sh
//! cargo run --release -p booster-examples --bin own_evaluator
//! ```

use std::num::NonZeroUsize;
use std::process::ExitCode;

use booster::evaluation::Labeled;
use booster::prelude::*;
use booster_examples::command_line::end;
use booster_examples::data::{Loader, digits};
use booster_examples::model::mlp;
use booster_examples::print_line;
use tch::nn::{self, ModuleT, OptimizerConfig};
use tch::{Device, Kind, Reduction, Tensor};

/// The diagnostics: each value has a group and a name; tensors have one entry per sample.
#[derive(Debug, Diagnostic)]
struct DigitDiagnostics {
    #[group = "loss"]
    nll: Tensor,
    #[group = "loss"]
    #[metric(max)]
    worst_nll: Tensor,
    #[group = "metrics"]
    accuracy: Tensor,
    #[group = "metrics"]
    top3_accuracy: Tensor,
    #[group = "info"]
    confidence: Tensor,
}

/// Focal loss: cross-entropy weighted by the model's uncertainty about the target (Lin et al., 2017, arXiv 1708.02002).
#[evaluator]
fn focal_classification<M: ModuleT>(
    model: &M,
    batch: &Labeled,
    mode: Mode,
    #[param] focus: f64,
) -> booster::Result<(Loss, DigitDiagnostics, ())> {
    let logits = model.forward_t(&batch.input, mode.is_train());
    let nll = logits.f_cross_entropy_loss::<Tensor>(&batch.target, None, Reduction::None, -100, 0.0)?;
    let unsure = nll.f_neg()?.f_exp()?.f_neg()?.try_add_scalar(1.0)?.try_pow_tensor_scalar(focus)?;
    let loss = unsure.f_mul(&nll)?.f_mean(Kind::Float)?;

    let (confidence, classes) = logits.f_softmax(-1, Kind::Float)?.f_topk(3, -1, true, true)?;
    let hits = classes.f_eq_tensor(&batch.target.f_unsqueeze(-1)?)?;
    let (accuracy, top3_accuracy) = (hits.f_select(-1, 0)?, hits.f_any_dim(-1, false)?);
    let (worst_nll, confidence) = (nll.shallow_clone(), confidence.f_select(-1, 0)?);
    Ok((loss.into(), DigitDiagnostics { nll, worst_nll, accuracy, top3_accuracy, confidence }, ()))
}

fn main() -> ExitCode {
    end(run())
}

fn run() -> booster::Result<()> {
    tch::manual_seed(0);
    tch::set_num_threads(1);
    let data = digits()?;
    let train = Loader::shuffled(&data.train, NonZeroUsize::MIN.saturating_add(63), 0, Device::Cpu)?;
    let test = Loader::in_order(&data.test, NonZeroUsize::MAX, Device::Cpu)?;

    let net = |path: &nn::Path<'_>| mlp(path, data.train.shape(), data.train.classes());
    let mut pipeline = Pipeline::build(Device::Cpu, net, FocalClassification::new(2.0));
    let mut optimizer = nn::Adam::default().build(pipeline.var_store(), 1e-3)?;
    for epoch in 0..10 {
        let mut mean = Aggregator::new().non_finite(NonFinite::Error);
        for batch in train.epoch(epoch) {
            mean.update(&training_step(&mut pipeline, &batch?, &mut optimizer)?)?;
        }
        print_line!("epoch {}\n{}\n", epoch + 1, mean.summary()?)?;
    }
    let mut mean = Aggregator::new().non_finite(NonFinite::Error);
    for batch in test.epoch(0) {
        mean.update(&validation_step(&mut pipeline, &batch?)?)?;
    }
    print_line!("test\n{}", mean.summary()?)?;
    Ok(())
}
