//! The libtorch library for CUDA devices, loaded at program start.

use std::ffi::{CStr, c_char, c_int};

unsafe extern "C" {
    safe fn booster_accelerator_is_loaded() -> c_int;
    safe fn booster_accelerator_failure() -> *const c_char;
}

/// A reference that makes every program link the C++ loader of the library, even if it never calls this crate.
#[cfg(not(feature = "doc-only"))]
#[used]
static KEEP: extern "C" fn() -> c_int = booster_accelerator_is_loaded;

/// The state of `libtorch_cuda` (NVIDIA) or `libtorch_hip` (AMD).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Accelerator {
    /// libtorch is a CPU-only build.
    Absent,
    /// The library is loaded. `tch::Cuda` reports whether a device is available.
    Loaded,
    /// The library failed to load, for the reason given by the system.
    Failed(String),
}

/// Returns the state of libtorch's library for CUDA devices in this program.
pub fn accelerator() -> Accelerator {
    if booster_accelerator_is_loaded() != 0 {
        return Accelerator::Loaded;
    }
    let failure = booster_accelerator_failure();
    if failure.is_null() {
        return Accelerator::Absent;
    }
    // SAFETY: a non-null pointer refers to a static string that never changes.
    Accelerator::Failed(unsafe { CStr::from_ptr(failure) }.to_string_lossy().into_owned())
}
