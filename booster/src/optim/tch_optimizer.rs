//! tch's own optimizers.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use tch::{TchError, Tensor, nn};

use super::{Optimizer, no_such_group};
use crate::error::{Error, Result, TorchError};

/// If libtorch rejects a parameter's gradient, earlier parameters may already be updated.
impl Optimizer for nn::Optimizer {
    fn parameters(&self) -> Vec<Tensor> {
        self.trainable_variables()
    }

    fn step(&mut self) -> Result<()> {
        // tch unwraps libtorch's result, after which the optimizer is as libtorch left it.
        catch_unwind(AssertUnwindSafe(|| Self::step(self))).map_err(|panic| refused(panic.as_ref()))
    }

    fn set_learning_rate(&mut self, rate: f64) {
        self.set_lr(rate);
    }

    fn set_group_learning_rate(&mut self, group: usize, rate: f64) -> Result<()> {
        // tch does not expose the groups. It panics before it changes anything if one is missing.
        catch_unwind(AssertUnwindSafe(|| self.set_lr_group(group, rate))).map_err(|_| no_such_group(group))
    }

    fn zero_grad(&mut self) -> Result<()> {
        Self::zero_grad(self);
        Ok(())
    }
}

/// Returns libtorch's error from the panic of `Result::unwrap`.
fn refused(panic: &(dyn Any + Send)) -> Error {
    let text = panic.downcast_ref::<String>().map_or("the optimizer panicked", String::as_str);
    TorchError::in_panic(text).map_or_else(|| TchError::Torch(text.to_owned()).into(), |(_, error)| Error::Torch(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libtorchs_words_are_read_from_the_panic() {
        let answer = || -> Result<(), TchError> { Err(TchError::Torch("a \"quoted\" word\nand a line".to_owned())) };
        let panicked = catch_unwind(|| answer().unwrap());
        assert_eq!(refused(panicked.unwrap_err().as_ref()).to_string(), "libtorch: a \"quoted\" word\nand a line");
        assert_eq!(refused(&"a literal").to_string(), "libtorch: the optimizer panicked");
    }
}
