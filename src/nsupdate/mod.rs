//! nsupdate's client: carries out the commands of a script, one after the other.
//!
//! Unlike `deliver`, it decides nothing: what the script says is sent as it stands, once, and what the
//! server answers is said in nsupdate's words, because callers compare texts and statuses. Where the
//! script names no server or zone, they are found by asking for SOA records, as nsupdate does. It
//! prints nothing itself: texts go to the [`Say`] of its caller.

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

pub use client::{Client, Sent, Turn};
pub use fatal::Fatal;
pub use settings::{
    Families, Route, Say, Settings, Signer, Stream, TlsChoice, address_words, read_resolvers,
};
