//! One request and its answer, over what its size and the settings ask for.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::fatal::Fatal;
use super::settings::{Settings, TlsChoice};
use crate::transport::{
    Application, Connection, Security, TlsClient, TlsFailure, TlsSettings, TransportError,
    UdpRetryPolicy, exchange_datagrams, resolve_host,
};

/// Longest message in a datagram (RFC 1035 section 4.2.1); longer ones go by TCP.
const DATAGRAM_OCTETS_MAX: usize = 512;
/// How long a request without a limit is waited for: a year.
const FOR_EVER: Duration = Duration::from_secs(365 * 24 * 3600);
/// How long the resolver may take.
const RESOLVE: Duration = Duration::from_secs(60);
/// Most addresses of a server that are tried, as in nsupdate.
const ADDRESSES_MAX: usize = 4;

/// Where requests come from, for each family.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Locals {
    four: Option<SocketAddr>,
    six: Option<SocketAddr>,
}

impl Locals {
    pub(super) fn set(&mut self, address: IpAddr, port: u16) {
        let local = Some(SocketAddr::new(address, port));
        match address {
            IpAddr::V4(_) => self.four = local,
            IpAddr::V6(_) => self.six = local,
        }
    }

    /// Whether requests come from a certain port.
    pub(super) fn has_port(&self) -> bool {
        let mut locals = [self.four, self.six].into_iter().flatten();
        locals.any(|local| local.port() != 0)
    }

    fn towards(&self, peer: SocketAddr) -> Option<SocketAddr> {
        match peer {
            SocketAddr::V4(_) => self.four,
            SocketAddr::V6(_) => self.six,
        }
    }
}

/// Sends a request and gives the answer; with `stream`, or over what a route says, never in a datagram.
pub(super) async fn exchange(
    settings: &Settings,
    locals: &Locals,
    peer: SocketAddr,
    request: &[u8],
    (stream, route): (bool, Option<&Security>),
) -> Result<Result<Vec<u8>, TransportError>, Fatal> {
    let deadline = Instant::now() + settings.timeout.unwrap_or(FOR_EVER);
    let local = locals.towards(peer);
    let chosen = match (route, &settings.tls) {
        (Some(security), _) => Some(security.clone()),
        (None, Some(choice)) => Some(Security::Tls(Arc::new(tls_client(choice, peer)?))),
        (None, None) => None,
    };
    if stream || chosen.is_some() || request.len() > DATAGRAM_OCTETS_MAX {
        let security = chosen.unwrap_or(Security::Tcp);
        return Ok(by_stream(local, peer, &security, request, deadline).await);
    }
    let attempts_max = settings.udp_retries.saturating_add(1);
    let shared = settings.timeout.unwrap_or(FOR_EVER) / attempts_max;
    let retry_policy = UdpRetryPolicy {
        response_timeout: settings.udp_wait.unwrap_or(shared),
        attempts_max,
    };
    Ok(exchange_datagrams(peer, local, request, retry_policy, deadline).await)
}

async fn by_stream(
    local: Option<SocketAddr>,
    peer: SocketAddr,
    security: &Security,
    request: &[u8],
    deadline: Instant,
) -> Result<Vec<u8>, TransportError> {
    let mut connection = Connection::open_from(local, peer, security, deadline).await?;
    connection.send(request, deadline).await?;
    connection.receive(deadline).await
}

fn tls_client(choice: &TlsChoice, peer: SocketAddr) -> Result<TlsClient, Fatal> {
    let server_name = choice.server_name.clone();
    let settings = TlsSettings {
        application: Application::Dns,
        server_name: server_name.unwrap_or_else(|| peer.ip().to_string()),
        ca_pem: choice.ca_pem.clone(),
        pins: Vec::new(),
        client: choice.client.clone(),
    };
    if choice.ca_pem.is_some() {
        Ok(TlsClient::new(&settings)?)
    } else {
        Ok(TlsClient::unverified(&settings)?)
    }
}

/// The addresses of a host, or why there are none, in BIND's words.
pub(super) async fn addresses(
    settings: &Settings,
    host: &str,
    port: u16,
) -> Result<Vec<SocketAddr>, &'static str> {
    if let Ok(address) = host.parse::<IpAddr>() {
        return if settings.families.has(address) {
            Ok(vec![SocketAddr::new(address, port)])
        } else {
            Err("address family not supported")
        };
    }
    let found = resolve_host(host, port, Instant::now() + RESOLVE).await;
    let mut found = found.unwrap_or_default();
    found.retain(|address| settings.families.has(address.ip()));
    found.truncate(ADDRESSES_MAX);
    if found.is_empty() {
        Err("not found")
    } else {
        Ok(found)
    }
}

/// Why no answer came, in BIND's words.
#[expect(clippy::wildcard_enum_match_arm, reason = "the enum of std is open")]
pub(super) fn words(error: &TransportError) -> String {
    let words = match error {
        TransportError::TimedOut { .. } => "timed out",
        TransportError::Refused { .. } => "connection refused",
        TransportError::Reset { .. } => "connection reset",
        TransportError::Closed { .. } | TransportError::ClosedInFrame { .. } => "end of file",
        TransportError::Resolve { .. } | TransportError::NoAddress { .. } => "not found",
        TransportError::TooLong { .. } => "ran out of space",
        TransportError::Torn { .. } | TransportError::AllFailed { .. } => "failure",
        TransportError::Tls { failure, .. } => match failure {
            TlsFailure::UnknownIssuer
            | TlsFailure::SelfSigned
            | TlsFailure::NameMismatch { .. }
            | TlsFailure::PinMismatch { .. }
            | TlsFailure::Expired
            | TlsFailure::NotYetValid => "TLS peer certificate verification failed",
            TlsFailure::ClientCertificate { .. }
            | TlsFailure::NotTls
            | TlsFailure::Other { .. } => "TLS error",
        },
        TransportError::Io { source, .. } => match source.kind() {
            io::ErrorKind::HostUnreachable => "host unreachable",
            io::ErrorKind::NetworkUnreachable => "network unreachable",
            io::ErrorKind::AddrNotAvailable => "address not available",
            io::ErrorKind::AddrInUse => "address in use",
            io::ErrorKind::PermissionDenied => "permission denied",
            _ => "failure",
        },
    };
    words.to_owned()
}
