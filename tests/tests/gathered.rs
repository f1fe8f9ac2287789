//! Gathered shards give the same result as one device.

use booster::Reduction;
use booster::diagnostic::Gather;
use booster::prelude::*;
use booster::tch::{Device, Kind, Tensor};

fn ones(shape: &[i64]) -> Tensor {
    Tensor::ones(shape, (Kind::Float, Device::Cpu))
}

#[derive(Diagnostic)]
struct PerToken {
    #[group = "loss"]
    #[metric(mean, sum, count)]
    nll: Weighted,
    #[group = "loss"]
    #[metric(max)]
    longest: Weighted,
    #[group = "loss"]
    #[metric(sum)]
    total: Weighted,
    #[group = "info"]
    beta: f64,
}

fn per_token(value: f64, tokens: f64, beta: f64) -> PerToken {
    let weighted = || Weighted::new(Tensor::from(value), Tensor::from(tokens));
    PerToken { nll: weighted(), longest: weighted(), total: weighted(), beta }
}

#[test]
fn a_weighted_scalar_stays_a_scalar_of_the_summed_weight() -> booster::Result<()> {
    let gathered =
        PerToken::gather(vec![per_token(1.0, 3.0, 0.5), per_token(5.0, 1.0, 0.5), per_token(9.0, 0.0, 0.5)])?;
    assert_eq!((gathered.nll.value.dim(), gathered.nll.weight.dim()), (0, 0));
    let summary = gathered.summary()?;
    assert_eq!((summary.loss.nll, summary.loss.nll_sum, summary.loss.nll_count), (2.0, 8.0, 4.0));
    assert_eq!(summary.loss.total, 8.0);
    assert_eq!(summary.loss.longest, 5.0, "what has no weight takes no part");
    Ok(())
}

#[test]
fn a_gathered_step_counts_as_one_for_values_beside_a_weighted_scalar() -> booster::Result<()> {
    let mut mean = Aggregator::new();
    mean.update(&PerToken::gather(vec![per_token(1.0, 3.0, 0.0), per_token(1.0, 3.0, 0.0)])?)?;
    mean.update(&PerToken::gather(vec![per_token(1.0, 3.0, 1.0)])?)?;
    assert_eq!(mean.summary()?.info.beta, 0.5);
    Ok(())
}

#[derive(Diagnostic)]
struct Flags {
    #[group = "info"]
    #[metric(sum)]
    skipped: bool,
}

#[test]
fn a_flag_is_that_of_the_whole_batch() -> booster::Result<()> {
    for shards in [vec![false, false], vec![true, true], vec![false, true]] {
        let expected = f64::from(u8::from(shards.contains(&true)));
        let gathered = Flags::gather(shards.into_iter().map(|skipped| Flags { skipped }).collect())?;
        assert_eq!(gathered.summary()?.info.skipped, expected);
    }
    Ok(())
}

#[derive(Diagnostic)]
struct Tokens {
    #[group = "metrics"]
    #[metric(mean, sum, count)]
    accuracy: Ratio,
}

#[test]
fn entries_of_ratios_count_whatever_their_shapes() -> booster::Result<()> {
    let shards = vec![
        Tokens { accuracy: Ratio::new(ones(&[2, 3]), ones(&[2, 3])) },
        Tokens { accuracy: Ratio::new(ones(&[2, 5]), ones(&[2, 10])) },
        Tokens { accuracy: Ratio::new(Tensor::from(4), Tensor::from(4.0)) },
    ];
    let summary = Tokens::gather(shards)?.summary()?.metrics;
    assert_eq!((summary.accuracy, summary.accuracy_sum, summary.accuracy_count), (20.0 / 30.0, 20.0, 30.0));
    Ok(())
}

#[derive(Diagnostic)]
struct Large {
    #[group = "info"]
    #[metric(max)]
    greatest: i64,
    #[group = "info"]
    #[metric(min)]
    least: u64,
}

#[derive(Diagnostic)]
struct Agreed {
    #[group = "info"]
    number: i64,
}

#[test]
fn integers_that_doubles_do_not_tell_apart_are_told_apart() -> booster::Result<()> {
    let large = |greatest, least| Large { greatest, least };
    let gathered = Large::gather(vec![large(i64::MAX - 1, u64::MAX), large(i64::MAX, u64::MAX - 1)])?;
    assert_eq!((gathered.greatest, gathered.least), (i64::MAX, u64::MAX - 1));

    let agreed = |number| Agreed { number };
    assert!(Agreed::gather(vec![agreed(1 << 53), agreed((1 << 53) + 1)]).is_err());
    assert_eq!(Agreed::gather(vec![agreed(i64::MAX), agreed(i64::MAX)])?.number, i64::MAX);
    Ok(())
}

/// A mean under the name of another reduction.
struct OwnMax;

impl Reduction for OwnMax {
    type Value = f64;
    const NAME: &'static str = "max";
    booster_tests::reduces_as_the_mean!();
}

/// A mean that declares that shards are summed.
struct Summed;

impl Reduction for Summed {
    type Value = f64;
    const NAME: &'static str = "summed";
    const GATHER: Gather = Gather::Sum;
    booster_tests::reduces_as_the_mean!();
}

#[derive(Diagnostic)]
struct Own {
    #[group = "info"]
    #[metric(reduce = OwnMax)]
    named_as_another: f64,
    #[group = "info"]
    #[metric(reduce = Summed)]
    summed: f64,
}

#[test]
fn a_reduction_of_ones_own_gathers_by_its_rule_whatever_its_name() -> booster::Result<()> {
    let own = |value| Own { named_as_another: value, summed: value };
    let gathered = Own::gather(vec![own(1.0), own(3.0)])?;
    assert_eq!((gathered.named_as_another, gathered.summed), (2.0, 4.0));
    Ok(())
}
