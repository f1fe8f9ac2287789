//! Models on several replicas: the memory layout and kind of variables, and writes during an evaluation.

use booster::Error;
use booster::evaluation::Classification;
use booster::prelude::*;
use booster::tch::nn;
use booster::tch::{Device, Kind, Tensor, manual_seed, no_grad};
use booster_tests::{generator, relative_difference};

type Outcome = Result<(), Box<dyn std::error::Error>>;

const DEVICES: [Device; 3] = [Device::Cpu; 3];

/// Moves the weights into one buffer, as cuDNN does for an LSTM.
fn flatten(weights: &mut [Tensor]) {
    let numbers = weights.iter().map(|weight| weight.numel() as i64);
    let flat = Tensor::zeros([numbers.sum::<i64>()], (Kind::Float, Device::Cpu));
    let mut start = 0;
    for weight in weights {
        let length = weight.numel() as i64;
        let view = flat.narrow(0, start, length).view(&weight.size()[..]);
        no_grad(|| view.shallow_clone().copy_(weight));
        weight.set_data(&view);
        start += length;
    }
}

struct Lstm(Vec<Tensor>);

fn lstm(path: &nn::Path<'_>) -> Lstm {
    let mut weights = vec![
        path.randn("weight_ih_l0", &[16, 4], 0.0, 0.4),
        path.randn("weight_hh_l0", &[16, 4], 0.0, 0.4),
        path.randn("bias_ih_l0", &[16], 0.0, 0.4),
        path.randn("bias_hh_l0", &[16], 0.0, 0.4),
    ];
    flatten(&mut weights);
    Lstm(weights)
}

#[evaluator]
fn recurrent(model: &Lstm, batch: &Tensor, mode: Mode) -> booster::Result<Tensor> {
    let zero = Tensor::f_zeros([1, batch.size()[0], 4], (Kind::Float, batch.device()))?;
    let weights = model.0.iter().collect::<Vec<_>>();
    let (output, ..) = batch.f_lstm(&[&zero, &zero], &weights, true, 1, 0.0, mode.is_train(), false, true)?;
    Ok(output.f_square()?.f_mean(Kind::Float)?)
}

fn gradient(pipeline: &impl EvaluationPipeline, name: &str) -> Tensor {
    pipeline.var_store().variables()[name].grad()
}

#[test]
fn parameters_in_one_storage_are_trained_as_on_one_device() -> Outcome {
    let _generator = generator();
    manual_seed(3);
    let mut one = Pipeline::build(Device::Cpu, lstm, Recurrent::new());
    manual_seed(3);
    let mut many = DataParallelPipeline::build(&DEVICES, lstm, Recurrent::new())?;
    let mut sgd = nn::OptimizerConfig::build(nn::Sgd::default(), one.var_store(), 0.5)?;
    let mut sgd_of_many = nn::OptimizerConfig::build(nn::Sgd::default(), many.var_store(), 0.5)?;
    for samples in [7, 2, 1, 5] {
        let batch = Tensor::randn([samples, 3, 4], (Kind::Float, Device::Cpu));
        one.evaluate(&batch, Mode::Train)?.0.backward()?;
        many.evaluate(&batch, Mode::Train)?.0.backward()?;
        sgd.step();
        sgd_of_many.step();
        training_step(&mut one, &batch, &mut sgd)?;
        training_step(&mut many, &batch, &mut sgd_of_many)?;
    }
    for (name, weight) in one.var_store().variables() {
        let found = relative_difference(&many.var_store().variables()[&name], &weight);
        assert!(found < 1e-5, "{name}: {found}");
        assert!(relative_difference(&gradient(&many, &name), &gradient(&one, &name)) < 1e-4, "{name}");
    }
    Ok(())
}

#[test]
fn parameters_that_overlap_are_refused_by_name() {
    let _generator = generator();
    let overlapping = |path: &nn::Path<'_>| {
        let mut model = lstm(path);
        let hidden = model.0[1].data().narrow(0, 2, 4);
        model.0.push(path.add("part", hidden, true));
        model
    };
    let error = DataParallelPipeline::build(&DEVICES, overlapping, Recurrent::new()).map(|_| ()).expect_err("overlap");
    let text = error.to_string();
    assert!(text.contains("variable `part`: expected memory of its own"), "{text}");
    assert!(text.contains("an overlap with `weight_hh_l0`"), "{text}");
}

#[test]
fn a_sparse_parameter_is_refused_by_name() {
    let _generator = generator();
    let sparse = |path: &nn::Path<'_>| {
        let mut model = lstm(path);
        let values = Tensor::eye(4, (Kind::Float, Device::Cpu)).to_sparse(None, None::<&[i64]>, None);
        model.0.push(path.add("adjacency", values, true));
        model
    };
    let error = DataParallelPipeline::build(&DEVICES, sparse, Recurrent::new()).map(|_| ()).expect_err("sparse");
    let text = error.to_string();
    assert!(text.starts_with("replica 1 on cpu: variable `adjacency`: expected a dense tensor"), "{text}");
}

/// A complex weight and a real loss.
#[evaluator]
fn spectral(model: &Tensor, batch: &Tensor, mode: Mode) -> booster::Result<Tensor> {
    let _ = mode;
    let product = batch.f_mul(model)?;
    Ok(product.f_abs()?.f_square()?.f_mean(Kind::Float)?)
}

#[test]
fn a_complex_parameter_has_the_gradient_of_one_device() -> Outcome {
    let _generator = generator();
    let net = |path: &nn::Path<'_>| path.add("weight", Tensor::randn([4], (Kind::ComplexFloat, Device::Cpu)), true);
    manual_seed(3);
    let mut one = Pipeline::build(Device::Cpu, net, Spectral::new());
    manual_seed(3);
    let mut many = DataParallelPipeline::build(&DEVICES, net, Spectral::new())?;
    for samples in [7, 2] {
        let batch = Tensor::randn([samples, 4], (Kind::Float, Device::Cpu));
        for pipeline in [&mut one as &mut dyn Backward, &mut many] {
            pipeline.both_ways(&batch)?;
        }
        let [found, expected] = [gradient(&many, "weight"), gradient(&one, "weight")].map(|value| value.view_as_real());
        assert!(relative_difference(&found, &expected) < 1e-5, "{found} instead of {expected}");
    }
    Ok(())
}

trait Backward {
    fn both_ways(&mut self, batch: &Tensor) -> booster::Result<()>;
}

impl<P: EvaluationPipeline<Evaluator = Spectral>> Backward for P {
    fn both_ways(&mut self, batch: &Tensor) -> booster::Result<()> {
        self.evaluate(batch, Mode::Train)?.0.backward()?;
        self.backward(batch)?;
        Ok(())
    }
}

fn with_norm(path: &nn::Path<'_>) -> nn::SequentialT {
    nn::seq_t()
        .add(nn::conv2d(path / "conv", 1, 4, 3, nn::ConvConfig::default()))
        .add(nn::batch_norm2d(path / "norm", 4, nn::BatchNormConfig::default()))
        .add_fn(|hidden| hidden.flatten(1, -1))
        .add(nn::linear(path / "logits", 4 * 6 * 6, 3, nn::LinearConfig::default()))
}

fn images(samples: i64, shift: f64) -> Labeled {
    Labeled {
        input: Tensor::randn([samples, 1, 8, 8], (Kind::Float, Device::Cpu)) + shift,
        target: Tensor::zeros([samples], (Kind::Int64, Device::Cpu)),
    }
}

#[test]
fn buffers_follow_the_first_replica_after_batches_of_any_size() -> Outcome {
    let _generator = generator();
    let validation = images(8, 2.0);
    for samples in 1..=4 {
        for by_hand in [false, true] {
            manual_seed(1);
            let mut one = Pipeline::build(Device::Cpu, with_norm, Classification::new());
            manual_seed(1);
            let mut many = DataParallelPipeline::build(&[Device::Cpu; 4], with_norm, Classification::new())?;
            // All replicas have the current statistics.
            validation_step(&mut many, &validation)?;
            for _ in 0..3 {
                let batch = images(samples, 3.0);
                // The first replica's shard is a single sample.
                one.evaluate(&batch.samples(0..1)?, Mode::Train)?;
                if by_hand {
                    many.evaluate(&batch, Mode::Train)?;
                } else {
                    many.backward(&batch)?;
                }
            }
            let expected = validation_step(&mut one, &validation)?.diagnostics.nll.value;
            let found = validation_step(&mut many, &validation)?.diagnostics.nll.value;
            assert!(relative_difference(&found, &expected) < 1e-5, "{samples} samples: {found} instead of {expected}");
        }
    }
    Ok(())
}

#[test]
fn two_graphs_of_a_model_with_batch_norm_are_differentiated_as_on_one_device() -> Outcome {
    let _generator = generator();
    let (first, second) = (images(6, 1.0), images(5, -1.0));
    for mode in [Mode::Train, Mode::Eval] {
        let mut many = DataParallelPipeline::build(&DEVICES, with_norm, Classification::new())?;
        let (one_loss, ..) = many.evaluate(&first, mode)?;
        let (other_loss, ..) = many.evaluate(&second, mode)?;
        validation_step(&mut many, &first)?;
        one_loss.backward()?;
        other_loss.backward()?;
    }
    Ok(())
}

/// A student and its moving-average teacher, which is updated during evaluation.
struct Pair {
    student: Tensor,
    teacher: Tensor,
}

#[evaluator]
fn distilled(model: &Pair, batch: &Tensor, mode: Mode) -> booster::Result<Tensor> {
    if mode.is_train() {
        let _ = no_grad(|| model.teacher.shallow_clone().f_lerp_(&model.student, 0.5))?;
    }
    Ok((batch * &model.student - batch * &model.teacher).f_square()?.f_mean(Kind::Float)?)
}

#[test]
fn a_write_to_a_parameter_during_evaluation_is_refused_by_name() -> Outcome {
    let _generator = generator();
    let net = |path: &nn::Path<'_>| {
        let pair = Pair { student: path.ones("student", &[4]), teacher: path.zeros("teacher", &[4]) };
        let _ = pair.teacher.set_requires_grad(false);
        pair
    };
    let mut many = DataParallelPipeline::build(&DEVICES, net, Distilled::new())?;
    // A single sample goes to the first replica only.
    for samples in [1, 2, 4] {
        let batch = Tensor::ones([samples, 4], (Kind::Float, Device::Cpu));
        let errors = [many.evaluate(&batch, Mode::Train).map(|_| ()), many.backward(&batch).map(|_| ())];
        for error in errors {
            let error = error.expect_err("the teacher is written");
            assert!(error.to_string().contains("variable `teacher`"), "{error}");
            assert!(matches!(error, Error::Replica { .. }), "{error}");
        }
        assert!(!gradient(&many, "student").defined());
        many.evaluate(&batch, Mode::Eval)?;
    }
    Ok(())
}

#[test]
fn a_write_to_a_buffer_during_evaluation_is_the_first_replicas() -> Outcome {
    let _generator = generator();
    let net = |path: &nn::Path<'_>| Pair {
        student: path.ones("student", &[4]),
        teacher: path.zeros_no_train("teacher", &[4]),
    };
    let batch = Tensor::ones([4, 4], (Kind::Float, Device::Cpu));
    let mut one = Pipeline::build(Device::Cpu, net, Distilled::new());
    let mut many = DataParallelPipeline::build(&DEVICES, net, Distilled::new())?;
    for _ in 0..3 {
        let (expected, ..) = one.evaluate(&batch, Mode::Train)?;
        let (found, ..) = many.evaluate(&batch, Mode::Train)?;
        assert!(relative_difference(found.tensor(), expected.tensor()) < 1e-6);
        let teacher = |store: &nn::VarStore| store.variables()["teacher"].copy();
        assert_eq!(teacher(many.var_store()), teacher(one.var_store()));
    }
    Ok(())
}

#[test]
fn a_batch_without_samples_or_with_an_undefined_tensor_is_refused_on_one_device_and_on_many() -> Outcome {
    let _generator = generator();
    let undefined = [
        Labeled { input: images(4, 0.0).input, target: Tensor::new() },
        Labeled { input: Tensor::new(), target: images(4, 0.0).target },
    ];
    for count in [1, 3] {
        let devices = &DEVICES[..count];
        let mut one = Pipeline::build(Device::Cpu, with_norm, Classification::new());
        let mut many = DataParallelPipeline::build(devices, with_norm, Classification::new())?;
        for (batch, field) in undefined.iter().zip(["target", "input"]) {
            let errors = [
                one.evaluate(batch, Mode::Eval).map(|_| ()),
                many.evaluate(batch, Mode::Eval).map(|_| ()),
                one.backward(batch).map(|_| ()),
                many.backward(batch).map(|_| ()),
            ];
            for error in errors {
                let error = error.expect_err("undefined").to_string();
                assert_eq!(error, format!("field `{field}`: the tensor is undefined, like `Tensor::new()`"));
            }
        }
        let error = one.evaluate(&images(0, 0.0), Mode::Eval).map(|_| ()).expect_err("empty");
        assert!(matches!(error, Error::EmptyBatch), "{error}");
        let error = many.evaluate(&images(0, 0.0), Mode::Eval).map(|_| ()).expect_err("empty");
        assert!(matches!(error, Error::EmptyBatch), "{error}");
    }
    Ok(())
}
