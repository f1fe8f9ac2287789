//! What libtorch keeps for each thread: whether gradients are recorded, and autocast.

use std::ffi::c_int;

use crate::{ffi, gradient};

/// A thread's state, to be put back after code that may have unwound: [`tch::no_grad`] and [`tch::autocast`] restore
/// theirs only where their closure returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ThreadState {
    records: bool,
    /// A bit for each kind of device on which it is enabled.
    autocast: c_int,
    nesting: c_int,
}

impl ThreadState {
    /// This thread's state.
    pub fn current() -> Self {
        let mut nesting = 0;
        // SAFETY: it reads flags of this thread, and writes to a number that is ours.
        let autocast = unsafe { ffi::booster_autocast(&raw mut nesting) };
        Self { records: gradient::is_enabled(), autocast, nesting }
    }

    /// Puts this thread into the state.
    pub fn restore(self) {
        gradient::set_enabled(self.records);
        // SAFETY: it writes flags of this thread, and drops what autocast cached for it.
        unsafe { ffi::booster_set_autocast(self.autocast, self.nesting) };
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::*;

    /// As `tch::autocast`, which does nothing without CUDA.
    fn autocast<T>(enabled: c_int, body: impl FnOnce() -> T) -> T {
        let before = ThreadState::current();
        // SAFETY: they write a flag and a counter of this thread.
        unsafe {
            ffi::booster_set_autocast(enabled, before.nesting);
            torch_sys::at_autocast_increment_nesting();
        }
        let result = body();
        before.restore();
        result
    }

    #[test]
    fn a_state_is_put_back_after_a_panic() {
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
