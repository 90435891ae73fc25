//! DNS messages over one connection: TCP (RFC 1035 section 4.2.2, RFC 7766) or TLS (RFC 7858); and
//! for nsupdate, in datagrams.
//!
//! A [`Connection`] carries octets: it frames them, and every wait in it has a deadline. It never
//! looks into a message, decides about a retry, or logs what it carries. Whether a request may
//! have reached the peer is told by [`TransportError::request_may_have_arrived`].

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
pub use udp::{UdpPatience, exchange_datagrams};
