//! Documentation of the words in the macros' attributes, for editors.

#![allow(non_camel_case_types, missing_debug_implementations)]

/// The attributes.
pub mod attributes {
    /// The group of a metric, `#[group = "loss"]`: a field of the summary and the first part of the metric's tag.
    pub struct group;
    /// The reductions of a metric, `#[metric(mean, p95)]`; `mean` by default.
    pub struct metric;
    /// Options of a field, `#[diagnostic(flatten)]` or `#[diagnostic(skip)]`, or of the struct,
    /// `#[diagnostic(summary = Name)]`.
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
    /// The most recent value.
    pub struct last;
    /// The number of samples: the sum of their weights, or of the denominators for ratios.
    pub struct count;
    /// The standard deviation.
    pub struct std;
    /// The variance.
    pub struct var;
    /// The median, estimated by a sketch. Any percentile between 0 and 100 works: `p5`, `p99_9`.
    pub struct p50;
    /// The 95th percentile, estimated by a sketch. Any other percentile between 0 and 100 works: `p5`, `p99_9`.
    pub struct p95;
    /// The 99th percentile, estimated by a sketch. Any other percentile between 0 and 100 works: `p5`, `p99_9`.
    pub struct p99;
    /// The exponential moving average with the given decay per sample, `ema(0.99)`.
    pub struct ema;
    /// A histogram: `histogram` chooses its range, `histogram(low, high, bins)` sets it.
    pub struct histogram;
    /// The mean over the samples, keeping the other dimensions.
    pub struct mean_dims;
    /// A custom reduction, `reduce = path::To::Type`.
    pub struct reduce;
    /// The sample count, which weights the values of the struct that are not per sample.
    pub struct samples;
}

/// `#[diagnostic(..)]` on a field.
pub mod field {
    /// Merges the metrics of a field that is itself a diagnostic.
    pub struct flatten;
    /// Excludes the field from measurement.
    pub struct skip;
}

/// `#[diagnostic(..)]` on the struct.
pub mod structure {
    /// The name of the summary, `summary = Name`; by default the struct's name followed by `Summary`.
    pub struct summary;
}

/// `#[param(..)]`.
pub mod param {
    /// The value that `new` gives the parameter, `default = 0.1`; the parameter's `with_` method changes it.
    pub struct default;
}

/// `#[evaluator(..)]`.
pub mod evaluator {
    /// The name of the struct, `name = Name`; by default the function's name in `UpperCamelCase`.
    pub struct name;
}
