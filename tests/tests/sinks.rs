//! What can be a sink, and what tags it is given.

use booster::functional::image_grid;
use booster::logging::{Image, Point};
use booster::prelude::*;
use booster::tch::{Device, Kind, Tensor};

type Outcome = Result<(), Box<dyn std::error::Error>>;

#[derive(Diagnostic)]
struct Measured {
    #[group = "loss"]
    nll: f64,
}

/// Keeps the tags.
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

/// Takes the sink by value, as a logger that keeps it does.
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
