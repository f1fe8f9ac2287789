//! Diagnostics, batches and evaluators of many shapes, with nothing of the standard prelude in scope.
//!
//! A case is a file: `tests/ui.rs` counts them.

pub mod batches;
pub mod conditions;
pub mod documentation;
pub mod early_returns;
pub mod flattening;
pub mod forbidden_lints;
pub mod generic_evaluators;
pub mod generics;
pub mod impl_trait;
pub mod keywords_as_groups;
pub mod lints;
pub mod macros;
pub mod names_of_groups;
pub mod names_of_the_macros;
pub mod parameters_of_the_body;
pub mod params;
pub mod patterns_in_arguments;
pub mod raw_identifiers;
pub mod reductions;
pub mod second_form;
pub mod shadowed_lets;
pub mod shadowed_names;
pub mod summary_names;
pub mod unicode;
pub mod visibility;
pub mod within_functions;
pub mod without_fields;
