//! The catalogue of diagnostics: all words about what is not as it should be.
//!
//! ```text
//! Failure, ConfigError, … ──▶ Diagnostic = Entry + data ──▶ line on the terminal, log, JSON, row of the queue file
//!                                    Entry ──▶ `nsbridge explain`, docs/messages.md
//! ```
//!
//! Code decides by its own closed enums. When one of them is reported it becomes a [`Diagnostic`]
//! ([`Diagnose`]). Texts may change from one version to the next; codes, and the names of the data, must not.

pub(crate) mod case;
pub(crate) mod check;
pub(crate) mod command;
pub(crate) mod config;
pub(crate) mod entry;
pub(crate) mod file;
pub(crate) mod key;
pub(crate) mod left_out;
pub(crate) mod listing;
pub(crate) mod masterfile;
mod number;
pub(crate) mod ownership;
mod page;
pub(crate) mod payload;
pub(crate) mod powerdns;
pub(crate) mod program;
pub(crate) mod provision;
pub(crate) mod ptr;
pub(crate) mod queue;
pub(crate) mod rndc;
pub(crate) mod run;
pub(crate) mod stored;
pub(crate) mod transport;
pub(crate) mod version;
pub(crate) mod zone;

pub use case::{Diagnose, Diagnostic};
pub(crate) use case::{case, command as own_command, displayed, set_command};
pub use entry::{Class, Entry, Software};
pub(crate) use number::count;
#[cfg(test)]
pub(crate) use page::all;
pub use page::{codes, find, page, pages};
