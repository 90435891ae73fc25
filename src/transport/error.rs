//! Why an exchange of octets failed, and the remedy for the operator.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio_rustls::rustls;
use tokio_rustls::rustls::{AlertDescription, CertificateError};

use super::pin::{PIN_COMMAND, Pin, PinMismatch};
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
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the names of the fields say what they hold")]
pub enum TransportError {
    /// The resolver reported an error for the host name.
    #[error("cannot look up `{host}`: {source}")]
    Resolve { host: String, source: io::Error },
    /// The resolver returned no address.
    #[error("`{host}` has no address")]
    NoAddress { host: String },
    /// Nothing listens at the address.
    #[error("{peer} refused the connection")]
    Refused { peer: SocketAddr },
    /// A deadline passed.
    #[error("{target}: {step} timed out after {}", seconds(*after))]
    TimedOut {
        step: Step,
        /// The host name during the lookup, later the address and port.
        target: String,
        /// The time since the start of the step; for a connection, of its first step.
        after: Duration,
    },
    /// The peer ended the connection before the first octet of a message.
    #[error("{peer} closed the connection while {step}")]
    Closed { peer: SocketAddr, step: Step },
    /// The peer ended the connection in the middle of a message.
    #[error("{peer} closed the connection in the middle of a message, after {octets} octets of it")]
    ClosedInFrame {
        peer: SocketAddr,
        /// The received octets of the frame, its length octets included.
        octets: usize,
    },
    /// The peer, or a device on the way, reset the connection.
    #[error("{peer} reset the connection while {step}")]
    Reset { peer: SocketAddr, step: Step },
    /// The kernel reported another error, such as no route or a firewall's refusal.
    #[error("{peer}: {step} failed: {source}")]
    Io {
        peer: SocketAddr,
        step: Step,
        source: io::Error,
    },
    /// TLS failed.
    #[error("{peer}: {failure}")]
    Tls {
        peer: SocketAddr,
        step: Step,
        #[source]
        failure: TlsFailure,
    },
    /// The message does not fit a frame.
    #[error(
        "a message of {octets} octets is longer than a frame can be, {} octets",
        MESSAGE_OCTETS_MAX
    )]
    TooLong { octets: usize },
    /// An earlier message on this connection was sent only in part.
    #[error("{peer}: an earlier message was cut off, the connection cannot be used further")]
    Torn { peer: SocketAddr },
    /// Every address of the host failed.
    #[error("none of the {} addresses of `{host}` can be used: {}", failures.len(), joined(failures))]
    AllFailed {
        host: String,
        /// The failure of each address, in the order of the attempts.
        failures: Vec<Self>,
    },
}

/// The reason why TLS failed.
#[derive(Clone, Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the names of the fields say what they hold")]
pub enum TlsFailure {
    /// No certificate authority in `tls-ca-file` has signed the server's certificate.
    #[error("the server's certificate is not signed by a certificate authority in `tls-ca-file`")]
    UnknownIssuer,
    /// The server presents the certificate of an authority, as a plain self-signed one is.
    #[error(
        "the server's certificate is self-signed as a certificate authority and cannot be verified by `tls-ca-file`"
    )]
    SelfSigned,
    /// The certificate is for another name.
    #[error(
        "the server's certificate is not valid for `{expected}`, but for {}",
        names(presented)
    )]
    NameMismatch {
        expected: String,
        presented: Vec<String>,
    },
    /// The server's key matches no pin.
    #[error("the server's public key has the pin `{presented}`, which is none of `tls-pins`")]
    PinMismatch { presented: Pin },
    /// The certificate is no longer valid.
    #[error("the server's certificate has expired")]
    Expired,
    /// The certificate is not valid yet.
    #[error("the server's certificate is not valid yet")]
    NotYetValid,
    /// The server requires a client certificate, or another one.
    #[error("the server did not accept the client certificate, or wants one: alert {alert:?}")]
    ClientCertificate {
        /// The server's alert (RFC 8446 section 6.2).
        alert: AlertDescription,
    },
    /// The server's octets are no TLS.
    #[error("the server does not speak TLS on this port")]
    NotTls,
    /// rustls reported another error.
    #[error("TLS failed: {source}")]
    Other { source: rustls::Error },
}

impl TransportError {
    /// Returns whether a deadline passed.
    pub fn is_timeout(&self) -> bool {
        matches!(self, Self::TimedOut { .. })
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

    /// Returns a remedy for the operator, if one is known.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Resolve { host, .. } | Self::NoAddress { host } => Some(format!(
                "give the address in place of the name, or see what `getent ahosts {host}` prints"
            )),
            Self::Refused { peer } => Some(format!(
                "see that the server runs and listens on {peer} for TCP (BIND: `listen-on`, also for `tls`)"
            )),
            Self::TimedOut { step, .. } => Some(timeout_hint(*step).to_owned()),
            Self::Closed { step, .. } | Self::Reset { step, .. } => {
                Some(closed_hint(*step).to_owned())
            }
            Self::Tls { failure, .. } => failure.hint(),
            Self::AllFailed { failures, .. } => failures.iter().find_map(Self::hint),
            Self::Io { .. }
            | Self::ClosedInFrame { .. }
            | Self::TooLong { .. }
            | Self::Torn { .. } => None,
        }
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
    /// Returns a remedy for the operator, if one is known.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::UnknownIssuer => Some(format!(
                "set `tls-ca-file` to the authority that signed it; or trust the server's own key by `tls-pins`, its pin is printed by `{PIN_COMMAND}`"
            )),
            Self::SelfSigned => Some(format!(
                "a certificate from `openssl req -x509` is trusted by its key: set `tls-pins` in place of `tls-ca-file`; the pin is printed by `{PIN_COMMAND}`"
            )),
            Self::NameMismatch { presented, .. } => Some(match presented.first() {
                Some(name) => format!("set `tls-name` to a name in the certificate, such as {name}"),
                None => "the certificate names no server (subjectAltName): make one that does, or use `tls-pins`".to_owned(),
            }),
            Self::PinMismatch { .. } => Some(format!(
                "on the server, print the pin of its certificate by `{PIN_COMMAND}` and put it in `tls-pins` if it is a new one; where it differs from the pin above, something between here and the server answers in its place"
            )),
            Self::Expired => Some("renew the server's certificate, or correct the clock".to_owned()),
            Self::NotYetValid => Some("correct the clock, here or where the certificate was made".to_owned()),
            Self::ClientCertificate { .. } => Some(
                "set `tls-certificate-file` and `tls-key-file` to a certificate that the server's authority signed".to_owned(),
            ),
            Self::NotTls => Some(
                "set `transport` to \"tcp\", or the port to the one where the server speaks TLS (853)".to_owned(),
            ),
            Self::Other { .. } => None,
        }
    }

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
                presented: presented.clone(),
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

fn timeout_hint(step: Step) -> &'static str {
    match step {
        Step::Resolve => "see that the name servers in /etc/resolv.conf answer",
        Step::Connect => {
            "a firewall on the way may drop the packets: allow TCP from here to that port"
        }
        Step::Handshake => {
            "see that the server speaks TLS on that port (853), and not plain DNS (53)"
        }
        Step::Send | Step::Receive => "see the server's log: it may be overloaded or starting",
    }
}

fn closed_hint(step: Step) -> &'static str {
    match step {
        Step::Handshake => {
            "see that the server speaks TLS on that port (853), and its log for why it hung up"
        }
        Step::Resolve | Step::Connect | Step::Send | Step::Receive => {
            "see the server's log: it may restart, limit its TCP clients, allow other addresses only, or over TLS want a client certificate"
        }
    }
}

fn seconds(duration: Duration) -> String {
    format!("{:.1} s", duration.as_secs_f64())
}

fn joined(failures: &[TransportError]) -> String {
    let texts: Vec<String> = failures.iter().map(ToString::to_string).collect();
    texts.join("; ")
}

fn names(presented: &[String]) -> String {
    if presented.is_empty() {
        "no name at all".to_owned()
    } else {
        presented.join(", ")
    }
}
