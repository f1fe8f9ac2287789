//! The program `vae`, run from the command line.

mod common;

use std::error::Error;
use std::fs;
use std::path::Path;
use std::process::Output;

use common::Outcome;

const PROGRAM: &str = env!("CARGO_BIN_EXE_vae");

/// Runs the program in `folder` with space-separated `arguments`.
fn run(folder: &Path, arguments: &str) -> std::io::Result<Output> {
    common::run(PROGRAM, folder, arguments)
}

/// The output of a run that must succeed.
fn printed(folder: &Path, arguments: &str) -> Result<String, Box<dyn Error>> {
    let output = run(folder, arguments)?;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?)
}

/// A value from the final table.
fn value(text: &str, name: &str) -> Option<f64> {
    let line = text.lines().find(|line| line.split_whitespace().rev().nth(1) == Some(name))?;
    line.split_whitespace().next_back()?.parse().ok()
}

#[test]
fn a_run_learns_and_leaves_images_and_logs() -> Outcome {
    let folder = tempfile::tempdir()?;
    let text = printed(folder.path(), "--epochs 20")?;
    // 64 independent pixels, each with its own mean, have a log-likelihood of -27.1 nats.
    let (elbo, bound) = (value(&text, "elbo"), value(&text, "iw_bound"));
    assert!(elbo > Some(-26.5) && bound > elbo && bound < Some(0.0), "{text}");
    let last = text.lines().last().and_then(|line| line.strip_prefix("test elbo ")?.strip_suffix(" nats"));
    assert!(last.ok_or("unexpected last line")?.parse::<f64>()? > -26.5, "{text}");
    assert_eq!(text.lines().filter(|line| line.starts_with("epoch ")).count(), 20);
    let run = folder.path().join("runs/vae-1");
    for (name, height) in [("samples.png", 8), ("reconstructions.png", 2)] {
        let png = fs::read(run.join(name))?;
        assert_eq!(png[1..4], *b"PNG", "{name}");
        let size = |at: usize| u32::from_be_bytes([png[at], png[at + 1], png[at + 2], png[at + 3]]);
        assert_eq!((size(16), size(20)), (2 + 16 * 26, 2 + height * 26), "{name}: digits of 8x8 are enlarged to 24x24");
    }
    for (part, least) in [("train", 100), ("test", 20_000)] {
        let file = fs::read_dir(run.join(part))?.next().ok_or("no event file")??;
        assert!(file.metadata()?.len() > least, "{part}");
    }
    Ok(())
}

#[test]
fn the_seed_decides_every_number() -> Outcome {
    let folder = tempfile::tempdir()?;
    let text = |seed: u64| printed(folder.path(), &format!("--epochs 1 --hidden 32 --log-dir log --seed {seed}"));
    let first = text(3)?;
    assert_eq!(first, text(3)?);
    assert_ne!(first, text(4)?);
    Ok(())
}

#[test]
fn each_option_reaches_the_loss() -> Outcome {
    let folder = tempfile::tempdir()?;
    let kl = |arguments: &str| -> Result<Option<f64>, Box<dyn Error>> {
        Ok(value(
            &printed(folder.path(), &format!("--epochs 4 --hidden 64 --latent 8 --log-dir log {arguments}"))?,
            "kl",
        ))
    };
    let plain = kl("")?;
    let no_cost = kl("--beta 0")?;
    assert!(no_cost > plain.map(|kl| kl + 5.0), "without a penalty the divergence must grow: {no_cost:?} {plain:?}");
    assert!(kl("--beta 20")? < Some(0.5), "with a high penalty the latents must not be used");
    let free = kl("--free-bits 6 --beta 20")?;
    assert!(free > Some(3.0), "free bits must not be penalized: {free:?}");
    assert!(kl("--warm-up 1000")? > plain, "the penalty must still be small");
    assert_ne!(kl("--importance-samples 5")?, plain);
    Ok(())
}

#[test]
fn values_out_of_range_are_rejected_with_the_expected_range() -> Outcome {
    let refused = [
        ("--beta -1", "unexpected argument"),
        ("--beta=-1", "expected a number from 0 to 1e18"),
        ("--free-bits nan", "expected a number from 0 to 1e18"),
        ("--latent 0", "0 is not in 1..=4096"),
        ("--importance-samples 0", "0 is not in 1..=4096"),
        ("--epochs 0", "expected a positive integer"),
    ];
    common::refuses(PROGRAM, &refused)
}

#[test]
fn a_run_with_missing_data_ends_before_it_writes_files() -> Outcome {
    let folder = tempfile::tempdir()?;
    let output = run(folder.path(), "--data nowhere")?;
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "error: `nowhere` is not a folder\n");
    assert_eq!(fs::read_dir(folder.path())?.count(), 0);
    Ok(())
}
