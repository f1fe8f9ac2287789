//! Values that stay what they were when they were measured.

use booster_sys::detach::detach;
use tch::Tensor;

use super::{Diagnostic, Leaf, LeavesMut};
use crate::error::Result;

/// The diagnostics without their graph, in memory that nothing else can write to.
///
/// A tensor is copied where something besides these diagnostics can still reach its memory: a parameter or a buffer, a
/// view of one, the batch, the output, or the graph, for what an operation keeps of its result. All else, which is nearly
/// everything that is measured, is only let go of its graph.
pub(super) fn detached<D: Diagnostic>(mut diagnostics: D) -> Result<D> {
    let leaves = LeavesMut::of(&mut diagnostics);
    let mut tensors: Vec<&mut Tensor> = leaves.into_iter().flat_map(Leaf::tensors_mut).flatten().collect();
    detach(&mut tensors)?;
    Ok(diagnostics)
}
