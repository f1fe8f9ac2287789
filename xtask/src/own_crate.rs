//! A crate created by following the README's section "In your own crate" to the letter.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::steps::succeed;
use crate::workspace::Workspace;

/// The section with the commands to run.
const OWN_CRATE: &str = "## In your own crate";
/// The section whose first program becomes the crate's `src/main.rs`.
const PROGRAM: &str = "## What it looks like";
/// The README's placeholder for the clone of the repository.
const CLONE: &str = "/path/to/booster";

/// Creates, runs and tests the crate in an empty folder outside the checkout.
///
/// The crate shares the checkout's target folder and dependency versions, so that existing builds are reused.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let readme = fs::read_to_string(workspace.root().join("README.md")).context("reading `README.md`")?;
    let recipe = Recipe::read(&readme)?;
    let folder = tempfile::tempdir().context("creating a folder")?;
    let mut shell = Shell::new(workspace, folder.path());
    share(workspace, folder.path())?;
    shell.run(&recipe.make)?;
    fs::copy(workspace.root().join("Cargo.lock"), shell.folder.join("Cargo.lock")).context("copying `Cargo.lock`")?;
    let main = shell.folder.join("src/main.rs");
    fs::write(&main, recipe.program).with_context(|| format!("writing `{}`", main.display()))?;
    shell.run(&recipe.start)
}

/// Copies the checkout's build profiles to the crate, so that existing builds can be reused.
fn share(workspace: &Workspace, folder: &Path) -> Result<()> {
    let manifest = fs::read_to_string(workspace.root().join("Cargo.toml")).context("reading `Cargo.toml`")?;
    let profile = manifest.find("[profile.").map_or("", |start| &manifest[start..]);
    fs::create_dir(folder.join(".cargo"))?;
    fs::write(folder.join(".cargo/config.toml"), profile).context("writing `.cargo/config.toml`")
}

/// The README's instructions.
#[derive(Debug, PartialEq)]
struct Recipe {
    /// The commands that create the crate.
    make: String,
    /// The complete `src/main.rs`, with its test.
    program: String,
    /// The commands that run the crate.
    start: String,
}

impl Recipe {
    fn read(readme: &str) -> Result<Self> {
        let (own_crate, program) = (section(readme, OWN_CRATE)?, section(readme, PROGRAM)?);
        let [make, start] = blocks(own_crate, "sh")
            .try_into()
            .map_err(|found: Vec<_>| anyhow::anyhow!("expected two command blocks, found {}", found.len()))?;
        let first =
            |section, of| blocks(section, "rust").into_iter().next().with_context(|| format!("`{of}` has no program"));
        let program = [first(program, PROGRAM)?, first(own_crate, OWN_CRATE)?].join("\n");
        if program.lines().any(|line| line == "#" || line.starts_with("# ")) {
            bail!("the program has lines hidden by rustdoc, which readers of the README would see and paste");
        }
        Ok(Self { make, program, start })
    }
}

/// Returns the text under a heading, up to the next heading of its level.
fn section<'text>(text: &'text str, heading: &str) -> Result<&'text str> {
    let (_, section) =
        text.split_once(&format!("\n{heading}\n")).with_context(|| format!("the README has no `{heading}`"))?;
    Ok(section.split_once("\n## ").map_or(section, |(section, _)| section))
}

/// Returns the fenced blocks of `language`, without their fences.
fn blocks(text: &str, language: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let Some(info) = line.strip_prefix("```") else { continue };
        let block = lines.by_ref().take_while(|line| *line != "```").flat_map(|line| [line, "\n"]).collect();
        if info.split(',').next() == Some(language) {
            blocks.push(block);
        }
    }
    blocks
}

/// A portable runner of the README's commands, in the environment of a new user.
#[derive(Debug)]
struct Shell<'workspace> {
    workspace: &'workspace Workspace,
    folder: PathBuf,
    variables: Vec<(String, String)>,
}

impl<'workspace> Shell<'workspace> {
    fn new(workspace: &'workspace Workspace, folder: &Path) -> Self {
        Self { workspace, folder: folder.to_owned(), variables: Vec::new() }
    }

    fn run(&mut self, script: &str) -> Result<()> {
        let clone = self.workspace.root().display().to_string();
        for line in script.lines().map(|line| line.replace(CLONE, &clone)) {
            let words: Vec<_> = line.split_whitespace().collect();
            match words.as_slice() {
                [] => {}
                ["cd", folder] => self.folder.push(folder),
                ["export", assignment] => {
                    let (name, value) = assignment.split_once('=').context("`export` without a value")?;
                    self.variables.push((name.to_owned(), value.to_owned()));
                }
                ["cargo", arguments @ ..] => succeed(&mut self.cargo(arguments))?,
                _ => bail!("expected `cargo`, `cd` or `export` in the README, found `{line}`"),
            }
        }
        Ok(())
    }

    fn cargo(&self, arguments: &[&str]) -> Command {
        let mut cargo = self.workspace.cargo(arguments);
        cargo.current_dir(&self.folder);
        // Cargo sets these variables for xtask itself, but they are unset for a new user.
        for name in ["LD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH"] {
            cargo.env_remove(name);
        }
        cargo.envs(self.variables.iter().map(|(name, value)| (name, value)));
        // Pass on a libtorch set by the user, in which case `.libtorch` may not exist.
        if let Some(libtorch) = self.workspace.users_libtorch() {
            cargo.env("LIBTORCH", libtorch);
        }
        cargo.env("CARGO_TARGET_DIR", self.workspace.target()).env("CARGO_NET_OFFLINE", "true");
        cargo
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const README: &str = "\
# booster

## What it looks like

```rust,no_run
fn main() {}
```

```rust
fn another() {}
```

## In your own crate

```sh
cargo new digits
```

```rust,ignore
#[test]
fn works() {}
```

```sh
cargo run
```

## Examples

```sh
cargo xtask demo
```
";

    #[test]
    fn the_commands_and_the_program_are_read_from_their_sections() -> Result<()> {
        let expected = Recipe {
            make: "cargo new digits\n".to_owned(),
            program: "fn main() {}\n\n#[test]\nfn works() {}\n".to_owned(),
            start: "cargo run\n".to_owned(),
        };
        assert_eq!(Recipe::read(README)?, expected);
        Ok(())
    }

    #[test]
    fn instructions_that_cannot_be_followed_are_rejected() {
        for (from, to, complaint) in [
            ("## In your", "## Your", "the README has no `## In your own crate`"),
            ("```sh\ncargo run\n```\n", "", "expected two command blocks, found 1"),
            ("fn main() {}", "# hidden", "lines hidden by rustdoc"),
            ("```rust,ignore\n#[test]\nfn works() {}\n```\n", "", "`## In your own crate` has no program"),
        ] {
            let error =
                Recipe::read(&README.replace(from, to)).map_or_else(|error| error.to_string(), |_| String::new());
            assert!(error.contains(complaint), "{from}: {error}");
        }
    }

    #[test]
    fn a_command_of_another_program_is_rejected() -> Result<()> {
        let workspace = Workspace::find()?;
        let error = Shell::new(&workspace, Path::new("nowhere"))
            .run("rm -rf target")
            .map_or_else(|error| error.to_string(), |()| String::new());
        assert!(error.contains("`rm -rf target`"), "{error}");
        Ok(())
    }
}
