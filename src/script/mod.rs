//! Parses nsupdate's command language: one line of text gives one command of a closed set.
//!
//! This module is pure: no files, no sockets, no clock. A line can depend on earlier lines
//! (`class`, `ttl`, `check-names`, the class of the first record); a [`Parser`] keeps only that
//! state, and the caller carries out the commands. The error texts are those of nsupdate, because
//! programs that call nsupdate compare them. Names are absolute with or without their final dot,
//! TTLs are plain seconds, and `zonefile` parses RDATA, so that every type is accepted in every
//! form.

mod checks;
mod command;
mod error;
mod parser;
mod rdata;
mod tkey;
mod words;

#[cfg(test)]
mod tests;

pub use command::Command;
pub use error::{NameProblem, ScriptError};
pub use parser::{Parser, parse_key_algorithm};
