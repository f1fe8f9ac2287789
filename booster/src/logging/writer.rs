//! A file that is written in the background.

use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::mem;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::io_error;
use crate::error::Result;

/// Records wait no longer than this. A reader is promised 5 seconds: the rest is for a disk that is busy.
const LONGEST_WAIT: Duration = Duration::from_secs(2);

/// So many bytes are written without waiting; of twice as many the caller waits for the disk.
const ENOUGH: usize = 8 << 10;

/// Appends records to a file by a thread of its own, so that the caller does not wait for the disk.
///
/// A record is in the file as a whole or not at all. After an error the file ends with its last whole write; what was not
/// written waits, and is tried again.
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

/// What waits to be written.
#[derive(Default)]
struct Queue {
    bytes: Vec<u8>,
    /// When the first of them came, or when writing them last failed.
    since: Option<Instant>,
    /// What went wrong in the background, for the next caller.
    error: Option<io::Error>,
    is_closed: bool,
}

struct Output {
    file: File,
    /// The length of all that was written as a whole.
    length: u64,
    /// Whether a part of a write that failed may lie beyond.
    is_torn: bool,
}

impl BackgroundWriter {
    /// A writer to a file that is new.
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

    /// Takes a record, to be written soon.
    ///
    /// # Errors
    /// Returns [`Error::Io`](crate::Error::Io) if writing failed since the last call. The record is then not taken.
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

    /// Writes all that waits.
    ///
    /// # Errors
    /// Returns [`Error::Io`](crate::Error::Io) if it cannot be written; it is kept, to be tried again.
    pub(super) fn flush(&self) -> Result<()> {
        self.shared.write_waiting().map_err(|cause| io_error("write to", &self.shared.path, cause))
    }
}

impl Drop for BackgroundWriter {
    fn drop(&mut self) {
        self.shared.queue().is_closed = true;
        self.shared.changed.notify_one();
        if let Some(thread) = self.thread.take() {
            // It does not panic, and there is nobody to tell.
            let _ = thread.join();
        }
        // Who wants to know of errors flushes.
        let _ = self.shared.write_waiting();
    }
}

impl Shared {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        // Each change of it is whole.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes what has waited long enough, or is enough, until the writer is closed.
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

    /// Writes all that waits. After an error it waits still.
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
            // The thread may have seen nothing to wait for while these were being written.
            self.changed.notify_one();
        }
        outcome
    }
}

impl Queue {
    /// Whether there is enough to be written now. What could not be written waits its time, or for the caller.
    fn is_enough(&self) -> bool {
        self.bytes.len() >= ENOUGH && self.error.is_none()
    }
}

impl Output {
    /// Writes all of the bytes, or none: a part of a record would hide all that come after it.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.mend()?;
        self.is_torn = true;
        if let Err(error) = self.file.write_all(bytes) {
            // Where it cannot be mended now, it is before the next write.
            let _ = self.mend();
            return Err(error);
        }
        self.length += bytes.len() as u64;
        self.is_torn = false;
        Ok(())
    }

    /// Cuts off what a failed write left.
    fn mend(&mut self) -> io::Result<()> {
        if self.is_torn {
            self.file.set_len(self.length)?;
            self.file.seek(SeekFrom::Start(self.length))?;
            self.is_torn = false;
        }
        Ok(())
    }
}
