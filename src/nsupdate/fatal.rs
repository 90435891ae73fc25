//! What ends a run at once.

use crate::transport::TlsError;

/// Why a run ends before its script does; its status is 1.
#[derive(Debug, thiserror::Error)]
pub enum Fatal {
    /// A line was wrong, and nobody is there to write another.
    #[error("syntax error")]
    Syntax,
    /// No server answered the query for the zone.
    #[error("could not reach any name server")]
    NoServer,
    /// No zone holds the name.
    #[error("could not find enclosing zone")]
    NoZone,
    /// The query for the zone failed.
    #[error("response to SOA query was unsuccessful")]
    SoaFailed,
    /// The answer to the query for the zone is no answer to a query.
    #[error("invalid OPCODE in response to SOA query")]
    SoaOpcode,
    /// The answer to an update is none to an update.
    #[error("invalid OPCODE in response to UPDATE request")]
    UpdateOpcode,
    /// The answer cannot be read or believed.
    #[error("dns_request_getresponse: {0}")]
    Answer(&'static str),
    /// The message does not fit.
    #[error("dns_request_create: ran out of space")]
    TooLong,
    /// The private key gives no signature.
    #[error("dns_request_create: sign failure")]
    NoSignature,
    /// The TLS settings cannot be used.
    #[error("could not set up TLS: {0}")]
    Tls(#[from] TlsError),
    /// The kernel gives no random numbers.
    #[error("no random numbers: {0}")]
    Random(getrandom::Error),
}
