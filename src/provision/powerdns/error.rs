//! The errors of PowerDNS's API, and what the operator can do about each.

use std::error::Error;
use std::fmt::{self, Write as _};

use crate::model::{Name, ZoneName};
use crate::transport::{self, TlsFailure, TransportError};

/// Most characters of a server's own error text in a message.
pub(super) const ERROR_TEXT_CHARACTERS_MAX: usize = 300;

/// The reason why a zone could not be created or deleted over the API. In every variant, `server`
/// is host and port of its URL.
#[derive(Debug, thiserror::Error)]
pub enum PowerDnsError {
    /// The API key cannot be a header of a request.
    #[error("the key of PowerDNS's API has characters that no key has")]
    ApiKey,
    /// The configured URL makes no valid request.
    #[error("PowerDNS's API at {server}: `url` makes no request: {source}")]
    Request {
        /// The API.
        server: String,
        /// The cause.
        source: hyper::http::Error,
    },
    /// The connection failed.
    #[error("PowerDNS's API at {server}: cannot connect: {source}")]
    Unreachable {
        /// The API.
        server: String,
        /// The cause.
        source: Box<TransportError>,
    },
    /// The connection broke, or the response is no HTTP.
    #[error("PowerDNS's API at {server}: no answer: {}", causes(source))]
    Lost {
        /// The API.
        server: String,
        /// The cause.
        source: hyper::Error,
    },
    /// The deadline passed.
    #[error("PowerDNS's API at {server}: time was over while {step}")]
    Deadline {
        /// The API.
        server: String,
        /// The step at the deadline.
        step: Step,
    },
    /// The response is longer than any expected one.
    #[error("PowerDNS's API at {server}: an answer of more than {octets_max} octets")]
    TooLong {
        /// The API.
        server: String,
        /// The limit.
        octets_max: usize,
    },
    /// The server does not accept the API key.
    #[error("PowerDNS's API at {server}: the API key is not accepted")]
    WrongKey {
        /// The API.
        server: String,
    },
    /// The server or a proxy before it forbids requests of this host, or this request.
    #[error("PowerDNS's API at {server}: the request is forbidden (status 403)")]
    Forbidden {
        /// The API.
        server: String,
    },
    /// The response is not from the API of an authoritative server.
    #[error(
        "what answers at {server} is not the API of PowerDNS Authoritative Server (status {status})"
    )]
    NotTheApi {
        /// The API.
        server: String,
        /// The status of the response.
        status: u16,
    },
    /// The response is a redirect.
    #[error("what answers at {server} redirects (status {status}), which is not followed")]
    Redirected {
        /// The API.
        server: String,
        /// The status of the response.
        status: u16,
    },
    /// A proxy before the server does not reach it, or limits the rate of requests.
    #[error("what stands before PowerDNS's API at {server} answers in its place (status {status})")]
    Away {
        /// The API.
        server: String,
        /// The status of the response.
        status: u16,
    },
    /// The server does not know a key.
    #[error("zone `{zone}`: PowerDNS at {server} does not know the TSIG key `{key}`")]
    KeyMissing {
        /// The API.
        server: String,
        /// The zone.
        zone: ZoneName,
        /// The key's name.
        key: Name,
    },
    /// The server refuses a request.
    #[error("zone `{zone}`: PowerDNS at {server} refuses {step} (status {status}): {answer}")]
    Refused {
        /// The API.
        server: String,
        /// The zone.
        zone: ZoneName,
        /// The request.
        step: &'static str,
        /// The status of the response.
        status: u16,
        /// The server's error text, escaped and shortened.
        answer: String,
    },
    /// The server has a zone of this name and of a kind that takes no updates.
    #[error("zone `{zone}`: PowerDNS at {server} already has it as a zone of the kind {kind}")]
    ForeignZone {
        /// The API.
        server: String,
        /// The zone.
        zone: ZoneName,
        /// The zone's kind.
        kind: String,
    },
    /// The zone appeared and disappeared several times.
    #[error("zone `{zone}`: it comes and goes on PowerDNS at {server}")]
    Unsteady {
        /// The API.
        server: String,
        /// The zone.
        zone: ZoneName,
    },
    /// The creation of a zone began and failed.
    #[error(
        "{source}; the zone was half made and {}",
        if *is_removed { "was removed again" } else { "takes no updates until it is finished" }
    )]
    Unfinished {
        /// The cause.
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

impl PowerDnsError {
    /// Returns what the operator can do about it.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::ApiKey => {
                "`api-key-file` holds one line, the value of `api-key` in pdns.conf, in visible \
                 ASCII characters"
            }
            Self::Unreachable { source, .. } => return unreachable_hint(source),
            Self::Lost { .. } => {
                "pdns.conf needs `webserver-allow-from=<this host>`, without which PowerDNS hangs \
                 up; and `url` must say http or https as the server speaks"
            }
            Self::Request { .. } | Self::TooLong { .. } | Self::NotTheApi { .. } => {
                "pdns.conf needs `api=yes`, `api-key=…`, and `webserver-address` and \
                 `webserver-port` as `url` has them, without a path (default port: 8081)"
            }
            Self::WrongKey { .. } => "`api-key-file` must hold the value of `api-key` in pdns.conf",
            Self::Forbidden { .. } => {
                "allow this host, in what stands before the server and in `webserver-allow-from` of \
                 pdns.conf"
            }
            Self::Redirected { .. } => {
                "`url` must lead to the API itself, mostly with https in place of http"
            }
            Self::Away { .. } => {
                "see that PowerDNS runs and that the proxy reaches it; the proxy's log may say more"
            }
            Self::KeyMissing { key, .. } => return Some(key_hint(key)),
            Self::Refused { status: 500.., .. } => "PowerDNS's log has the reason",
            Self::Refused { .. } => "correct what the server names; its log may say more",
            Self::ForeignZone { zone, .. } => {
                return Some(format!(
                    "remove it from the server, or route the zone to the server's own primary; where it is \
                     this one, `pdnsutil set-kind {} primary`",
                    zone.apex().to_text_without_dot()
                ));
            }
            Self::Unfinished { source, .. } => return source.hint(),
            Self::Deadline { .. } | Self::Unsteady { .. } => return None,
        };
        Some(hint.to_owned())
    }

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

    /// Returns whether a retry may succeed without any action of the operator.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable { .. }
            | Self::Lost { .. }
            | Self::Away { .. }
            | Self::Deadline { .. }
            | Self::Unsteady { .. } => true,
            Self::Refused { status, .. } => *status >= 500,
            Self::Unfinished { source, .. } => source.is_transient(),
            Self::ApiKey
            | Self::Request { .. }
            | Self::TooLong { .. }
            | Self::WrongKey { .. }
            | Self::Forbidden { .. }
            | Self::NotTheApi { .. }
            | Self::Redirected { .. }
            | Self::KeyMissing { .. }
            | Self::ForeignZone { .. } => false,
        }
    }
}

fn unreachable_hint(source: &TransportError) -> Option<String> {
    if matches!(source, TransportError::Refused { .. }) {
        let hint = "is PowerDNS running, and does pdns.conf have `api=yes`, `api-key=…`, and \
                    `webserver-address` and `webserver-port` as `url` has them (default port: 8081)?";
        return Some(hint.to_owned());
    }
    if is_not_tls(source) {
        let hint = "PowerDNS itself speaks plain HTTP: set `url` to `http://…`, or to the proxy \
                    before it that speaks TLS";
        return Some(hint.to_owned());
    }
    source.hint()
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
        | TransportError::Io { .. }
        | TransportError::ClosedInFrame { .. }
        | TransportError::TooLong { .. }
        | TransportError::Torn { .. } => false,
    }
}

/// Returns how to add a key to the server, without the secret of the key.
fn key_hint(key: &Name) -> String {
    let name = key.to_lowercase().to_text_without_dot();
    format!(
        "on the server, `pdnsutil import-tsig-key {name} ALGORITHM 'SECRET'` with algorithm and \
         secret of the key file; or make a new key there with `pdnsutil generate-tsig-key {name} \
         hmac-sha256` and put it into the key file"
    )
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
