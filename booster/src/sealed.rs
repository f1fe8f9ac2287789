//! What other crates cannot implement.

/// A trait that has this one above it can grow without breaking anybody.
pub trait Sealed {}
