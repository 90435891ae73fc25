//! A primary that is hostile, overloaded, out of reach of the key or no primary for updates at all, and the
//! TLS connection to it.

mod algorithms;
mod cname_of_others;
mod congestion;
mod forwarded;
mod hickory;
mod hosted;
mod hosted_in_time;
mod hostile_peer;
mod hostile_tsig;
mod learnt;
mod no_updates;
mod quirks;
mod remembered;
mod rollover;
pub(crate) mod switches;
mod tls;
mod udp;
mod unseen;
mod whole;
mod zone_keys;
