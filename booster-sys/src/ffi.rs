//! The C++ functions and the conversion of their errors.

use std::ffi::{CStr, c_char, c_int};

use tch::TchError;
use torch_sys::C_tensor;

/// The number of dimensions that fit into [`CInfo`].
pub(crate) const SHORT: usize = 6;

/// Mirrors `Info` in `booster.cpp`.
#[repr(C)]
pub(crate) struct CInfo {
    pub(crate) sizes: [i64; SHORT],
    pub(crate) dim: usize,
    pub(crate) storage_bytes: usize,
    pub(crate) kind: i32,
    pub(crate) device: i32,
    pub(crate) form: i32,
    pub(crate) requires_grad: i32,
}

/// Mirrors `Parameters` in `fused.cpp`.
#[repr(C)]
pub(crate) struct CParameters {
    pub(crate) parameters: *const *mut C_tensor,
    pub(crate) states: *const *mut C_tensor,
    pub(crate) steps: *const *mut C_tensor,
    pub(crate) count: usize,
    pub(crate) width: usize,
    pub(crate) grad_scale: *const C_tensor,
    pub(crate) found_inf: *const C_tensor,
}

/// Mirrors `Adam` in `fused.cpp`.
#[repr(C)]
pub(crate) struct CAdam {
    pub(crate) learning_rate: f64,
    pub(crate) beta1: f64,
    pub(crate) beta2: f64,
    pub(crate) weight_decay: f64,
    pub(crate) epsilon: f64,
    pub(crate) decoupled: c_int,
    pub(crate) amsgrad: c_int,
}

/// Mirrors `Sgd` in `fused.cpp`.
#[repr(C)]
pub(crate) struct CSgd {
    pub(crate) learning_rate: f64,
    pub(crate) momentum: f64,
    pub(crate) dampening: f64,
    pub(crate) weight_decay: f64,
    pub(crate) nesterov: c_int,
}

unsafe extern "C" {
    pub(crate) fn booster_fused_adam(
        rule: *const CAdam,
        parameters: *const CParameters,
        culprit: *mut usize,
    ) -> *mut c_char;
    pub(crate) fn booster_fused_sgd(
        rule: *const CSgd,
        parameters: *const CParameters,
        culprit: *mut usize,
    ) -> *mut c_char;
    fn booster_free(message: *mut c_char);
    pub(crate) fn booster_info(tensor: *const C_tensor, info: *mut CInfo);
    pub(crate) fn booster_is_same(one: *const C_tensor, other: *const C_tensor) -> c_int;
    pub(crate) fn booster_identity(tensor: *const C_tensor) -> usize;
    pub(crate) fn booster_sharers(tensor: *const C_tensor) -> usize;
    pub(crate) fn booster_detach(tensors: *const *mut C_tensor, count: usize) -> *mut c_char;
    pub(crate) fn booster_sum(tensor: *const C_tensor, sum: *mut f64, is_finite: *mut bool) -> *mut c_char;
    pub(crate) fn booster_length(tensor: *const C_tensor) -> i64;
    pub(crate) fn booster_version(tensor: *const C_tensor) -> i64;
    pub(crate) fn booster_storage(tensor: *const C_tensor) -> usize;
    pub(crate) fn booster_bump_version(tensor: *const C_tensor) -> *mut c_char;
    pub(crate) fn booster_swap_in(variable: *mut C_tensor, value: *const C_tensor) -> *mut c_char;
    pub(crate) fn booster_swap_back(variable: *mut C_tensor, own: *const C_tensor) -> *mut c_char;
    pub(crate) fn booster_route_gradient(
        variable: *const C_tensor,
        target: *const C_tensor,
        copies: c_int,
    ) -> *mut c_char;
    pub(crate) fn booster_forget_base(variable: *const C_tensor) -> *mut c_char;
    pub(crate) fn booster_is_grad_enabled() -> c_int;
    pub(crate) fn booster_set_grad_enabled(enabled: c_int);
    pub(crate) fn booster_autocast(nesting: *mut c_int) -> c_int;
    pub(crate) fn booster_set_autocast(enabled: c_int, nesting: c_int);
    pub(crate) fn booster_generator_state(beside: *const C_tensor, state: *mut *mut C_tensor) -> *mut c_char;
    pub(crate) fn booster_set_generator_state(beside: *const C_tensor, state: *const C_tensor) -> *mut c_char;
    pub(crate) fn booster_seed_generator(beside: *const C_tensor, seed: u64) -> *mut c_char;
    pub(crate) fn booster_global_norm(
        tensors: *const *const C_tensor,
        count: usize,
        norm: *mut *mut C_tensor,
    ) -> *mut c_char;
    pub(crate) fn booster_multiply(
        tensors: *const *const C_tensor,
        count: usize,
        factor: *const C_tensor,
    ) -> *mut c_char;
    pub(crate) fn booster_clamp(tensors: *const *const C_tensor, count: usize, most: f64) -> *mut c_char;
    pub(crate) fn booster_limit(
        tensor: *const C_tensor,
        least: f64,
        greatest: f64,
        limited: *mut *mut C_tensor,
    ) -> *mut c_char;
    pub(crate) fn booster_move_means(
        means: *const *mut C_tensor,
        values: *const *const C_tensor,
        count: usize,
        share: *const C_tensor,
    ) -> *mut c_char;
    pub(crate) fn booster_set_gradient(variable: *mut C_tensor, gradient: *const C_tensor) -> *mut c_char;
}

/// Converts the message returned by a call into a result, and frees the message. Null means success.
///
/// # Safety
/// `message` must be null or come from one of the functions above, and must not be used afterwards.
pub(crate) unsafe fn checked(message: *mut c_char) -> Result<(), TchError> {
    if message.is_null() {
        return Ok(());
    }
    // SAFETY: the caller guarantees that a non-null `message` is a valid string, which has not been freed yet.
    let text = unsafe { CStr::from_ptr(message) }.to_string_lossy().into_owned();
    // SAFETY: the caller guarantees that the message is not used afterwards.
    unsafe { booster_free(message) };
    Err(TchError::Torch(text))
}
