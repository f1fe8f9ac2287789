//! Worker threads of replicas.

use std::io;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{Builder, JoinHandle};

use crate::error::{Error, Result};
use crate::panic::catch_panic;

type Job = Box<dyn FnOnce() + Send>;

/// A thread that runs jobs one after another. It is joined on drop.
#[derive(Debug)]
pub(super) struct Worker {
    /// `None` once the thread is shutting down.
    jobs: Option<Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

/// A running job. Dropping the handle waits for the job, so no job outlives the call that started it, even if that call
/// unwinds.
pub(super) struct JobHandle<T>(Receiver<Result<T>>);

impl Worker {
    /// Starts a thread that uses `threads` intra-op threads on the CPU.
    pub(super) fn spawn(name: String, threads: i32) -> Result<Self> {
        let (jobs, queue) = channel::<Job>();
        let (ready, is_ready) = channel();
        let body = move || {
            tch::set_num_threads(threads);
            // Cannot fail: the receiver waits below.
            let _ = ready.send(());
            for job in queue {
                job();
            }
        };
        // The number also applies to threads that start later, so restore it.
        let own = tch::get_num_threads();
        let thread = Builder::new().name(name).stack_size(stack_size()).spawn(body).map_err(could_not_start)?;
        let _ = is_ready.recv();
        tch::set_num_threads(own);
        Ok(Self { jobs: Some(jobs), thread: Some(thread) })
    }

    /// Runs `work` on the thread. A panic becomes [`Error::Panicked`].
    pub(super) fn start<T: Send + 'static>(&self, work: impl FnOnce() -> Result<T> + Send + 'static) -> JobHandle<T> {
        let (done, outcome) = channel();
        let job = move || {
            // Cannot fail: even a handle that is being dropped receives the outcome.
            let _ = done.send(catch_panic(work));
        };
        if let Some(jobs) = &self.jobs {
            // If the thread has exited, the job is dropped, which `wait` reports.
            let _ = jobs.send(Box::new(job));
        }
        JobHandle(outcome)
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            // Panics of jobs are caught in `start`.
            let _ = thread.join();
        }
    }
}

impl<T> JobHandle<T> {
    /// Waits for the job and returns its result.
    pub(super) fn wait(self) -> Result<T> {
        self.0.recv().unwrap_or_else(|_| Err(Error::custom("the replica's thread has exited")))
    }
}

impl<T> Drop for JobHandle<T> {
    fn drop(&mut self) {
        // An error means that the outcome was already received or will never come.
        let _ = self.0.recv();
    }
}

/// Returns the main thread's stack size on common systems, 8 MiB, or `RUST_MIN_STACK` if that is larger.
fn stack_size() -> usize {
    let asked = std::env::var("RUST_MIN_STACK").ok().and_then(|bytes| bytes.parse().ok());
    asked.unwrap_or(0).max(8 << 20)
}

fn could_not_start(cause: io::Error) -> Error {
    Error::custom(cause).during("start a replica's thread")
}
