//! libtorch's per-thread state: gradient recording and autocast.

use std::ffi::c_int;

use crate::{ffi, gradient};

/// The state of a thread, to be restored after a panic.
///
/// [`tch::no_grad`] and [`tch::autocast`] restore the state only if their closure returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ThreadState {
    records: bool,
    /// One bit per device type on which autocast is enabled.
    autocast: c_int,
    nesting: c_int,
}

impl ThreadState {
    /// Returns the state of the current thread.
    pub fn current() -> Self {
        let mut nesting = 0;
        // SAFETY: the call reads thread-local flags and writes to a local variable.
        let autocast = unsafe { ffi::booster_autocast(&raw mut nesting) };
        Self { records: gradient::is_enabled(), autocast, nesting }
    }

    /// Restores this state on the current thread.
    pub fn restore(self) {
        gradient::set_enabled(self.records);
        // SAFETY: the call sets thread-local flags and may clear the thread's autocast cache.
        unsafe { ffi::booster_set_autocast(self.autocast, self.nesting) };
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::*;

    /// Stands in for `tch::autocast`, which is a no-op without CUDA.
    fn autocast<T>(enabled: c_int, body: impl FnOnce() -> T) -> T {
        let before = ThreadState::current();
        // SAFETY: the calls set a thread-local flag and counter.
        unsafe {
            ffi::booster_set_autocast(enabled, before.nesting);
            torch_sys::at_autocast_increment_nesting();
        }
        let result = body();
        before.restore();
        result
    }

    #[test]
    fn a_state_is_restored_after_a_panic() {
        for (records, enabled) in [(true, 0), (false, 2)] {
            gradient::set_enabled(records);
            autocast(enabled, || {
                let before = ThreadState::current();
                assert_eq!(before, ThreadState { records, autocast: enabled, nesting: 1 });
                let panics = || tch::no_grad(|| autocast(1, || autocast(3, || panic!("a bug"))));
                assert!(catch_unwind(AssertUnwindSafe(panics)).map(|(): ()| ()).is_err());
                assert_eq!(ThreadState::current(), ThreadState { records: false, autocast: 3, nesting: 3 });
                before.restore();
                assert_eq!(ThreadState::current(), before);
            });
            gradient::set_enabled(true);
        }
        assert_eq!(ThreadState::current(), ThreadState { records: true, autocast: 0, nesting: 0 });
    }
}
