//! Type and const parameters that stand in the body alone, or name model and batch.

use ::booster::tch::{Kind, Tensor, nn::ModuleT};

/// A strategy.
pub trait Criterion {
    /// The losses.
    ///
    /// # Errors
    /// libtorch's.
    fn of(input: &Tensor, target: &Tensor) -> ::booster::Result<Tensor>;
}

/// The greatest of all, by a constant.
#[::booster::evaluator]
pub fn top<M: ModuleT, const K: i64>(model: &M, batch: &Tensor, mode: ::booster::Mode) -> ::booster::Result<Tensor> {
    /// The greatest.
    #[group = "metrics"]
    let best: Tensor = model.forward_t(batch, mode.is_train()).f_topk(K, -1, true, true)?.0;
    ::core::result::Result::Ok(best.f_mean(Kind::Float)?)
}

/// The losses by a strategy, in a model that is an `impl Trait`.
#[::booster::evaluator]
pub fn by_criterion<C: Criterion>(
    model: &impl ModuleT,
    batch: &::booster::evaluation::Labeled,
    mode: ::booster::Mode,
) -> ::booster::Result<Tensor> {
    /// The losses.
    #[group = "loss"]
    let nll: Tensor = C::of(&model.forward_t(&batch.input, mode.is_train()), &batch.target)?;
    ::core::result::Result::Ok(nll.f_mean(Kind::Float)?)
}

/// A model with its data.
pub trait Task: 'static {
    /// The model.
    type Net: ModuleT + ::core::marker::Send + 'static;
    /// What it is trained on.
    type Data: ::booster::Batch + ::core::convert::AsRef<Tensor>;
    /// What is kept of it.
    type Kept: ::booster::Batch;

    /// What is kept.
    fn keep(output: &Tensor) -> Self::Kept;
}

/// Model, batch and output by a trait.
#[::booster::evaluator]
pub fn of_task<T: Task>(model: &T::Net, batch: &T::Data, mode: ::booster::Mode) -> ::booster::Result<Tensor> {
    /// What the model gave.
    #[group = "loss"]
    let nll: Tensor = model.forward_t(::core::convert::AsRef::as_ref(batch), mode.is_train());
    /// What is kept of it.
    #[output]
    let kept: T::Kept = T::keep(&nll);
    ::core::result::Result::Ok(nll.f_mean(Kind::Float)?)
}

/// Names all of them.
#[must_use]
pub fn named<M: ModuleT, C: Criterion, T: Task>() -> (Top<M, 5>, ByCriterion<C, M>, OfTask<T>) {
    (Top::new(), ByCriterion::new(), OfTask::new())
}
