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

/// The exponential moving average (EMA) of a model's weights: often better to evaluate, and to ship, than the last ones.
///
/// [`update`](Self::update) after each optimizer step sets each average to `decay * average + (1 - decay) * weight`, in
/// place and without waiting for the device; [`averaged`](Self::averaged) lends the averages to a pipeline to evaluate.
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
/// In the first updates the decay is smaller, `min(decay, (1 + n) / (10 + n))` after `n` of them, as in TensorFlow: else
/// the weights that the model was made with would weigh on the average for long.
///
/// Buffers, such as the statistics of batch norm, are copied as they are, as in PyTorch's `AveragedModel`; they can be
/// [averaged](Self::average_buffers) too. What is not of a floating-point kind is always copied. Averages of variables in
/// half precision and below are kept in single precision, where the small parts that are added do not round away.
///
/// Averages follow their variables to another device or kind. Variables that share their storage share their average.
pub struct Ema {
    decay: f64,
    warm_up: bool,
    average_buffers: bool,
    updates: u64,
    /// Tells the store that the variables are of.
    store: Arc<Mutex<Variables>>,
    /// In order of their names.
    averages: Vec<Average>,
}

impl Ema {
    /// The average of a model's variables, as they are now, which forgets with the given decay per update: 0.999, or so
    /// much that `1 / (1 - decay)` updates are a small part of training.
    ///
    /// # Errors
    /// [`Error::Mismatch`] where the decay is not in `0..=1`; [`Error::Mismatch`] for a variable of a reserved name;
    /// [`Error::Torch`] where there is no memory for the averages.
    pub fn new(store: &VarStore, decay: f64) -> Result<Self> {
        if !(0.0..=1.0).contains(&decay) {
            return Err(Error::argument("moving average", "decay", "in 0..=1", decay.to_string()));
        }
        let _no_grad = no_grad_guard();
        let averages = averages(store)?;
        let store = Arc::clone(&store.variables_);
        Ok(Self { decay, warm_up: true, average_buffers: false, updates: 0, store, averages })
    }

    /// Forgets with the full decay from the first update on.
    pub fn without_warm_up(mut self) -> Self {
        self.warm_up = false;
        self
    }

    /// Averages buffers of a floating-point kind as the weights, instead of copying them.
    pub fn average_buffers(mut self) -> Self {
        self.average_buffers = true;
        self
    }

    /// How many updates there were.
    pub fn updates(&self) -> u64 {
        self.updates
    }

    /// The decay of the next update.
    pub fn decay(&self) -> f64 {
        let updates = self.updates as f64;
        if self.warm_up { self.decay.min((1.0 + updates) / (10.0 + updates)) } else { self.decay }
    }

    /// Takes the variables as they are into the average: call it after the optimizer's step.
    ///
    /// # Errors
    /// [`Error::Mismatch`] where the store is not the one that the average was made of, or has got more variables since;
    /// [`Error::Mismatch`] where a variable has another shape. The averages are then as they were.
    pub fn update(&mut self, store: &VarStore) -> Result<()> {
        self.sync(store)?;
        self.average()
    }

    /// Takes the variables into the averages, which [follow](Self::follow) them.
    pub(super) fn average(&mut self) -> Result<()> {
        let _no_grad = no_grad_guard();
        let weight = 1.0 - self.decay();
        for average in &mut self.averages {
            average.update(weight, self.average_buffers)?;
        }
        self.updates += 1;
        Ok(())
    }

    /// Moves the averages to where the variables are, and checks that they are still of the same model.
    pub(super) fn sync(&mut self, store: &VarStore) -> Result<()> {
        let _no_grad = no_grad_guard();
        let names = self.averages.iter().map(|average| average.names.len()).sum::<usize>();
        let found = match store.len() {
            _ if !Arc::ptr_eq(&self.store, &store.variables_) => "that of another model".to_owned(),
            found if found != names => format!("of {found} variables"),
            _ => return self.averages.iter_mut().try_for_each(Average::sync),
        };
        Err(Error::argument(
            format!("moving average of {names} variables"),
            "store",
            "the one that the average was made of, as it was then",
            found,
        ))
    }
}

/// Where a variable's values are, or which one it is where that has no single place, as a sparse one.
fn place(variable: &Tensor) -> usize {
    if storage(variable).is_some() { variable.data_ptr() as usize } else { identity(variable) }
}

/// An average for each storage, in order of the variables' names.
fn averages(store: &VarStore) -> Result<Vec<Average>> {
    let trainable = store.trainable_variables().iter().map(place).collect::<HashSet<_>>();
    let variables = store.variables().into_iter().collect::<BTreeMap<_, _>>();
    let mut averages: Vec<Average> = Vec::with_capacity(variables.len());
    let mut first_at = HashMap::new();
    for (name, variable) in variables {
        if name == saved::UPDATES {
            let (expected, found) = ("another name".to_owned(), "the name under which updates are saved".to_owned());
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
