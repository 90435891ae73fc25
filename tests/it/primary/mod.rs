//! A primary that is hostile, overloaded, out of reach of the key or no primary for updates at all, and the
//! TLS connection to it.

pub(crate) mod congestion;
pub(crate) mod hostile_peer;
pub(crate) mod hostile_tsig;
pub(crate) mod no_updates;
pub(crate) mod tls;
