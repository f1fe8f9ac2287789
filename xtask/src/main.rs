//! `cargo xtask <command>`: development commands beyond cargo.
//!
//! - `setup` installs libtorch in the user's cache folder and links `.libtorch` to it;
//! - `demo` runs an example, `test` all tests, `ci` all checks that a change must pass;
//! - `bench` compares booster with its rivals, and `compare` runs cases that they get wrong.

mod bench;
mod cache;
mod ci;
mod demo;
mod own_crate;
mod progress;
mod python;
mod setup;
mod steps;
mod test;
mod workspace;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use setup::Flavor;
use workspace::Workspace;

/// Development commands of the booster workspace.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Install libtorch for this checkout, unless `LIBTORCH` or `LIBTORCH_USE_PYTORCH` names one.
    Setup {
        /// Install the CUDA build with its libraries (a download of about 2.7 GB; Linux only).
        #[arg(long)]
        cuda: bool,
        /// Reinstall even if the copy is complete.
        #[arg(long)]
        force: bool,
    },
    /// Run an example in release mode.
    Demo {
        /// Name of the example.
        #[arg(default_value = "classification")]
        name: String,
        /// Arguments passed to the example.
        #[arg(last = true)]
        arguments: Vec<OsString>,
    },
    /// Run all tests: unit, documentation, integration, compile-fail and xtask's own.
    Test,
    /// Compare booster with its rivals and write the results to `target/bench.json`.
    Bench {
        /// Measure only keys that contain this text.
        filter: Option<String>,
        /// Also measure rivals in this Python interpreter with torch and torchmetrics.
        #[arg(long, value_name = "PATH")]
        python: Option<PathBuf>,
    },
    /// Run cases that other tools get wrong, with those tools and with booster.
    Compare {
        /// A Python interpreter with torch, torchmetrics, lightning, transformers and flax.
        #[arg(long, value_name = "PATH")]
        python: Option<PathBuf>,
        /// Also run the burn case, which downloads and builds burn (takes minutes).
        #[arg(long)]
        burn: bool,
    },
    /// Create, run and test a crate outside the checkout by following the README.
    OwnCrate,
    /// Run every check that a change must pass.
    Ci,
}

fn main() -> ExitCode {
    let outcome = run(Arguments::parse().command);
    outcome.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}

fn run(command: Command) -> anyhow::Result<ExitCode> {
    let workspace = Workspace::find()?;
    match command {
        Command::Setup { cuda, force } => {
            let flavor = if cuda { Flavor::Cuda } else { Flavor::Cpu };
            setup::install(&workspace, flavor, force)?;
        }
        Command::Demo { name, arguments } => return demo::run(&workspace, &name, &arguments),
        Command::Test => test::run(&workspace)?,
        Command::Bench { filter, python } => return bench::run(&workspace, python.as_deref(), filter.as_deref()),
        Command::Compare { python, burn } => return bench::compare(&workspace, python.as_deref(), burn),
        Command::OwnCrate => {
            setup::ensure(&workspace)?;
            own_crate::run(&workspace)?;
        }
        Command::Ci => ci::run(&workspace)?,
    }
    Ok(ExitCode::SUCCESS)
}
