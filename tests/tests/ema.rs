//! Moving averages, against their closed forms.

use std::sync::PoisonError;

use booster::tch::nn::VarStore;
use booster::tch::{Device, Kind, Tensor, no_grad};
use booster::training::Ema;
use booster_tests::generator;

type Outcome = Result<(), Box<dyn std::error::Error>>;

/// Creates a store with a weight and a buffer in double precision, and a count.
struct Variables {
    store: VarStore,
    weight: Tensor,
    buffer: Tensor,
    count: Tensor,
}

impl Variables {
    fn new() -> Self {
        let mut store = VarStore::new(Device::Cpu);
        store.set_kind(Kind::Double);
        let (weight, buffer) = (store.root().zeros("weight", &[3]), store.root().zeros_no_train("buffer", &[2]));
        let count = Tensor::from(0_i64);
        name(&store, "count", &count);
        Self { store, weight, buffer, count }
    }

    /// Sets all variables to values that differ at each step.
    fn set(&mut self, step: i64) {
        no_grad(|| {
            let _ = self.weight.fill_((step * step) as f64);
            let _ = self.buffer.fill_(step as f64);
            let _ = self.count.fill_(step);
        });
    }
}

/// Adds a named tensor to a store.
fn name(store: &VarStore, name: &str, tensor: &Tensor) {
    let mut variables = store.variables_.lock().unwrap_or_else(PoisonError::into_inner);
    variables.named_variables.insert(name.to_owned(), tensor.shallow_clone());
}

/// Returns the averages by saving them and loading the file into the store.
fn averages(ema: &Ema, store: &mut VarStore) -> Result<Vec<(String, Tensor)>, Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let (own, averages) = (folder.path().join("own.safetensors"), folder.path().join("averages.safetensors"));
    store.save(&own)?;
    ema.save(&averages)?;
    store.load(&averages)?;
    let values = values(store);
    store.load(&own)?;
    Ok(values)
}

fn values(store: &VarStore) -> Vec<(String, Tensor)> {
    let mut values = store.variables().into_iter().collect::<Vec<_>>();
    values.sort_by(|one, other| one.0.cmp(&other.0));
    values.into_iter().map(|(name, variable)| (name, variable.detach().copy())).collect()
}

fn number(values: &[(String, Tensor)], name: &str) -> f64 {
    let value = values.iter().find(|value| value.0 == name);
    value.map_or(f64::NAN, |(_, value)| value.to_kind(Kind::Double).mean(Kind::Double).double_value(&[]))
}

/// Returns the average of a series that starts at 0, with the given decays.
fn expected(series: impl Iterator<Item = f64>, decay: impl Fn(f64) -> f64) -> f64 {
    series.zip(0..).fold(0.0, |average, (value, n)| decay(f64::from(n)) * average + (1.0 - decay(f64::from(n))) * value)
}

#[test]
fn the_average_is_the_closed_form_of_a_constant_decay() -> Outcome {
    let _generator = generator();
    let (mut store, decay, steps) = (Variables::new(), 0.9_f64, 20);
    store.set(3);
    let mut ema = Ema::new(&store.store, decay)?.without_warm_up();
    for step in 1..=steps {
        store.set(step);
        ema.update(&store.store)?;
    }
    // decay^n w_0 + (1 - decay) sum of decay^(n - k) w_k
    let first = decay.powi(steps as i32) * 9.0;
    let rest = (1..=steps).map(|step| decay.powi((steps - step) as i32) * (step * step) as f64).sum::<f64>();
    let averages = averages(&ema, &mut store.store)?;
    assert!((number(&averages, "weight") - first - (1.0 - decay) * rest).abs() < 1e-12);
    assert_eq!((number(&averages, "buffer"), number(&averages, "count")), (20.0, 20.0), "copied");
    assert_eq!(ema.updates(), 20);
    Ok(())
}

#[test]
fn the_decay_rises_to_its_own_while_it_warms_up() -> Outcome {
    let _generator = generator();
    let mut store = Variables::new();
    let mut ema = Ema::new(&store.store, 0.5)?;
    let warm_up = |n: f64| f64::min(0.5, (1.0 + n) / (10.0 + n));
    for step in 0..12 {
        assert_eq!(ema.decay(), warm_up(step as f64));
        store.set(step + 1);
        ema.update(&store.store)?;
    }
    assert_eq!((warm_up(0.0), warm_up(7.0), warm_up(8.0), warm_up(11.0)), (0.1, 8.0 / 17.0, 0.5, 0.5));
    let averages = averages(&ema, &mut store.store)?;
    let expected = expected((1..=12).map(|step| f64::from(step * step)), warm_up);
    assert!((number(&averages, "weight") - expected).abs() < 1e-12 * expected);
    Ok(())
}

#[test]
fn buffers_are_averaged_where_that_is_asked_for_and_counts_copied() -> Outcome {
    let _generator = generator();
    let mut store = Variables::new();
    let mut ema = Ema::new(&store.store, 0.75)?.without_warm_up().average_buffers();
    for step in 1..=5 {
        store.set(step);
        ema.update(&store.store)?;
    }
    let averages = averages(&ema, &mut store.store)?;
    let expected = expected((1..=5).map(f64::from), |_| 0.75);
    assert!((number(&averages, "buffer") - expected).abs() < 1e-12);
    assert_eq!(number(&averages, "count"), 5.0);
    Ok(())
}

#[test]
fn frozen_weights_are_averaged_as_others() -> Outcome {
    let _generator = generator();
    for frozen_before in [true, false] {
        let mut variables = Variables::new();
        if frozen_before {
            variables.store.freeze();
        }
        let mut ema = Ema::new(&variables.store, 0.5)?.without_warm_up();
        variables.store.unfreeze();
        variables.set(2);
        if !frozen_before {
            variables.store.freeze();
        }
        ema.update(&variables.store)?;
        assert_eq!(number(&averages(&ema, &mut variables.store)?, "weight"), 2.0, "half way from 0 to 4");
    }
    Ok(())
}

#[test]
fn small_parts_do_not_round_away_in_half_precision() -> Outcome {
    let _generator = generator();
    let mut store = VarStore::new(Device::Cpu);
    let mut weight = store.root().zeros("weight", &[4]);
    store.bfloat16();
    let mut ema = Ema::new(&store, 0.999)?.without_warm_up();
    let _ = no_grad(|| weight.fill_(1.0));
    for _ in 0..1000 {
        ema.update(&store)?;
    }
    // In bfloat16 the average would stall at 0.25, where numbers are 1/512 apart and each update adds less than half of
    // that.
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("averages.safetensors");
    ema.save(&path)?;
    let saved = Tensor::read_safetensors(&path)?;
    assert!((number(&saved, "weight") - (1.0 - 0.999_f64.powi(1000))).abs() < 1e-5);
    assert_eq!(weight.kind(), Kind::BFloat16);
    Ok(())
}

#[test]
fn averages_follow_their_variables_to_another_kind() -> Outcome {
    let _generator = generator();
    let mut store = VarStore::new(Device::Cpu);
    let mut weight = store.root().zeros("weight", &[4]);
    let mut ema = Ema::new(&store, 0.5)?.without_warm_up();
    store.double();
    let _ = no_grad(|| weight.fill_(1.0 + 1e-12));
    ema.update(&store)?;
    let average = number(&averages(&ema, &mut store)?, "weight");
    assert!((average - 0.5 - 0.5e-12).abs() < 1e-15, "in double precision: {average}");
    Ok(())
}

#[test]
fn saved_averages_go_on_as_if_nothing_had_happened() -> Outcome {
    let _generator = generator();
    let folder = tempfile::tempdir()?;
    for file in ["averages.safetensors", "averages.ot"] {
        let path = folder.path().join(file);
        let mut store = Variables::new();
        let mut ema = Ema::new(&store.store, 0.9)?.average_buffers();
        for step in 1..=5 {
            store.set(step);
            ema.update(&store.store)?;
        }
        ema.save(&path)?;
        // The average does not continue from the saved state.
        let mut resumed = Ema::new(&store.store, 0.9)?.average_buffers();
        resumed.load(&path)?;
        assert_eq!((resumed.updates(), resumed.decay()), (5, 6.0 / 15.0));
        for step in 6..=9 {
            store.set(step);
            ema.update(&store.store)?;
            resumed.update(&store.store)?;
        }
        for (one, other) in averages(&ema, &mut store.store)?.iter().zip(averages(&resumed, &mut store.store)?) {
            assert!(one.0 == other.0 && one.1.equal(&other.1), "{} of {file}", one.0);
        }
    }
    Ok(())
}

#[test]
fn an_average_without_entries_is_saved_as_others() -> Outcome {
    let folder = tempfile::tempdir()?;
    let store = VarStore::new(Device::Cpu);
    for (name, size) in [("empty", &[0][..]), ("none", &[2, 0]), ("single", &[])] {
        let _ = store.root().zeros_no_train(name, size);
    }
    for file in ["averages.safetensors", "averages.ot"] {
        let path = folder.path().join(file);
        let mut ema = Ema::new(&store, 0.5)?;
        ema.update(&store)?;
        ema.save(&path)?;
        let mut resumed = Ema::new(&store, 0.5)?;
        resumed.load(&path)?;
        assert_eq!(resumed.updates(), 1, "{file}");
    }
    Ok(())
}

#[test]
fn a_file_that_does_not_fit_is_an_error_and_changes_nothing() -> Outcome {
    let _generator = generator();
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("averages.safetensors");
    let mut store = Variables::new();
    store.set(7);
    let mut ema = Ema::new(&store.store, 0.9)?;
    let updates = || ("ema.num_updates", Tensor::from_slice(&[3_i64]));
    let right =
        || vec![updates(), ("buffer", Tensor::ones([2], (Kind::Double, Device::Cpu))), ("count", Tensor::from(1_i64))];
    let wrong = |name, tensor| right().into_iter().chain([(name, tensor)]).collect::<Vec<_>>();
    for (tensors, message) in [
        (right(), "variable `weight`: expected shape [3], found no such tensor"),
        (
            wrong("weight", Tensor::ones([4], (Kind::Double, Device::Cpu))),
            "variable `weight`: expected shape [3], found shape [4]",
        ),
    ] {
        Tensor::write_safetensors(&tensors, &path)?;
        let error = ema.load(&path).expect_err(message).to_string();
        assert_eq!(error, format!("load averages from `{}`: {message}", path.display()));
    }
    for (updates, found) in [(-5.0, "-5"), (f64::NAN, "NaN"), (1e17, "100000000000000000")] {
        let updates = ("ema.num_updates", Tensor::from_slice(&[updates]));
        let weight = ("weight", Tensor::ones([3], (Kind::Double, Device::Cpu)));
        let others = right().into_iter().skip(1).chain([updates, weight]).collect::<Vec<_>>();
        Tensor::write_safetensors(&others, &path)?;
        let error = ema.load(&path).expect_err(found).to_string();
        assert!(error.ends_with(&format!("a number from 0 to 9007199254740992, found {found}")), "{error}");
    }
    store.store.save(&path)?;
    let error = ema.load(&path).expect_err("weights alone").to_string();
    assert!(error.ends_with("variable `ema.num_updates`: expected shape [1], found no such tensor"), "{error}");
    assert!(ema.load(folder.path().join("none.safetensors")).is_err());
    assert!(ema.save(folder.path().join("none").join("averages.ot")).is_err());
    let averages = averages(&ema, &mut store.store)?;
    assert_eq!((ema.updates(), number(&averages, "buffer"), number(&averages, "weight")), (0, 7.0, 49.0));
    Ok(())
}

#[test]
fn another_store_or_shape_or_decay_is_an_error() -> Outcome {
    let _generator = generator();
    let mut store = Variables::new();
    for decay in [-0.1, 1.1, f64::NAN] {
        let error = Ema::new(&store.store, decay).expect_err("no decay").to_string();
        assert_eq!(error, format!("moving average: `decay` must be in 0..=1, got {decay}"));
    }
    let mut ema = Ema::new(&store.store, 0.9)?;
    let expected = "must be the store that the average was created from, with the same variables";
    let error = ema.update(&Variables::new().store).expect_err("another").to_string();
    assert_eq!(error, format!("moving average of 3 variables: `store` {expected}, got another model's"));
    store.weight.set_data(&Tensor::zeros([5], (Kind::Double, Device::Cpu)));
    let error = ema.update(&store.store).expect_err("another shape").to_string();
    assert_eq!(error, "variable `weight`: expected shape [3], found shape [5]");
    let _late = store.store.root().zeros("late", &[1]);
    let error = ema.update(&store.store).expect_err("one more").to_string();
    assert_eq!(error, format!("moving average of 3 variables: `store` {expected}, got one of 4 variables"));
    Ok(())
}
