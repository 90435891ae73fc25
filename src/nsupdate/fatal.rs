//! Errors that end a run at once.

use crate::diagnostic::{Diagnose as _, Diagnostic, case, run};
use crate::transport::TlsError;

/// An error that ends a run before the end of its script, with status 1.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fatal {
    /// A line is invalid, and no person types the script.
    #[error("syntax error")]
    Syntax,
    /// No server responded to the SOA query.
    #[error("could not reach any name server")]
    NoServer,
    /// No zone for the name was found.
    #[error("could not find enclosing zone")]
    NoZone,
    /// The response to the SOA query has an unexpected status.
    #[error("response to SOA query was unsuccessful")]
    SoaFailed,
    #[error("invalid OPCODE in response to SOA query")]
    SoaOpcode,
    #[error("invalid OPCODE in response to UPDATE request")]
    UpdateOpcode,
    /// A response is malformed, or its signature is invalid.
    #[error("dns_request_getresponse: {0}")]
    Response(&'static str),
    /// The message is too long.
    #[error("dns_request_create: ran out of space")]
    TooLong,
    /// Signing with the private key failed.
    #[error("dns_request_create: sign failure")]
    NoSignature,
    /// The TLS settings are invalid.
    #[error("could not set up TLS: {0}")]
    Tls(#[from] TlsError),
    /// The kernel gives no random numbers.
    #[error("no random numbers: {0}")]
    Random(getrandom::Error),
}

impl Fatal {
    /// Returns the diagnostic of an error for which nsupdate has no text.
    pub(crate) fn diagnostic(&self) -> Option<Diagnostic> {
        match self {
            Self::Tls(error) => Some(error.diagnostic()),
            Self::Random(source) => Some(case!(run::NO_RANDOM_NUMBERS, source)),
            Self::Syntax
            | Self::NoServer
            | Self::NoZone
            | Self::SoaFailed
            | Self::SoaOpcode
            | Self::UpdateOpcode
            | Self::Response(_)
            | Self::TooLong
            | Self::NoSignature => None,
        }
    }
}
