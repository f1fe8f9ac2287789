//! The values of a summary on their way between an aggregator, a file and the typed summary.

/// A queue of values in the order of a schema's metrics.
#[doc(hidden)]
#[derive(Debug, Default)]
pub struct Values {
    values: std::collections::VecDeque<Option<f64>>,
}

impl Values {
    pub(crate) fn push(&mut self, value: Option<f64>) {
        self.values.push_back(value);
    }

    fn next(&mut self) -> Option<f64> {
        self.values.pop_front().flatten()
    }

    pub(crate) fn into_iter(self) -> impl Iterator<Item = Option<f64>> {
        self.values.into_iter()
    }
}

impl FromIterator<Option<f64>> for Values {
    fn from_iter<I: IntoIterator<Item = Option<f64>>>(values: I) -> Self {
        Self { values: values.into_iter().collect() }
    }
}

/// A type that a field of a summary may have.
#[doc(hidden)]
pub trait SummaryValue {
    fn take(values: &mut Values) -> Self;
    fn put(&self, values: &mut Values);
}

impl SummaryValue for f64 {
    fn take(values: &mut Values) -> Self {
        values.next().unwrap_or(Self::NAN)
    }

    fn put(&self, values: &mut Values) {
        values.push(Some(*self));
    }
}

impl SummaryValue for Option<f64> {
    fn take(values: &mut Values) -> Self {
        values.next()
    }

    fn put(&self, values: &mut Values) {
        values.push(*self);
    }
}
