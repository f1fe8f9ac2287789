//! Temporary replacement of a variable's values.
//!
//! A graph saves the variable and its version, not its memory. After `set_data` alone, backward would silently use the
//! new values; a separate version counter makes backward fail instead.

use tch::{TchError, Tensor};

use crate::ffi;

/// The lowest version of a [swapped-in](swap_in) value, above any version reached by writes alone.
pub const LEAST_VERSION: u32 = 1 << 31;

/// Points a variable at the memory of `value`, and returns a handle to its own values for [`swap_back`].
///
/// Until the values are swapped back, backward fails on graphs that saved the variable's own values.
///
/// # Errors
/// Returns [`TchError`] and leaves the variable unchanged if `value` has a different backend or layout.
pub fn swap_in(variable: &mut Tensor, value: &Tensor) -> Result<Tensor, TchError> {
    let own = variable.f_detach()?;
    // SAFETY: both tensors are live, and `variable` is borrowed mutably; the retained storage is reference-counted.
    unsafe { ffi::checked(ffi::booster_swap_in(variable.as_mut_ptr(), value.as_ptr()))? };
    Ok(own)
}

/// Restores a variable's own values.
///
/// Afterwards, backward fails on graphs recorded during the swap, and works again on graphs recorded before the swap.
///
/// # Errors
/// Returns [`TchError`] if the libtorch operation fails.
pub fn swap_back(variable: &mut Tensor, own: &Tensor) -> Result<(), TchError> {
    // SAFETY: both tensors are live, and `variable` is borrowed mutably; the retained storage is reference-counted.
    unsafe { ffi::checked(ffi::booster_swap_back(variable.as_mut_ptr(), own.as_ptr())) }
}

#[cfg(test)]
mod tests {
    use tch::{Kind, no_grad};

    use super::*;
    use crate::identity::version;

    /// Returns a graph that saves a variable, and one that saves views of it.
    fn graphs(variable: &Tensor) -> [Tensor; 2] {
        [variable * variable, &variable.select(0, 0) * &variable.select(0, 1)].map(|graph| graph.sum(Kind::Float))
    }

    fn variable() -> Tensor {
        Tensor::from_slice(&[2.0f32, 3.0]).set_requires_grad(true)
    }

    #[test]
    fn graphs_from_before_a_swap_work_after_it() {
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
    fn graphs_from_a_swap_fail_after_it() {
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
    fn a_swapped_value_has_its_own_version() {
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
