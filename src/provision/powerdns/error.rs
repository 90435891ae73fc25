//! The errors of PowerDNS's API, and what the operator can do about each.

use std::error::Error;
use std::fmt::{self, Write as _};

use crate::diagnostic::{Diagnose, Diagnostic, case, displayed, powerdns as entries};
use crate::model::{Name, ZoneName};
use crate::transport::{self, TlsFailure, TransportError};

/// Most characters of a server's own error text in a message.
pub(super) const ERROR_TEXT_CHARACTERS_MAX: usize = 300;

/// The reason why a zone could not be created or deleted over the API. In every variant, `server`
/// is host and port of its URL.
#[derive(Debug)]
#[expect(missing_docs, reason = "the names of the fields say what they hold")]
pub enum PowerDnsError {
    /// The API key cannot be a header of a request.
    ApiKey,
    /// The configured URL makes no valid request.
    Request {
        server: String,
        source: hyper::http::Error,
    },
    /// The connection failed.
    Unreachable {
        server: String,
        source: Box<TransportError>,
    },
    /// The connection broke, or the response is no HTTP.
    Lost {
        server: String,
        source: hyper::Error,
    },
    /// The deadline passed.
    Deadline { server: String, step: Step },
    /// The response is longer than any expected one.
    TooLong { server: String, octets_max: usize },
    /// The server does not accept the API key.
    WrongKey { server: String },
    /// The server or a proxy before it forbids requests of this host, or this request.
    Forbidden { server: String },
    /// The response is not from the API of an authoritative server.
    NotTheApi { server: String, status: u16 },
    /// The response is a redirect.
    Redirected { server: String, status: u16 },
    /// A proxy before the server does not reach it, or limits the rate of requests.
    Away { server: String, status: u16 },
    /// The server does not know a key.
    KeyMissing {
        server: String,
        zone: ZoneName,
        key: Name,
    },
    /// The server refuses a request.
    Refused {
        server: String,
        zone: ZoneName,
        step: &'static str,
        status: u16,
        /// The server's error text, escaped and shortened.
        answer: String,
    },
    /// The server has a zone of this name and of a kind that takes no updates.
    ForeignZone {
        server: String,
        zone: ZoneName,
        kind: String,
    },
    /// The zone appeared and disappeared several times.
    Unsteady { server: String, zone: ZoneName },
    /// The creation of a zone began and failed.
    Unfinished {
        source: Box<Self>,
        /// Whether the zone is removed again.
        is_removed: bool,
    },
}

/// The step at the deadline.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Step {
    /// A request that reads.
    Reading,
    /// A request that changes.
    Changing,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Reading => "waiting for the answer to a question",
            Self::Changing => "waiting for the answer to a change",
        })
    }
}

displayed!(PowerDnsError);

impl Diagnose for PowerDnsError {
    fn diagnostic(&self) -> Diagnostic {
        match self {
            Self::ApiKey => case!(entries::API_KEY_UNUSABLE),
            Self::Request { server, source } => case!(entries::API_URL_UNUSABLE, server, source),
            Self::Unreachable { server, source } => {
                if let TransportError::Refused { .. } = **source {
                    case!(entries::API_CONNECTION_REFUSED, server)
                } else if is_not_tls(source) {
                    case!(entries::API_WITHOUT_TLS, server)
                } else {
                    case!(entries::API_UNREACHABLE, server)
                }
                .because(&**source)
            }
            Self::Lost { server, source } => {
                case!(entries::API_LOST, server, source = causes(source))
            }
            Self::Deadline { server, step } => case!(entries::API_TIMED_OUT, server, step),
            Self::TooLong { server, octets_max } => {
                case!(entries::API_ANSWER_TOO_LONG, server, octets_max)
            }
            Self::WrongKey { server } => case!(entries::API_KEY_REFUSED, server),
            Self::Forbidden { server } => case!(entries::API_FORBIDDEN, server),
            Self::NotTheApi { server, status } => case!(entries::API_OTHER_SERVICE, server, status),
            Self::Redirected { server, status } => case!(entries::API_REDIRECTED, server, status),
            Self::Away { server, status } => case!(entries::API_PROXY_FAILED, server, status),
            Self::KeyMissing { server, zone, key } => {
                let name = key.to_lowercase().to_text_without_dot();
                case!(entries::POWERDNS_KEY_UNKNOWN, server, zone, key, name)
            }
            Self::Refused {
                server,
                zone,
                step,
                status,
                answer,
            } => {
                if *status >= 500 {
                    case!(entries::POWERDNS_FAILED, server, zone, step, status, answer)
                } else {
                    case!(
                        entries::POWERDNS_REFUSED,
                        server,
                        zone,
                        step,
                        status,
                        answer
                    )
                }
            }
            Self::ForeignZone { server, zone, kind } => {
                let name = zone.apex().to_text_without_dot();
                case!(entries::POWERDNS_ZONE_NOT_PRIMARY, server, zone, kind, name)
            }
            Self::Unsteady { server, zone } => case!(entries::POWERDNS_ZONE_UNSTEADY, server, zone),
            Self::Unfinished { source, is_removed } => if *is_removed {
                case!(entries::POWERDNS_ZONE_ROLLED_BACK)
            } else {
                case!(entries::POWERDNS_ZONE_UNFINISHED)
            }
            .because(&**source),
        }
    }
}

impl PowerDnsError {
    /// Returns whether it is certain that no zone was created: the server reported it, or the
    /// request that creates the zone was not sent.
    pub fn made_nothing(&self) -> bool {
        match self {
            Self::ApiKey
            | Self::Request { .. }
            | Self::Unreachable { .. }
            | Self::WrongKey { .. }
            | Self::Forbidden { .. }
            | Self::NotTheApi { .. }
            | Self::Redirected { .. }
            | Self::KeyMissing { .. }
            | Self::ForeignZone { .. }
            | Self::Unsteady { .. } => true,
            Self::Refused { status, .. } => *status < 500,
            Self::Unfinished { is_removed, .. } => *is_removed,
            Self::Deadline { step, .. } => *step == Step::Reading,
            Self::Lost { .. } | Self::Away { .. } | Self::TooLong { .. } => false,
        }
    }
}

/// Returns whether the TLS handshake failed as it does at a server without TLS, which answers in
/// plain text or closes the connection.
fn is_not_tls(error: &TransportError) -> bool {
    match error {
        TransportError::Tls { failure, .. } => matches!(failure, TlsFailure::NotTls),
        TransportError::Closed { step, .. }
        | TransportError::Reset { step, .. }
        | TransportError::TimedOut { step, .. } => *step == transport::Step::Handshake,
        TransportError::AllFailed { failures, .. } => failures.iter().any(is_not_tls),
        TransportError::Resolve { .. }
        | TransportError::NoAddress { .. }
        | TransportError::Refused { .. }
        | TransportError::NoTcp { .. }
        | TransportError::Io { .. }
        | TransportError::ClosedInFrame { .. }
        | TransportError::TooLong { .. }
        | TransportError::Torn { .. } => false,
    }
}

/// Formats an error with its causes, which hyper leaves out.
fn causes(error: &hyper::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let _ = write!(text, ": {error}");
        cause = error.source();
    }
    text
}
