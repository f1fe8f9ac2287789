//! Variables that have other values for a while.
//!
//! A graph holds the variable and the number of writes to it, not its memory: with `set_data` alone it would be
//! differentiated with whatever values the variable has then.

use tch::{TchError, Tensor};

use crate::ffi;

/// The least version of a value that was [swapped in](swap_in); a variable's own versions count its writes.
pub const LEAST_VERSION: u32 = 1 << 31;

/// Has a variable refer to the memory of `value`, and returns a handle to its own values, to [swap back](swap_back).
///
/// Libtorch refuses to differentiate a graph that holds the variable with its own values until they are back.
///
/// # Errors
/// Returns libtorch's message if `value` is of another backend or layout. The variable is then as it was.
pub fn swap_in(variable: &mut Tensor, value: &Tensor) -> Result<Tensor, TchError> {
    let own = variable.f_detach()?;
    // SAFETY: both are live tensors, `variable` is borrowed for this call alone; what is kept is counted by libtorch.
    unsafe { ffi::checked(ffi::booster_swap_in(variable.as_mut_ptr(), value.as_ptr()))? };
    Ok(own)
}

/// Has a variable refer to its own values again. Libtorch refuses from now on to differentiate a graph that was recorded
/// with what was swapped in; one from before is as if nothing had happened.
///
/// # Errors
/// Returns libtorch's message if it refuses.
pub fn swap_back(variable: &mut Tensor, own: &Tensor) -> Result<(), TchError> {
    // SAFETY: both are live tensors, `variable` is borrowed for this call alone; what is kept is counted by libtorch.
    unsafe { ffi::checked(ffi::booster_swap_back(variable.as_mut_ptr(), own.as_ptr())) }
}

#[cfg(test)]
mod tests {
    use tch::{Kind, no_grad};

    use super::*;
    use crate::identity::version;

    /// A graph that holds a variable, and one that holds a view of it.
    fn graphs(variable: &Tensor) -> [Tensor; 2] {
        [variable * variable, &variable.select(0, 0) * &variable.select(0, 1)].map(|graph| graph.sum(Kind::Float))
    }

    fn variable() -> Tensor {
        Tensor::from_slice(&[2.0f32, 3.0]).set_requires_grad(true)
    }

    #[test]
    fn graphs_of_a_variables_own_values_are_right_after_a_swap() {
        let mut variable = variable();
        let graphs = graphs(&variable);
        for value in [5.0f32, 7.0] {
            let own = swap_in(&mut variable, &Tensor::from_slice(&[value; 2])).unwrap();
            assert_eq!(variable.detach(), Tensor::from_slice(&[value; 2]));
            assert!(graphs[0].f_backward().is_err());
            swap_back(&mut variable, &own).unwrap();
        }
        for (graph, expected) in graphs.iter().zip([[4.0f32, 6.0], [3.0, 2.0]]) {
            variable.zero_grad();
            graph.backward();
            assert_eq!(variable.grad(), Tensor::from_slice(&expected));
        }
    }

    #[test]
    fn graphs_of_swapped_values_are_refused_once_they_are_gone() {
        let (mut variable, value) = (variable(), Tensor::from_slice(&[5.0f32, 7.0]));
        let own = swap_in(&mut variable, &value).unwrap();
        let kept = graphs(&variable);
        for (graph, expected) in graphs(&variable).iter().zip([[10.0f32, 14.0], [7.0, 5.0]]) {
            variable.zero_grad();
            graph.backward();
            assert_eq!(variable.grad(), Tensor::from_slice(&expected));
        }
        swap_back(&mut variable, &own).unwrap();
        assert!(kept.iter().all(|graph| graph.f_backward().is_err()));
        let again = swap_in(&mut variable, &value).unwrap();
        assert!(kept.iter().all(|graph| graph.f_backward().is_err()));
        swap_back(&mut variable, &again).unwrap();
    }

    #[test]
    fn a_write_is_counted_where_it_went() {
        let mut variable = variable();
        let view = variable.detach();
        let own = swap_in(&mut variable, &Tensor::from_slice(&[5.0f32, 7.0])).unwrap();
        let first = version(&variable);
        assert!(first >= Some(LEAST_VERSION.into()));
        for _ in 0..9 {
            let _ = no_grad(|| variable.fill_(0.0));
        }
        swap_back(&mut variable, &own).unwrap();
        assert_eq!([version(&variable), version(&view)], [Some(0); 2]);
        let own = swap_in(&mut variable, &Tensor::from_slice(&[5.0f32, 7.0])).unwrap();
        assert!(version(&variable) > first.map(|first| first + 9), "a graph of the last swap may have this version");
        swap_back(&mut variable, &own).unwrap();
        let _ = no_grad(|| variable.fill_(0.0));
        assert_eq!([version(&variable), version(&view)], [Some(1); 2]);
        assert_eq!(view, Tensor::from_slice(&[0.0f32; 2]));
    }
}
