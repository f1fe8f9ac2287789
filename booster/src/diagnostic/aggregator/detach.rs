//! Tensors that keep nothing alive but their own values.

use booster_sys::info::Info;
use tch::{Kind, Tensor};

use crate::error::Result;

/// A storage of this size or below is kept as it is, however little of it is the tensor's.
const SMALL: usize = 4096;

/// The values of a tensor, without its graph and without a larger tensor that it is a view of; of a kind that libtorch
/// can compute with; and the bytes that they may come to.
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

/// Whether libtorch converts values of a kind but does not compute with them.
pub(crate) fn is_float8(kind: Kind) -> bool {
    matches!(kind, Kind::Float8e5m2 | Kind::Float8e4m3fn | Kind::Float8e5m2fnuz | Kind::Float8e4m3fnuz)
}
