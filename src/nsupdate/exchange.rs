//! Sends one request and receives its response, over the transport that its size and the settings
//! require.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::fatal::Fatal;
use super::settings::{Settings, TlsChoice};
use crate::transport::{
    Application, Connection, DATAGRAM_OCTETS_USUAL, Security, TlsClient, TlsFailure, TlsSettings,
    TransportError, UdpRetryPolicy, exchange_datagrams, resolve_host,
};

/// Time limit of a request without a limit: a year.
const NO_TIMEOUT: Duration = Duration::from_secs(365 * 24 * 3600);
/// Time limit of a host name look-up.
const RESOLVE_TIMEOUT: Duration = Duration::from_secs(60);
/// Most addresses that are tried for a server, as in nsupdate.
const ADDRESSES_MAX: usize = 4;

/// The source addresses and the security settings of requests.
#[derive(Clone, Default)]
pub(super) struct Transport {
    ipv4: Option<SocketAddr>,
    ipv6: Option<SocketAddr>,
    /// The security settings of the route in use.
    pub(super) security: Option<Security>,
}

impl Transport {
    pub(super) fn set_local(&mut self, address: IpAddr, port: u16) {
        let local = Some(SocketAddr::new(address, port));
        match address {
            IpAddr::V4(_) => self.ipv4 = local,
            IpAddr::V6(_) => self.ipv6 = local,
        }
    }

    /// Returns whether requests have a fixed source port.
    pub(super) fn has_port(&self) -> bool {
        let mut addresses = [self.ipv4, self.ipv6].into_iter().flatten();
        addresses.any(|local| local.port() != 0)
    }

    /// Sends a request and returns the response. With `stream`, or with the security settings of a
    /// route, never in a datagram, nor if it is longer than a datagram by RFC 1035 section 4.2.1.
    pub(super) async fn exchange(
        &self,
        settings: &Settings,
        peer: SocketAddr,
        request: &[u8],
        stream: bool,
    ) -> Result<Result<Vec<u8>, TransportError>, Fatal> {
        let deadline = Instant::now() + settings.timeout.unwrap_or(NO_TIMEOUT);
        let local = match peer {
            SocketAddr::V4(_) => self.ipv4,
            SocketAddr::V6(_) => self.ipv6,
        };
        let security = match (&self.security, &settings.tls) {
            (Some(security), _) => Some(security.clone()),
            (None, Some(choice)) => Some(Security::Tls(Arc::new(tls_client(choice, peer)?))),
            (None, None) => None,
        };
        if stream || security.is_some() || request.len() > DATAGRAM_OCTETS_USUAL {
            let security = security.unwrap_or(Security::Tcp);
            return Ok(exchange_stream(local, peer, &security, request, deadline).await);
        }
        let attempts_max = settings.udp_retries.saturating_add(1);
        let share = settings.timeout.unwrap_or(NO_TIMEOUT) / attempts_max;
        let retry_policy = UdpRetryPolicy {
            response_timeout: settings.udp_wait.unwrap_or(share),
            attempts_max,
        };
        Ok(exchange_datagrams(peer, local, request, retry_policy, deadline).await)
    }
}

async fn exchange_stream(
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

/// Returns the addresses of a host, or the reason why it has none, in BIND's wording.
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
    let found = resolve_host(host, port, Instant::now() + RESOLVE_TIMEOUT).await;
    let mut found = found.unwrap_or_default();
    found.retain(|address| settings.families.has(address.ip()));
    found.truncate(ADDRESSES_MAX);
    if found.is_empty() {
        Err("not found")
    } else {
        Ok(found)
    }
}

/// Returns the reason why no response came, in BIND's wording.
#[expect(clippy::wildcard_enum_match_arm, reason = "the enum of std is open")]
pub(super) fn bind_text(error: &TransportError) -> String {
    let text = match error {
        TransportError::TimedOut { .. } => "timed out",
        TransportError::Refused { .. } | TransportError::NoTcp { .. } => "connection refused",
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
    text.to_owned()
}
