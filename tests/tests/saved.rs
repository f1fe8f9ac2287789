//! Saving, loading and merging aggregators, and schemas that distinguish them.

use booster::diagnostic::SavedAggregator;
use booster::prelude::*;
use booster::tch::Tensor;

type Outcome = Result<(), Box<dyn std::error::Error>>;

#[derive(Diagnostic)]
struct Measured {
    #[group = "loss"]
    #[metric(mean, std, p95, histogram)]
    nll: Tensor,
    #[group = "loss"]
    beta: f64,
    #[group = "info"]
    absent: Option<Tensor>,
}

fn measured(values: &[f64]) -> Measured {
    Measured { nll: Tensor::from_slice(values), beta: values[0], absent: None }
}

fn aggregate(batches: &[&[f64]]) -> booster::Result<Aggregator<Measured>> {
    let mut aggregator = Aggregator::new();
    batches.iter().try_for_each(|values| aggregator.update(&measured(values)))?;
    Ok(aggregator)
}

#[test]
fn a_loaded_aggregator_goes_on_where_it_was_saved() -> Outcome {
    let batches: [&[f64]; 4] = [&[1.0, 2.0], &[5.0], &[f64::INFINITY, 3.0], &[4.0]];
    let text = serde_json::to_string(&aggregate(&batches[..2])?.save()?)?;
    let mut resumed = Aggregator::load(&serde_json::from_str::<SavedAggregator>(&text)?)?;
    batches[2..].iter().try_for_each(|values| resumed.update(&measured(values)))?;
    let (resumed, reports) = resumed.summary_and_report()?;
    let (whole, expected) = aggregate(&batches)?.summary_and_report()?;
    assert_eq!(serde_json::to_string(&resumed)?, serde_json::to_string(&whole)?);
    assert_eq!(reports, expected);
    Ok(())
}

#[derive(Diagnostic)]
struct Renamed {
    #[group = "loss"]
    #[metric(mean, std, p95, histogram)]
    nll: Tensor,
    #[group = "loss"]
    gamma: f64,
    #[group = "info"]
    absent: Option<Tensor>,
}

#[test]
fn a_mismatch_names_the_first_metric_that_differs() -> Outcome {
    let saved = aggregate(&[&[1.0]])?.save()?;
    let error = Aggregator::<Renamed>::load(&saved).expect_err("another schema").to_string();
    assert_eq!(
        error,
        "the saved aggregator has a different schema: expected loss/gamma (mean), found loss/beta (mean)"
    );
    assert_ne!(Measured::SCHEMA.hash(), Renamed::SCHEMA.hash());
    Ok(())
}

#[test]
fn aggregators_of_many_threads_merge_to_the_whole() -> Outcome {
    let parts: [&[&[f64]]; 3] = [&[&[1.0, 2.0], &[5.0]], &[&[7.0, 3.0]], &[&[4.0]]];
    let threads = parts.map(|part| std::thread::spawn(move || aggregate(part)));
    let mut merged = Aggregator::new();
    for thread in threads {
        merged.merge(thread.join().expect("no panic")?)?;
    }
    let (mut merged, mut whole) = (merged.summary()?, aggregate(&parts.concat())?.summary()?);
    assert!((merged.loss.nll_std - whole.loss.nll_std).abs() < 1e-12);
    (merged.loss.nll_std, whole.loss.nll_std) = (0.0, 0.0);
    assert_eq!(merged, whole);
    Ok(())
}

#[test]
fn the_schema_and_its_hash_are_constants_and_json() -> Outcome {
    const HASH: u64 = Measured::SCHEMA.hash();
    assert_eq!(HASH, Measured::SCHEMA.hash());
    let json = serde_json::to_value(Measured::SCHEMA)?;
    assert_eq!(json["hash"], format!("{HASH:016x}"));
    assert_eq!(
        json["metrics"][2],
        serde_json::json!({
            "group": "loss", "name": "nll_p95", "field": "nll", "reduction": "quantile", "parameters": [0.95], "optional": false,
        })
    );
    assert_eq!(json["metrics"].as_array().map(Vec::len), Some(6));
    Ok(())
}

/// Diagnostics whose reduction has a version of its own.
macro_rules! of_version {
    ($name:ident, $version:literal) => {
        mod $name {
            use booster::Reduction;
            use booster::prelude::*;

            pub(crate) struct Mine;

            impl Reduction for Mine {
                type Value = f64;
                const NAME: &'static str = "mine";
                const VERSION: u32 = $version;
                booster_tests::reduces_as_the_mean!();
            }

            #[derive(Diagnostic)]
            pub(crate) struct Measured {
                #[group = "x"]
                #[metric(reduce = Mine)]
                pub(crate) x: f64,
            }
        }
    };
}

of_version!(first, 1);
of_version!(second, 2);

#[test]
fn a_state_of_another_version_is_refused() -> Outcome {
    let mut aggregator = Aggregator::new();
    aggregator.update(&first::Measured { x: 1.0 })?;
    let error = Aggregator::<second::Measured>::load(&aggregator.save()?).expect_err("version 1").to_string();
    assert!(error.contains("expected x/x (mine) of version 2, found x/x (mine)"), "{error}");
    let mut aggregator = Aggregator::new();
    aggregator.update(&second::Measured { x: 3.0 })?;
    assert_eq!(Aggregator::<second::Measured>::load(&aggregator.save()?)?.summary()?.x.x, 3.0);
    Ok(())
}
