//! The summary of each leaf type and attribute.

use std::time::Duration;

use booster::prelude::*;
use booster::tch::{Device, Kind, Tensor};

type Outcome = Result<(), Box<dyn std::error::Error>>;

#[derive(Diagnostic)]
struct Numbers {
    #[group = "number"]
    single: f32,
    #[group = "number"]
    double: f64,
    #[group = "number"]
    signed: i64,
    #[group = "number"]
    unsigned: u8,
    #[group = "number"]
    flag: bool,
    #[group = "number"]
    elapsed: Duration,
}

#[test]
fn numbers_of_each_type_are_averaged() -> Outcome {
    let mut mean = Aggregator::new();
    for (number, flag) in [(1u8, true), (2, false), (6, false), (7, true)] {
        mean.update(&Numbers {
            single: f32::from(number),
            double: f64::from(number),
            signed: -i64::from(number),
            unsigned: number,
            flag,
            elapsed: Duration::from_millis(number.into()),
        })?;
    }
    let summary = mean.summary()?.number;
    assert_eq!((summary.single, summary.double, summary.signed, summary.unsigned), (4.0, 4.0, -4.0, 4.0));
    assert_eq!(summary.flag, 0.5);
    assert!((summary.elapsed - 0.004).abs() < 1e-12, "{}", summary.elapsed);
    Ok(())
}

#[derive(Diagnostic)]
struct OneTensor {
    #[group = "leaf"]
    value: Tensor,
}

fn mean_of(tensors: Vec<Tensor>) -> booster::Result<f64> {
    let mut mean = Aggregator::new();
    for value in tensors {
        mean.update(&OneTensor { value })?;
    }
    Ok(mean.summary()?.leaf.value)
}

#[test]
fn tensors_of_each_real_kind_are_averaged() -> Outcome {
    let kinds = [
        Kind::Uint8,
        Kind::Int8,
        Kind::Int16,
        Kind::Int,
        Kind::Int64,
        Kind::Half,
        Kind::BFloat16,
        Kind::Float,
        Kind::Double,
    ];
    for kind in kinds {
        let tensor = |values: &[f64]| Tensor::from_slice(values).to_kind(kind);
        assert_eq!(mean_of(vec![tensor(&[1.0, 2.0, 3.0]), tensor(&[10.0])])?, 4.0, "{kind:?}");
    }
    Ok(())
}

#[test]
fn a_bool_tensor_is_a_share() -> Outcome {
    assert_eq!(mean_of(vec![Tensor::from_slice(&[true, false, true]), Tensor::from_slice(&[true])])?, 0.75);
    Ok(())
}

#[test]
fn dimensions_after_the_first_are_averaged_within_a_sample() -> Outcome {
    let images = Tensor::arange(12, (Kind::Float, Device::Cpu)).reshape([3, 2, 2]);
    assert_eq!(mean_of(vec![images.narrow(0, 0, 1), images.narrow(0, 1, 2)])?, 5.5);
    Ok(())
}

#[test]
fn half_precision_counts_are_exact_where_its_own_sums_stop() -> Outcome {
    // 300 updates of 16 ones: a bfloat16 counter stops at 256, its running sum likewise.
    let ones = (0..300).map(|_| Tensor::ones([16], (Kind::BFloat16, Device::Cpu))).collect();
    assert_eq!(mean_of(ones)?, 1.0);
    Ok(())
}

#[test]
fn complex_kinds_are_refused_by_name() {
    let error = mean_of(vec![Tensor::zeros([2], (Kind::ComplexFloat, Device::Cpu))]).expect_err("complex");
    assert_eq!(error.to_string(), "`leaf/value`: expected a tensor of a real or bool kind, found kind ComplexFloat");
}

#[test]
fn a_change_of_trailing_shape_is_an_error_that_leaves_the_aggregator_as_it_was() -> Outcome {
    let mut mean = Aggregator::new();
    mean.update(&OneTensor { value: Tensor::ones([4, 3], (Kind::Float, Device::Cpu)) })?;
    let error = mean
        .update(&OneTensor { value: Tensor::zeros([4, 2], (Kind::Float, Device::Cpu)) })
        .expect_err("another shape");
    assert_eq!(
        error.to_string(),
        "`leaf/value`: expected a tensor of shape [batch, 3], as in earlier updates, \
         found a tensor of shape [4, 2]"
    );
    assert_eq!((mean.len(), mean.summary()?.leaf.value), (1, 1.0));
    Ok(())
}

#[derive(Diagnostic)]
struct Reduced {
    #[group = "sum"]
    #[metric(sum)]
    sum: Tensor,
    #[group = "min"]
    #[metric(min)]
    min: Tensor,
    #[group = "max"]
    #[metric(max)]
    max: Tensor,
    #[group = "last"]
    #[metric(last)]
    last: Tensor,
    #[group = "mean"]
    #[metric(mean)]
    mean: Tensor,
    #[group = "last"]
    #[metric(last)]
    number: f64,
}

#[test]
fn each_reduction_is_what_its_name_says() -> Outcome {
    let mut aggregator = Aggregator::new();
    for values in [vec![3.0, -1.0], vec![7.0], vec![2.0, 4.0]] {
        let tensor = || Tensor::from_slice(&values);
        let number = values[0];
        aggregator.update(&Reduced {
            sum: tensor(),
            min: tensor(),
            max: tensor(),
            last: tensor(),
            mean: tensor(),
            number,
        })?;
    }
    let summary = aggregator.summary()?;
    assert_eq!((summary.sum.sum, summary.mean.mean), (15.0, 3.0));
    assert_eq!((summary.min.min, summary.max.max), (-1.0, 7.0));
    assert_eq!((summary.last.last, summary.last.number), (4.0, 2.0));
    Ok(())
}

#[derive(Diagnostic)]
struct Counted {
    #[group = "loss"]
    loss: Tensor,
    #[group = "info"]
    #[metric(samples)]
    tokens: i64,
}

#[test]
fn a_batch_level_value_counts_for_the_samples_that_a_field_states() -> Outcome {
    let mut mean = Aggregator::new();
    mean.update(&Counted { loss: Tensor::from(1.0), tokens: 10 })?;
    mean.update(&Counted { loss: Tensor::from(5.0), tokens: 30 })?;
    let summary = mean.summary()?;
    assert_eq!((summary.loss.loss, summary.info.tokens), (4.0, 40.0));
    Ok(())
}

#[derive(Diagnostic)]
struct CountedOnDevice {
    #[group = "loss"]
    loss: f64,
    #[group = "info"]
    #[metric(samples)]
    tokens: Tensor,
}

#[test]
fn the_number_of_samples_may_be_a_tensor() -> Outcome {
    let mut mean = Aggregator::new();
    mean.update(&CountedOnDevice { loss: 1.0, tokens: Tensor::from(10) })?;
    mean.update(&CountedOnDevice { loss: 5.0, tokens: Tensor::from(30) })?;
    assert_eq!(mean.summary()?.loss.loss, 4.0);
    Ok(())
}

#[derive(Diagnostic)]
struct Mixed {
    #[group = "loss"]
    per_sample: Tensor,
    #[group = "loss"]
    per_batch: Tensor,
}

#[test]
fn a_batch_level_value_counts_for_the_samples_beside_it() -> Outcome {
    let mut mean = Aggregator::new();
    for values in [&[1.0, 2.0, 3.0, 4.0, 5.0][..], &[9.0]] {
        let per_sample = Tensor::from_slice(values);
        let per_batch = per_sample.mean(Kind::Double);
        mean.update(&Mixed { per_sample, per_batch })?;
    }
    let summary = mean.summary()?;
    assert_eq!((summary.loss.per_sample, summary.loss.per_batch), (4.0, 4.0));
    Ok(())
}

#[test]
fn an_empty_batch_adds_nothing_and_makes_no_nan() -> Outcome {
    let mut mean = Aggregator::new();
    for values in [&[1.0, 3.0][..], &[]] {
        let per_sample = Tensor::from_slice(values);
        // The mean over no samples is NaN.
        let per_batch = per_sample.mean(Kind::Double);
        mean.update(&Mixed { per_sample, per_batch })?;
    }
    let summary = mean.summary()?;
    assert_eq!((summary.loss.per_sample, summary.loss.per_batch), (2.0, 2.0));
    Ok(())
}

#[derive(Diagnostic)]
struct TwoPerSample {
    #[group = "loss"]
    nll: Tensor,
    #[group = "metrics"]
    accuracy: Tensor,
}

#[test]
fn per_sample_fields_of_different_lengths_are_named() {
    let diagnostics =
        TwoPerSample { nll: Tensor::from_slice(&[1.0, 2.0]), accuracy: Tensor::from_slice(&[true, true, false]) };
    let error = Aggregator::new().update(&diagnostics).expect_err("2 and 3 samples");
    assert!(error.to_string().starts_with("`metrics/accuracy` has 3 samples, but `loss/nll` has 2"), "{error}");
}

#[derive(Diagnostic)]
struct Sometimes {
    #[group = "info"]
    skipped: Option<Tensor>,
    #[group = "info"]
    never: Option<f64>,
}

#[test]
fn an_option_is_averaged_over_the_steps_that_have_it() -> Outcome {
    let mut mean = Aggregator::new();
    for skipped in [Some(&[2.0][..]), None, Some(&[3.0, 4.0])] {
        mean.update(&Sometimes { skipped: skipped.map(Tensor::from_slice), never: None })?;
    }
    let summary = mean.summary()?;
    assert_eq!((summary.info.skipped, summary.info.never), (Some(3.0), None));
    assert_eq!(summary.iter().count(), 1);
    Ok(())
}

#[derive(Diagnostic)]
struct OwnWeights {
    #[group = "metrics"]
    ratio: Ratio,
    #[group = "metrics"]
    masked: Weighted,
    #[group = "metrics"]
    #[metric(max)]
    greatest: Weighted,
}

#[test]
fn a_ratio_divides_at_the_end_and_a_mask_hides_what_it_covers() -> Outcome {
    let mut mean = Aggregator::new();
    let covered = f32::NAN;
    for (hits, of, values, mask) in
        [(1, 1, [4.0, covered], [true, false]), (0, 9, [1.0f32, 7.0], [true, true]), (0, 0, [covered; 2], [false; 2])]
    {
        let weighted = || Weighted::new(Tensor::from_slice(&values), Tensor::from_slice(&mask));
        let ratio = Ratio::new(Tensor::from(hits), Tensor::from(of));
        mean.update(&OwnWeights { ratio, masked: weighted(), greatest: weighted() })?;
    }
    let summary = mean.summary()?;
    assert_eq!((summary.metrics.ratio, summary.metrics.masked, summary.metrics.greatest), (0.1, 4.0, 7.0));
    Ok(())
}

#[test]
fn weights_that_do_not_fit_are_refused() {
    let weighted = || Weighted::new(Tensor::from_slice(&[1.0, 2.0]), Tensor::from_slice(&[1.0, 1.0, 1.0]));
    let ratio = Ratio::new(Tensor::from(1), Tensor::from(1));
    let error =
        Aggregator::new().update(&OwnWeights { ratio, masked: weighted(), greatest: weighted() }).expect_err("3 for 2");
    assert_eq!(
        error.to_string(),
        "`metrics/masked`: expected weights of the values' shape or its first dimensions, \
         found values of shape [2] with weights of shape [3]"
    );
}

#[derive(Debug, Default)]
struct Scratch;

#[derive(Diagnostic)]
struct Composed<A: Diagnostic> {
    #[group = "loss"]
    elbo: Tensor,
    #[diagnostic(flatten)]
    auxiliary: A,
    #[diagnostic(skip)]
    #[expect(dead_code, reason = "only there to be skipped")]
    scratch: Scratch,
}

#[test]
fn flattened_diagnostics_are_reached_by_field_and_share_the_groups() -> Outcome {
    let auxiliary = OneTensor { value: Tensor::from(2.0) };
    let composed = Composed { elbo: Tensor::from_slice(&[1.0, 3.0]), auxiliary, scratch: Scratch };
    let summary = composed.summary()?;
    assert_eq!((summary.loss.elbo, summary.auxiliary.leaf.value), (2.0, 2.0));
    assert_eq!(summary.iter().map(|entry| entry.tag()).collect::<Vec<_>>(), ["loss/elbo", "leaf/value"]);
    let nothing = Composed { elbo: Tensor::from(1.0), auxiliary: (), scratch: Scratch };
    assert_eq!(nothing.summary()?.iter().count(), 1);
    Ok(())
}

#[test]
fn there_is_no_summary_of_nothing() {
    let error = Aggregator::<OneTensor>::new().summary().expect_err("no update");
    assert!(error.to_string().starts_with("cannot summarize an aggregator without updates"), "{error}");
}

#[test]
fn a_reset_aggregator_starts_anew() -> Outcome {
    let mut mean = Aggregator::new();
    mean.update(&OneTensor { value: Tensor::from_slice(&[1.0, 2.0]) })?;
    mean.reset();
    assert!(mean.is_empty());
    // The shape may change between updates.
    mean.update(&OneTensor { value: Tensor::from(5.0) })?;
    assert_eq!(mean.summary()?.leaf.value, 5.0);
    Ok(())
}

#[test]
fn updates_are_counted_as_such_and_a_summary_stays_as_it_was() -> Outcome {
    let mut mean = Aggregator::new();
    let update = |value: f64| Level { value, samples: Tensor::from_slice(&[1.0, 1.0, 1.0]) };
    mean.update(&update(1.0))?;
    let first = mean.summary()?;
    mean.update(&update(3.0))?;
    assert_eq!((mean.len(), first.info.value, mean.summary()?.info.value), (2, 1.0, 2.0));
    Ok(())
}

/// A number beside three samples.
#[derive(Diagnostic)]
struct Level {
    #[group = "info"]
    value: f64,
    #[group = "info"]
    samples: Tensor,
}

#[test]
fn a_sum_of_shards_is_more_than_a_small_kind_holds() -> Outcome {
    #[derive(Diagnostic)]
    struct Counts {
        #[group = "info"]
        #[metric(sum)]
        bytes: Tensor,
        #[group = "info"]
        #[metric(sum)]
        flags: Tensor,
    }
    let shard = |bytes: u8| Counts { bytes: Tensor::from_slice(&[bytes]).squeeze(), flags: Tensor::from(true) };
    let gathered = Counts::gather(vec![shard(200), shard(100)])?;
    assert_eq!((gathered.bytes.int64_value(&[]), gathered.flags.int64_value(&[])), (300, 2));
    Ok(())
}
