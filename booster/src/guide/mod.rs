//! The guide: one page per subject, with programs to copy from.
//!
//! | How do I … | Where |
//! |---|---|
//! | install booster, or use my own libtorch | [installation](installation#your-own-libtorch) |
//! | see why there is no CUDA | [installation](installation#why-there-is-no-cuda) |

#[cfg(doc)]
use crate::functional::{available_device, why_no_cuda};

#[doc = include_str!("installation.md")]
pub mod installation {}
