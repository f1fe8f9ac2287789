//! booster's optimizers against PyTorch's: results, groups, state and errors.

use booster::optim::{Adam, AdamW, Optimizer, Sgd};
use booster::tch::nn::{Init, VarStore};
use booster::tch::{Device, Kind, Tensor};
use booster_tests::Figures;

type Outcome = Result<(), Box<dyn std::error::Error>>;

/// The parameters of `python/optimizers.py`.
fn store(kind: Kind) -> VarStore {
    let mut store = VarStore::new(Device::Cpu);
    store.set_kind(kind);
    let weight = Tensor::from_slice2(&[[0.5, -1.5, 2.0], [-0.25, 1.0, -3.0]]).to_kind(kind);
    let _ = store.root().var_copy("weight", &weight);
    let _ = store.root().var_copy("bias", &Tensor::from_slice(&[0.1, -0.2]).to_kind(kind));
    store
}

/// Sets the gradients of a step, as `python/optimizers.py` does.
fn set_gradients(optimizer: &impl Optimizer, step: i64) {
    for mut parameter in optimizer.parameters() {
        let values = parameter.detach();
        set_gradient(&mut parameter, &((&values * 3.0 + step as f64 * 0.7).sin() + &values * 0.3));
    }
}

fn set_gradient(parameter: &mut Tensor, gradient: &Tensor) {
    parameter.zero_grad();
    (&*parameter * gradient).sum(gradient.kind()).backward();
}

fn run(optimizer: &mut impl Optimizer) -> booster::Result<()> {
    (0..100).try_for_each(|step| {
        set_gradients(optimizer, step);
        optimizer.step()
    })
}

/// Compares parameters and states after 100 steps with PyTorch's.
macro_rules! assert_like_torch {
    ($name:literal, $options:expr) => {
        for (kind, close) in [(Kind::Double, [1e-12, 1e-12]), (Kind::Float, [1e-4, 1e-4])] {
            let store = store(kind);
            let options = $options;
            let mut optimizer = options
                .group(|parameter| parameter.rank() < 2, |options| options.weight_decay(0.0).learning_rate(0.02))
                .build(&store)?;
            run(&mut optimizer)?;
            let expected = Figures::read("optimizers")?.at($name);
            for name in ["weight", "bias"] {
                let what = format!("{} {name} {kind:?}", $name);
                expected.at("parameters").at(name).assert_close(&store.variables()[name], close, &what);
                let state = expected.at("state").at(name);
                let found = optimizer.state(name).collect::<Vec<_>>();
                for key in state.names() {
                    let (_, tensor) = found.iter().find(|(found, _)| *found == key.replace("_sqs", "_sq")).unwrap();
                    state.at(&key).assert_close(tensor, close, &format!("{what} {key}"));
                }
            }
        }
    };
}

#[test]
fn a_hundred_steps_of_sgd_are_pytorchs() -> Outcome {
    assert_like_torch!("sgd", Sgd::options(0.05));
    assert_like_torch!("sgd_momentum", Sgd::options(0.05).momentum(0.9).weight_decay(0.1));
    assert_like_torch!("sgd_nesterov", Sgd::options(0.05).momentum(0.8).nesterov().weight_decay(0.1));
    assert_like_torch!("sgd_dampening", Sgd::options(0.05).momentum(0.9).dampening(0.4).weight_decay(0.1));
    Ok(())
}

#[test]
fn a_hundred_steps_of_adam_are_pytorchs() -> Outcome {
    assert_like_torch!("adam", Adam::options(0.05));
    assert_like_torch!("adam_decay", Adam::options(0.05).weight_decay(0.1).betas(0.8, 0.95).epsilon(1e-4));
    assert_like_torch!("adam_amsgrad", Adam::options(0.05).weight_decay(0.1).amsgrad());
    assert_like_torch!("adamw", AdamW::options(0.05));
    assert_like_torch!("adamw_amsgrad", AdamW::options(0.05).weight_decay(0.2).amsgrad());
    Ok(())
}

#[test]
fn the_first_group_that_selects_a_parameter_takes_it() -> Outcome {
    let store = store(Kind::Float);
    let mut optimizer = Sgd::options(0.1)
        .group(|parameter| parameter.name() == "bias", |options| options.learning_rate(0.2))
        .group(|_| true, |options| options.learning_rate(0.3))
        .build(&store)?;
    let names = |group| optimizer.names(group).collect::<Vec<_>>();
    assert_eq!((names(0), names(1), names(2), names(3)), (vec![], vec!["bias"], vec!["weight"], vec![]));
    optimizer.set_group_learning_rate(2, 0.0)?;
    let before = store.variables()["weight"].detach().copy();
    run(&mut optimizer)?;
    assert_eq!(store.variables()["weight"].detach(), before);
    assert_ne!(store.variables()["bias"].detach(), Tensor::from_slice(&[0.1f32, -0.2]));
    let error = optimizer.set_group_learning_rate(3, 0.1).unwrap_err().to_string();
    assert!(error.contains('3'), "{error}");
    Ok(())
}

#[test]
fn parameters_without_gradients_and_those_left_out_keep_values_and_have_no_state() -> Outcome {
    let store = store(Kind::Float);
    let mut part = AdamW::options(0.1).of(|parameter| parameter.name() == "weight").build(&store)?;
    assert_eq!(part.parameters().len(), 1);
    part.step()?;
    assert_eq!(part.state("weight").count(), 0);
    run(&mut part)?;
    assert_eq!(part.state("weight").map(|(name, _)| name).collect::<Vec<_>>(), ["exp_avg", "exp_avg_sq", "step"]);
    assert_eq!(store.variables()["bias"].detach(), Tensor::from_slice(&[0.1f32, -0.2]));
    part.zero_grad()?;
    assert!(!store.variables()["weight"].grad().defined());
    Ok(())
}

#[test]
fn a_parameter_of_two_names_is_stepped_once() -> Outcome {
    let store = store(Kind::Double);
    let _ = store.root().add("again", store.variables()["bias"].shallow_clone(), true);
    let mut optimizer = Sgd::options(1.0).build(&store)?;
    assert_eq!(optimizer.names(0).collect::<Vec<_>>(), ["weight", "again"]);
    let mut bias = store.variables()["bias"].shallow_clone();
    set_gradient(&mut bias, &Tensor::from_slice(&[1.0, 1.0]));
    optimizer.step()?;
    assert!(bias.detach().allclose(&Tensor::from_slice(&[-0.9, -1.2]), 1e-12, 1e-12, false));
    Ok(())
}

#[test]
fn complex_empty_and_converted_parameters_are_stepped() -> Outcome {
    let mut store = store(Kind::Float);
    let complex = Tensor::complex(&Tensor::from_slice(&[1.0f32]), &Tensor::from_slice(&[2.0f32]));
    let _ = store.root().add("complex", complex.set_requires_grad(true), true);
    let _ = store.root().var("empty", &[0, 3], Init::Const(0.0));
    let mut optimizer = Adam::options(0.25).build(&store)?;
    let mut step = |store: &VarStore| {
        for parameter in &mut store.trainable_variables() {
            // The gradient is the parameter.
            parameter.zero_grad();
            (parameter.abs().square().sum(None::<Kind>) / 2.0).backward();
        }
        optimizer.step()
    };
    step(&store)?;
    let complex = store.variables()["complex"].detach();
    let parts = [complex.real().double_value(&[0]), complex.imag().double_value(&[0])];
    assert!((parts[0] - 0.75).abs() < 1e-6 && (parts[1] - 1.75).abs() < 1e-6, "{parts:?}");
    store.bfloat16();
    step(&store)?;
    let bias = store.variables()["bias"].detach();
    assert_eq!(bias.kind(), Kind::BFloat16);
    assert!(bias.isfinite().all().double_value(&[]) == 1.0);
    Ok(())
}

#[test]
fn a_sparse_gradient_is_refused_by_name_and_leaves_no_trace() -> Outcome {
    let store = store(Kind::Float);
    let _ = store.root().var("table", &[3, 2], Init::Const(1.0));
    let mut optimizer = AdamW::options(0.1).build(&store)?;
    let [bias, table] = ["bias", "table"].map(|name| store.variables()[name].shallow_clone());
    let rows = Tensor::embedding(&table, &Tensor::from_slice(&[0i64, 2]), -1, false, true);
    (rows.sum(Kind::Float) + bias.sum(Kind::Float)).backward();
    let before = bias.detach().copy();
    let error = optimizer.step().unwrap_err().to_string();
    assert!(error.contains("updating `table`") && error.contains("sparse"), "{error}");
    assert_eq!(bias.detach(), before);
    Ok(())
}

#[test]
fn a_refused_step_is_no_parameters_first() -> Outcome {
    let store = store(Kind::Float);
    let _ = store.root().var("table", &[3, 2], Init::Const(1.0));
    let mut optimizer = Sgd::options(1.0).momentum(0.9).dampening(0.5).build(&store)?;
    let [bias, table] = ["bias", "table"].map(|name| store.variables()[name].shallow_clone());
    let rows = Tensor::embedding(&table, &Tensor::from_slice(&[0i64, 2]), -1, false, true);
    (rows.sum(Kind::Float) + bias.sum(Kind::Float)).backward();
    optimizer.step().unwrap_err();
    assert_eq!(optimizer.state("bias").count(), 0);
    optimizer.zero_grad()?;
    // The gradient is 1, and the first enters the buffer without dampening.
    bias.sum(Kind::Float).backward();
    optimizer.step()?;
    assert!(bias.detach().allclose(&Tensor::from_slice(&[-0.9f32, -1.2]), 1e-6, 1e-6, false), "{bias}");
    Ok(())
}

#[test]
fn a_parameter_that_cannot_be_written_is_refused_by_name_and_leaves_no_trace() -> Outcome {
    for name in ["expanded", "converted"] {
        let store = store(Kind::Float);
        let ones = Tensor::ones([1], (Kind::Float, Device::Cpu));
        let ones = if name == "expanded" { ones.expand([3], false) } else { ones };
        let _ = store.root().add(name, ones.set_requires_grad(true), true);
        let mut optimizer = Sgd::options(0.1).momentum(0.9).build(&store)?;
        set_gradients(&optimizer, 0);
        if name == "converted" {
            let mut variable = store.variables()[name].shallow_clone();
            variable.set_data(&variable.to_kind(Kind::Float8e5m2));
        }
        let before = store.variables()["bias"].detach().copy();
        let error = optimizer.step().unwrap_err().to_string();
        assert!(error.contains(&format!("updating `{name}`")), "{error}");
        assert_eq!((store.variables()["bias"].detach(), optimizer.state("bias").count()), (before, 0));
    }
    Ok(())
}

#[test]
fn options_out_of_range_and_a_store_without_parameters_are_refused() {
    let store = store(Kind::Float);
    let refused = [
        AdamW::options(-1.0).build(&store).unwrap_err(),
        AdamW::options(f64::NAN).build(&store).unwrap_err(),
        Adam::options(0.1).betas(0.9, 1.0).build(&store).unwrap_err(),
        Sgd::options(0.1).nesterov().build(&store).unwrap_err(),
        Sgd::options(0.1).group(|_| true, |options| options.momentum(-1.0)).build(&store).unwrap_err(),
        Sgd::options(0.1).of(|_| false).build(&store).unwrap_err(),
        Sgd::options(0.1).build(&VarStore::new(Device::Cpu)).unwrap_err(),
    ];
    for error in refused {
        assert!(matches!(error, booster::Error::Mismatch { .. }), "{error}");
    }
}
