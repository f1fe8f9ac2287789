//! The words of the macros' attributes, documented: the macros refer to them here, for editors.

#![allow(non_camel_case_types, missing_debug_implementations)]

/// The attributes themselves.
pub mod attributes {
    /// The group of a metric, `#[group = "loss"]`: a field of the summary, and the first part of its tag.
    pub struct group;
    /// The reductions of a metric, `#[metric(mean, p95)]`. It is `mean` where nothing is said.
    pub struct metric;
    /// `#[diagnostic(flatten)]` and `#[diagnostic(skip)]` on a field, `#[diagnostic(summary = Name)]` on the struct.
    pub struct diagnostic;
    /// Makes the value a field of the evaluator's output.
    pub struct output;
    /// Makes the argument a public field of the evaluator: `#[param]`, or `#[param(default = 0.1)]`.
    pub struct param;
}

/// `#[metric(..)]`.
pub mod metric {
    /// The mean over the samples.
    pub struct mean;
    /// The sum over the samples.
    pub struct sum;
    /// The smallest value.
    pub struct min;
    /// The largest value.
    pub struct max;
    /// The value of the last step.
    pub struct last;
    /// The number of samples: the sum of their weights, or of the denominators of ratios.
    pub struct count;
    /// The standard deviation.
    pub struct std;
    /// The variance.
    pub struct var;
    /// The median, estimated by a sketch. Any percentile between 0 and 100 can be written: `p5`, `p99_9`.
    pub struct p50;
    /// The 95th percentile, estimated by a sketch. Any between 0 and 100 can be written: `p5`, `p99_9`.
    pub struct p95;
    /// The 99th percentile, estimated by a sketch. Any between 0 and 100 can be written: `p5`, `p99_9`.
    pub struct p99;
    /// The exponential moving average, `ema(0.99)`, with the decay per sample.
    pub struct ema;
    /// A histogram: `histogram` finds its own range, `histogram(low, high, bins)` is given it.
    pub struct histogram;
    /// The mean over the samples, with the other dimensions kept.
    pub struct mean_dims;
    /// A reduction of your own, `reduce = path::To::Type`.
    pub struct reduce;
    /// Counts the samples, which weigh the values beside it that are not per sample.
    pub struct samples;
}

/// `#[diagnostic(..)]` on a field.
pub mod field {
    /// The field is a diagnostic of its own, whose metrics join these.
    pub struct flatten;
    /// The field is not measured.
    pub struct skip;
}

/// `#[diagnostic(..)]` on the struct.
pub mod structure {
    /// The name of the summary, `summary = Name`, if not the struct's and `Summary`.
    pub struct summary;
}

/// `#[param(..)]`.
pub mod param {
    /// What `new` sets the parameter to, `default = 0.1`; `with_name` changes it.
    pub struct default;
}

/// `#[evaluator(..)]`.
pub mod evaluator {
    /// The name of the struct, `name = Name`, if not the function's in `UpperCamelCase`.
    pub struct name;
}
