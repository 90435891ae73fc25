//! Why an exchange of octets failed, and the remedy for the operator.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio_rustls::rustls;
use tokio_rustls::rustls::{AlertDescription, CertificateError};

use super::pin::{Pin, PinMismatch};
use crate::diagnostic::{Diagnose, Diagnostic, case, displayed, transport as entries};
use crate::wire::MESSAGE_OCTETS_MAX;

/// The step of an exchange.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Step {
    /// The lookup of a host's addresses.
    Resolve,
    /// The TCP handshake.
    Connect,
    /// The TLS handshake.
    Handshake,
    /// The sending of a message.
    Send,
    /// The wait for a message.
    Receive,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Resolve => "looking up the address",
            Self::Connect => "connecting",
            Self::Handshake => "the TLS handshake",
            Self::Send => "sending",
            Self::Receive => "waiting for the answer",
        })
    }
}

/// The reason why an exchange of octets failed.
#[derive(Debug)]
#[expect(missing_docs, reason = "the names of the fields say what they hold")]
pub enum TransportError {
    /// The resolver reported an error for the host name.
    Resolve { host: String, source: io::Error },
    /// The resolver returned no address.
    NoAddress { host: String },
    /// Nothing listens at the address.
    Refused { peer: SocketAddr },
    /// The peer takes no TCP connection, and answers by UDP.
    NoTcp { peer: String },
    /// A deadline passed.
    TimedOut {
        step: Step,
        /// The host name during the lookup, later the address and port.
        target: String,
        /// The time since the start of the step; for a connection, of its first step.
        after: Duration,
    },
    /// The peer ended the connection before the first octet of a message.
    Closed { peer: SocketAddr, step: Step },
    /// The peer ended the connection in the middle of a message.
    ClosedInFrame {
        peer: SocketAddr,
        /// The received octets of the frame, its length octets included.
        octets: usize,
    },
    /// The peer, or a device on the way, reset the connection.
    Reset { peer: SocketAddr, step: Step },
    /// The kernel reported another error, such as no route or a firewall's refusal.
    Io {
        peer: SocketAddr,
        step: Step,
        source: io::Error,
    },
    /// TLS failed.
    Tls {
        peer: SocketAddr,
        step: Step,
        failure: TlsFailure,
    },
    /// The message does not fit a frame.
    TooLong { octets: usize },
    /// An earlier message on this connection was sent only in part.
    Torn { peer: SocketAddr },
    /// Every address of the host failed.
    AllFailed {
        host: String,
        /// The failure of each address, in the order of the attempts.
        failures: Vec<Self>,
    },
}

/// The reason why TLS failed.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the names of the fields say what they hold")]
pub enum TlsFailure {
    /// No certificate authority in `tls-ca-file` has signed the server's certificate.
    UnknownIssuer,
    /// The server presents the certificate of an authority, as a plain self-signed one is.
    SelfSigned,
    /// The certificate is for another name.
    NameMismatch {
        expected: String,
        presented: Vec<String>,
    },
    /// The server's key matches no pin.
    PinMismatch { presented: Pin },
    /// The certificate is no longer valid.
    Expired,
    /// The certificate is not valid yet.
    NotYetValid,
    /// The server requires a client certificate, or another one.
    ClientCertificate {
        /// The server's alert (RFC 8446 section 6.2).
        alert: AlertDescription,
    },
    /// The server's octets are no TLS.
    NotTls,
    /// rustls reported another error.
    Other { source: rustls::Error },
}

displayed!(TransportError, TlsFailure);

impl Diagnose for TransportError {
    fn diagnostic(&self) -> Diagnostic {
        match self {
            Self::Resolve { host, source } => case!(entries::LOOKUP_FAILED, host, source),
            Self::NoAddress { host } => case!(entries::HOST_WITHOUT_ADDRESS, host),
            Self::Refused { peer } => case!(entries::CONNECTION_REFUSED, peer),
            Self::NoTcp { peer } => case!(entries::NO_TCP, peer),
            Self::TimedOut {
                step,
                target,
                after,
            } => {
                let after = seconds(*after);
                match step {
                    Step::Resolve => case!(entries::LOOKUP_TIMED_OUT, target, step, after),
                    Step::Connect => case!(entries::CONNECTION_TIMED_OUT, target, step, after),
                    Step::Handshake => case!(entries::HANDSHAKE_TIMED_OUT, target, step, after),
                    Step::Send | Step::Receive => {
                        case!(entries::ANSWER_TIMED_OUT, target, step, after)
                    }
                }
            }
            Self::Closed { peer, step } => ended(*peer, *step, "closed"),
            Self::Reset { peer, step } => ended(*peer, *step, "reset"),
            Self::ClosedInFrame { peer, octets } => case!(entries::CONNECTION_CUT, peer, octets),
            Self::Io { peer, step, source } => {
                let host = peer.ip();
                case!(entries::CONNECTION_FAILED, peer, host, step, source)
            }
            Self::Tls { peer, failure, .. } => case!(entries::TLS, peer).because(failure),
            Self::TooLong { octets } => {
                case!(
                    entries::MESSAGE_TOO_LONG,
                    octets,
                    octets_max = MESSAGE_OCTETS_MAX
                )
            }
            Self::Torn { peer } => case!(entries::CONNECTION_UNUSABLE, peer),
            Self::AllFailed { host, failures } => {
                let number = failures.len();
                let texts: Vec<String> = failures.iter().map(ToString::to_string).collect();
                let diagnostic = case!(
                    entries::NO_ADDRESS_USABLE,
                    number,
                    host,
                    failures = texts.join("; ")
                );
                let has_hint = |it: &&Self| it.diagnostic().hint().is_some();
                match failures.iter().find(has_hint) {
                    Some(failure) => diagnostic.because(failure),
                    None => diagnostic,
                }
            }
        }
    }
}

/// Returns the diagnostic of a connection that the peer ended.
fn ended(peer: SocketAddr, step: Step, how: &str) -> Diagnostic {
    match step {
        Step::Handshake => case!(entries::HANDSHAKE_BROKEN_OFF, peer, how, step),
        Step::Resolve | Step::Connect | Step::Send | Step::Receive => {
            case!(entries::CONNECTION_CLOSED, peer, how, step)
        }
    }
}

/// Returns the name of a certificate without the word that rustls puts around it: `DnsName("ns1.example.net")`.
fn plain_name(presented: &str) -> String {
    let name = presented
        .split_once('(')
        .and_then(|(_, rest)| rest.strip_suffix(')'));
    name.unwrap_or(presented).trim_matches('"').to_owned()
}

impl Diagnose for TlsFailure {
    fn diagnostic(&self) -> Diagnostic {
        match self {
            Self::UnknownIssuer => case!(entries::TLS_UNKNOWN_ISSUER),
            Self::SelfSigned => case!(entries::TLS_SELF_SIGNED),
            Self::NameMismatch {
                expected,
                presented,
            } if presented.is_empty() => case!(entries::TLS_NO_NAME, expected),
            Self::NameMismatch {
                expected,
                presented,
            } => {
                let names = presented.join(", ");
                // A server has a name of its own, which a wildcard is not.
                let mut single = presented.iter().filter(|name| !name.starts_with('*'));
                let name = single.next().unwrap_or(expected);
                case!(entries::TLS_OTHER_NAME, expected, name, presented = names)
            }
            Self::PinMismatch { presented } => case!(entries::TLS_OTHER_PIN, presented),
            Self::Expired => case!(entries::TLS_EXPIRED),
            Self::NotYetValid => case!(entries::TLS_NOT_YET_VALID),
            Self::ClientCertificate { alert } => {
                case!(
                    entries::TLS_CLIENT_CERTIFICATE,
                    alert = format!("{alert:?}")
                )
            }
            Self::NotTls => case!(entries::TLS_NOT_SPOKEN),
            Self::Other { source } => case!(entries::TLS_FAILED, source),
        }
    }
}

impl TransportError {
    /// Returns whether a deadline passed, at any address of the host.
    pub fn is_timeout(&self) -> bool {
        match self {
            Self::AllFailed { failures, .. } => failures.iter().any(Self::is_timeout),
            Self::TimedOut { .. } => true,
            Self::Resolve { .. }
            | Self::NoAddress { .. }
            | Self::Refused { .. }
            | Self::NoTcp { .. }
            | Self::Closed { .. }
            | Self::ClosedInFrame { .. }
            | Self::Reset { .. }
            | Self::Io { .. }
            | Self::Tls { .. }
            | Self::TooLong { .. }
            | Self::Torn { .. } => false,
        }
    }

    /// Returns whether the peer took no TCP connection, at any address of the host.
    pub(crate) fn is_without_connection(&self) -> bool {
        if let Self::AllFailed { failures, .. } = self {
            return failures.iter().any(Self::is_without_connection);
        }
        let is_silent = matches!(
            self,
            Self::TimedOut {
                step: Step::Connect,
                ..
            }
        );
        is_silent || matches!(self, Self::Refused { .. })
    }

    /// Returns whether the peer may have read, and acted on, a request without a response. An error
    /// of `open` or `send` always means that it has not, because the kernel did not get the whole
    /// message. The result does not cover messages sent earlier on the same connection without a
    /// response: after any error but `TooLong` their fate is unknown.
    pub fn request_may_have_arrived(&self) -> bool {
        match self {
            Self::Resolve { .. }
            | Self::NoAddress { .. }
            | Self::Refused { .. }
            | Self::NoTcp { .. }
            | Self::TooLong { .. }
            | Self::Torn { .. }
            | Self::AllFailed { .. } => false,
            Self::ClosedInFrame { .. } => true,
            Self::TimedOut { step, .. }
            | Self::Closed { step, .. }
            | Self::Reset { step, .. }
            | Self::Io { step, .. } => *step == Step::Receive,
            // A server reads no request before the handshake is complete (RFC 8446 section
            // 4.4.2.4).
            Self::Tls { step, failure, .. } => {
                *step == Step::Receive && !matches!(failure, TlsFailure::ClientCertificate { .. })
            }
        }
    }

    /// Returns whether the peer ended the connection before the first octet of a response, as it does with
    /// one that it no longer uses.
    pub fn is_end_before_answer(&self) -> bool {
        matches!(
            self,
            Self::Closed { step, .. } | Self::Reset { step, .. }
                if [Step::Send, Step::Receive].contains(step)
        )
    }

    /// Converts the error of a socket or TLS operation.
    pub(super) fn from_io(peer: SocketAddr, step: Step, source: io::Error) -> Self {
        let tls = source
            .get_ref()
            .and_then(|inner| inner.downcast_ref::<rustls::Error>());
        if let Some(error) = tls {
            let failure = TlsFailure::from_rustls(error);
            return Self::Tls {
                peer,
                step,
                failure,
            };
        }
        #[expect(clippy::wildcard_enum_match_arm, reason = "the enum of std is open")]
        match source.kind() {
            io::ErrorKind::ConnectionRefused => Self::Refused { peer },
            io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted => {
                Self::Reset { peer, step }
            }
            io::ErrorKind::UnexpectedEof | io::ErrorKind::BrokenPipe => Self::Closed { peer, step },
            _ => Self::Io { peer, step, source },
        }
    }

    /// Converts an error after the first message of the peer: an alert is then not about the
    /// client's certificate, which a server requests in the handshake only.
    pub(super) fn after_handshake(mut self) -> Self {
        if let Self::Tls { failure, .. } = &mut self
            && let TlsFailure::ClientCertificate { alert } = *failure
        {
            let source = rustls::Error::AlertReceived(alert);
            *failure = TlsFailure::Other { source };
        }
        self
    }
}

impl TlsFailure {
    #[expect(clippy::wildcard_enum_match_arm, reason = "the enum of rustls is open")]
    fn from_rustls(error: &rustls::Error) -> Self {
        match error {
            rustls::Error::InvalidCertificate(problem) => Self::from_certificate(problem),
            rustls::Error::InvalidMessage(_) => Self::NotTls,
            rustls::Error::AlertReceived(alert) if is_about_client(*alert) => {
                Self::ClientCertificate { alert: *alert }
            }
            other => Self::Other {
                source: other.clone(),
            },
        }
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "the enum of rustls is open")]
    fn from_certificate(problem: &CertificateError) -> Self {
        match problem {
            CertificateError::UnknownIssuer => Self::UnknownIssuer,
            CertificateError::NotValidForNameContext {
                expected,
                presented,
            } => Self::NameMismatch {
                expected: expected.to_str().into_owned(),
                presented: presented.iter().map(|it| plain_name(it)).collect(),
            },
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => Self::Expired,
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                Self::NotYetValid
            }
            CertificateError::Other(other) => {
                if let Some(mismatch) = other.0.downcast_ref::<PinMismatch>() {
                    Self::PinMismatch {
                        presented: mismatch.presented,
                    }
                } else if let Some(webpki::Error::CaUsedAsEndEntity) = other.0.downcast_ref() {
                    Self::SelfSigned
                } else {
                    Self::certificate(problem)
                }
            }
            _ => Self::certificate(problem),
        }
    }

    fn certificate(problem: &CertificateError) -> Self {
        Self::Other {
            source: rustls::Error::InvalidCertificate(problem.clone()),
        }
    }
}

/// Returns whether a server sends this alert to refuse a client's certificate (RFC 8446 section
/// 6.2).
fn is_about_client(alert: AlertDescription) -> bool {
    matches!(
        alert,
        AlertDescription::CertificateRequired
            | AlertDescription::BadCertificate
            | AlertDescription::UnsupportedCertificate
            | AlertDescription::CertificateRevoked
            | AlertDescription::CertificateExpired
            | AlertDescription::CertificateUnknown
            | AlertDescription::UnknownCA
            | AlertDescription::AccessDenied
    )
}

fn seconds(duration: Duration) -> String {
    format!("{:.1} s", duration.as_secs_f64())
}
