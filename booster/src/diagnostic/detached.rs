//! Values that stay what they were when they were measured.

use booster_sys::identity;
use tch::Tensor;

use super::{Diagnostic, LeavesMut};
use crate::error::Result;

/// The diagnostics without their graph, in memory that nothing else can write to.
///
/// A tensor is copied where something besides these diagnostics can still reach its memory: a parameter or a buffer, a
/// view of one, the batch, the output, or the graph, for what an operation keeps of its result. All else, which is nearly
/// everything that is measured, is only let go of its graph.
pub(super) fn detached<D: Diagnostic>(mut diagnostics: D) -> Result<D> {
    let mut leaves = LeavesMut::of(&mut diagnostics);
    leaves.iter_mut().try_for_each(|leaf| {
        leaf.replace_tensors(&mut |tensor| {
            Ok(if tensor.requires_grad() { tensor.f_detach()? } else { tensor.shallow_clone() })
        })
    })?;
    let tensors: Vec<&Tensor> = leaves.iter().flat_map(|leaf| leaf.leaf_ref().tensors()).flatten().collect();
    let elsewhere = identity::owned_elsewhere(&tensors)?;
    if elsewhere.contains(&true) {
        let mut elsewhere = elsewhere.into_iter();
        leaves.iter_mut().try_for_each(|leaf| {
            leaf.replace_tensors(&mut |tensor| {
                Ok(if elsewhere.next() == Some(true) { tensor.f_detach_copy()? } else { tensor.shallow_clone() })
            })
        })?;
    }
    Ok(diagnostics)
}

/// One tensor without its graph, in memory that nothing else can write to once `tensor` is dropped.
pub(crate) fn detached_tensor(tensor: &Tensor) -> Result<Tensor> {
    let is_shared = identity::owned_elsewhere(&[tensor])?.contains(&true);
    Ok(if is_shared { tensor.f_detach_copy()? } else { tensor.f_detach()? })
}
