//! Types that are sinks, and the tags they receive.

use booster::functional::image_grid;
use booster::logging::{Curves, Image, Point, PointData, TextLog, WrittenTags};
use booster::prelude::*;
use booster::tch::{Device, Kind, Tensor};

type Outcome = Result<(), Box<dyn std::error::Error>>;

#[derive(Diagnostic)]
struct Measured {
    #[group = "loss"]
    nll: f64,
}

/// Records the tags.
#[derive(Default)]
struct Tags {
    written: Vec<String>,
    flushes: usize,
}

impl Sink for Tags {
    fn points(&mut self, step: u64, points: &[Point<'_>]) -> booster::Result<()> {
        self.written.extend(points.iter().map(|point| format!("{step} {}/{}", point.group, point.name)));
        Ok(())
    }

    fn flush(&mut self) -> booster::Result<()> {
        self.flushes += 1;
        Ok(())
    }
}

fn report(sink: &mut dyn Sink, step: u64) -> booster::Result<()> {
    Measured { nll: 1.0 }.summary()?.log(sink, step)?;
    Measured { nll: 1.0 }.log(sink, step + 1)?;
    let image = image_grid(&Tensor::zeros([1, 1, 2, 2], (Kind::Float, Device::Cpu)), 1, 0)?;
    Image::from_tensor(&image)?.log(sink, "samples", "prior", step)
}

/// Takes the sink by value, like a logger that owns it.
fn keep(mut sink: impl Sink) -> booster::Result<()> {
    report(&mut sink, 7)?;
    sink.flush()
}

#[test]
fn a_sink_whose_type_is_erased_is_logged_to() -> Outcome {
    let mut tags = Tags::default();
    report(&mut tags, 1)?;
    assert_eq!(tags.written, ["1 loss/nll", "2 loss/nll", "1 samples/prior"]);
    Ok(())
}

#[test]
fn a_borrowed_and_a_boxed_sink_are_sinks() -> Outcome {
    let mut tags = Tags::default();
    keep(&mut tags)?;
    keep(Box::new(&mut tags) as Box<dyn Sink + '_>)?;
    keep((&mut tags as &mut dyn Sink, Vec::<Box<dyn Sink>>::new()))?;
    assert_eq!((tags.written.len(), tags.flushes), (9, 3));
    Ok(())
}

/// The two players of a GAN: both have a loss.
#[derive(Diagnostic)]
struct Player {
    #[group = "loss"]
    loss: Tensor,
}

fn player(loss: f32) -> Player {
    Player { loss: Tensor::from_slice(&[loss]) }
}

fn scalar(name: &str) -> Point<'_> {
    Point { group: "loss", name, data: PointData::Scalar(0.5) }
}

/// One sink of each kind, in a folder.
fn of_each_kind(folder: &std::path::Path) -> booster::Result<[Box<dyn Sink>; 3]> {
    let (log, curves) = (TextLog::create(folder.join("train.log"))?, Curves::create(folder.join("a.svg"), "train")?);
    Ok([Box::new(TensorBoard::create(folder)?), Box::new(log), Box::new(curves)])
}

#[test]
fn a_tag_that_is_written_twice_at_one_step_is_an_error() -> Outcome {
    let folder = tempfile::tempdir()?;
    for mut sink in of_each_kind(folder.path())? {
        player(0.5).log(&mut sink, 3)?;
        let error = player(5.0).log(&mut sink, 3).expect_err("`loss/loss` again").to_string();
        for part in ["`loss/loss`", "step 3", "sink.under("] {
            assert!(error.contains(part), "{error}");
        }
        // Other tags, steps and prefixes are unaffected.
        Measured { nll: 1.0 }.log(&mut sink, 3)?;
        player(5.0).log(&mut sink.under("generator"), 3)?;
        let error = player(5.0).log(&mut sink.under("generator"), 3).expect_err("under one prefix").to_string();
        assert!(error.starts_with("`generator/loss/loss` was already written at step 3"), "{error}");
        for step in [4, 100, 0] {
            player(0.5).log(&mut sink, step)?;
            assert!(player(0.5).log(&mut sink, step).is_err());
        }
        let error = sink.points(5, &[scalar("nll"), scalar("kl"), scalar("nll")]).expect_err("in one call").to_string();
        assert!(error.starts_with("`loss/nll`"), "{error}");
        sink.points(5, &[scalar("nll"), scalar("kl")])?;
    }
    let log = std::fs::read_to_string(folder.path().join("train.log"))?;
    assert_eq!(log.matches("step 3").count(), 3, "nothing of an error is written: {log}");
    Ok(())
}

#[test]
fn a_run_that_is_resumed_writes_steps_again_to_a_new_sink() -> Outcome {
    let folder = tempfile::tempdir()?;
    for _ in 0..2 {
        player(0.5).log(&mut TensorBoard::create(folder.path())?, 3)?;
    }
    Ok(())
}

#[test]
fn two_sinks_of_one_part_of_a_picture_are_one() -> Outcome {
    let folder = tempfile::tempdir()?;
    let mut train = Curves::create(folder.path().join("curves.svg"), "train")?;
    player(0.5).log(&mut train, 3)?;
    player(0.5).log(&mut train.beside("test"), 3)?;
    assert!(player(0.5).log(&mut train.beside("train"), 3).is_err());
    Ok(())
}

#[test]
fn what_could_not_be_written_can_be_written_again() -> Outcome {
    let mut written = WrittenTags::default();
    let full = || Err(booster::Error::custom("the disk is full"));
    assert_eq!(written.once(1, &[scalar("nll")], full).expect_err("full").to_string(), "the disk is full");
    written.once(1, &[scalar("nll")], || Ok(()))?;
    assert!(matches!(
        written.once(1, &[scalar("nll")], || Ok(())),
        Err(booster::Error::DuplicateTag { tag, step: 1 }) if tag == "loss/nll"
    ));
    Ok(())
}

#[test]
fn prefixes_come_before_the_group_and_nest() -> Outcome {
    let mut tags = Tags::default();
    let erased: &mut dyn Sink = &mut tags;
    Measured { nll: 1.0 }.log(&mut erased.under("fold 1").under("generator"), 1)?;
    let mut both = (erased.under("a/b"), Vec::<Tags>::new());
    Measured { nll: 1.0 }.log(&mut both, 2)?;
    both.flush()?;
    assert_eq!(tags.written, ["1 fold 1/generator/loss/nll", "2 a/b/loss/nll"]);
    assert_eq!(tags.flushes, 1);
    Ok(())
}
