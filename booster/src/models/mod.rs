//! Models to start from.

mod simple_vae;

pub use self::simple_vae::{SimpleVae, SimpleVaeConfig};
