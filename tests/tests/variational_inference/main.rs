//! Variational inference: bounds, diagnostics and gradients against PyTorch, exact answers and laws.

mod bounds;
mod evaluator;
mod figures;
mod free_bits;
mod gaussian;
mod importance;
mod layers;
mod precision;
mod simple_vae;

type Outcome = Result<(), Box<dyn std::error::Error>>;
