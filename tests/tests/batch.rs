//! Batches: lengths, shards, joining.

use booster::prelude::*;
use booster::tch::{Device, Kind, Tensor};
use proptest::prelude::*;

#[derive(Batch, Debug)]
struct Image {
    pixels: Tensor,
    mask: Option<Tensor>,
}

#[derive(Batch, Debug)]
struct Crops<B: Batch> {
    views: Vec<Image>,
    pair: (Tensor, [Tensor; 2]),
    rest: B,
    nothing: (),
}

fn tensor(samples: i64) -> Tensor {
    Tensor::arange(samples, (Kind::Float, Device::Cpu))
}

fn image(samples: i64, mask: Option<i64>) -> Image {
    Image { pixels: tensor(samples).unsqueeze(1).expand([-1, 3], false), mask: mask.map(tensor) }
}

fn views(samples: i64) -> Crops<Tensor> {
    Crops {
        views: vec![image(samples, Some(samples)), image(samples, None)],
        pair: (tensor(samples), [tensor(samples), tensor(samples)]),
        rest: tensor(samples),
        nothing: (),
    }
}

#[test]
fn the_batch_size_is_what_all_tensors_agree_on() -> booster::Result<()> {
    assert_eq!(views(5).batch_size()?, Some(5));
    assert_eq!(().batch_size()?, None);
    assert_eq!(None::<Tensor>.batch_size()?, None);
    Ok(())
}

#[test]
fn a_field_of_another_length_is_named_with_both_lengths() {
    let mut batch = views(5);
    batch.views[1].mask = Some(tensor(4));
    let error = batch.batch_size().expect_err("5 and 4 samples").to_string();
    assert!(
        error.starts_with("field `views[1].mask` of the batch has 4 samples, but field `views[0].pixels` has 5"),
        "{error}"
    );
}

#[test]
fn a_tensor_without_dimensions_is_named() {
    let mut batch = views(5);
    batch.pair.1[0] = Tensor::from(1.0);
    let error = batch.batch_size().expect_err("a scalar").to_string();
    assert!(error.starts_with("field `pair[1][0]` of the batch is 0-dimensional"), "{error}");
}

#[test]
fn samples_that_are_not_there_are_an_error() {
    let error = tensor(3).samples(1..4).expect_err("3 samples").to_string();
    assert_eq!(error, "sample range 1..4 is out of bounds for a batch of 3");
    let (start, end) = (2, 1);
    assert!(tensor(3).samples(start..end).is_err());
}

#[test]
fn an_empty_batch_has_no_shards() {
    let error = tensor(0).shards(2).expect_err("no sample").to_string();
    assert!(error.starts_with("the batch is empty"), "{error}");
}

#[test]
fn parts_that_do_not_fit_are_named() {
    let parts = vec![image(2, None), Image { pixels: Tensor::zeros([2, 4], (Kind::Float, Device::Cpu)), mask: None }];
    let error = Image::join(parts).expect_err("3 and 4 pixels").to_string();
    assert!(error.starts_with("field `pixels`: part 0 has shape [2, 3] and kind Float, but part 1"), "{error}");
    let error = Image::join(vec![image(2, Some(2)), image(2, None)]).expect_err("one mask").to_string();
    assert_eq!(error, "field `mask`: present in only 1 of 2 parts");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn shards_are_near_equal_and_join_to_the_batch(samples in 1..20i64, count in 1..8usize) {
        let batch = views(samples);
        let shards = batch.shards(count)?;
        let sizes = shards.iter().map(|shard| Ok(shard.batch_size()?.unwrap_or(0)));
        let sizes = sizes.collect::<booster::Result<Vec<_>>>()?;
        prop_assert_eq!(sizes.len(), count.min(usize::try_from(samples)?));
        prop_assert!(sizes.iter().max().zip(sizes.iter().min()).is_some_and(|(most, least)| most - least <= 1));
        let joined = Crops::join(shards)?;
        prop_assert!(joined.views[0].pixels.equal(&batch.views[0].pixels));
        prop_assert!(joined.pair.1[1].equal(&batch.pair.1[1]));
        prop_assert!(joined.rest.equal(&batch.rest));
        prop_assert!(joined.views[1].mask.is_none());
    }
}
