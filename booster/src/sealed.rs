//! What other crates cannot implement.

/// A trait that has this one above it can grow without breaking anybody.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot implement this trait",
    label = "a trait that booster alone implements",
    note = "for another crate's type, hold it in a struct of yours beside one of booster's"
)]
pub trait Sealed {}
