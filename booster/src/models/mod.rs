//! Ready-made models.

mod simple_vae;

pub use self::simple_vae::{SimpleVae, SimpleVaeConfig};
