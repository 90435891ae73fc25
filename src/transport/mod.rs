//! DNS messages over one connection, by TCP (RFC 1035 section 4.2.2, RFC 7766) or TLS (RFC 7858),
//! and for nsupdate over UDP.
//!
//! A [`Connection`] frames octets, and every wait in it has a deadline. It never parses a message,
//! never decides about a retry, and never logs a message. After an error,
//! [`TransportError::request_may_have_arrived`] reports whether the peer may have read the request.

mod connection;
mod error;
mod pin;
mod tls;
mod udp;

#[cfg(test)]
mod tests;

pub use connection::{
    ADDRESSES_MAX, Connection, Endpoint, Security, fmt_host_and_port, resolve_host,
};
pub use error::{Step, TlsFailure, TransportError};
pub use pin::{Pin, PinError};
pub use tls::{Application, ClientIdentity, TlsClient, TlsError, TlsSettings};
pub use udp::{UdpRetryPolicy, exchange_datagrams};
