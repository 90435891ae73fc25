//! Why a change is not in place, whether a retry helps, and what to do about it.

mod failure;
mod hint;

pub use failure::{Failure, Retry};
