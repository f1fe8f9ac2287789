//! What happens in a step, and what follows the steps.

mod best;
mod ema;
mod exact;
mod learning_rate;
mod optimizer;
mod schedule;
mod step;
mod trainer;
mod trigger;

pub use self::best::{Best, BestState, Verdict};
pub use self::ema::{Averaged, Ema};
pub use self::learning_rate::LearningRate;
pub use self::schedule::{OneCycle, Schedule};
pub use self::step::{Step, StepSummary, StepSummaryStep, training_step, validation_step};
pub use self::trainer::{NonFiniteStep, Throughput, Trained, TrainedSummary, TrainedSummaryStep, Trainer};
pub use self::trigger::{Progress, Trigger};
