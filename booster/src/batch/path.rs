//! Paths of tensors in a batch, for error messages.

use std::fmt;

/// The path from a batch to one of its tensors, such as `input`, `image.mask` or `views[1]`.
///
/// A path is a linked list of borrowed steps on the stack, so extending it does not allocate.
#[derive(Clone, Copy, Debug)]
pub struct FieldPath<'a> {
    parent: Option<&'a FieldPath<'a>>,
    step: Step,
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Root,
    Field(&'static str),
    Index(usize),
}

impl FieldPath<'_> {
    /// The path of the whole batch.
    pub const ROOT: FieldPath<'static> = FieldPath { parent: None, step: Step::Root };

    /// Returns the path of a field of the struct at this path.
    pub fn field(&self, name: &'static str) -> FieldPath<'_> {
        FieldPath { parent: Some(self), step: Step::Field(name) }
    }

    /// Returns the path of an element of the `Vec`, array or tuple at this path.
    pub fn index(&self, index: usize) -> FieldPath<'_> {
        FieldPath { parent: Some(self), step: Step::Index(index) }
    }

    fn is_root(&self) -> bool {
        matches!(self.step, Step::Root)
    }
}

impl fmt::Display for FieldPath<'_> {
    /// Formats the path; the root is `batch`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parent = self.parent.filter(|parent| !parent.is_root());
        if let Some(parent) = parent {
            write!(formatter, "{parent}")?;
        }
        match self.step {
            Step::Root => formatter.write_str("batch"),
            Step::Field(name) if parent.is_some() => write!(formatter, ".{name}"),
            Step::Field(name) => formatter.write_str(name),
            Step::Index(index) => write!(formatter, "[{index}]"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::FieldPath;

    #[test]
    fn a_path_reads_like_the_expression_that_reaches_the_field() {
        let views = FieldPath::ROOT.field("views");
        let second = views.index(1);
        assert_eq!(second.field("mask").to_string(), "views[1].mask");
        assert_eq!(FieldPath::ROOT.index(0).to_string(), "[0]");
        assert_eq!(FieldPath::ROOT.to_string(), "batch");
    }
}
