//! The settings of the command line, which apply to all exchanges.

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use crate::model::Name;
use crate::transport::{ClientIdentity, Endpoint, PemFile};
use crate::wire::{Key, PrivateKey};

/// A standard stream.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Stream {
    Out,
    Error,
}

/// Writes a text to a stream, without adding a line end.
pub(crate) type Output<'a> = dyn FnMut(Stream, &str) + 'a;

/// The address families that are used.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Families {
    Both,
    /// IPv4.
    Four,
    /// IPv6.
    Six,
}

impl Families {
    /// Returns whether an address belongs to these families.
    pub(crate) fn has(self, address: IpAddr) -> bool {
        match self {
            Self::Both => true,
            Self::Four => address.is_ipv4(),
            Self::Six => address.is_ipv6(),
        }
    }
}

/// The settings of DNS over TLS.
#[derive(Clone, Debug, Default)]
pub(crate) struct TlsChoice {
    /// Certificate authorities; if `None`, the server is not verified.
    pub(crate) ca_pem: Option<PemFile>,
    /// The name in the server's certificate; if `None`, the server's address.
    pub(crate) server_name: Option<String>,
    /// The client's own certificate, for a server that asks for one.
    pub(crate) client: Option<ClientIdentity>,
}

/// A key that signs requests.
#[derive(Clone, Debug)]
pub(crate) enum Signer {
    /// A shared secret (TSIG), which signs updates, queries and responses.
    Shared(Key),
    /// A private key (SIG(0)), which signs updates only, as in nsupdate.
    Private(Arc<PrivateKey>),
}

/// The server and key for names at or below a suffix.
#[derive(Clone, Debug)]
pub(crate) struct Route {
    /// The root covers all names.
    pub(crate) suffix: Name,
    /// The server's name in the configuration.
    pub(crate) primary: String,
    pub(crate) endpoint: Endpoint,
    /// Signs the requests to the server.
    pub(crate) key: Key,
}

/// The settings of a run.
#[derive(Clone, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is an option of the command line, which may be given with any other"
)]
pub(crate) struct Settings {
    /// The port of servers that the script names without one.
    pub(crate) port: u16,
    pub(crate) families: Families,
    /// Uses TCP even for small messages.
    pub(crate) tcp: bool,
    /// Uses TLS instead of TCP and UDP.
    pub(crate) tls: Option<TlsChoice>,
    /// The time limit of a request with all its attempts; `None` waits for ever.
    pub(crate) timeout: Option<Duration>,
    /// The time limit of each UDP attempt; `None` divides `timeout` among the attempts.
    pub(crate) udp_wait: Option<Duration>,
    /// The number of times that a UDP request is repeated.
    pub(crate) udp_retries: u32,
    /// The servers for SOA queries if the script names no server.
    pub(crate) resolvers: Vec<SocketAddr>,
    /// Sends to this machine only; `server` is an error (`-l`).
    pub(crate) localhost_only: bool,
    /// The level of detail about each step: 0 nothing, 1 as `-d`, 2 as `-D`.
    pub(crate) debug: u8,
    pub(crate) signer: Option<Signer>,
    /// Returns the Unix time in seconds.
    pub(crate) clock: fn() -> u64,
    /// Starts each error text, before the line number; `None` for nsupdate's own texts.
    pub(crate) script: Option<String>,
    /// Requests an explanation with each response code (RFC 8914).
    pub(crate) asks_why: bool,
    /// Allows the updates of one `send` to be in several zones; each zone gets its own message.
    pub(crate) splits_zones: bool,
    /// Sends nothing, and collects the requested records for the queue instead.
    pub(crate) is_durable: bool,
    /// The servers and keys for names, if the script names no server.
    pub(crate) routes: Vec<Route>,
}

impl Settings {
    /// Returns the loopback addresses of the families.
    pub(crate) fn loopback(&self) -> Vec<SocketAddr> {
        read_resolvers("", self.port, self.families)
    }
}

/// Reads the name servers of a `resolv.conf`; returns the loopback addresses if it names none.
pub(crate) fn read_resolvers(text: &str, port: u16, families: Families) -> Vec<SocketAddr> {
    let addresses = text.lines().filter_map(|line| {
        let mut words = line.split_whitespace();
        let address = words.next().filter(|word| *word == "nameserver");
        address.and_then(|_| words.next()?.parse::<IpAddr>().ok())
    });
    let mut found: Vec<IpAddr> = addresses.filter(|it| families.has(*it)).collect();
    if found.is_empty() {
        let both = [
            IpAddr::V6(Ipv6Addr::LOCALHOST),
            IpAddr::V4(Ipv4Addr::LOCALHOST),
        ];
        found.extend(both.into_iter().filter(|it| families.has(*it)));
    }
    found
        .into_iter()
        .map(|address| SocketAddr::new(address, port))
        .collect()
}

/// Formats an address and port as BIND does.
pub(super) fn format_address(address: SocketAddr) -> String {
    let mut text = address.ip().to_string();
    write!(text, "#{}", address.port()).expect("a String takes every write");
    text
}
