//! Training and validation steps, schedules, triggers, moving averages and early stopping.

mod best;
mod ema;
mod learning_rate;
mod schedule;
mod serde_f64;
mod step;
mod trainer;
mod trigger;

pub use self::best::{Best, BestState, BestUpdate};
pub use self::ema::{Ema, EmaGuard};
pub use self::learning_rate::LearningRate;
pub use self::schedule::{OneCycle, Schedule};
pub use self::step::{
    Step, StepSummary, StepSummaryStep, training_step, training_step_with_output, validation_step,
    validation_step_with_output,
};
pub use self::trainer::{NonFiniteStep, Throughput, Trainer, TrainerBuilder};
pub use self::trigger::{Progress, Trigger};
