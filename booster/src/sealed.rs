//! The supertrait of sealed traits.

/// Seals a trait: only booster can implement it, so it can gain methods without a breaking change.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot implement this trait",
    label = "only booster can implement this trait",
    note = "wrap the foreign type in your own struct, next to one of booster's types"
)]
pub trait Sealed {}
