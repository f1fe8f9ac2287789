//! Pipelines and steps, against hand-written loops and against misuse.

use booster::evaluation::{ClassWeights, Classification};
use booster::prelude::*;
use booster::tch::nn::{self, ModuleT, OptimizerConfig};
use booster::tch::{Device, Kind, Reduction, Tensor, manual_seed};
use booster_tests::{generator, relative_difference};

type Outcome = Result<(), Box<dyn std::error::Error>>;

/// Cross-entropy with plain per-sample fields.
#[evaluator]
fn plain<M: ModuleT>(model: &M, batch: &Labeled, mode: Mode, #[param] scale: f64) -> booster::Result<Tensor> {
    #[output]
    let logits: Tensor = model.forward_t(&batch.input, mode.is_train());
    #[group = "loss"]
    let nll: Tensor = logits.f_cross_entropy_loss::<Tensor>(&batch.target, None, Reduction::None, -100, 0.0)?;
    #[group = "metrics"]
    let accuracy: Tensor = logits.f_argmax(-1, false)?.f_eq_tensor(&batch.target)?;
    Ok((nll * scale).f_mean(Kind::Float)?)
}

fn net(path: &nn::Path<'_>) -> nn::SequentialT {
    nn::seq_t()
        .add(nn::linear(path / "hidden", 6, 8, nn::LinearConfig::default()))
        .add_fn(Tensor::tanh)
        .add(nn::linear(path / "logits", 8, 3, nn::LinearConfig::default()))
}

fn batch(samples: i64) -> Labeled {
    Labeled {
        input: Tensor::randn([samples, 6], (Kind::Float, Device::Cpu)),
        target: Tensor::randint(3, [samples], (Kind::Int64, Device::Cpu)),
    }
}

fn variables(store: &nn::VarStore) -> Vec<(String, Tensor)> {
    let mut variables = store.variables().into_iter().collect::<Vec<_>>();
    variables.sort_by(|one, other| one.0.cmp(&other.0));
    variables
}

fn no_gradient_is_left(store: &nn::VarStore) -> bool {
    store.trainable_variables().iter().all(|variable| {
        let gradient = variable.grad();
        !gradient.defined() || gradient.abs().sum(Kind::Double).double_value(&[]) == 0.0
    })
}

#[test]
fn training_steps_equal_a_hand_written_loop() -> Outcome {
    let _generator = generator();
    manual_seed(0);
    let batches = [5, 5, 3].map(batch);

    manual_seed(1);
    let mut pipeline = Pipeline::build(Device::Cpu, net, Plain::new(1.0));
    let mut optimizer = nn::Adam::default().build(pipeline.var_store(), 1e-2)?;
    let mut mean = Aggregator::new();
    for batch in &batches {
        mean.update(&training_step(&mut pipeline, batch, &mut optimizer)?)?;
    }
    let summary = mean.summary()?;

    manual_seed(1);
    let store = nn::VarStore::new(Device::Cpu);
    let model = net(&store.root());
    let mut optimizer = nn::Adam::default().build(&store, 1e-2)?;
    let (mut nll, mut samples) = (0.0, 0.0);
    for Labeled { input, target } in &batches {
        let losses =
            model.forward_t(input, true).cross_entropy_loss::<Tensor>(target, None, Reduction::None, -100, 0.0);
        nll += losses.sum(Kind::Double).double_value(&[]);
        samples += 5.0_f64.min(losses.size()[0] as f64);
        optimizer.backward_step(&losses.mean(Kind::Float));
    }

    for ((name, ours), (_, theirs)) in variables(pipeline.var_store()).iter().zip(&variables(&store)) {
        assert!(relative_difference(ours, theirs) < 1e-6, "{name}");
    }
    assert!((summary.loss.nll - nll / samples).abs() < 1e-6 * nll);
    assert!(summary.step.elapsed > 0.0);
    Ok(())
}

#[test]
fn diagnostics_hold_no_graph_and_the_loss_does() -> Outcome {
    let _generator = generator();
    let mut pipeline = Pipeline::build(Device::Cpu, net, Plain::new(1.0));
    let (loss, diagnostics, output) = pipeline.evaluate(&batch(4), Mode::Train)?;
    assert!(loss.tensor().requires_grad() && output.logits.requires_grad());
    assert!(!diagnostics.nll.requires_grad());
    Ok(())
}

#[test]
fn validation_leaves_the_parameters_and_needs_no_graph() -> Outcome {
    let _generator = generator();
    let mut pipeline = Pipeline::build(Device::Cpu, net, Plain::new(1.0));
    let before = variables(pipeline.var_store()).into_iter().map(|(_, tensor)| tensor.copy()).collect::<Vec<_>>();
    let step = validation_step(&mut pipeline, &batch(4))?;
    assert_eq!(step.diagnostics.nll.size(), [4]);
    for (before, (_, after)) in before.iter().zip(variables(pipeline.var_store())) {
        assert!(before.equal(&after));
    }
    Ok(())
}

#[test]
fn a_parameter_of_the_evaluator_is_a_field_of_it() -> Outcome {
    let _generator = generator();
    let mut pipeline = Pipeline::build(Device::Cpu, net, Plain::new(1.0));
    let batch = batch(4);
    let (one, ..) = pipeline.evaluate(&batch, Mode::Eval)?;
    pipeline.evaluator_mut().scale = 3.0;
    let (three, ..) = pipeline.evaluate(&batch, Mode::Eval)?;
    assert!(relative_difference(&(one.tensor() * 3.0), three.tensor()) < 1e-6);
    assert!(format!("{:?}", pipeline.evaluator()).contains("scale: 3.0"));
    Ok(())
}

#[test]
fn a_batch_of_unequal_fields_or_none_is_an_error() {
    let _generator = generator();
    let mut pipeline = Pipeline::build(Device::Cpu, net, Plain::new(1.0));
    let unequal = Labeled { input: batch(4).input, target: batch(3).target };
    let error = pipeline.evaluate(&unequal, Mode::Train).expect_err("4 and 3 samples").to_string();
    assert!(error.starts_with("field `target` of the batch has 3 samples, but field `input` has 4"), "{error}");
    let error = pipeline.evaluate(&batch(0), Mode::Train).expect_err("no sample").to_string();
    assert!(error.starts_with("the batch is empty"), "{error}");
}

/// Does not reduce its loss, or does not let it depend on the model, as requested.
#[evaluator]
fn wrong<M: ModuleT>(model: &M, batch: &Labeled, mode: Mode, #[param] fault: &'static str) -> booster::Result<Tensor> {
    let logits = model.forward_t(&batch.input, mode.is_train());
    match fault {
        "shape" => Ok(logits.f_sum_dim_intlist(-1, false, Kind::Float)?),
        "kind" => Ok(logits.f_sum(Kind::Float)?.f_to_kind(Kind::Int64)?),
        "graph" => Ok(logits.f_sum(Kind::Float)?.f_detach()?),
        "late" => {
            // A gradient exists before the fault.
            logits.f_sum(Kind::Float)?.f_backward()?;
            Err(booster::Error::custom("the tokenizer is gone"))
        }
        _ => Ok(logits.f_mm(&logits)?.f_sum(Kind::Float)?),
    }
}

#[test]
fn a_wrong_loss_is_an_error_and_leaves_no_gradient() -> Outcome {
    let _generator = generator();
    let faults = [
        ("shape", "the loss must be 0-dimensional, got shape [4]"),
        ("kind", "the loss must be of a floating-point kind, got Int64"),
        ("graph", "the loss does not depend on a parameter that requires a gradient"),
        ("late", "the tokenizer is gone"),
        ("libtorch", "libtorch: mat1 and mat2 shapes cannot be multiplied (4x3 and 4x3)"),
    ];
    let mut pipeline = Pipeline::build(Device::Cpu, net, Wrong::new(""));
    let mut optimizer = nn::Adam::default().build(pipeline.var_store(), 1e-2)?;
    for (fault, message) in faults {
        pipeline.evaluator_mut().fault = fault;
        let error = training_step(&mut pipeline, &batch(4), &mut optimizer).expect_err(fault).to_string();
        assert!(error.starts_with(message), "{error}");
        assert!(!error.contains(".cpp"), "libtorch's stack is shown: {error}");
        assert!(no_gradient_is_left(pipeline.var_store()), "after {fault}");
    }
    Ok(())
}

/// The same in the second form of an evaluator.
#[evaluator]
fn typed<M: ModuleT>(model: &M, batch: &Labeled, mode: Mode) -> booster::Result<(Loss, PlainDiagnostics, ())> {
    let logits = model.forward_t(&batch.input, mode.is_train());
    let nll = logits.f_cross_entropy_loss::<Tensor>(&batch.target, None, Reduction::None, -100, 0.0)?;
    let accuracy = logits.f_argmax(-1, false)?.f_eq_tensor(&batch.target)?;
    let loss = nll.f_mean(Kind::Float)?;
    Ok((loss.into(), PlainDiagnostics { nll, accuracy }, ()))
}

#[test]
fn both_forms_of_an_evaluator_give_the_same() -> Outcome {
    let _generator = generator();
    manual_seed(2);
    let batch = batch(4);
    manual_seed(1);
    let one = Pipeline::build(Device::Cpu, net, Plain::new(1.0)).evaluate(&batch, Mode::Eval)?;
    manual_seed(1);
    let other = Pipeline::build(Device::Cpu, net, Typed::new()).evaluate(&batch, Mode::Eval)?;
    assert!(one.0.tensor().equal(other.0.tensor()));
    assert!(one.1.nll.equal(&other.1.nll) && one.1.accuracy.equal(&other.1.accuracy));
    Ok(())
}

/// The loss and the accuracy of the built-in evaluator, and libtorch's own mean loss.
fn classified(evaluator: Classification<nn::SequentialT>, batch: &Labeled) -> booster::Result<(f64, f64, f64, f64)> {
    manual_seed(1);
    let (smoothing, ignored) = (evaluator.label_smoothing, evaluator.ignored_target);
    let weights = (evaluator.class_weights != ClassWeights::uniform()).then(|| Tensor::from_slice(&CLASS_WEIGHTS));
    let mut pipeline = Pipeline::build(Device::Cpu, net, evaluator);
    let (loss, diagnostics, output) = pipeline.evaluate(batch, Mode::Eval)?;
    let expected = output.logits.f_cross_entropy_loss(&batch.target, weights, Reduction::Mean, ignored, smoothing)?;
    let summary = diagnostics.summary()?;
    Ok((loss.tensor().f_double_value(&[])?, summary.loss.nll, summary.metrics.accuracy, expected.f_double_value(&[])?))
}

const CLASS_WEIGHTS: [f32; 3] = [0.5, 2.0, 1.0];

#[test]
fn classification_is_libtorchs_mean_with_smoothing_weights_and_ignored_targets() -> Outcome {
    let _generator = generator();
    manual_seed(3);
    let mut batch = batch(16);
    let weights = || ClassWeights::new(CLASS_WEIGHTS);
    for ignored in [0, 5] {
        let _ = batch.target.narrow(0, 0, ignored).fill_(-1);
        for evaluator in [
            Classification::new(),
            Classification::new().with_label_smoothing(0.1),
            Classification::new().with_class_weights(weights()),
            Classification::new().with_class_weights(weights()).with_label_smoothing(0.2),
        ] {
            let (loss, nll, accuracy, expected) = classified(evaluator.with_ignored_target(-1), &batch)?;
            assert!((loss - expected).abs() < 1e-6 && (nll - expected).abs() < 1e-6, "{loss} {nll} {expected}");
            assert!((0.0..=1.0).contains(&accuracy));
        }
    }
    // With no samples to learn from, nothing changes and nothing is NaN.
    let _ = batch.target.fill_(-1);
    let (loss, nll, accuracy, _) = classified(Classification::new().with_ignored_target(-1), &batch)?;
    assert_eq!(loss, 0.0);
    assert!(nll.is_nan() && accuracy.is_nan(), "the mean of nothing");
    Ok(())
}

#[test]
fn a_label_that_no_class_has_is_an_error_that_names_the_shapes() {
    let _generator = generator();
    let mut pipeline = Pipeline::build(Device::Cpu, net, Classification::new());
    let wrong = Labeled { input: batch(2).input, target: Tensor::from_slice(&[0_i64, 7]) };
    let error = pipeline.evaluate(&wrong, Mode::Train).expect_err("3 classes").to_string();
    assert_eq!(error, "cross-entropy of logits [2, 3] and targets [2]: libtorch: Target 7 is out of bounds.");
}

#[test]
fn a_batch_on_another_device_is_moved() -> Outcome {
    let _generator = generator();
    let mut pipeline = Pipeline::build(Device::Cpu, net, Plain::new(1.0));
    assert_eq!(pipeline.device(), Device::Cpu);
    let (_, diagnostics, _) = pipeline.evaluate(&batch(2), Mode::Eval)?;
    assert_eq!(diagnostics.to_device(Device::Cpu)?.nll.device(), Device::Cpu);
    Ok(())
}

#[test]
fn validation_between_steps_changes_no_mode() -> Outcome {
    let _generator = generator();
    let net = |path: &nn::Path<'_>| {
        nn::seq_t().add_fn_t(|input, train| input.dropout(0.5, train)).add(nn::linear(
            path,
            6,
            3,
            nn::LinearConfig::default(),
        ))
    };
    let mut pipeline = Pipeline::build(Device::Cpu, net, Plain::new(1.0));
    let mut optimizer = nn::Sgd::default().build(pipeline.var_store(), 0.0)?;
    let batch = batch(32);
    let mut trained = Vec::new();
    let mut validated = Vec::new();
    for _ in 0..3 {
        trained.push(training_step(&mut pipeline, &batch, &mut optimizer)?.diagnostics.nll);
        validated.push(validation_step(&mut pipeline, &batch)?.diagnostics.nll);
    }
    // Dropout draws in each step of training, and in none of validation.
    assert!(trained[0] != trained[1] && trained[1] != trained[2]);
    assert!(validated[0] == validated[1] && validated[1] == validated[2]);
    Ok(())
}
