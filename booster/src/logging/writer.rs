//! A background file writer.

use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::mem;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::io_error;
use crate::error::Result;

/// The longest time that a record is buffered. The docs promise 5 seconds; the difference allows for a
/// busy disk.
const LONGEST_WAIT: Duration = Duration::from_secs(2);

/// Buffered bytes that trigger a write; with twice as many, the caller waits for the disk.
const ENOUGH: usize = 8 << 10;

/// Appends records to a file in a background thread, so that the caller does not wait for the disk.
///
/// Records are written whole or not at all. After an error, the file ends with the last whole write; the rest stays
/// buffered and is retried.
pub(super) struct BackgroundWriter {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    path: PathBuf,
    queue: Mutex<Queue>,
    changed: Condvar,
    /// Locked before the queue, so that writes keep their order.
    file: Mutex<Output>,
}

/// The buffered records.
#[derive(Default)]
struct Queue {
    bytes: Vec<u8>,
    /// When the first record was buffered, or when writing last failed.
    since: Option<Instant>,
    /// The background error to return from the next call.
    error: Option<io::Error>,
    is_closed: bool,
}

struct Output {
    file: File,
    /// The total length of completed writes.
    length: u64,
    /// Whether the file may end in part of a failed write.
    is_torn: bool,
}

impl BackgroundWriter {
    /// Starts the thread; `file` must be empty.
    pub(super) fn new(path: PathBuf, file: File) -> Result<Self> {
        let output = Mutex::new(Output { file, length: 0, is_torn: false });
        let shared = Arc::new(Shared { path, queue: Mutex::default(), changed: Condvar::new(), file: output });
        let in_background = Arc::clone(&shared);
        let thread = thread::Builder::new().name("booster-log".to_owned()).spawn(move || in_background.run());
        let thread = thread.map_err(|cause| io_error("start a thread to write to", &shared.path, cause))?;
        Ok(Self { shared, thread: Some(thread) })
    }

    pub(super) fn path(&self) -> &PathBuf {
        &self.shared.path
    }

    /// Buffers a record.
    ///
    /// # Errors
    /// Returns [`Error::Io`](crate::Error::Io) if writing failed since the last call. The record is then discarded.
    pub(super) fn write(&self, record: &[u8]) -> Result<()> {
        let mut queue = self.shared.queue();
        if queue.bytes.len() >= 2 * ENOUGH {
            drop(queue);
            self.flush()?;
            queue = self.shared.queue();
        }
        if let Some(cause) = queue.error.take() {
            return Err(io_error("write to", &self.shared.path, cause));
        }
        if queue.since.is_none() {
            queue.since = Some(Instant::now());
            self.shared.changed.notify_one();
        }
        let was_enough = queue.bytes.len() >= ENOUGH;
        queue.bytes.extend_from_slice(record);
        if !was_enough && queue.bytes.len() >= ENOUGH {
            self.shared.changed.notify_one();
        }
        Ok(())
    }

    /// Writes all buffered records.
    ///
    /// # Errors
    /// Returns [`Error::Io`](crate::Error::Io) if writing fails. The records stay buffered.
    pub(super) fn flush(&self) -> Result<()> {
        self.shared.write_waiting().map_err(|cause| io_error("write to", &self.shared.path, cause))
    }
}

impl Drop for BackgroundWriter {
    fn drop(&mut self) {
        self.shared.queue().is_closed = true;
        self.shared.changed.notify_one();
        if let Some(thread) = self.thread.take() {
            // The thread does not panic, and `drop` could not report it.
            let _ = thread.join();
        }
        // Callers that need the error call `flush`.
        let _ = self.shared.write_waiting();
    }
}

impl Shared {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        // A panic cannot leave the queue half-changed.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes the buffer when it is old or large enough, until the writer is closed.
    fn run(&self) {
        let mut queue = self.queue();
        while !queue.is_closed {
            let waited = queue.since.map(|since| since.elapsed());
            queue = match waited {
                None => self.changed.wait(queue).unwrap_or_else(PoisonError::into_inner),
                Some(waited) if waited >= LONGEST_WAIT || queue.is_enough() => {
                    drop(queue);
                    let outcome = self.write_waiting();
                    let mut queue = self.queue();
                    queue.error = outcome.err();
                    queue
                }
                Some(waited) => {
                    let rest = LONGEST_WAIT.saturating_sub(waited);
                    self.changed.wait_timeout(queue, rest).unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
    }

    /// Writes the buffer, and keeps it on error.
    fn write_waiting(&self) -> io::Result<()> {
        let mut output = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let mut queue = self.queue();
        let bytes = mem::take(&mut queue.bytes);
        queue.since = None;
        drop(queue);
        let outcome = output.append(&bytes);
        let mut queue = self.queue();
        if outcome.is_ok() {
            queue.error = None;
        } else {
            queue.bytes.splice(0..0, bytes);
            queue.since = Some(Instant::now());
            // The thread may have found the buffer empty during the write.
            self.changed.notify_one();
        }
        outcome
    }
}

impl Queue {
    /// Returns `true` if the buffer is large enough to write now. After an error, the thread waits before it retries.
    fn is_enough(&self) -> bool {
        self.bytes.len() >= ENOUGH && self.error.is_none()
    }
}

impl Output {
    /// Writes all bytes or none, since a partial record would make all later ones unreadable.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.mend()?;
        self.is_torn = true;
        if let Err(error) = self.file.write_all(bytes) {
            // If this fails, the next write tries again.
            let _ = self.mend();
            return Err(error);
        }
        self.length += bytes.len() as u64;
        self.is_torn = false;
        Ok(())
    }

    /// Removes the remains of a failed write.
    fn mend(&mut self) -> io::Result<()> {
        if self.is_torn {
            self.file.set_len(self.length)?;
            self.file.seek(SeekFrom::Start(self.length))?;
            self.is_torn = false;
        }
        Ok(())
    }
}
