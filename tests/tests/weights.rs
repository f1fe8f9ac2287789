//! The sample count of batch-level fields: from their own struct, else from the structs around or within it.

use booster::diagnostic::Leaf;
use booster::prelude::*;
use booster::tch::{Device, Kind, Tensor, nn};

fn ones(length: i64) -> Tensor {
    Tensor::ones([length], (Kind::Float, Device::Cpu))
}

#[derive(Diagnostic)]
struct Text {
    #[group = "text"]
    #[metric(samples)]
    tokens: i64,
    #[group = "text"]
    nll: f64,
}

#[derive(Diagnostic)]
struct Image {
    #[group = "image"]
    #[metric(samples)]
    pixels: i64,
    #[group = "image"]
    error: f64,
}

#[derive(Diagnostic)]
struct Both {
    #[diagnostic(flatten)]
    text: Text,
    #[diagnostic(flatten)]
    image: Image,
}

fn both(tokens: i64, pixels: i64, value: f64) -> Both {
    Both { text: Text { tokens, nll: value }, image: Image { pixels, error: value } }
}

#[test]
fn each_struct_counts_its_own_samples() -> booster::Result<()> {
    let mut mean = Aggregator::new();
    mean.update(&both(100, 1, 0.0))?;
    mean.update(&both(1, 100, 1.0))?;
    let summary = mean.summary()?;
    assert_eq!(summary.text.text.nll, 1.0 / 101.0);
    assert_eq!(summary.image.image.error, 100.0 / 101.0);
    Ok(())
}

#[test]
fn shards_are_gathered_by_what_each_struct_counts() -> booster::Result<()> {
    let summary = Both::gather(vec![both(100, 1, 0.0), both(1, 100, 1.0)])?.summary()?;
    assert_eq!(summary.text.text.nll, 1.0 / 101.0);
    assert_eq!(summary.image.image.error, 100.0 / 101.0);
    assert_eq!((summary.text.text.tokens, summary.image.image.pixels), (101.0, 101.0));
    Ok(())
}

#[derive(Diagnostic)]
struct Probed {
    #[group = "loss"]
    loss: f64,
    #[group = "debug"]
    attention: Option<Tensor>,
}

#[test]
fn an_optional_field_never_changes_what_others_count() -> booster::Result<()> {
    let mut mean = Aggregator::new();
    for step in 0..10 {
        let attention = (step == 9).then(|| ones(64));
        mean.update(&Probed { loss: if step == 9 { 2.0 } else { 1.0 }, attention })?;
    }
    let found = mean.summary()?.loss.loss;
    assert!((found - 1.1).abs() < 1e-12, "{found}");
    Ok(())
}

type Sometimes = Option<Tensor>;

/// Optional fields whose types do not say so as they are written.
#[derive(Diagnostic)]
struct Hidden<T: Leaf + Send> {
    #[group = "loss"]
    loss: f64,
    #[group = "debug"]
    aliased: Sometimes,
    #[group = "debug"]
    generic: T,
}

#[test]
fn a_field_is_optional_by_its_type_whatever_that_is_called() -> booster::Result<()> {
    let mut mean = Aggregator::new();
    for step in 0..10 {
        let [aliased, generic] = [64, 32].map(|length| (step == 9).then(|| ones(length)));
        mean.update(&Hidden { loss: if step == 9 { 2.0 } else { 1.0 }, aliased, generic: Some(generic) })?;
    }
    let summary = mean.summary()?;
    assert!((summary.loss.loss - 1.1).abs() < 1e-12, "{}", summary.loss.loss);
    assert_eq!((summary.debug.aliased, summary.debug.generic), (1.0, 1.0));
    // A type parameter that is no option is required.
    let mut mean = Aggregator::new();
    for (loss, length) in [(1.0, 9), (2.0, 1)] {
        mean.update(&Hidden { loss, aliased: None, generic: ones(length) })?;
    }
    assert!((mean.summary()?.loss.loss - 1.1).abs() < 1e-12);
    assert!(mean.summary()?.debug.aliased.is_nan(), "no step had it");
    Ok(())
}

#[derive(Diagnostic)]
struct Compared {
    #[group = "info"]
    beta: f64,
    #[diagnostic(flatten)]
    text: Text,
    #[diagnostic(flatten)]
    image: Image,
}

fn compared(tokens: i64, pixels: i64, beta: f64) -> Compared {
    Compared { beta, text: Text { tokens, nll: 0.0 }, image: Image { pixels, error: 0.0 } }
}

#[test]
fn parts_that_agree_say_what_a_field_beside_them_counts() -> booster::Result<()> {
    let mut mean = Aggregator::new();
    mean.update(&compared(3, 3, 0.0))?;
    mean.update(&compared(1, 1, 1.0))?;
    assert_eq!(mean.summary()?.info.beta, 0.25);
    Ok(())
}

#[test]
fn parts_that_differ_are_named() -> booster::Result<()> {
    let mut mean = Aggregator::new();
    mean.update(&compared(1, 1, 3.0))?;
    let refused = mean.update(&compared(3, 4, 0.0)).unwrap_err().to_string();
    assert!(refused.contains("`image/pixels` has 4 samples, but `text/tokens` has 3"), "{refused}");
    assert_eq!(mean.summary()?.info.beta, 3.0, "the update is not taken in");
    assert!(Compared::gather(vec![compared(3, 4, 0.0), compared(3, 3, 0.0)]).is_err());
    Ok(())
}

struct Net;

#[derive(Batch)]
struct Points {
    x: Tensor,
}

/// A batch-level value, and what says nothing of the samples.
#[evaluator]
fn level(model: &Net, batch: &Points, _: Mode) -> booster::Result<Tensor> {
    let _ = model;
    #[group = "info"]
    let level: Tensor = batch.x.f_max()?;
    Ok(batch.x.f_mean(Kind::Float)?)
}

#[evaluator]
fn differing(model: &Net, batch: &Points, _: Mode) -> booster::Result<(Loss, Both, ())> {
    let _ = model;
    Ok((batch.x.f_mean(Kind::Float)?.into(), both(batch.x.size()[0], 100, 1.0), ()))
}

fn batch(level: f32, length: i64) -> Points {
    Points { x: ones(length) * f64::from(level) }
}

#[test]
fn a_step_counts_the_size_of_the_batch_where_nothing_else_is_said() -> booster::Result<()> {
    let net = |_: &nn::Path<'_>| Net;
    let mut pipeline = Pipeline::build(Device::Cpu, net, Level::new());
    let mut many = DataParallelPipeline::build(&[Device::Cpu; 2], net, Level::new())?;
    let (mut one, mut two) = (Aggregator::new(), Aggregator::new());
    for (level, length) in [(0.0, 9), (1.0, 1), (1.0, 2)] {
        let step = validation_step(&mut pipeline, &batch(level, length))?;
        assert_eq!(step.batch_size, Some(length));
        one.update(&step)?;
        two.update(&validation_step(&mut many, &batch(level, length))?)?;
    }
    assert_eq!(one.summary()?.info.level, 0.25);
    assert_eq!(two.summary()?.info.level, 0.25);
    Ok(())
}

#[test]
fn shards_of_a_step_count_their_own_sizes() -> booster::Result<()> {
    let mut many = DataParallelPipeline::build(&[Device::Cpu; 2], |_: &nn::Path<'_>| Net, Level::new())?;
    let points = Points { x: Tensor::from_slice(&[1.0f32, 1.0, 4.0]) };
    assert_eq!(validation_step(&mut many, &points)?.summary()?.info.level, 2.0);
    Ok(())
}

#[test]
fn a_step_of_parts_that_differ_counts_the_size_of_the_batch() -> booster::Result<()> {
    let mut pipeline = Pipeline::build(Device::Cpu, |_: &nn::Path<'_>| Net, Differing::new());
    let mut mean = Aggregator::new();
    for length in [3, 5] {
        mean.update(&validation_step(&mut pipeline, &batch(1.0, length))?)?;
    }
    let summary = mean.summary()?;
    assert!(summary.step.elapsed > 0.0);
    assert_eq!(summary.text.text.tokens, 8.0);
    Ok(())
}

#[derive(Diagnostic)]
struct CountedInATensor {
    #[group = "info"]
    #[metric(samples)]
    tokens: Tensor,
    #[group = "info"]
    seconds: f64,
}

#[test]
fn host_numbers_are_gathered_by_samples_counted_in_a_tensor() -> booster::Result<()> {
    let shard = |tokens: i64, seconds| CountedInATensor { tokens: Tensor::from(tokens), seconds };
    let summary = CountedInATensor::gather(vec![shard(1, 1.0), shard(3, 5.0)])?.summary()?;
    assert_eq!((summary.info.seconds, summary.info.tokens), (4.0, 4.0));
    Ok(())
}

#[derive(Diagnostic)]
struct Middle {
    #[diagnostic(flatten)]
    text: Text,
}

#[derive(Diagnostic)]
struct Around {
    #[group = "info"]
    beta: f64,
    #[diagnostic(flatten)]
    middle: Middle,
}

#[test]
fn a_part_that_says_nothing_passes_on_what_its_own_parts_say() -> booster::Result<()> {
    let mut mean = Aggregator::new();
    for (tokens, beta) in [(3, 0.0), (1, 1.0)] {
        mean.update(&Around { beta, middle: Middle { text: Text { tokens, nll: 0.0 } } })?;
    }
    assert_eq!(mean.summary()?.info.beta, 0.25);
    Ok(())
}

/// A batch-level value that waits to be reduced with those of other updates.
#[derive(Diagnostic)]
struct OfText {
    #[group = "text"]
    #[metric(samples)]
    sentences: i64,
    #[group = "text"]
    #[metric(mean, max)]
    length: f64,
}

#[derive(Diagnostic)]
struct OfImages {
    #[group = "image"]
    #[metric(samples)]
    images: i64,
    #[group = "image"]
    #[metric(mean, max)]
    contrast: f64,
}

#[derive(Diagnostic)]
struct OfBoth {
    #[diagnostic(flatten)]
    text: OfText,
    #[diagnostic(flatten)]
    image: OfImages,
}

#[test]
fn values_of_one_window_count_the_samples_of_their_own_struct() -> booster::Result<()> {
    let mut mean = Aggregator::new();
    for (value, sentences, images) in [(1.0, 3, 1), (5.0, 1, 3)] {
        let (text, image) = (OfText { sentences, length: value }, OfImages { images, contrast: value });
        mean.update(&OfBoth { text, image })?;
    }
    let summary = mean.summary()?;
    assert_eq!((summary.text.text.length, summary.image.image.contrast), (2.0, 4.0));
    Ok(())
}
