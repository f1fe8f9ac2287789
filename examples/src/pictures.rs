//! Samples and reconstructions of a generative model as images.

use booster::distributions::Likelihood;
use booster::evaluation::VariationalInference;
use booster::functional::image_grid;
use booster::logging::Image;
use booster::models::SimpleVae;
use booster::prelude::*;
use tch::{Tensor, no_grad};

/// Images per row.
const COLUMNS: i64 = 16;

/// Smaller images are enlarged to about this height to be visible.
const LEAST_HEIGHT: i64 = 28;

/// Generates 128 images from the prior.
///
/// # Errors
/// Returns an error if the model fails.
pub fn samples<L: Likelihood>(model: &SimpleVae<L>) -> booster::Result<Image> {
    no_grad(|| picture(&model.sample_from_prior(8 * COLUMNS)?.mean()?))
}

/// Shows the first test images, each above its reconstruction.
///
/// # Errors
/// Returns [`booster::Error::EmptyBatch`] if there are no batches, or an error if the model fails.
pub fn reconstructions<L: Likelihood>(
    pipeline: &mut Pipeline<VariationalInference<SimpleVae<L>>>,
    batches: &[Tensor],
) -> booster::Result<Image> {
    let first = batches.first().ok_or(booster::Error::EmptyBatch)?;
    let images = first.f_narrow(0, 0, COLUMNS.min(first.size4()?.0))?;
    let (_, _, output) = no_grad(|| pipeline.evaluate(&images, Mode::Eval))?;
    picture(&Tensor::f_cat(&[images, output.reconstruction.mean()?], 0)?)
}

/// Arranges images `[samples, channels, height, width]` in rows.
fn picture(images: &Tensor) -> booster::Result<Image> {
    let (_, _, height, width) = images.size4()?;
    let scale = (LEAST_HEIGHT / height).max(1);
    let enlarged = images.f_upsample_nearest2d([height * scale, width * scale], None, None)?;
    Image::from_tensor(&image_grid(&enlarged, COLUMNS, 2)?)
}
