//! Leaves of unusual memory layouts and kinds, and leaves that cannot be aggregated.

use booster::prelude::*;
use booster::tch::{Device, Kind, Tensor};

type Outcome = Result<(), Box<dyn std::error::Error>>;

/// Plain sums, and reductions that need the values.
#[derive(Diagnostic)]
struct Measured {
    #[group = "loss"]
    #[metric(mean, sum, count)]
    sums: Tensor,
    #[group = "loss"]
    #[metric(max, std, p50, mean_dims)]
    spread: Tensor,
    #[group = "loss"]
    #[metric(mean, max)]
    masked: Weighted,
    #[group = "loss"]
    ratio: Ratio,
}

fn measured(values: &Tensor) -> Measured {
    let value = || values.shallow_clone();
    Measured {
        sums: value(),
        spread: value(),
        masked: Weighted::new(value(), values.ones_like()),
        ratio: Ratio::new(value(), values.ones_like()),
    }
}

fn summary(values: &[&Tensor]) -> booster::Result<MeasuredSummary> {
    let mut aggregator = Aggregator::new();
    values.iter().try_for_each(|values| aggregator.update(&measured(values)))?;
    aggregator.summary()
}

/// The entries 0 to 5 thousand and 3, as a tensor `[batch, 7, 9, 12]`: too many to be summed immediately.
fn values() -> Tensor {
    Tensor::arange(8 * 7 * 9 * 12, (Kind::Double, Device::Cpu)).reshape([8, 7, 9, 12])
}

#[test]
fn the_memory_layout_of_a_leaf_changes_nothing() -> Outcome {
    for kind in [Kind::Float, Kind::Double, Kind::Int] {
        let plain = values().to_kind(kind);
        let strided = Tensor::stack(&[&plain, &plain.zeros_like()], -1).select(-1, 0);
        let layouts = [
            plain.permute([0, 2, 3, 1]).contiguous().permute([0, 3, 1, 2]),
            plain.permute([3, 2, 1, 0]).contiguous().permute([3, 2, 1, 0]),
            strided,
            plain.flip([0]).flip([0]),
        ];
        let expected = summary(&[&plain, &plain, &plain.narrow(0, 0, 3)])?;
        for layout in &layouts {
            assert_eq!(layout, &plain);
            let found = summary(&[layout, &plain, &layout.narrow(0, 0, 3)])?;
            assert_eq!(found.to_string(), expected.to_string());
            assert_eq!(found.loss.sums_sum, expected.loss.sums_sum);
        }
        let entries = (8 * 7 * 9 * 12) as f64;
        let only = summary(&[&layouts[0]])?;
        assert_eq!((only.loss.sums, only.loss.spread), ((entries - 1.0) / 2.0, entries - 1.0));
    }
    Ok(())
}

#[test]
fn an_expanded_leaf_counts_each_entry() -> Outcome {
    let expanded = Tensor::from_slice(&[1.0f32, 3.0]).reshape([2, 1, 1]).expand([2, 80, 80], false);
    let summary = summary(&[&expanded, &expanded])?;
    assert_eq!((summary.loss.sums, summary.loss.sums_sum, summary.loss.sums_count), (2.0, 51_200.0, 4.0));
    assert_eq!((summary.loss.spread_std, summary.loss.masked, summary.loss.ratio), (1.0, 2.0, 2.0));
    Ok(())
}

#[test]
fn leaves_of_eight_bits_are_aggregated_as_what_they_hold() -> Outcome {
    for kind in [Kind::Float8e4m3fn, Kind::Float8e5m2, Kind::Float8e4m3fnuz, Kind::Float8e5m2fnuz] {
        let values = Tensor::from_slice(&[1.0f32, 2.0, 6.0]).to_kind(kind);
        let mut aggregator = Aggregator::new();
        for _ in 0..2 {
            let value = || values.shallow_clone();
            let ones = || values.to_kind(Kind::Float).ones_like().to_kind(kind);
            aggregator.update(&Measured {
                sums: value(),
                spread: value(),
                masked: Weighted::new(value(), ones()),
                ratio: Ratio::new(value(), ones()),
            })?;
        }
        let loss = aggregator.summary()?.loss;
        assert_eq!((loss.sums, loss.sums_sum, loss.spread, loss.spread_p50), (3.0, 18.0, 6.0, 2.0), "{kind:?}");
        assert_eq!((loss.masked, loss.masked_max, loss.ratio), (3.0, 6.0, 3.0), "{kind:?}");
    }
    Ok(())
}

#[derive(Diagnostic)]
struct Extremes {
    #[group = "x"]
    #[metric(max, sum)]
    x: Tensor,
    #[group = "x"]
    #[metric(max)]
    weighted: Weighted,
}

#[test]
fn kinds_mixed_between_updates_are_not_rounded_to_each_other() -> Outcome {
    // Overflows single precision, and the sum overflows half precision.
    let large = 16_777_217_i64;
    for other in [Kind::Float, Kind::Half, Kind::Int8, Kind::Bool, Kind::Float8e4m3fn] {
        for swapped in [false, true] {
            let mut parts = [Tensor::from_slice(&[large, 3]), Tensor::from_slice(&[1.0f32]).to_kind(other)];
            if swapped {
                parts.reverse();
            }
            let mut aggregator = Aggregator::new();
            for x in &parts {
                let weighted = Weighted::new(x.shallow_clone(), x.to_kind(Kind::Float).ones_like());
                aggregator.update(&Extremes { x: x.shallow_clone(), weighted })?;
            }
            let x = aggregator.summary()?.x;
            let large = large as f64;
            assert_eq!((x.x, x.x_sum, x.weighted), (large, large + 4.0, large), "{other:?}");
        }
    }
    Ok(())
}

#[derive(Diagnostic)]
struct Counted {
    #[group = "x"]
    #[metric(count)]
    x: Tensor,
    #[group = "x"]
    #[metric(count, max)]
    joined: Tensor,
    #[group = "x"]
    ratio: Ratio,
    #[group = "x"]
    #[metric(count)]
    number: f64,
    #[group = "x"]
    #[metric(samples)]
    samples: i64,
}

#[test]
fn a_finite_sum_beyond_a_double_is_of_finite_values() -> Outcome {
    // Covers both immediate and buffered leaves.
    for entries in [2, 5000] {
        let x = || Tensor::full([entries], 1.5e308, (Kind::Double, Device::Cpu));
        let mut aggregator = Aggregator::new().non_finite(NonFinite::Error);
        for _ in 0..2 {
            let ratio = Ratio::new(x(), x().ones_like());
            aggregator.update(&Counted { x: x(), joined: x(), ratio, number: 1.5e308, samples: entries })?;
        }
        let counts = aggregator.summary()?.x;
        assert_eq!(
            (counts.x, counts.joined, counts.number),
            (2.0 * entries as f64, 2.0 * entries as f64, 2.0 * entries as f64)
        );
    }
    Ok(())
}

#[derive(Diagnostic)]
struct Three {
    #[group = "loss"]
    tensor: Tensor,
    #[group = "loss"]
    weighted: Weighted,
    #[group = "metrics"]
    ratio: Option<Ratio>,
}

/// Handles to the same values.
fn copy(of: &Three) -> Three {
    let (weighted, ratio) = (&of.weighted, of.ratio.as_ref());
    Three {
        tensor: of.tensor.shallow_clone(),
        weighted: Weighted::new(weighted.value.shallow_clone(), weighted.weight.shallow_clone()),
        ratio: ratio.map(|ratio| Ratio::new(ratio.numerator.shallow_clone(), ratio.denominator.shallow_clone())),
    }
}

#[test]
fn a_leaf_that_cannot_be_aggregated_is_named() -> Outcome {
    let good = || Tensor::from_slice(&[1.0f32, 0.0]);
    let dense = good();
    let bad = [
        (Tensor::new(), "an undefined tensor"),
        (dense.to_sparse(None, None::<&[i64]>, None), "a sparse or nested tensor"),
        (dense.quantize_per_tensor(0.1, 0, Kind::QInt8), "kind QInt8"),
        (dense.to_kind(Kind::ComplexFloat), "kind ComplexFloat"),
    ];
    for (bad, found) in &bad {
        let bad = || bad.shallow_clone();
        let mut aggregator = Aggregator::new();
        let step = || Three {
            tensor: good(),
            weighted: Weighted::new(good(), good()),
            ratio: Some(Ratio::new(good(), good())),
        };
        aggregator.update(&step())?;
        let cases = [
            ("loss/tensor", Three { tensor: bad(), ..step() }),
            ("loss/weighted", Three { weighted: Weighted::new(bad(), good()), ..step() }),
            ("loss/weighted", Three { weighted: Weighted::new(good(), bad()), ..step() }),
            ("metrics/ratio", Three { ratio: Some(Ratio::new(bad(), good())), ..step() }),
            ("metrics/ratio", Three { ratio: Some(Ratio::new(good(), bad())), ..step() }),
        ];
        for (field, case) in cases {
            let refused = |outcome: booster::Result<Three>| {
                let error = outcome.map(|_| ()).expect_err("refused").to_string();
                assert!(error.starts_with(&format!("`{field}`: expected a ")), "{error}");
                assert!(error.ends_with(&format!("found {found}")), "{error}");
            };
            refused(Three::gather(vec![step(), copy(&case)]));
            refused(Three::gather(vec![copy(&case), step()]));
            refused(copy(&case).to_device(Device::Cpu));
            for aggregator in [&mut aggregator, &mut Aggregator::new()] {
                let error = aggregator.update(&case).expect_err("refused").to_string();
                assert!(error.starts_with(&format!("`{field}`: expected a ")), "{error}");
                assert!(error.ends_with(&format!("found {found}")), "{error}");
            }
        }
        assert_eq!((aggregator.len(), aggregator.summary()?.loss.tensor), (1, 0.5));
    }
    Ok(())
}
