//! Detaching tensors from graphs and larger storages.

use booster_sys::info::Info;
use tch::{Kind, Tensor};

use crate::error::Result;

/// The size in bytes up to which a storage is kept, however little of it a tensor uses.
const SMALL: usize = 4096;

/// Detaches a tensor from its graph, copies it if it is a view of a much larger storage, and converts float8 kinds.
/// Returns the tensor and an upper bound on the bytes it keeps alive.
pub(crate) fn own(tensor: &Tensor, info: &Info) -> Result<(Tensor, usize)> {
    let detached = if info.requires_grad { tensor.f_detach()? } else { tensor.shallow_clone() };
    let bytes = info.bytes();
    if is_float8(info.kind) {
        return Ok((detached.f_to_kind(Kind::Float)?, 4 * bytes));
    }
    if info.storage_bytes > SMALL.max(2 * bytes) {
        return Ok((detached.f_detach_copy()?.f_contiguous()?, bytes));
    }
    Ok((detached, bytes.max(info.storage_bytes)))
}

/// Returns whether a kind is float8, which libtorch converts but does not compute with.
pub(crate) fn is_float8(kind: Kind) -> bool {
    matches!(kind, Kind::Float8e5m2 | Kind::Float8e4m3fn | Kind::Float8e5m2fnuz | Kind::Float8e4m3fnuz)
}
