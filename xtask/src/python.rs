//! Python, for its package installer and for tests that read event files.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::cache::{Slot, Staging};
use crate::progress;

/// A Python interpreter.
#[derive(Debug)]
pub(crate) struct Python {
    program: PathBuf,
}

impl Python {
    /// Finds the interpreter on `PATH`.
    pub(crate) fn find() -> Result<Self> {
        let name = if cfg!(windows) { "python.exe" } else { "python3" };
        let program = env::split_paths(&env::var_os("PATH").unwrap_or_default())
            .map(|folder| folder.join(name))
            .find(|path| path.is_file())
            .with_context(|| format!("no `{name}` on PATH"))?;
        Ok(Self { program })
    }

    /// Returns the output of `pip --version`.
    fn pip(&self) -> Result<String> {
        output(Command::new(&self.program).args(["-m", "pip", "--version"])).with_context(|| {
            format!("`{}` has no pip (Debian and Ubuntu: `apt-get install python3-pip`)", self.program.display())
        })
    }

    /// Installs packages into `staging.content` with `pip install --target`.
    ///
    /// # Errors
    /// Returns an error with pip's last lines of output if pip fails.
    pub(crate) fn install<A: AsRef<OsStr>>(
        &self,
        staging: &Staging,
        arguments: impl IntoIterator<Item = A>,
    ) -> Result<()> {
        let pip = self.pip()?;
        let mut command = Command::new(&self.program);
        command
            .args(["-m", "pip", "install", "--no-input", "--disable-pip-version-check"])
            .args(["--no-compile", "--target"])
            .arg(&staging.content)
            .args(arguments)
            // Stay on the cache's disk: `/tmp` may be small, and moves within a disk are renames.
            .env("TMPDIR", &staging.scratch)
            // The user's configuration may conflict with `--target`.
            .env("PIP_USER", "0")
            .env("PIP_REQUIRE_VIRTUALENV", "0")
            .env("PIP_ROOT_USER_ACTION", "ignore")
            .env("PYTHONUNBUFFERED", "1");
        let folder = staging.content.parent().unwrap_or(&staging.content);
        let ended = progress::watch(&mut command, folder)?;
        if ended.status.success() {
            return Ok(());
        }
        let hint = if is_too_old(&pip) {
            "\n\nThis pip does not support current packages: `python3 -m pip install --upgrade pip`"
        } else {
            ""
        };
        bail!(
            "`{} -m pip install` failed ({}); its last lines:\n\n    {}\n\nIt was {pip}.{hint}",
            self.program.display(),
            ended.status,
            ended.last_lines.join("\n    "),
        )
    }

    /// Returns the interpreter's version and platform, such as `3.11 linux-x86_64`, which packages depend on.
    fn platform(&self) -> Result<String> {
        let code = "import sysconfig as s; print(s.get_python_version(), s.get_platform())";
        output(Command::new(&self.program).args(["-c", code]))
    }
}

/// Returns whether a line of `pip --version` names a pip before 20.3, which does not support `manylinux_2_28` packages.
fn is_too_old(pip: &str) -> bool {
    let mut numbers = pip
        .trim_start_matches("pip ")
        .split(|character: char| !character.is_ascii_digit())
        .map_while(|number| number.parse::<u32>().ok());
    match (numbers.next(), numbers.next()) {
        (Some(major), minor) => (major, minor.unwrap_or(0)) < (20, 3),
        (None, _) => false,
    }
}

/// Runs `command` and returns its first line of output.
///
/// # Errors
/// Returns an error with the last line that the command wrote to stderr, unless the command exits with 0.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let program = command.get_program().display().to_string();
    let output = command.output().with_context(|| format!("`{program}` cannot be started"))?;
    if !output.status.success() {
        let errors = String::from_utf8_lossy(&output.stderr);
        bail!("{}", errors.trim().lines().last().unwrap_or("it failed without output"));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(text.lines().next().unwrap_or_default().trim().to_owned())
}

/// The result of installing a requirements file.
#[derive(Debug)]
pub(crate) enum Packages {
    /// There is no requirements file.
    None,
    /// The packages are in this folder.
    Installed(PathBuf),
    /// Python or pip is missing, for this reason.
    NoPython(anyhow::Error),
}

/// Installs the packages of a requirements file, unless they are installed or Python is missing.
pub(crate) fn packages(requirements: &Path) -> Result<Packages> {
    if !requirements.exists() {
        return Ok(Packages::None);
    }
    let text = fs::read_to_string(requirements).with_context(|| format!("reading `{}`", requirements.display()))?;
    let (python, platform) =
        match Python::find().and_then(|python| python.platform().map(|platform| (python, platform))) {
            Ok(found) => found,
            Err(reason) => return Ok(Packages::NoPython(reason)),
        };
    let identity = format!("Python packages for {platform}");
    let name = format!("python-{:016x}", hash(&format!("{identity}\n{text}")));
    let slot = Slot::new(name, identity)?;
    if !slot.is_complete()
        && let Err(reason) = python.pip()
    {
        return Ok(Packages::NoPython(reason));
    }
    slot.fill(false, |staging| {
        eprintln!("installing `{}` into `{}`", requirements.display(), slot.path().display());
        python.install(staging, [OsStr::new("--requirement"), requirements.as_os_str()])
    })
    .with_context(|| format!("the packages of `{}` are missing", requirements.display()))?;
    eprintln!("BOOSTER_TEST_PYTHONPATH={}", slot.path().display());
    Ok(Packages::Installed(slot.path()))
}

/// Computes the FNV-1a hash, which is stable across runs and releases, unlike std's hasher.
fn hash(text: &str) -> u64 {
    text.bytes()
        .fold(0xcbf2_9ce4_8422_2325, |state, byte| (state ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::{hash, is_too_old};

    #[test]
    fn an_old_pip_is_recognized_by_its_version() {
        assert!(is_too_old("pip 18.1 from /usr/lib/python3/dist-packages/pip (python 3.7)"));
        assert!(is_too_old("pip 20.2.4 from /opt (python 3.8)"));
        assert!(!is_too_old("pip 20.3 from /opt (python 3.8)"));
        assert!(!is_too_old("pip 25.0.1 from /opt (python 3.13)"));
    }

    #[test]
    fn the_hash_is_fnv_1a() {
        // From the FNV authors' reference vectors.
        assert_eq!(hash(""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(hash("a"), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(hash("foobar"), 0x8594_4171_f739_67e8);
    }
}
