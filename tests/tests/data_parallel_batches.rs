//! Batches that require a gradient, are another model's output, or panic behave the same on many replicas as on one
//! device.

use booster::batch::FieldPath;
use booster::prelude::*;
use booster::tch::nn;
use booster::tch::{Device, Kind, Tensor};
use booster_tests::relative_difference;

type Outcome = Result<(), Box<dyn std::error::Error>>;

const OPTIONS: (Kind, Device) = (Kind::Double, Device::Cpu);

#[derive(Batch)]
struct Rows {
    input: Tensor,
    weight: Tensor,
}

/// The weighted mean of squares, with weights that differ between shards.
#[evaluator]
fn weighted(model: &Tensor, batch: &Rows, _mode: Mode) -> booster::Result<Loss> {
    let squares = batch.input.f_mv(model)?.f_square()?;
    Loss::from_sum(&(squares * &batch.weight).f_sum(None)?, &batch.weight.f_sum(None)?)
}

fn net(path: &nn::Path<'_>) -> Tensor {
    path.add("weight", Tensor::from_slice(&[0.5, -1.0, 2.0]), true)
}

fn rows(input: Tensor) -> Rows {
    let weight = Tensor::arange(input.size()[0], OPTIONS);
    Rows { input, weight }
}

/// Computes the gradient both ways: through the loss's graph, and as a training step does.
fn differentiate<P>(pipeline: &mut P, batch: &Rows) -> Outcome
where
    P: EvaluationPipeline<Evaluator = Weighted>,
{
    pipeline.evaluate(batch, Mode::Train)?.0.backward()?;
    pipeline.backward(batch)?;
    Ok(())
}

fn input(samples: i64) -> Tensor {
    Tensor::arange(samples * 3, OPTIONS).view([samples, 3]) * 0.1
}

#[test]
fn a_batch_has_the_gradient_of_one_device_whatever_its_shards_weigh() -> Outcome {
    for (samples, replicas) in [(2, 3), (5, 2), (7, 3)] {
        let [one_input, many_input] = [(); 2].map(|()| input(samples).set_requires_grad(true));
        let mut one = Pipeline::build(Device::Cpu, net, Weighted::new());
        let mut many = DataParallelPipeline::build(&vec![Device::Cpu; replicas], net, Weighted::new())?;
        differentiate(&mut one, &rows(one_input.shallow_clone()))?;
        differentiate(&mut many, &rows(many_input.shallow_clone()))?;
        assert!(relative_difference(&many_input.grad(), &one_input.grad()) < 1e-12, "{}", many_input.grad());
        let [expected, found] = [one.var_store(), many.var_store()].map(|store| store.variables()["weight"].grad());
        assert!(relative_difference(&found, &expected) < 1e-12, "{found} instead of {expected}");
    }
    Ok(())
}

#[test]
fn the_model_that_made_a_batch_is_differentiated_too() -> Outcome {
    let mut gradients = Vec::new();
    for replicas in [1, 3] {
        let encoder = (Tensor::eye(3, OPTIONS) * 1.5).set_requires_grad(true);
        let mut pipeline = DataParallelPipeline::build(&vec![Device::Cpu; replicas], net, Weighted::new())?;
        for _ in 0..3 {
            let features = || rows(input(7).matmul(&encoder).tanh().matmul(&encoder).exp());
            pipeline.evaluate(&features(), Mode::Train)?.0.backward()?;
            pipeline.backward(&features())?;
        }
        gradients.push(encoder.grad());
    }
    assert!(relative_difference(&gradients[1], &gradients[0]) < 1e-12, "{gradients:?}");
    Ok(())
}

/// A handwritten batch with a bug: splitting it panics.
#[derive(Debug)]
struct Buggy {
    tensor: Tensor,
    cannot_be_cut: bool,
}

impl Batch for Buggy {
    fn visit_tensors(
        &self,
        path: FieldPath<'_>,
        visit: &mut dyn FnMut(FieldPath<'_>, &Tensor) -> booster::Result<()>,
    ) -> booster::Result<()> {
        visit(path, &self.tensor)
    }

    fn map_tensors(
        &self,
        path: FieldPath<'_>,
        map: &mut dyn FnMut(FieldPath<'_>, &Tensor) -> booster::Result<Tensor>,
    ) -> booster::Result<Self> {
        assert!(!self.cannot_be_cut, "cut with a bug");
        Ok(Self { tensor: map(path, &self.tensor)?, cannot_be_cut: false })
    }

    fn zip_tensors(
        _: &[&Self],
        _: FieldPath<'_>,
        _: &mut dyn FnMut(FieldPath<'_>, &[&Tensor]) -> booster::Result<Tensor>,
    ) -> booster::Result<Self> {
        unreachable!("joined with a bug")
    }
}

#[evaluator]
fn evaluated(model: &Tensor, batch: &Buggy, _mode: Mode) -> booster::Result<Tensor> {
    #[output]
    let output: Buggy = Buggy { tensor: batch.tensor.f_mv(model)?, cannot_be_cut: false };
    Ok(batch.tensor.f_mv(model)?.f_mean(None)?)
}

#[test]
fn a_panic_of_a_batch_is_an_error_and_the_next_call_works() -> Outcome {
    let mut many = DataParallelPipeline::build(&[Device::Cpu; 2], net, Evaluated::new())?;
    for (cannot_be_cut, cause) in [(true, "panicked: cut with a bug"), (false, "joined with a bug")] {
        let batch = Buggy { tensor: input(5), cannot_be_cut };
        let error = many.evaluate(&batch, Mode::Train).map(|_| ()).expect_err("a bug").to_string();
        assert!(error.contains(cause), "{error}");
    }
    many.backward(&Buggy { tensor: input(5), cannot_be_cut: false })?;
    Ok(())
}

/// A loss whose weight has the kind of the batch.
#[evaluator]
fn weighed(model: &Tensor, batch: &Tensor, _mode: Mode) -> booster::Result<Loss> {
    let mean = (model * batch.to_kind(Kind::Float)).f_mean(None)?;
    Ok(Loss::weighted(mean, batch.f_max()?))
}

#[test]
fn a_sum_of_weights_has_room_whatever_their_kind() -> Outcome {
    let net = |path: &nn::Path<'_>| path.ones("weight", &[1]);
    for (kind, weight) in [(Kind::Half, 6e4), (Kind::Bool, 1.0), (Kind::Uint8, 200.0), (Kind::Int64, 200.0)] {
        let mut pipeline = DataParallelPipeline::build(&[Device::Cpu; 2], net, Weighed::new())?;
        let batch = Tensor::full([2], weight, (Kind::Float, Device::Cpu)).to_kind(kind);
        let weight_of_one = batch.max().double_value(&[]);
        let (loss, ..) = pipeline.evaluate(&batch, Mode::Train)?;
        let found = loss.weight().map(|weight| weight.double_value(&[]));
        assert_eq!(found, Some(2.0 * weight_of_one), "{kind:?}");
    }
    Ok(())
}
