//! Progress of a long command: its output, the elapsed time and the size of a folder.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, IsTerminal as _, Read};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use indicatif::{HumanBytes, ProgressBar, ProgressStyle};

use crate::cache;

const LAST_LINES: usize = 15;
const LOOK: Duration = Duration::from_millis(500);
/// The interval between progress lines of a silent command without a terminal.
const SPEAK: Duration = Duration::from_secs(15);

/// The outcome of a watched command.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    /// The last lines of the command's output.
    pub(crate) last_lines: Vec<String>,
}

/// Runs `command` without standard input, and shows its progress in filling `folder`.
///
/// A terminal shows the command's output above a spinner with the elapsed time and the size of `folder`; a log gets
/// plain lines.
pub(crate) fn watch(command: &mut Command, folder: &Path) -> Result<Ended> {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("starting `{}`", command.get_program().display()))?;
    let (sender, lines) = mpsc::channel();
    forward_lines(child.stdout.take(), sender.clone());
    forward_lines(child.stderr.take(), sender);

    let mut display = Display::new();
    let mut last_lines = VecDeque::new();
    loop {
        match lines.recv_timeout(LOOK) {
            Ok(line) => {
                display.line(&line);
                if last_lines.len() == LAST_LINES {
                    last_lines.pop_front();
                }
                last_lines.push_back(line);
            }
            Err(RecvTimeoutError::Timeout) if has_ended(&mut child) => break,
            Err(RecvTimeoutError::Timeout) => display.size(folder),
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    let status = child.wait().context("waiting for the command")?;
    display.end();
    Ok(Ended { status, last_lines: last_lines.into() })
}

/// Returns whether `child` has exited, even if an orphaned descendant keeps its pipes open.
fn has_ended(child: &mut Child) -> bool {
    matches!(child.try_wait(), Ok(Some(_)))
}

fn forward_lines(stream: Option<impl Read + Send + 'static>, lines: Sender<String>) {
    let Some(stream) = stream else { return };
    thread::spawn(move || {
        for bytes in BufReader::new(stream).split(b'\n') {
            let Ok(bytes) = bytes else { return };
            let line = String::from_utf8_lossy(&bytes).trim_end().to_owned();
            if !line.is_empty() && lines.send(line).is_err() {
                return;
            }
        }
    });
}

/// The progress display: a spinner on a terminal, plain lines in a log.
#[derive(Debug)]
enum Display {
    Terminal(ProgressBar),
    Log { start: Instant, spoken: Instant },
}

impl Display {
    fn new() -> Self {
        if !std::io::stderr().is_terminal() {
            let now = Instant::now();
            return Self::Log { start: now, spoken: now };
        }
        let bar = ProgressBar::new_spinner();
        if let Ok(style) = ProgressStyle::with_template("{spinner} {elapsed} {msg}") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(100));
        Self::Terminal(bar)
    }

    fn line(&mut self, line: &str) {
        match self {
            Self::Terminal(bar) => bar.println(format!("  {line}")),
            Self::Log { spoken, .. } => {
                eprintln!("  {line}");
                *spoken = Instant::now();
            }
        }
    }

    fn size(&mut self, folder: &Path) {
        // Reading the size may fail, since files come and go while the command runs.
        let size = || cache::files(folder).map(|files| files.iter().map(|(_, size)| size).sum());
        match self {
            Self::Terminal(bar) => {
                if let Ok(size) = size() {
                    bar.set_message(format!("{} written", HumanBytes(size)));
                }
            }
            Self::Log { start, spoken } if spoken.elapsed() >= SPEAK => {
                if let Ok(size) = size() {
                    eprintln!("  {} written after {} s", HumanBytes(size), start.elapsed().as_secs());
                }
                *spoken = Instant::now();
            }
            Self::Log { .. } => {}
        }
    }

    fn end(&self) {
        if let Self::Terminal(bar) = self {
            bar.finish_and_clear();
        }
    }
}
