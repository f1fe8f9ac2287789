//! The cases lie in `cases/`; `tests/ui.rs` runs them.
