//! Failures: why a change is not in place, whether a retry can help, and a hint for the operator.

mod failure;
mod hint;

pub use failure::{Failure, Retry};
