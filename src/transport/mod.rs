//! DNS messages over one connection, by TCP (RFC 1035 section 4.2.2, RFC 7766) or TLS (RFC 7858),
//! and by UDP, for nsupdate and for primaries that take nothing else.
//!
//! A [`Connection`] frames octets, and every wait in it has a deadline. It never parses a message,
//! never decides about a retry, and never logs a message. After an error,
//! [`TransportError::request_may_have_arrived`] reports whether the peer may have read the request.
//! `Congestion` limits how many requests to one peer run at once.

use std::time::Duration;

mod congestion;
mod connection;
mod error;
mod lookup;
mod pace;
mod pin;
mod tls;
mod udp;

#[cfg(test)]
mod tests;

pub(crate) use congestion::{Congestion, Permit, RequestKind};
pub use connection::{
    ADDRESSES_MAX, Connection, Endpoint, Security, fmt_host_and_port, resolve_host,
};
pub use error::{Step, TlsFailure, TransportError};
pub(crate) use lookup::look_up;
pub(crate) use pace::Pace;
pub use pin::{Pin, PinError};
pub use tls::{Application, ClientIdentity, PemFile, PemPart, TlsClient, TlsError, TlsSettings};
pub use udp::{
    DATAGRAM_OCTETS_MAX, DATAGRAM_OCTETS_USUAL, UdpRetryPolicy, exchange_datagrams,
    exchange_with_host,
};

/// Longest wait for the response to one message, and for each message of a transfer. BIND: takes
/// some 400 ms for an UPDATE of 64 KiB on a slow disk.
pub const EXCHANGE_TIME_MAX: Duration = Duration::from_secs(10);
