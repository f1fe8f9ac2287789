//! What happens in a step.

mod step;

pub use self::step::{Step, StepStepSummary, StepSummary, training_step, validation_step};
