//! The exponential moving average of a model's variables.

mod average;
mod guard;
mod saved;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::sync::{Arc, Mutex};

use booster_sys::identity::{identity, storage};
use tch::nn::{VarStore, Variables};
use tch::{Tensor, no_grad_guard};

use self::average::Average;
pub use self::guard::EmaGuard;
use crate::error::{Error, Result};

/// The exponential moving average (EMA) of a model's weights, which often performs better than the latest weights.
///
/// [`update`](Self::update), called after each optimizer step, sets each average to
/// `decay * average + (1 - decay) * weight`, in place and without waiting for the device; [`averaged`](Self::averaged)
/// swaps the averages into a pipeline for evaluation.
///
/// ```
/// use booster::evaluation::Classification;
/// use booster::prelude::*;
/// use booster::tch::{Device, Kind, Tensor, nn, nn::OptimizerConfig};
/// use booster::training::Ema;
///
/// # fn main() -> booster::Result<()> {
/// let net = |path: &nn::Path<'_>| nn::seq_t().add(nn::linear(path, 4, 2, nn::LinearConfig::default()));
/// let mut pipeline = Pipeline::build(Device::Cpu, net, Classification::new());
/// let mut optimizer = nn::Adam::default().build(pipeline.var_store(), 1e-2)?;
/// let mut ema = Ema::new(pipeline.var_store(), 0.999)?;
/// # let batch = Labeled { input: Tensor::ones([3, 4], (Kind::Float, Device::Cpu)), target: Tensor::from_slice(&[0_i64, 1, 1]) };
/// for _ in 0..3 {
///     training_step(&mut pipeline, &batch, &mut optimizer)?;
///     ema.update(pipeline.var_store())?;
/// }
/// let step = validation_step(&mut ema.averaged(&mut pipeline)?, &batch)?;
/// println!("{}", step.summary()?);
/// # Ok(())
/// # }
/// ```
///
/// The first updates use a smaller decay, `min(decay, (1 + n) / (10 + n))` after `n` updates, as in TensorFlow.
/// Otherwise the initial weights would dominate the average for a long time.
///
/// Buffers, such as batch norm statistics, are copied, as in PyTorch's `AveragedModel`, or
/// [averaged](Self::average_buffers) if requested. Variables of neither a floating-point nor a complex kind are always
/// copied. Averages of variables in half or lower precision are kept in single precision, so that small increments are
/// not rounded away.
///
/// Averages follow their variables to another device or kind. Variables that share their storage share an average.
pub struct Ema {
    decay: f64,
    warm_up: bool,
    average_buffers: bool,
    updates: u64,
    /// Identifies the store of the variables.
    store: Arc<Mutex<Variables>>,
    /// In order of name.
    averages: Vec<Average>,
}

impl Ema {
    /// Creates the average of a model's current variables, with a decay per update.
    ///
    /// The average spans about `1 / (1 - decay)` updates, which should be a small part of training; 0.999 is common.
    ///
    /// # Errors
    /// Returns [`Error::Mismatch`] if the decay is not in `0..=1` or a variable has a reserved name, and
    /// [`Error::Torch`] if the averages cannot be allocated.
    pub fn new(store: &VarStore, decay: f64) -> Result<Self> {
        if !(0.0..=1.0).contains(&decay) {
            return Err(Error::argument("moving average", "decay", "in 0..=1", decay.to_string()));
        }
        let _no_grad = no_grad_guard();
        let averages = averages(store)?;
        let store = Arc::clone(&store.variables_);
        Ok(Self { decay, warm_up: true, average_buffers: false, updates: 0, store, averages })
    }

    /// Uses the full decay from the first update on.
    pub fn without_warm_up(mut self) -> Self {
        self.warm_up = false;
        self
    }

    /// Averages floating-point buffers like weights, instead of copying them.
    pub fn average_buffers(mut self) -> Self {
        self.average_buffers = true;
        self
    }

    /// Returns the number of updates.
    pub fn updates(&self) -> u64 {
        self.updates
    }

    /// Returns the decay of the next update.
    pub fn decay(&self) -> f64 {
        let updates = self.updates as f64;
        if self.warm_up { self.decay.min((1.0 + updates) / (10.0 + updates)) } else { self.decay }
    }

    /// Updates the averages with the current variables; call it after each optimizer step.
    ///
    /// # Errors
    /// Returns [`Error::Mismatch`] if the average was not created from `store`, if variables were added since, or if a
    /// variable has changed its shape. The averages are then unchanged.
    pub fn update(&mut self, store: &VarStore) -> Result<()> {
        self.sync(store)?;
        self.average()
    }

    /// Updates the averages, which must be [in sync](Self::sync).
    pub(super) fn average(&mut self) -> Result<()> {
        let _no_grad = no_grad_guard();
        let weight = 1.0 - self.decay();
        for average in &mut self.averages {
            average.update(weight, self.average_buffers)?;
        }
        self.updates += 1;
        Ok(())
    }

    /// Moves the averages to the devices and kinds of the variables, and checks that they belong to the same model.
    pub(super) fn sync(&mut self, store: &VarStore) -> Result<()> {
        let _no_grad = no_grad_guard();
        let names = self.averages.iter().map(|average| average.names.len()).sum::<usize>();
        let found = match store.len() {
            _ if !Arc::ptr_eq(&self.store, &store.variables_) => "another model's".to_owned(),
            found if found != names => format!("one of {found} variables"),
            _ => return self.averages.iter_mut().try_for_each(Average::sync),
        };
        Err(Error::argument(
            format!("moving average of {names} variables"),
            "store",
            "the store that the average was created from, with the same variables",
            found,
        ))
    }
}

/// Returns the address of a variable's data, or its identity if it has no storage, as is the case for sparse tensors.
fn place(variable: &Tensor) -> usize {
    if storage(variable).is_some() { variable.data_ptr() as usize } else { identity(variable) }
}

/// Creates an average for each storage, in order of the variables' names.
fn averages(store: &VarStore) -> Result<Vec<Average>> {
    let trainable = store.trainable_variables().iter().map(place).collect::<HashSet<_>>();
    let variables = store.variables().into_iter().collect::<BTreeMap<_, _>>();
    let mut averages: Vec<Average> = Vec::with_capacity(variables.len());
    let mut first_at = HashMap::new();
    for (name, variable) in variables {
        if name == saved::UPDATES {
            let (expected, found) =
                ("another name".to_owned(), "the name reserved for the number of updates".to_owned());
            return Err(Error::variable(name, expected, found));
        }
        let place = place(&variable);
        let first = *first_at.entry(place).or_insert(averages.len());
        match averages.get_mut(first) {
            Some(average) if average.is_of(&variable)? => average.add(name, variable),
            _ => averages.push(Average::new(name, variable, trainable.contains(&place))?),
        }
    }
    Ok(averages)
}

impl fmt::Debug for Ema {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Ema")
            .field("decay", &self.decay)
            .field("warm_up", &self.warm_up)
            .field("average_buffers", &self.average_buffers)
            .field("updates", &self.updates)
            .field("averages", &self.averages.len())
            .finish_non_exhaustive()
    }
}
