//! A thread that works for one replica, as long as the pipeline lives.

use std::any::Any;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use booster_sys::gradient;

use crate::error::{Error, Result};

type Job = Box<dyn FnOnce() + Send>;

/// A thread that runs one job after the other. It is joined when this is dropped.
#[derive(Debug)]
pub(super) struct Worker {
    /// `None` once the thread is told to end.
    jobs: Option<Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

/// A job under way.
pub(super) struct Pending<T>(Receiver<Result<T>>);

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
        let thread = std::thread::Builder::new().name(name).spawn(body).map_err(could_not_start)?;
        let _ = is_ready.recv();
        tch::set_num_threads(own);
        Ok(Self { jobs: Some(jobs), thread: Some(thread) })
    }

    /// Gives the thread something to do. A panic in it becomes [`Error::Panicked`].
    pub(super) fn start<T: Send + 'static>(&self, work: impl FnOnce() -> Result<T> + Send + 'static) -> Pending<T> {
        let (done, outcome) = channel();
        let job = move || {
            // Nobody waits for the outcome where another replica could not be started.
            let _ = done.send(caught(work));
        };
        if let Some(jobs) = &self.jobs {
            // A thread that is gone drops the job, which `wait` finds out.
            let _ = jobs.send(Box::new(job));
        }
        Pending(outcome)
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

impl<T> Pending<T> {
    /// Waits until it is done.
    pub(super) fn wait(self) -> Result<T> {
        self.0.recv().unwrap_or_else(|_| Err(Error::custom("the replica's thread is gone")))
    }
}

/// Runs code of the user's, whose panic is an error.
pub(super) fn caught<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    let records = gradient::is_enabled();
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|payload| {
        // A panic within `tch::no_grad` leaves gradients off.
        gradient::set_enabled(records);
        Err(Error::Panicked { message: message(payload.as_ref()) })
    })
}

fn message(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| payload.downcast_ref::<&str>().copied()).unwrap_or("no message").to_owned()
}

fn could_not_start(cause: io::Error) -> Error {
    Error::custom(cause).during("start a replica's thread")
}
