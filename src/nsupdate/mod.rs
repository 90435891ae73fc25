//! nsupdate's client: carries out the commands of a script one after the other.
//!
//! Unlike `deliver`, it decides nothing. It sends exactly what the script says, once, and reports
//! the server's response in nsupdate's wording, because callers compare texts and statuses. If the
//! script names no server or zone, it finds them by SOA queries, as nsupdate does. It must not
//! print: all text goes to the `Output` of its caller.

mod client;
mod discovery;
mod durable;
mod exchange;
mod fatal;
mod help;
mod session;
mod settings;
mod show;
mod split;

#[cfg(test)]
mod tests;

pub(crate) use client::{Client, Sent, Turn};
pub(crate) use fatal::Fatal;
pub(crate) use settings::{Families, Route, Settings, Signer, Stream, TlsChoice, read_resolvers};
