//! A primary that is hostile, overloaded, out of reach of the key or no primary for updates at all, and the
//! TLS connection to it.

mod congestion;
mod hostile_peer;
mod hostile_tsig;
mod no_updates;
mod tls;
