//! Failures: why a change is not in place, and whether a retry can help.

mod failure;
mod retry;

pub use failure::Failure;
pub use retry::Retry;
