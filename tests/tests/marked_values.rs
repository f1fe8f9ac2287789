//! A marked value keeps its value at the `let`, or is an error that names it.

use booster::prelude::*;
use booster::tch::{Device, Kind, Tensor, nn};

type Outcome = Result<(), Box<dyn std::error::Error>>;

const CPU: (Kind, Device) = (Kind::Float, Device::Cpu);

/// Evaluates on a batch of ones.
fn evaluate<E: Evaluator<Model = (), Batch = Tensor>>(
    evaluator: E,
) -> booster::Result<(Loss, E::Diagnostics, E::Output)> {
    let mut pipeline = Pipeline::build(Device::Cpu, |_: &nn::Path<'_>| (), evaluator);
    pipeline.evaluate(&Tensor::ones([4, 2], CPU), Mode::Eval)
}

#[track_caller]
fn assert_written<E: Evaluator<Model = (), Batch = Tensor>>(evaluator: E, field: &str) {
    let message = evaluate(evaluator).err().map_or_else(String::new, |error| error.to_string());
    assert!(message.starts_with(&format!("`{field}` was written in place after its `let`")), "`{field}`: {message}");
}

#[evaluator]
fn total(_: &(), batch: &Tensor, _: Mode) -> booster::Result<Tensor> {
    #[group = "loss"]
    let nll: Tensor = batch.f_square()?;
    let mut total = nll;
    total += 100.0;
    Ok(total.f_mean(Kind::Float)?)
}

#[evaluator]
fn shared(_: &(), batch: &Tensor, _: Mode) -> booster::Result<Tensor> {
    #[output]
    let logits: Tensor = batch.f_square()?;
    let mut activated = logits.shallow_clone();
    let _ = activated.f_neg_()?;
    Ok(activated.f_mean(Kind::Float)?)
}

#[evaluator]
fn viewed(_: &(), batch: &Tensor, _: Mode) -> booster::Result<Tensor> {
    #[group = "loss"]
    let nll: Tensor = batch.f_square()?;
    let mut first = nll.f_select(0, 0)?.f_detach()?;
    first += 1.0;
    Ok(nll.f_mean(Kind::Float)?)
}

/// The value is a view of the tensor written to.
#[evaluator]
fn base(_: &(), batch: &Tensor, _: Mode) -> booster::Result<Tensor> {
    let mut losses = batch.f_square()?;
    #[group = "loss"]
    let first: Tensor = losses.f_select(1, 0)?;
    losses += 1.0;
    drop(first);
    Ok(losses.f_mean(Kind::Float)?)
}

#[evaluator]
fn denominator(_: &(), batch: &Tensor, _: Mode) -> booster::Result<Tensor> {
    let mut tokens = batch.f_sum(Kind::Float)?;
    #[group = "metrics"]
    let share: Ratio = Ratio::new(batch.f_sum(Kind::Float)?, tokens.shallow_clone());
    tokens += 1.0;
    drop(share);
    Ok(tokens)
}

#[evaluator]
fn weight(_: &(), batch: &Tensor, _: Mode) -> booster::Result<Tensor> {
    let mut mask = batch.f_ones_like()?;
    #[group = "metrics"]
    #[metric(max)]
    let masked: Option<Weighted> = Some(Weighted::new(batch.f_square()?, mask.shallow_clone()));
    let _ = mask.f_zero_()?;
    drop(masked);
    Ok(mask.f_mean(Kind::Float)?)
}

#[derive(Batch, Debug)]
struct Layers {
    first: Tensor,
    rest: Vec<Option<Tensor>>,
}

#[evaluator]
fn nested(_: &(), batch: &Tensor, _: Mode) -> booster::Result<Tensor> {
    let mut last = batch.f_square()?;
    #[output]
    let layers: Layers = Layers { first: batch.f_neg()?, rest: vec![None, Some(last.shallow_clone())] };
    last += 1.0;
    drop(layers);
    Ok(last.f_mean(Kind::Float)?)
}

/// The write happens in computing the loss.
#[evaluator]
fn last_expression(_: &(), batch: &Tensor, _: Mode) -> Result<Tensor, booster::tch::TchError> {
    #[group = "loss"]
    let nll: Tensor = batch.f_square()?;
    nll.f_mean(Kind::Float)?.f_add(&nll.shallow_clone().f_zero_()?.f_mean(Kind::Float)?)
}

#[test]
fn a_write_after_the_let_is_an_error_that_names_the_field() {
    assert_written(Total::new(), "loss/nll");
    assert_written(Shared::new(), "logits");
    assert_written(Viewed::new(), "loss/nll");
    assert_written(Base::new(), "loss/first");
    assert_written(Denominator::new(), "metrics/share");
    assert_written(Weight::new(), "metrics/masked");
    assert_written(Nested::new(), "layers");
    assert_written(LastExpression::new(), "loss/nll");
}

/// Writes before the `let`, writes to a copy, and a `let` that is hidden, moved or marked twice.
#[evaluator]
fn final_values(_: &(), batch: &Tensor, _: Mode) -> booster::Result<Tensor> {
    let mut nll = batch.f_square()?;
    nll += 1.0;
    #[group = "loss"]
    #[output]
    let nll: Tensor = nll;
    let mut total = nll.copy();
    total += 100.0;
    let nll = Some(nll);
    #[group = "info"]
    let count: i64 = 3;
    let count = count + 1;
    Ok(total.f_mean(Kind::Float)?.f_add(&Tensor::from(count as f32 + nll.map_or(0.0, |_| 1.0)))?)
}

#[test]
fn a_final_value_may_be_copied_hidden_and_moved() -> Outcome {
    let (loss, diagnostics, output) = evaluate(FinalValues::new())?;
    assert_eq!(loss.tensor().double_value(&[]), 107.0);
    let twos = Tensor::ones([4, 2], CPU) * 2.0;
    assert_eq!((&diagnostics.nll, diagnostics.count, &output.nll), (&twos, 3, &twos));
    Ok(())
}

/// One replica of many reports it as one device does.
#[test]
fn a_write_on_a_replica_is_an_error_that_names_the_field() -> Outcome {
    let mut pipeline = DataParallelPipeline::build(&[Device::Cpu; 2], |_: &nn::Path<'_>| (), Total::new())?;
    let evaluated = pipeline.evaluate(&Tensor::ones([4, 2], CPU), Mode::Eval);
    let message = evaluated.err().map_or_else(String::new, |error| error.to_string());
    assert!(message.contains("`loss/nll` was written in place after its `let`"), "{message}");
    Ok(())
}
