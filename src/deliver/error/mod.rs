//! Failures: why a change is not in place, and whether a retry can help.

mod failure;
mod moving;
mod retry;

pub use failure::Failure;
pub use moving::{Elsewhere, Moving};
pub use retry::Retry;
