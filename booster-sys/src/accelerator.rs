//! The part of libtorch that drives CUDA devices, which is loaded when a program starts.

use std::ffi::{CStr, c_char, c_int};

unsafe extern "C" {
    safe fn booster_accelerator_is_loaded() -> c_int;
    safe fn booster_accelerator_failure() -> *const c_char;
}

/// Keeps the C++ that loads the library in every program, also in one that calls nothing of this crate.
#[cfg(not(feature = "doc-only"))]
#[used]
static KEEP: extern "C" fn() -> c_int = booster_accelerator_is_loaded;

/// What became of `libtorch_cuda` (NVIDIA) or `libtorch_hip` (AMD).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Accelerator {
    /// libtorch is a build for the CPU: no such library lies beside it.
    Absent,
    /// The library is loaded; whether there is a device is for `tch::Cuda` to say.
    Loaded,
    /// The library is there and could not be loaded, for the reason that the system gives.
    Failed(String),
}

/// Returns whether libtorch can drive CUDA devices in this program.
pub fn accelerator() -> Accelerator {
    if booster_accelerator_is_loaded() != 0 {
        return Accelerator::Loaded;
    }
    let failure = booster_accelerator_failure();
    if failure.is_null() {
        return Accelerator::Absent;
    }
    // SAFETY: not null, so the text of a string that lives as long as the program and does not change.
    Accelerator::Failed(unsafe { CStr::from_ptr(failure) }.to_string_lossy().into_owned())
}
