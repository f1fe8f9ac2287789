//! A thread that works for replicas, as long as the pipeline lives.

use std::io;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{Builder, JoinHandle};

use crate::error::{Error, Result};
use crate::panic::catch_panic;

type Job = Box<dyn FnOnce() + Send>;

/// A thread that runs one job after the other. It is joined when this is dropped.
#[derive(Debug)]
pub(super) struct Worker {
    /// `None` once the thread is told to end.
    jobs: Option<Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

/// A job under way. Dropping it waits: no job outlives the call that started it, even if that unwinds.
pub(super) struct JobHandle<T>(Receiver<Result<T>>);

impl Worker {
    /// Starts a thread, which may use so many threads within an operation on the CPU.
    pub(super) fn spawn(name: String, threads: i32) -> Result<Self> {
        let (jobs, queue) = channel::<Job>();
        let (ready, is_ready) = channel();
        let body = move || {
            tch::set_num_threads(threads);
            // Nobody waits for it where the pipeline could not be built.
            let _ = ready.send(());
            for job in queue {
                job();
            }
        };
        // libtorch keeps the number that was set last for threads that have yet to begin: it is put back.
        let own = tch::get_num_threads();
        let thread = Builder::new().name(name).stack_size(stack_size()).spawn(body).map_err(could_not_start)?;
        let _ = is_ready.recv();
        tch::set_num_threads(own);
        Ok(Self { jobs: Some(jobs), thread: Some(thread) })
    }

    /// Gives the thread something to do. A panic in it becomes [`Error::Panicked`].
    pub(super) fn start<T: Send + 'static>(&self, work: impl FnOnce() -> Result<T> + Send + 'static) -> JobHandle<T> {
        let (done, outcome) = channel();
        let job = move || {
            // The handle waits for it, whatever happens.
            let _ = done.send(catch_panic(work));
        };
        if let Some(jobs) = &self.jobs {
            // A thread that is gone drops the job, which `wait` finds out.
            let _ = jobs.send(Box::new(job));
        }
        JobHandle(outcome)
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            // Its jobs' panics are caught, each in its place.
            let _ = thread.join();
        }
    }
}

impl<T> JobHandle<T> {
    /// Waits until it is done.
    pub(super) fn wait(self) -> Result<T> {
        self.0.recv().unwrap_or_else(|_| Err(Error::custom("the replica's thread is gone")))
    }
}

impl<T> Drop for JobHandle<T> {
    fn drop(&mut self) {
        // An error says that the outcome was received, or that there will be none.
        let _ = self.0.recv();
    }
}

/// The main thread's on common systems, where other threads have 2 MiB; more if std's `RUST_MIN_STACK` says so.
fn stack_size() -> usize {
    let asked = std::env::var("RUST_MIN_STACK").ok().and_then(|bytes| bytes.parse().ok());
    asked.unwrap_or(0).max(8 << 20)
}

fn could_not_start(cause: io::Error) -> Error {
    Error::custom(cause).during("start a replica's thread")
}
