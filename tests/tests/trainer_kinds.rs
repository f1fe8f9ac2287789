//! Gradients that are not dense single-precision numbers: half precision, complex, sparse.

use booster::prelude::*;
use booster::tch::nn::{self, ModuleT, OptimizerConfig};
use booster::tch::{Device, Kind, Tensor};
use booster_tests::{generator, relative_difference};

type Outcome = Result<(), Box<dyn std::error::Error>>;

const REDUCED: [Kind; 2] = [Kind::Half, Kind::BFloat16];

/// The mean of a linear model's outputs.
#[evaluator]
fn linear(model: &Tensor, batch: &Tensor, mode: Mode) -> booster::Result<Tensor> {
    let _ = mode;
    Ok(batch.f_mv(model)?.f_to_kind(Kind::Float)?.f_mean(None)?)
}

/// The same, computed in half precision from parameters in higher precision.
#[evaluator]
fn cast(model: &Tensor, batch: &Tensor, mode: Mode) -> booster::Result<Tensor> {
    let _ = mode;
    Ok(batch.f_mv(&model.f_to_kind(batch.kind())?)?.f_to_kind(Kind::Float)?.f_mean(None)?)
}

#[test]
fn a_window_of_many_samples_stays_in_the_range_of_half_precision() -> Outcome {
    fn gradient<E: Evaluator<Model = Tensor, Batch = Tensor>>(
        evaluator: E,
        parameters: Kind,
        window: u64,
    ) -> booster::Result<Tensor> {
        let net = |path: &nn::Path<'_>| path.add("w", Tensor::zeros([4], (parameters, Device::Cpu)), true);
        let mut pipeline = Pipeline::build(Device::Cpu, net, evaluator);
        let mut trainer =
            Trainer::builder(nn::Sgd::default().build(pipeline.var_store(), 0.0)?).accumulate(window).build()?;
        // Each sample has a gradient of 8: their sum is beyond 65504.
        let batch = Tensor::full([16_384, 4], 8.0, (Kind::Half, Device::Cpu));
        for _ in 0..window {
            trainer.step(&mut pipeline, &batch)?;
        }
        trainer.finish_window(&mut pipeline)?;
        Ok(pipeline.var_store().variables()["w"].grad())
    }
    for window in [1, 2, 5] {
        for found in [gradient(Linear::new(), Kind::Half, window)?, gradient(Cast::new(), Kind::Float, window)?] {
            assert!(relative_difference(&found, &found.full_like(8.0)) < 1e-3, "{window}: {found}");
        }
    }
    Ok(())
}

/// A gradient of 0.01 for each weight as the mean over `tokens`.
#[evaluator]
fn told(model: &Tensor, batch: &Tensor, mode: Mode, #[param] tokens: f64) -> booster::Result<Loss> {
    let _ = mode;
    let mean = (model.f_to_kind(Kind::Float)? * batch).f_sum(None)?;
    Ok(Loss::weighted(mean, Tensor::from(tokens)))
}

#[test]
fn shares_of_a_window_and_factors_of_a_clip_are_not_rounded_to_the_parameters_kind() -> Outcome {
    for kind in [Kind::Float, Kind::Half, Kind::BFloat16] {
        for tokens in [1.0, 1e5, 4e6] {
            for window in [1, 2, 3, 7] {
                for clip in [None, Some(1e-3)] {
                    let net = |path: &nn::Path<'_>| path.add("w", Tensor::zeros([2], (kind, Device::Cpu)), true);
                    let mut pipeline = Pipeline::build(Device::Cpu, net, Told::new(tokens));
                    let sgd = nn::Sgd::default().build(pipeline.var_store(), 0.0)?;
                    let mut trainer = Trainer::builder(sgd).accumulate(window).build()?;
                    if let Some(most) = clip {
                        trainer = trainer.into_builder().clip_norm(most).build()?;
                    }
                    let gradients = Tensor::from_slice(&[0.03f32, 0.04]).to_kind(kind);
                    for _ in 0..window {
                        trainer.step(&mut pipeline, &gradients.to_kind(Kind::Float))?;
                    }
                    let found = pipeline.var_store().variables()["w"].grad();
                    let exact = gradients.to_kind(Kind::Double);
                    let norm = exact.norm().double_value(&[]);
                    let expected = exact * clip.map_or(1.0, |most| most / (norm + 1e-6));
                    // Within one unit in the last place of the kind.
                    let least = if kind == Kind::BFloat16 { 4e-3 } else { 5e-4 };
                    let difference = relative_difference(&found, &expected);
                    assert!(difference < least, "{kind:?}, {tokens} tokens, {window} batches: {difference}");
                    assert_eq!(found.kind(), kind);
                }
            }
        }
    }
    Ok(())
}

#[test]
fn the_mean_of_a_long_window_in_half_precision_is_the_nearest_number() -> Outcome {
    let thirds = vec![1.0f32, 0.0, 0.0];
    // In half precision the mean would stall, once a batch adds less than half a unit in the last place.
    let late = [[0.0f32; 100], [1.0; 100]].concat();
    for kind in REDUCED {
        for (gradients, mean) in [(&thirds, 1.0f32 / 3.0), (&late, 0.5)] {
            let net = |path: &nn::Path<'_>| path.add("w", Tensor::zeros([1], (kind, Device::Cpu)), true);
            let mut pipeline = Pipeline::build(Device::Cpu, net, Told::new(1.0));
            let sgd = nn::Sgd::default().build(pipeline.var_store(), 0.0)?;
            let mut trainer = Trainer::builder(sgd).accumulate(gradients.len() as u64).build()?;
            for &gradient in gradients {
                trainer.step(&mut pipeline, &Tensor::from_slice(&[gradient]))?;
            }
            let found = pipeline.var_store().variables()["w"].grad();
            assert_eq!(found, Tensor::from_slice(&[mean]).to_kind(kind));
        }
    }
    Ok(())
}

/// `|x w|^2` with complex weights; its gradient, as PyTorch defines it, is `2 x^2 w`.
#[evaluator]
fn spectral(model: &Tensor, batch: &Tensor, mode: Mode) -> booster::Result<Tensor> {
    let _ = mode;
    let power = (batch.f_to_kind(model.kind())? * model).f_abs()?.f_square()?;
    Ok(power.f_sum_dim_intlist(-1, false, None)?.f_mean(None)?)
}

#[test]
fn complex_parameters_are_measured_and_clipped_by_their_absolute_values() -> Outcome {
    for (kind, conjugated) in [(Kind::ComplexFloat, false), (Kind::ComplexDouble, false), (Kind::ComplexDouble, true)] {
        for window in [1, 2] {
            for clip in ["none", "norm", "value"] {
                let weights = Tensor::from_slice2(&[[3.0, 4.0], [0.0, -12.0]]).view_as_complex().to_kind(kind);
                let weights = if conjugated { weights.conj() } else { weights };
                let net = |path: &nn::Path<'_>| path.add("w", weights.shallow_clone(), true);
                let mut pipeline = Pipeline::build(Device::Cpu, net, Spectral::new());
                let trainer = Trainer::builder(nn::Sgd::default().build(pipeline.var_store(), 0.0)?).accumulate(window);
                let mut trainer = match clip {
                    "norm" => trainer.clip_norm(1.3),
                    "value" => trainer.clip_value(7.0),
                    _ => trainer,
                }
                .build()?;
                let batch = Tensor::ones([2, 2], (Kind::Float, Device::Cpu));
                let mut norm = None;
                for _ in 0..window {
                    norm = trainer.step(&mut pipeline, &batch)?.gradient_norm;
                }
                let norm = norm.ok_or("a step")?;
                assert!((norm.double_value(&[]) - 26.0).abs() < 1e-4 && !norm.is_complex(), "{norm}");
                trainer.finish_window(&mut pipeline)?;
                let gradient = pipeline.var_store().variables()["w"].grad();
                assert_eq!(gradient.kind(), kind);
                let expected = match clip {
                    "norm" => &weights * 2.0 * (1.3 / (26.0 + 1e-6)),
                    "value" => (&weights * 2.0).resolve_conj().view_as_real().clamp(-7.0, 7.0).view_as_complex(),
                    _ => &weights * 2.0,
                };
                let parts = |tensor: &Tensor| tensor.resolve_conj().view_as_real();
                assert!(relative_difference(&parts(&gradient), &parts(&expected)) < 1e-6, "{kind:?} {clip}");
            }
        }
    }
    Ok(())
}

#[evaluator]
fn looked_up(model: &nn::Embedding, batch: &Tensor, mode: Mode) -> booster::Result<Tensor> {
    Ok(model.forward_t(batch, mode.is_train()).f_square()?.f_sum_dim_intlist(-1, false, None)?.f_mean(None)?)
}

fn embedding(sparse: bool) -> Pipeline<LookedUp> {
    let net = |path: &nn::Path<'_>| {
        let config = nn::EmbeddingConfig { sparse, ws_init: nn::Init::Const(1.5), ..nn::EmbeddingConfig::default() };
        nn::embedding(path, 5, 3, config)
    };
    Pipeline::build(Device::Cpu, net, LookedUp::new())
}

#[test]
fn sparse_gradients_are_clipped_and_accumulated_as_dense_ones() -> Outcome {
    // Sample 3 occurs twice, so its sum is clipped.
    let batches = [&[1i64, 3, 3][..], &[2, 3], &[0, 0, 0, 0]].map(Tensor::from_slice);
    for window in [1, 2, 3] {
        for clip in ["none", "norm", "value"] {
            let mut moved = Vec::new();
            for sparse in [false, true] {
                let mut pipeline = embedding(sparse);
                let trainer = Trainer::builder(nn::Sgd::default().build(pipeline.var_store(), 0.1)?).accumulate(window);
                let mut trainer = match clip {
                    "norm" => trainer.clip_norm(0.5),
                    "value" => trainer.clip_value(1.2),
                    _ => trainer,
                }
                .build()?;
                for batch in &batches {
                    trainer.step(&mut pipeline, batch)?;
                }
                trainer.finish_window(&mut pipeline)?;
                moved.push(pipeline.var_store().variables()["weight"].detach_copy());
            }
            assert!(relative_difference(&moved[1], &moved[0]) < 1e-6, "{clip}, {window} batches");
        }
    }
    Ok(())
}

#[test]
fn a_sparse_gradient_that_the_optimizer_refuses_is_an_error() -> Outcome {
    let batch = Tensor::from_slice(&[1i64, 3]);
    let mut pipeline = embedding(true);
    let adam = |pipeline: &Pipeline<LookedUp>| nn::Adam::default().build(pipeline.var_store(), 1e-3);
    let refused = |outcome: booster::Result<()>| {
        let error = outcome.expect_err("Adam takes no sparse gradient").to_string();
        assert!(error.starts_with("libtorch: Adam does not support sparse gradients"), "{error}");
        assert!(!error.contains("frame #"), "{error}");
    };
    let mut optimizer = adam(&pipeline)?;
    refused(training_step(&mut pipeline, &batch, &mut optimizer).map(|_| ()));
    for window in [1, 2] {
        let mut trainer = Trainer::builder(adam(&pipeline)?).accumulate(window).build()?;
        for _ in 1..window {
            trainer.step(&mut pipeline, &batch)?;
        }
        refused(trainer.step(&mut pipeline, &batch).map(|_| ()));
        assert!(!pipeline.var_store().variables()["weight"].grad().defined());
        trainer.finish_window(&mut pipeline)?;
        assert_eq!(trainer.steps(), 0);
    }
    // libtorch and the pipeline keep working.
    let mut trainer = Trainer::builder(nn::Sgd::default().build(pipeline.var_store(), 0.1)?).build()?;
    trainer.step(&mut pipeline, &batch)?;
    trainer.finish_window(&mut pipeline)?;
    Ok(())
}

#[test]
fn a_tied_embedding_has_one_gradient_of_both_kinds() -> Outcome {
    /// Looks samples up in a sparse embedding, and decodes with its weights as asked.
    #[evaluator]
    fn decoded(model: &nn::Embedding, batch: &Tensor, mode: Mode, #[param] decodes: bool) -> booster::Result<Tensor> {
        let looked_up = model.forward_t(batch, mode.is_train());
        let loss = looked_up.f_square()?.f_sum_dim_intlist(-1, false, None)?.f_mean(None)?;
        if decodes { Ok(loss + model.ws.f_exp()?.f_mean(None)?) } else { Ok(loss) }
    }
    let _generator = generator();
    for order in [[true, false], [false, true], [false, false], [true, true]] {
        let mut moved = Vec::new();
        for sparse in [false, true] {
            booster::tch::manual_seed(3);
            let net = |path: &nn::Path<'_>| {
                nn::embedding(path, 5, 3, nn::EmbeddingConfig { sparse, ..nn::EmbeddingConfig::default() })
            };
            let mut pipeline = Pipeline::build(Device::Cpu, net, Decoded::new(true));
            let sgd = nn::Sgd::default().build(pipeline.var_store(), 0.1)?;
            let mut trainer = Trainer::builder(sgd).accumulate(2).clip_norm(0.7).build()?;
            for (decodes, batch) in order.into_iter().zip([&[1i64, 3][..], &[3, 4, 2]]) {
                pipeline.evaluator_mut().decodes = decodes;
                trainer.step(&mut pipeline, &Tensor::from_slice(batch))?;
            }
            moved.push(pipeline.var_store().variables()["weight"].detach_copy());
        }
        assert!(relative_difference(&moved[1], &moved[0]) < 1e-6, "{order:?}");
    }
    Ok(())
}

#[test]
fn a_sparse_parameter_of_two_names_is_clipped_once() -> Outcome {
    let net = |path: &nn::Path<'_>| {
        let config = nn::EmbeddingConfig { sparse: true, ws_init: nn::Init::Const(1.5), ..Default::default() };
        let embedding = nn::embedding(path, 5, 3, config);
        let _again = path.add("tied", embedding.ws.shallow_clone(), true);
        embedding
    };
    for window in [1, 2] {
        let mut pipeline = Pipeline::build(Device::Cpu, net, LookedUp::new());
        let sgd = nn::Sgd::default().build(pipeline.var_store(), 0.0)?;
        let mut trainer = Trainer::builder(sgd).accumulate(window).clip_norm(0.5).build()?;
        let mut norm = None;
        for _ in 0..window {
            norm = trainer.step(&mut pipeline, &Tensor::from_slice(&[2i64]))?.gradient_norm;
        }
        // One row of 2 * 1.5.
        let expected = 3.0 * 3.0_f64.sqrt();
        assert!((norm.ok_or("a step")?.double_value(&[]) - expected).abs() < 1e-5);
        let clipped = pipeline.var_store().variables()["weight"].grad().to_dense(None, false).norm();
        assert!((clipped.double_value(&[]) - 0.5).abs() < 1e-6, "{clipped}");
    }
    Ok(())
}
