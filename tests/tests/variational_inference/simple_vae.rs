//! booster's variational autoencoder.

use booster::distributions::{Bernoulli, Distribution, Normal};
use booster::evaluation::VariationalInference;
use booster::models::{SimpleVae, SimpleVaeConfig};
use booster::prelude::*;
use booster::tch::nn::{self, OptimizerConfig};
use booster::tch::{Device, Kind, Tensor, manual_seed};
use booster_tests::{generator, relative_difference};

use super::Outcome;

const FLOATS: (Kind, Device) = (Kind::Float, Device::Cpu);

fn config() -> SimpleVaeConfig {
    SimpleVaeConfig { hidden: vec![32, 16], latent: 3 }
}

#[test]
fn shapes_and_kinds_follow_the_observed_and_the_weights() -> Outcome {
    let _turn = generator();
    let mut variables = nn::VarStore::new(Device::Cpu);
    let images = SimpleVae::<Bernoulli>::new(&(variables.root() / "images"), &[3, 4, 5], &config());
    let vectors = SimpleVae::<Normal>::new(&(variables.root() / "vectors"), &[7], &config());
    variables.double();
    assert_eq!(variables.len(), 2 * 12);
    let bytes = Tensor::zeros([2, 3, 4, 5], (Kind::Uint8, Device::Cpu));
    let posterior = images.encode(&bytes)?;
    assert_eq!((posterior.batch_shape(), posterior.loc().kind()), (vec![2, 3], Kind::Double));
    assert_eq!(images.decode(posterior.loc())?.batch_shape(), [2, 3, 4, 5]);
    let samples = vectors.sample_from_prior(6)?;
    assert_eq!((samples.batch_shape(), samples.log_scale().kind()), (vec![6, 7], Kind::Double));
    assert!(images.encode(&Tensor::zeros([2, 3], FLOATS)).is_err(), "an error, no panic");
    assert!(images.decode(&Tensor::zeros([2, 4], (Kind::Double, Device::Cpu))).is_err());
    Ok(())
}

#[test]
fn rectified_linear_units_lie_between_the_layers_alone() -> Outcome {
    let _turn = generator();
    let variables = nn::VarStore::new(Device::Cpu);
    let vae = SimpleVae::<Bernoulli>::new(&variables.root(), &[7], &config());
    let by_name = variables.variables();
    let through = |part: &str, input: &Tensor| {
        (0..3).fold(input.shallow_clone(), |hidden, layer| {
            let parameter = |name| &by_name[&format!("{part}.{layer}.{name}")];
            let hidden = if layer == 0 { hidden } else { hidden.relu() };
            hidden.linear(parameter("weight"), Some(parameter("bias")))
        })
    };
    let (observed, latents) = (Tensor::randn([5, 7], FLOATS), Tensor::randn([5, 3], FLOATS));
    let posterior = vae.encode(&observed)?;
    let parameters = Tensor::cat(&[posterior.loc(), posterior.log_scale()], 1);
    assert!(relative_difference(&parameters, &through("encoder", &observed)) < 1e-6);
    assert!(relative_difference(vae.decode(&latents)?.logits(), &through("decoder", &latents)) < 1e-6);
    Ok(())
}

/// Two kinds of samples, each of four values that hang together.
fn stripes(count: i64) -> Tensor {
    let kinds = Tensor::full([count, 1], 0.5, FLOATS).bernoulli();
    Tensor::cat(&[&kinds, &kinds, &(1.0 - &kinds), &(1.0 - &kinds)], 1)
}

#[test]
fn it_learns_what_it_is_shown_and_generates_it() -> Outcome {
    let _turn = generator();
    manual_seed(3);
    let vae = |path: &nn::Path<'_>| SimpleVae::<Bernoulli>::new(path, &[4], &config());
    let mut pipeline = Pipeline::build(Device::Cpu, vae, VariationalInference::new());
    let mut optimizer = nn::Adam::default().build(pipeline.var_store(), 1e-2)?;
    for _ in 0..300 {
        training_step(&mut pipeline, &stripes(64), &mut optimizer)?;
    }
    pipeline.evaluator_mut().importance_samples = 100;
    let summary = validation_step(&mut pipeline, &stripes(500))?.summary()?;
    let bound = summary.loss.iw_bound.ok_or("no bound")?;
    // The entropy of the data is ln 2; independent values would need 4 ln 2.
    assert!((-1.2..=-0.6).contains(&bound), "{bound}");
    assert!(summary.loss.kl > 0.3, "{summary}");
    let samples = pipeline.model().sample_from_prior(500)?.mean()?;
    let apart = (samples.select(1, 0) - samples.select(1, 1)).abs().mean(Kind::Double).double_value(&[]);
    let spread = samples.select(1, 0).std(true).double_value(&[]);
    assert!(apart < 0.1 && spread > 0.3, "{apart} {spread}");
    Ok(())
}

#[test]
fn the_seed_decides_weights_and_samples() -> Outcome {
    let _turn = generator();
    let samples = |seed| -> booster::Result<Tensor> {
        manual_seed(seed);
        let variables = nn::VarStore::new(Device::Cpu);
        SimpleVae::<Normal>::new(&variables.root(), &[5], &config()).sample_from_prior(4)?.mean()
    };
    assert_eq!(samples(1)?, samples(1)?);
    assert!(relative_difference(&samples(1)?, &samples(2)?) > 1e-3);
    Ok(())
}

#[test]
fn it_trains_on_many_devices() -> Outcome {
    let _turn = generator();
    let vae = |path: &nn::Path<'_>| SimpleVae::<Bernoulli>::new(path, &[1, 4, 4], &config());
    let evaluator = VariationalInference::new().with_importance_samples(3);
    let images = Tensor::rand([7, 1, 4, 4], FLOATS).gt(0.5).to_kind(Kind::Float);
    let run = || -> booster::Result<Vec<f64>> {
        manual_seed(6);
        let mut pipeline = DataParallelPipeline::build(&[Device::Cpu; 3], vae, evaluator.clone())?.take_turns()?;
        let mut trainer = Trainer::builder(nn::Adam::default().build(pipeline.var_store(), 1e-2)?).build()?;
        let mut elbo = Vec::new();
        for _ in 0..30 {
            let step = trainer.step(&mut pipeline, &images)?;
            assert_eq!(step.diagnostics.elbo.size(), [7]);
            assert!(
                relative_difference(&(&step.diagnostics.nll + &step.diagnostics.kl), &-&step.diagnostics.elbo) < 1e-5
            );
            elbo.push(step.summary()?.loss.elbo);
        }
        trainer.finish_window(&mut pipeline)?;
        Ok(elbo)
    };
    let elbo = run()?;
    assert!(elbo[25..].iter().sum::<f64>() > elbo[..5].iter().sum::<f64>() + 5.0, "{elbo:?}");
    assert_eq!(run()?, elbo);
    Ok(())
}
