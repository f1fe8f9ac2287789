//! Reductions of no values, of NaN, and at the limits of double precision.

use booster::prelude::*;
use booster::tch::{Device, Kind, Tensor};

#[derive(Diagnostic)]
struct Empty {
    #[group = "x"]
    #[metric(sum, count, mean, min, max, last, std, p50, ema(0.9), histogram, mean_dims)]
    hits: Tensor,
    #[group = "x"]
    #[metric(count, mean)]
    maybe: Option<Tensor>,
    #[group = "x"]
    #[metric(count)]
    never: Option<Tensor>,
}

#[test]
fn sums_and_counts_over_no_sample_are_zero_and_all_else_is_nan() -> booster::Result<()> {
    let empty = |shape: &[i64]| Tensor::zeros(shape, (Kind::Float, Device::Cpu));
    let mut aggregator = Aggregator::new();
    aggregator.update(&Empty { hits: empty(&[0, 2]), maybe: Some(empty(&[0])), never: None })?;
    for _ in 0..2 {
        let x = aggregator.summary()?.x;
        assert_eq!((x.hits, x.hits_count, x.maybe, x.never), (0.0, 0.0, Some(0.0), None));
        let undefined = [x.hits_mean, x.hits_min, x.hits_max, x.hits_last, x.hits_std, x.hits_p50, x.hits_ema];
        assert!(undefined.iter().all(|value| value.is_nan()), "{undefined:?}");
        assert!(x.maybe_mean.is_some_and(f64::is_nan));
        assert!(x.hits_histogram.counts.is_empty() && x.hits_histogram.min.is_nan());
        assert_eq!((x.hits_mean_dims.shape.as_slice(), x.hits_mean_dims.data.len()), (&[2][..], 2));
    }
    // Later values are aggregated as if nothing came before.
    let hits = Tensor::from_slice(&[1.0, 2.0, 3.0, 4.0]).view([2, 2]);
    aggregator.update(&Empty { hits, maybe: Some(Tensor::from_slice(&[1.0])), never: None })?;
    let x = aggregator.summary()?.x;
    assert_eq!((x.hits, x.hits_count, x.hits_min, x.hits_p50, x.maybe), (10.0, 2.0, 1.0, 2.0, Some(1.0)));
    assert_eq!(x.hits_mean_dims.data, [2.0, 3.0]);
    Ok(())
}

#[derive(Diagnostic)]
struct OfNoSample {
    #[group = "info"]
    #[metric(samples)]
    tokens: i64,
    #[group = "time"]
    #[metric(sum)]
    seconds: f64,
    #[group = "time"]
    #[metric(sum, max)]
    beside_another: f64,
    #[group = "time"]
    #[metric(sum)]
    float: Tensor,
    #[group = "time"]
    #[metric(sum)]
    half: Tensor,
}

#[test]
fn a_batch_level_value_of_no_sample_is_summed_once() -> booster::Result<()> {
    for policy in [NonFinite::Propagate, NonFinite::Skip, NonFinite::Error] {
        let mut sum = Aggregator::new().non_finite(policy);
        for tokens in [5, 0] {
            let one = |kind| Tensor::from(1.0f32).to_kind(kind);
            let (float, half) = (one(Kind::Float), one(Kind::Half));
            sum.update(&OfNoSample { tokens, seconds: 1.0, beside_another: 1.0, float, half })?;
        }
        let time = sum.summary()?.time;
        assert_eq!([time.seconds, time.beside_another, time.float, time.half], [2.0; 4], "{policy:?}");
    }
    Ok(())
}

#[derive(Diagnostic)]
struct Quantiles {
    #[group = "x"]
    #[metric(p10, p50, p90)]
    x: Tensor,
}

#[test]
fn nan_of_either_sign_is_every_quantile_beside_it() -> booster::Result<()> {
    for nan in [f64::NAN, -f64::NAN] {
        // Uses more than one level, so that most values are represented by others.
        for length in [10, 5000, 20_000] {
            let mut values = (0..length).map(f64::from).collect::<Vec<_>>();
            values[3] = nan;
            let mut quantiles = Aggregator::new();
            for part in values.chunks(2500) {
                quantiles.update(&Quantiles { x: Tensor::from_slice(part) })?;
            }
            let x = quantiles.summary()?.x;
            assert!([x.x, x.x_p50, x.x_p90].iter().all(|value| value.is_nan()), "{length}: {x:?}");
        }
    }
    Ok(())
}

#[derive(Diagnostic)]
struct Histograms {
    #[group = "x"]
    #[metric(histogram(0, 4, 4))]
    with_nan: Tensor,
    #[group = "x"]
    #[metric(histogram(0, 1, 1))]
    of_one: Tensor,
    #[group = "x"]
    #[metric(histogram(-1e308, 1e308, 2))]
    of_all: Tensor,
    #[group = "x"]
    #[metric(histogram(-0.1, 0.3, 7))]
    of_tenths: Tensor,
}

#[test]
fn histograms_leave_nan_out_and_end_where_they_were_told() -> booster::Result<()> {
    let values = |numbers: &[f64]| Tensor::from_slice(numbers);
    let x = Histograms {
        with_nan: values(&[0.5, 1.5, f64::NAN, -f64::NAN, f64::INFINITY]),
        of_one: values(&[0.5, 1.5, -1.0, -1.0, -1.0]),
        of_all: values(&[0.5, 1.5, -1.0, -1.0, -1.0]),
        of_tenths: values(&[0.0; 5]),
    };
    let x = x.summary()?.x;
    assert_eq!(x.with_nan.counts, [1.0, 1.0, 0.0, 1.0]);
    assert_eq!(x.with_nan.count(), 3.0);
    assert!(x.with_nan.max.is_nan() && x.with_nan.sum.is_nan());
    assert_eq!((x.of_one.edges, x.of_one.counts), (vec![0.0, 1.0], vec![5.0]));
    assert_eq!((x.of_all.edges, x.of_all.counts), (vec![-1e308, 0.0, 1e308], vec![3.0, 2.0]));
    assert_eq!((x.of_tenths.edges[0], x.of_tenths.edges[7]), (-0.1, 0.3));
    Ok(())
}

#[derive(Diagnostic)]
struct Hollow {
    #[group = "x"]
    #[metric(sum, mean, min, max, last, std, p50, ema(0.9), histogram, mean_dims)]
    hits: Tensor,
    #[group = "x"]
    #[metric(mean, max)]
    masked: Weighted,
}

#[test]
fn samples_without_entries_are_saved_and_loaded() -> booster::Result<()> {
    for shape in [&[3_i64, 0][..], &[0, 0], &[2, 0, 3]] {
        let values = Tensor::zeros(shape, (Kind::Float, Device::Cpu));
        let step = Hollow {
            hits: values.copy(),
            masked: Weighted::new(values, Tensor::zeros(&shape[..1], (Kind::Float, Device::Cpu))),
        };
        let mut aggregator = Aggregator::new();
        aggregator.update(&step)?;
        let mut loaded = Aggregator::load(&aggregator.save()?)?;
        loaded.update(&step)?;
        loaded.merge(aggregator)?;
        let summary = loaded.summary()?;
        assert_eq!((loaded.len(), summary.x.hits), (3, 0.0));
        assert!(summary.x.hits_min.is_nan() && summary.x.masked_max.is_nan());
    }
    Ok(())
}

#[derive(Diagnostic)]
struct Averaged {
    #[group = "x"]
    #[metric(ema(0.5))]
    series: Tensor,
}

#[test]
fn an_infinity_stays_in_an_exponential_average_however_its_samples_are_cut() -> booster::Result<()> {
    let series = Tensor::zeros([3000], (Kind::Double, Device::Cpu));
    let _ = series.get(0).fill_(f64::INFINITY);
    for length in [3000, 1500, 1] {
        let mut aggregator = Aggregator::new();
        for start in (0..3000).step_by(length) {
            aggregator.update(&Averaged { series: series.narrow(0, start, length as i64) })?;
        }
        assert_eq!(aggregator.summary()?.x.series, f64::INFINITY, "in batches of {length}");
    }
    Ok(())
}
