//! What the command line says about all exchanges.

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use crate::model::Name;
use crate::transport::{ClientIdentity, Endpoint};
use crate::wire::{Key, PrivateKey};

/// Where a text goes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Stream {
    /// Standard output.
    Out,
    /// Standard error.
    Error,
}

/// Takes what is said, as it is, ends of lines included.
pub type Say<'a> = dyn FnMut(Stream, &str) + 'a;

/// Which families of addresses are used.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Families {
    /// Both.
    Both,
    /// IPv4 only.
    Four,
    /// IPv6 only.
    Six,
}

impl Families {
    /// Whether an address is of these families.
    pub fn has(self, address: IpAddr) -> bool {
        match self {
            Self::Both => true,
            Self::Four => address.is_ipv4(),
            Self::Six => address.is_ipv6(),
        }
    }
}

/// DNS over TLS: whom to trust, and who we are.
#[derive(Clone, Debug, Default)]
pub struct TlsChoice {
    /// Certificate authorities, PEM; none verifies nothing.
    pub ca_pem: Option<Vec<u8>>,
    /// The name that the certificate must carry; the server's as it was given where there is none.
    pub server_name: Option<String>,
    /// Who we are, for a server that asks.
    pub client: Option<ClientIdentity>,
}

/// What requests are signed with.
#[derive(Clone, Debug)]
pub enum Signer {
    /// A shared secret (TSIG), by which queries and answers are signed, too.
    Shared(Key),
    /// A private key (SIG(0)): updates only, as nsupdate does.
    Private(Arc<PrivateKey>),
}

/// A server for the names at and below a suffix, with the key for it.
#[derive(Clone, Debug)]
pub struct Route {
    /// The suffix; the root covers everything.
    pub suffix: Name,
    /// The name of the server in the configuration.
    pub primary: String,
    /// The server.
    pub endpoint: Endpoint,
    /// What requests to it are signed with.
    pub key: Key,
}

/// What the command line says.
#[derive(Clone, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is an option of the command line, which may be given with any other"
)]
pub struct Settings {
    /// The port where none is given.
    pub port: u16,
    /// The families of addresses.
    pub families: Families,
    /// TCP even for small messages.
    pub tcp: bool,
    /// TLS in place of plain TCP and UDP.
    pub tls: Option<TlsChoice>,
    /// How long a request may take with all its tries; none waits for ever.
    pub timeout: Option<Duration>,
    /// How long each UDP try is waited for; none shares the whole time out.
    pub udp_wait: Option<Duration>,
    /// How often a UDP request is sent again.
    pub udp_retries: u32,
    /// Whom to ask for zones where the script names no server.
    pub resolvers: Vec<SocketAddr>,
    /// Send to this machine, whatever the script says.
    pub localhost_only: bool,
    /// How much is said about each step: 0 nothing, 1 as `-d`, 2 as `-D`.
    pub debug: u8,
    /// What requests are signed with.
    pub signer: Option<Signer>,
    /// Unix time in seconds.
    pub clock: fn() -> u64,
    /// What errors begin with, before the number of their line; none for nsupdate's own texts.
    pub script: Option<String>,
    /// Whether servers are asked for the reasons of what they answer (RFC 8914).
    pub asks_why: bool,
    /// Whether the updates of one `send` may lie in several zones, each of which gets a message of its own.
    pub splits_zones: bool,
    /// Whether nothing is sent, and what is asked for is collected, to be kept.
    pub is_durable: bool,
    /// Which server and key are for which names, where the script names no server.
    pub routes: Vec<Route>,
}

impl Settings {
    /// Both loopback addresses, as far as the families go.
    pub fn loopback(&self) -> Vec<SocketAddr> {
        read_resolvers("", self.port, self.families)
    }
}

/// The name servers of a `resolv.conf`, loopback where it names none.
pub fn read_resolvers(text: &str, port: u16, families: Families) -> Vec<SocketAddr> {
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

/// An address and port as BIND writes them.
pub fn address_words(address: SocketAddr) -> String {
    let mut text = address.ip().to_string();
    write!(text, "#{}", address.port()).expect("a String takes every write");
    text
}
