//! nsupdate's command language: a line of text to one command of a closed set.
//!
//! Pure: no files, no sockets, no clock. What a line means can depend on lines before it (`class`, `ttl`,
//! `check-names`, the class of the first record), and that alone is the state of a [`Parser`]; the
//! rest is for the one who carries the commands out. The texts of the errors are nsupdate's own,
//! since its callers compare them. Names are absolute with or without their final dot, TTLs are
//! plain seconds, and data go through `zonefile`, so that any type of any form is understood.

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
