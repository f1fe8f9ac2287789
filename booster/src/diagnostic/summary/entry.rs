//! Entries of a summary.

use std::borrow::Cow;

/// A value of a summary with its group and name, as yielded by [`Summary::iter`](super::Summary::iter) and
/// [`Summary::values`](super::Summary::values).
///
/// ```
/// use booster::prelude::*;
///
/// #[derive(Diagnostic)]
/// struct Measured {
///     #[group = "loss"]
///     nll: f64,
/// }
///
/// # fn main() -> booster::Result<()> {
/// let summary = Measured { nll: 0.5 }.summary()?;
/// for entry in summary.iter() {
///     assert_eq!((entry.group.as_ref(), entry.name.as_ref(), entry.value), ("loss", "nll", 0.5));
///     assert_eq!(entry.tag(), "loss/nll");
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct SummaryEntry<V = f64> {
    /// The group, such as `loss`.
    pub group: Cow<'static, str>,
    /// The name within the group, such as `nll`.
    pub name: Cow<'static, str>,
    /// The value.
    pub value: V,
}

impl<V> SummaryEntry<V> {
    pub(super) fn new(group: &'static str, name: &'static str, value: V) -> Self {
        Self { group: group.into(), name: name.into(), value }
    }

    /// Returns the tag used by sinks, `group/name`.
    pub fn tag(&self) -> String {
        format!("{}/{}", self.group, self.name)
    }
}
