//! Moving averages swapped into a pipeline.
use booster::prelude::*;
use booster::tch::nn::{self, ModuleT, OptimizerConfig, VarStore};
use booster::tch::{Device, Kind, Reduction, Tensor, manual_seed, no_grad};
use booster::training::Ema;
use booster::transfers::host_reads;
use booster_tests::generator;

type Outcome = Result<(), Box<dyn std::error::Error>>;
type Classifier = Pipeline<Faulty<nn::SequentialT>>;

/// Cross-entropy that fails on request.
#[evaluator]
fn faulty<M: ModuleT>(
    model: &M,
    batch: &Labeled,
    mode: Mode,
    #[param] fault: Option<&'static str>,
) -> booster::Result<Tensor> {
    #[output]
    let logits: Tensor = model.forward_t(&batch.input, mode.is_train());
    assert!(fault != Some("panic"), "as asked");
    if let Some(fault) = fault {
        return Err(booster::Error::custom(fault));
    }
    #[group = "loss"]
    let nll: Tensor = logits.f_cross_entropy_loss::<Tensor>(&batch.target, None, Reduction::None, -100, 0.0)?;
    Ok(nll.f_mean(Kind::Float)?)
}

fn pipeline() -> Classifier {
    manual_seed(1);
    let net = |path: &nn::Path<'_>| {
        nn::seq_t()
            .add(nn::linear(path / "hidden", 6, 8, nn::LinearConfig::default()))
            .add(nn::batch_norm1d(path / "norm", 8, nn::BatchNormConfig::default()))
            .add_fn(Tensor::tanh)
            .add(nn::linear(path / "logits", 8, 3, nn::LinearConfig::default()))
    };
    Pipeline::build(Device::Cpu, net, Faulty::new(None))
}

fn batch(seed: i64) -> Labeled {
    manual_seed(seed);
    Labeled {
        input: Tensor::randn([5, 6], (Kind::Float, Device::Cpu)),
        target: Tensor::randint(3, [5], (Kind::Int64, Device::Cpu)),
    }
}

/// Runs three steps, with an update of the averages and an action after each.
fn train(
    pipeline: &mut Classifier,
    mut between: impl FnMut(&mut Ema, &mut Classifier) -> booster::Result<()>,
) -> booster::Result<Ema> {
    let mut optimizer = nn::Adam::default().build(pipeline.var_store(), 1e-2)?;
    let mut ema = Ema::new(pipeline.var_store(), 0.5)?.without_warm_up();
    for step in 0..3 {
        training_step(pipeline, &batch(step), &mut optimizer)?;
        ema.update(pipeline.var_store())?;
        between(&mut ema, pipeline)?;
    }
    Ok(ema)
}

fn variables(store: &VarStore) -> Vec<(String, Tensor)> {
    let mut variables = store.variables().into_iter().collect::<Vec<_>>();
    variables.sort_by(|one, other| one.0.cmp(&other.0));
    variables
}

fn values(store: &VarStore) -> Vec<Tensor> {
    variables(store).iter().map(|(_, variable)| variable.detach().copy()).collect()
}

fn addresses(store: &VarStore) -> Vec<usize> {
    variables(store).iter().map(|(_, variable)| variable.data_ptr() as usize).collect()
}

fn equal(one: &[Tensor], other: &[Tensor]) -> bool {
    one.len() == other.len() && one.iter().zip(other).all(|(one, other)| one.equal(other))
}

#[test]
fn what_is_evaluated_are_the_averages_and_nothing_is_copied() -> Outcome {
    let _generator = generator();
    let mut pipeline = pipeline();
    let mut ema = train(&mut pipeline, |_, _| Ok(()))?;
    let (own, at) = (values(pipeline.var_store()), addresses(pipeline.var_store()));

    let mut averaged = ema.averaged(&mut pipeline)?;
    let lent_at = addresses(averaged.var_store());
    assert!(at.iter().zip(&lent_at).all(|(own, lent)| own != lent));
    let found = validation_step(&mut averaged, &batch(9))?.diagnostics.nll;
    assert_eq!(averaged.device(), Device::Cpu);
    drop(averaged);
    assert_eq!(addresses(pipeline.var_store()), at);
    assert!(equal(&values(pipeline.var_store()), &own));
    assert_eq!(addresses(ema.averaged(&mut pipeline)?.var_store()), lent_at, "the same storage each time");

    // Another pipeline, with the averages as weights.
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("averages.safetensors");
    ema.save(&path)?;
    pipeline.var_store_mut().load(&path)?;
    assert!(found.equal(&validation_step(&mut pipeline, &batch(9))?.diagnostics.nll));
    assert!(!equal(&values(pipeline.var_store()), &own));
    Ok(())
}

#[test]
fn an_update_writes_into_the_same_storage_and_reads_nothing_back() -> Outcome {
    let _generator = generator();
    let (reads, mut at) = (host_reads(), Vec::new());
    let mut pipeline = pipeline();
    train(&mut pipeline, |ema, pipeline| {
        at.push(addresses(ema.averaged(pipeline)?.var_store()));
        Ok(())
    })?;
    assert!(at.len() == 3 && at[0] == at[1] && at[1] == at[2]);
    assert_eq!(host_reads(), reads);
    Ok(())
}

#[test]
fn training_goes_on_to_the_last_bit_after_an_evaluation_in_between() -> Outcome {
    let _generator = generator();
    let (mut one, mut other) = (pipeline(), pipeline());
    let first = train(&mut one, |_, _| Ok(()))?;
    let second = train(&mut other, |ema, pipeline| {
        let gradients = |store: &VarStore| store.trainable_variables().iter().map(Tensor::grad).collect::<Vec<_>>();
        let before = gradients(pipeline.var_store());
        let mut averaged = ema.averaged(pipeline)?;
        validation_step(&mut averaged, &batch(9))?;
        assert!(averaged.var_store().trainable_variables().iter().all(Tensor::requires_grad));
        drop(averaged);
        assert!(equal(&gradients(pipeline.var_store()), &before));
        Ok(())
    })?;
    assert!(equal(&values(one.var_store()), &values(other.var_store())));
    assert_eq!(first.updates(), second.updates());
    Ok(())
}

#[test]
fn a_loss_from_before_an_evaluation_is_differentiated_after_it() -> Outcome {
    let _generator = generator();
    let mut pipeline = pipeline();
    let mut ema = train(&mut pipeline, |_, _| Ok(()))?;
    let mut gradient = |evaluate: bool| -> booster::Result<Tensor> {
        let mut weight = pipeline.var_store().variables().remove("hidden.weight").expect("the first layer");
        weight.zero_grad();
        let (loss, ..) = pipeline.evaluate(&batch(9), Mode::Eval)?;
        if evaluate {
            validation_step(&mut ema.averaged(&mut pipeline)?, &batch(9))?;
        }
        loss.backward()?;
        Ok(weight.grad().copy())
    };
    let expected = gradient(false)?;
    assert!(gradient(true)?.equal(&expected));
    Ok(())
}

#[test]
fn an_error_or_a_panic_gives_the_weights_back() -> Outcome {
    let _generator = generator();
    let mut pipeline = pipeline();
    let mut ema = train(&mut pipeline, |_, _| Ok(()))?;
    let (own, at) = (values(pipeline.var_store()), addresses(pipeline.var_store()));
    let mut evaluate = |pipeline: &mut Classifier, fault| {
        let mut averaged = ema.averaged(pipeline)?;
        averaged.evaluator_mut().fault = Some(fault);
        averaged.evaluate(&batch(9), Mode::Eval)
    };
    assert!(evaluate(&mut pipeline, "no tokenizer").is_err());
    assert!(equal(&values(pipeline.var_store()), &own) && addresses(pipeline.var_store()) == at);
    let error = evaluate(&mut pipeline, "panic").map(|_| ()).expect_err("a panic");
    assert!(matches!(error, booster::Error::Panicked { .. }), "{error}");
    assert!(equal(&values(pipeline.var_store()), &own) && addresses(pipeline.var_store()) == at);
    Ok(())
}

#[test]
fn a_pipeline_of_other_variables_is_refused_and_left_alone() -> Outcome {
    let _generator = generator();
    let (mut one, mut other) = (pipeline(), pipeline());
    let mut ema = train(&mut one, |_, _| Ok(()))?;
    let at = addresses(other.var_store());
    assert!(ema.averaged(&mut other).is_err());
    assert_eq!(addresses(other.var_store()), at);
    Ok(())
}

#[test]
fn variables_that_share_their_storage_share_their_average() -> Outcome {
    let _generator = generator();
    let mut pipeline = pipeline();
    let weight = pipeline.var_store().variables().remove("logits.weight").expect("the last layer");
    {
        // One name refers to the same variable, the other to a separate one.
        let mut variables = pipeline.var_store().variables_.lock().expect("no test panics with it");
        variables.named_variables.insert("a.tied".to_owned(), weight.shallow_clone());
        variables.named_variables.insert("z.tied".to_owned(), weight.detach());
    }
    let mut ema = Ema::new(pipeline.var_store(), 0.25)?.without_warm_up();
    let before = weight.detach().copy();
    let at = addresses(pipeline.var_store());
    let _ = no_grad(|| weight.shallow_clone().fill_(8.0));
    ema.update(pipeline.var_store())?;
    {
        let averaged = ema.averaged(&mut pipeline)?;
        let variables = averaged.var_store().variables();
        let tied = ["a.tied", "logits.weight", "z.tied"].map(|name| &variables[name]);
        assert!(tied.iter().all(|variable| variable.data_ptr() == tied[0].data_ptr()));
        assert!(tied[0].detach().allclose(&(before * 0.25 + 6.0), 1e-6, 1e-6, false));
    }
    assert_eq!(addresses(pipeline.var_store()), at);
    assert!(weight.eq(8.0).all().f_int64_value(&[])? == 1);
    Ok(())
}

#[test]
fn half_precision_is_lent_in_half_precision() -> Outcome {
    let _generator = generator();
    let mut pipeline = pipeline();
    pipeline.var_store_mut().bfloat16();
    let mut ema = Ema::new(pipeline.var_store(), 0.5)?.without_warm_up();
    no_grad(|| {
        for mut variable in pipeline.var_store().trainable_variables() {
            let _ = variable.zero_();
        }
    });
    let before = addresses(pipeline.var_store());
    ema.update(pipeline.var_store())?;
    let averaged = ema.averaged(&mut pipeline)?;
    for (name, variable) in variables(averaged.var_store()) {
        assert_eq!(variable.kind(), Kind::BFloat16, "{name}");
    }
    drop(averaged);
    assert_eq!(addresses(pipeline.var_store()), before);
    Ok(())
}
