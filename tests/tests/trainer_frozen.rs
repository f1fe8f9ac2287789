//! Parameters frozen in the middle of a window.

use booster::prelude::*;
use booster::tch::nn::{self, OptimizerConfig, VarStore};
use booster::tch::{Device, Tensor};
use booster_tests::gan::{Adversarial, Gan, gan};

type Outcome = Result<(), Box<dyn std::error::Error>>;

fn value(pipeline: &impl EvaluationPipeline) -> f64 {
    pipeline.var_store().variables()["generator"].double_value(&[0])
}

/// A pipeline that counts change notifications.
struct Told(Pipeline<Adversarial>, usize);

impl booster::__private::Sealed for Told {}

impl EvaluationPipeline for Told {
    type Evaluator = Adversarial;

    fn evaluate(&mut self, batch: &Tensor, mode: Mode) -> booster::Result<(Loss, (), ())> {
        self.0.evaluate(batch, mode)
    }

    fn predict<B, O, F>(&mut self, batch: &B, predict: F) -> booster::Result<O>
    where
        B: Batch,
        O: Batch,
        F: Fn(&Gan, &B, Mode) -> booster::Result<O> + Clone + Send + 'static,
    {
        self.0.predict(batch, predict)
    }

    fn changed(&mut self) {
        self.1 += 1;
    }

    fn evaluator(&self) -> &Adversarial {
        self.0.evaluator()
    }

    fn evaluator_mut(&mut self) -> &mut Adversarial {
        self.0.evaluator_mut()
    }

    fn var_store(&self) -> &VarStore {
        self.0.var_store()
    }

    fn var_store_mut(&mut self) -> &mut VarStore {
        self.0.var_store_mut()
    }
}

#[test]
fn what_is_frozen_in_a_window_moves_once_more_and_the_pipeline_is_told() -> Outcome {
    let mut pipeline = Told(Pipeline::build(Device::Cpu, gan, Adversarial::new()), 0);
    let batch = Tensor::from_slice(&[2.0]);
    let mut trainer = Trainer::builder(nn::Sgd::default().build(pipeline.var_store(), 1.0)?).accumulate(2).build()?;
    trainer.step(&mut pipeline, &batch)?;
    let _ = pipeline.var_store().variables()["generator"].set_requires_grad(false);
    trainer.step(&mut pipeline, &batch)?;
    // Half of the step that the first batch alone would make.
    assert!((value(&pipeline) - 0.9).abs() < 1e-9);
    assert_eq!(pipeline.1, 1);
    for _ in 0..2 {
        trainer.step(&mut pipeline, &batch)?;
    }
    assert!((value(&pipeline) - 0.9).abs() < 1e-9);
    assert_eq!(pipeline.1, 1);
    Ok(())
}

#[test]
fn gradients_that_others_leave_after_the_last_batch_of_a_window_are_not_applied() -> Outcome {
    let mut pipeline = Pipeline::build(Device::Cpu, gan, Adversarial::new());
    let batch = Tensor::from_slice(&[2.0]);
    let mut trainer = Trainer::builder(nn::Sgd::default().build(pipeline.var_store(), 1.0)?).accumulate(2).build()?;
    let generator = pipeline.var_store().variables()["generator"].shallow_clone();
    let _ = generator.set_requires_grad(false);
    trainer.step(&mut pipeline, &batch)?;
    let _ = generator.set_requires_grad(true);
    pipeline.backward(&batch)?;
    trainer.finish_window(&mut pipeline)?;
    assert_eq!(value(&pipeline), 1.0);
    assert!(!generator.grad().defined());
    Ok(())
}
