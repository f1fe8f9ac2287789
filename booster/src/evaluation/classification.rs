//! Classification by cross-entropy.

use booster_sys::scalar::ScalarOps as _;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use tch::nn::ModuleT;
use tch::{Reduction, TchError, Tensor};

use super::{Loss, Mode};
use crate::device::to_device_and_kind;
use crate::diagnostic::Weighted;
use crate::error::{Error, Result};
use crate::kind::summing_kind;
use crate::{Batch, evaluator};

/// Inputs and their classes.
#[derive(Batch, Debug)]
pub struct Labeled {
    /// The model's input: `[batch, *dims]`.
    pub input: Tensor,
    /// The zero-based class indices: `[batch]` or `[batch, *positions]`, of kind int64.
    pub target: Tensor,
}

/// Converts an `(input, target)` pair.
impl From<(Tensor, Tensor)> for Labeled {
    fn from((input, target): (Tensor, Tensor)) -> Self {
        Self { input, target }
    }
}

impl Labeled {
    /// Returns a handle to the same tensors.
    #[must_use]
    pub fn shallow_clone(&self) -> Self {
        Self { input: self.input.shallow_clone(), target: self.target.shallow_clone() }
    }
}

/// The non-negative weight of each class in the loss.
#[derive(Clone, Default)]
pub struct ClassWeights {
    weights: Vec<f32>,
    /// One tensor per device and kind in use, so that each device receives the weights once.
    tensors: Arc<Mutex<Vec<Tensor>>>,
}

impl ClassWeights {
    /// Creates weights from one number per class.
    pub fn new(weights: impl Into<Vec<f32>>) -> Self {
        Self { weights: weights.into(), tensors: Arc::default() }
    }

    /// Creates equal weights for all classes.
    pub fn uniform() -> Self {
        Self::default()
    }

    /// Returns the weights on the device and in the kind of `logits`, or `None` if uniform.
    fn beside(&self, logits: &Tensor) -> Result<Option<Tensor>> {
        if self.weights.is_empty() {
            return Ok(None);
        }
        let (device, kind) = (logits.device(), logits.f_kind()?);
        let mut tensors = self.tensors.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(tensor) = tensors.iter().find(|tensor| tensor.device() == device && tensor.kind() == kind) {
            return Ok(Some(tensor.shallow_clone()));
        }
        let tensor = to_device_and_kind(&Tensor::f_from_slice(&self.weights)?, device, kind)?;
        tensors.push(tensor.shallow_clone());
        Ok(Some(tensor))
    }
}

impl PartialEq for ClassWeights {
    fn eq(&self, other: &Self) -> bool {
        self.weights == other.weights
    }
}

impl fmt::Debug for ClassWeights {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("ClassWeights").field(&self.weights).finish()
    }
}

/// Classification by cross-entropy, with the negative log-likelihood and accuracy of each sample.
///
/// The model maps inputs `[batch, *dims]` to logits `[batch, classes]`, or `[batch, classes, *positions]` for targets
/// `[batch, *positions]`. The loss is the class-weighted mean over all targets except ignored ones, which affect
/// neither the loss nor the accuracy. A target of a zero-weight class adds nothing to the loss; in libtorch's mean, its
/// label smoothing would still count.
///
/// ```
/// use booster::evaluation::Classification;
/// use booster::prelude::*;
/// use booster::tch::{Device, Tensor, nn};
///
/// # fn main() -> booster::Result<()> {
/// let net = |path: &nn::Path<'_>| nn::linear(path, 4, 3, Default::default());
/// let mut pipeline = Pipeline::build(Device::Cpu, net, Classification::new().with_label_smoothing(0.1));
/// let batch = Labeled {
///     input: Tensor::from_slice(&[0.0f32; 8]).reshape([2, 4]),
///     target: Tensor::from_slice(&[2i64, 0]),
/// };
/// let (loss, diagnostics, output) = pipeline.evaluate(&batch, Mode::Eval)?;
/// assert_eq!(loss.tensor().dim(), 0);
/// assert_eq!(output.logits.size(), [2, 3]);
/// # Ok(())
/// # }
/// ```
#[evaluator]
pub fn classification<M: ModuleT>(
    model: &M,
    batch: &Labeled,
    mode: Mode,
    /// The share of the target spread evenly over all classes, from 0 to 1 (Szegedy et al., 2016, arXiv 1512.00567).
    #[param(default = 0.0)]
    label_smoothing: f64,
    /// The weight of each class in the loss.
    #[param(default = ClassWeights::uniform())]
    class_weights: &ClassWeights,
    /// The target value to ignore.
    #[param(default = -100)]
    ignored_target: i64,
) -> Result<Loss> {
    /// The model's logits: `[batch, classes, *positions]`.
    #[output]
    let logits: Tensor = model.forward_t(&batch.input, mode.is_train());
    let class_weights = class_weights.beside(&logits)?;
    let losses = logits
        .f_cross_entropy_loss(&batch.target, class_weights.as_ref(), Reduction::None, ignored_target, label_smoothing)
        .map_err(|error| mismatch(error, &logits, &batch.target))?;
    let counted = batch.target.try_ne(ignored_target)?;
    let weight = target_weights(class_weights.as_ref(), &batch.target, &counted)?;
    // libtorch smooths zero-weight targets too, but their loss must be 0.
    let losses = losses.try_masked_fill(&weight.try_eq(0)?, 0)?;
    let sums = summing_kind(losses.f_kind()?);
    let loss = Loss::from_sum(&losses.f_sum(sums)?, &weight.f_sum(sums)?)?;
    /// The negative log-likelihood of the target, with label smoothing if set.
    #[group = "loss"]
    let nll: Weighted = Weighted::new(per_weight(losses, class_weights.as_ref(), &weight)?, weight);
    /// Whether the most likely class is the target.
    #[group = "metrics"]
    let accuracy: Weighted = Weighted::new(logits.f_argmax(1, false)?.f_eq_tensor(&batch.target)?, counted);
    Ok(loss)
}

/// Computes the weight of each target: that of its class, or 0 if ignored.
fn target_weights(class_weights: Option<&Tensor>, target: &Tensor, counted: &Tensor) -> Result<Tensor> {
    let Some(class_weights) = class_weights else { return Ok(counted.shallow_clone()) };
    let known = target.try_masked_fill(&counted.f_logical_not()?, 0)?;
    Ok(class_weights.f_take(&known)?.f_mul(counted)?)
}

/// Divides the class weights out of libtorch's losses, since [`Weighted`] applies them again.
fn per_weight(losses: Tensor, class_weights: Option<&Tensor>, weight: &Tensor) -> Result<Tensor> {
    Ok(if class_weights.is_some() { losses.f_detach()?.f_div(weight)? } else { losses })
}

fn mismatch(error: TchError, logits: &Tensor, target: &Tensor) -> Error {
    let (logits, target) = (logits.size(), target.size());
    Error::from(error).during(format!("cross-entropy of logits {logits:?} and targets {target:?}"))
}
