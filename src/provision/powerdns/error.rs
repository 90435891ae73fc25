//! What can go wrong with PowerDNS's API, and what a person can do about it.

use std::error::Error;
use std::fmt::{self, Write as _};

use crate::model::{Name, ZoneName};
use crate::transport::{self, TlsFailure, TransportError};

/// Most characters of a server's own words in a message.
pub(super) const WORDS_CHARACTERS_MAX: usize = 300;

/// Why a zone could not be made or removed over the API. `server` is host and port of its URL, in
/// every variant.
#[derive(Debug, thiserror::Error)]
pub enum PowerDnsError {
    /// The key of the API cannot stand in a request.
    #[error("the key of PowerDNS's API has characters that no key has")]
    ApiKey,
    /// A request could not be put together.
    #[error("PowerDNS's API at {server}: `url` makes no request: {source}")]
    Request {
        /// The API.
        server: String,
        /// Why.
        source: hyper::http::Error,
    },
    /// No connection.
    #[error("PowerDNS's API at {server}: cannot connect: {source}")]
    Unreachable {
        /// The API.
        server: String,
        /// Why.
        source: Box<TransportError>,
    },
    /// The connection broke, or what came over it is no HTTP.
    #[error("PowerDNS's API at {server}: no answer: {}", causes(source))]
    Lost {
        /// The API.
        server: String,
        /// Why.
        source: hyper::Error,
    },
    /// Time was over.
    #[error("PowerDNS's API at {server}: time was over while {step}")]
    Deadline {
        /// The API.
        server: String,
        /// What was going on.
        step: Step,
    },
    /// The answer is longer than any that is expected.
    #[error("PowerDNS's API at {server}: an answer of more than {octets_max} octets")]
    TooLong {
        /// The API.
        server: String,
        /// The limit.
        octets_max: usize,
    },
    /// The server does not take the key of the API.
    #[error("PowerDNS's API at {server}: the API key is not accepted")]
    WrongKey {
        /// The API.
        server: String,
    },
    /// Something before the server does not let this host, or this request, through.
    #[error("PowerDNS's API at {server}: the request is forbidden (status 403)")]
    Forbidden {
        /// The API.
        server: String,
    },
    /// What answers is not the API of an authoritative server.
    #[error(
        "what answers at {server} is not the API of PowerDNS Authoritative Server (status {status})"
    )]
    NotTheApi {
        /// The API.
        server: String,
        /// The status of its answer.
        status: u16,
    },
    /// What answers sends elsewhere.
    #[error("what answers at {server} redirects (status {status}), which is not followed")]
    Redirected {
        /// The API.
        server: String,
        /// The status of its answer.
        status: u16,
    },
    /// What stands before the server does not reach it, or lets nothing more through now.
    #[error("what stands before PowerDNS's API at {server} answers in its place (status {status})")]
    Away {
        /// The API.
        server: String,
        /// The status of its answer.
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
        /// What was asked for.
        step: &'static str,
        /// The status of its answer.
        status: u16,
        /// What it said, escaped and shortened.
        answer: String,
    },
    /// The server has a zone of this name that takes no updates.
    #[error("zone `{zone}`: PowerDNS at {server} already has it as a zone of the kind {kind}")]
    ForeignZone {
        /// The API.
        server: String,
        /// The zone.
        zone: ZoneName,
        /// Its kind there.
        kind: String,
    },
    /// The zone came and went.
    #[error("zone `{zone}`: it comes and goes on PowerDNS at {server}")]
    Unsteady {
        /// The API.
        server: String,
        /// The zone.
        zone: ZoneName,
    },
    /// A zone was begun and could not be finished.
    #[error(
        "{source}; the zone was half made and {}",
        if *is_removed { "was removed again" } else { "takes no updates until it is finished" }
    )]
    Unfinished {
        /// What failed.
        source: Box<Self>,
        /// Whether it is gone again.
        is_removed: bool,
    },
}

/// What was going on when time was over.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Step {
    /// Something was asked.
    Asking,
    /// Something was to be changed.
    Changing,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Asking => "waiting for the answer to a question",
            Self::Changing => "waiting for the answer to a change",
        })
    }
}

impl PowerDnsError {
    /// What a person can do about it.
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

    /// Whether it is certain that no zone was made: the server said so, or the request that makes it
    /// was not sent.
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
            Self::Deadline { step, .. } => *step == Step::Asking,
            Self::Lost { .. } | Self::Away { .. } | Self::TooLong { .. } => false,
        }
    }

    /// Whether the same attempt may succeed later without anybody doing anything.
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

/// Whether the TLS handshake failed as it does with a server that takes it for a request: that answers, or hangs up.
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

/// How the server learns a key, without its secret.
fn key_hint(key: &Name) -> String {
    let name = key.to_lowercase().to_text_without_dot();
    format!(
        "on the server, `pdnsutil import-tsig-key {name} ALGORITHM 'SECRET'` with algorithm and \
         secret of the key file; or make a new key there with `pdnsutil generate-tsig-key {name} \
         hmac-sha256` and put it into the key file"
    )
}

/// An error with what caused it, which hyper keeps apart.
fn causes(error: &hyper::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let _ = write!(text, ": {error}");
        cause = error.source();
    }
    text
}
