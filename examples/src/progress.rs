//! Progress on standard error: a bar in a terminal, otherwise one line per epoch.

use std::fmt::Write;

use indicatif::{ProgressBar, ProgressState, ProgressStyle};

use crate::command_line::note_line;

/// The progress of a run over its epochs.
#[derive(Debug)]
pub struct Progress {
    epochs: u64,
    samples: usize,
    note: String,
}

impl Progress {
    /// Creates a display for epochs of `samples` samples each.
    pub fn new(epochs: u64, samples: usize) -> Self {
        Self { epochs, samples, note: String::new() }
    }

    /// Sets a note for the next bar, such as the loss of the last epoch.
    pub fn note(&mut self, note: impl Into<String>) {
        self.note = note.into();
    }

    /// Shows progress while iterating over the batches of an epoch, counted from 0.
    pub fn batches<I: ExactSizeIterator>(&self, epoch: u64, batches: I) -> Batches<I> {
        let bar = ProgressBar::new(batches.len() as u64)
            .with_style(style(self.samples))
            .with_prefix(format!("epoch {}/{}", epoch + 1, self.epochs))
            .with_message(self.note.clone());
        Batches { inner: batches, bar, samples: self.samples }
    }
}

fn style(samples: usize) -> ProgressStyle {
    let rate = move |state: &ProgressState, text: &mut dyn Write| {
        let batches = state.len().unwrap_or(1) as f64;
        // Training goes on if the bar cannot be written.
        let _ = write!(text, "{:.0} samples/s", state.per_sec() * samples as f64 / batches);
    };
    ProgressStyle::with_template("{prefix} {wide_bar} {pos}/{len} batches, {rate}, {eta} left  {msg}")
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .with_key("rate", rate)
}

/// An iterator over the batches of an epoch that advances the bar.
#[derive(Debug)]
pub struct Batches<I> {
    inner: I,
    bar: ProgressBar,
    samples: usize,
}

impl<I: Iterator> Iterator for Batches<I> {
    type Item = I::Item;

    fn next(&mut self) -> Option<I::Item> {
        let batch = self.inner.next();
        if batch.is_some() {
            self.bar.inc(1);
        } else if !self.bar.is_finished() {
            self.finish();
        }
        batch
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.inner.size_hint()
    }
}

impl<I: ExactSizeIterator> ExactSizeIterator for Batches<I> {}

impl<I> Batches<I> {
    fn finish(&self) {
        let (hidden, seconds) = (self.bar.is_hidden(), self.bar.elapsed().as_secs_f64());
        self.bar.finish_and_clear();
        if hidden {
            let rate = self.samples as f64 / seconds;
            note_line(format_args!("{}: {seconds:.1} s, {rate:.0} samples/s", self.bar.prefix()));
        }
    }
}
