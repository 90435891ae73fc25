//! Propagation of a value to the name servers of its zone, which are queried one by one and unsigned.
//!
//! A caller waits for it. No change of a zone depends on such a response.

use std::fmt;
use std::io::ErrorKind;
use std::net::SocketAddr;

use tokio::net::lookup_host;
use tokio::time::{Instant, timeout_at};

use crate::deliver::error::Failure;
use crate::deliver::server::query::{ask, records};
use crate::deliver::server::{Primary, Session, open};
use crate::model::{Name, RecordType, ZoneName};
use crate::transport::TransportError;
use crate::wire::Rcode;

/// Port of DNS over TCP (RFC 1035 section 4.2), which every server answers on (RFC 7766).
const PORT: u16 = 53;

/// A name server with its addresses.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct NameServer {
    /// Its name.
    pub name: String,
    /// Its addresses and port.
    pub addresses: Vec<SocketAddr>,
}

/// A TXT value that the name servers of its zone are to show, or no longer to show.
pub struct Propagation<'a> {
    /// The owner name, after CNAMEs.
    pub owner: &'a Name,
    /// Its zone.
    pub zone: &'a ZoneName,
    /// The content of the value.
    pub value: &'a [u8],
    /// The primary of the zone; no query to another server is signed with its keys.
    pub primary: &'a Primary,
    /// Returns seconds since 1970, for signatures.
    pub clock: fn() -> u64,
    /// The end of all queries.
    pub deadline: Instant,
}

impl Propagation<'_> {
    /// Asks the primary for the name servers of the zone, in order. Their addresses are those that the primary has,
    /// or else those of this machine's resolver.
    ///
    /// # Errors
    /// [`Failure`] if a query to the primary fails.
    pub async fn name_servers(&self) -> Result<Vec<NameServer>, Failure> {
        let mut session = open(self.primary, self.clock, self.deadline).await?;
        let apex = self.zone.apex();
        let mut servers = Vec::new();
        if let Some(response) = ask(&mut session, apex, RecordType::NS).await? {
            let records = records(&response, apex, RecordType::NS);
            for name in records.filter_map(|record| record.rdata.to_name()) {
                let mut addresses = own_addresses(&mut session, &name).await?;
                if addresses.is_empty() {
                    addresses = resolved(&name, self.deadline).await;
                }
                servers.push(NameServer {
                    name: name.to_string(),
                    addresses,
                });
            }
        }
        session.release();
        servers.sort();
        Ok(servers)
    }

    /// Asks a name server for the value, without a signature.
    pub async fn view_of(&self, server: SocketAddr) -> ServerView {
        let (host, port) = (server.ip().to_string(), server.port());
        let server = Primary {
            name: server.to_string(),
            ..Primary::plain(host, port, self.primary.key.clone(), 1)
        };
        let reply = async {
            let mut session = open(&server, self.clock, self.deadline).await?;
            session.query_with(self.owner, RecordType::TXT, None).await
        };
        let reply = match reply.await {
            Err(Failure::Transport(error)) if has_no_way(&error) => return ServerView::NoWay,
            Err(failure) => return ServerView::Silent(failure),
            Ok(reply) => reply,
        };
        // An unsigned response to an unsigned query counts as authentic.
        let Some(response) = reply.into_response() else {
            return ServerView::Unusable;
        };
        let is_answer = matches!(response.rcode, Rcode::NOERROR | Rcode::NXDOMAIN);
        if !is_answer || !response.authoritative {
            return ServerView::NotServing(response.rcode);
        }
        let mut texts = records(&response, self.owner, RecordType::TXT);
        if texts.any(|text| text.rdata.content(RecordType::TXT).as_ref() == self.value) {
            ServerView::Has
        } else {
            ServerView::Lacks
        }
    }
}

async fn own_addresses(session: &mut Session<'_>, name: &Name) -> Result<Vec<SocketAddr>, Failure> {
    let mut addresses = Vec::new();
    for rtype in [RecordType::A, RecordType::AAAA] {
        let response = ask(session, name, rtype).await?;
        for record in response.iter().flat_map(|it| records(it, name, rtype)) {
            let address = record.rdata.to_address();
            addresses.extend(address.map(|address| SocketAddr::new(address, PORT)));
        }
    }
    Ok(addresses)
}

/// Returns the addresses that the resolver knows; none if it fails, since the next round asks it again.
async fn resolved(name: &Name, deadline: Instant) -> Vec<SocketAddr> {
    let host = (name.to_text_without_dot(), PORT);
    match timeout_at(deadline, lookup_host(host)).await {
        Ok(Ok(addresses)) => addresses.collect(),
        Ok(Err(_)) | Err(_) => Vec::new(),
    }
}

/// The view that a name server has of a value.
#[derive(Debug)]
pub enum ServerView {
    /// It has the value.
    Has,
    /// It does not have the value.
    Lacks,
    /// It does not serve the zone.
    NotServing(Rcode),
    /// It gives no usable response.
    Unusable,
    /// It cannot be queried.
    Silent(Failure),
    /// This machine has no route to the address, as to IPv6 addresses if it has none itself.
    NoWay,
}

impl fmt::Display for ServerView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Has => f.write_str("has the value"),
            Self::Lacks => f.write_str("does not have the value"),
            Self::NotServing(rcode) => write!(f, "does not serve the zone ({rcode})"),
            Self::Unusable => f.write_str("gives no usable answer"),
            Self::Silent(failure) => failure.fmt(f),
            Self::NoWay => f.write_str("cannot be reached from here"),
        }
    }
}

/// Returns whether an error means that this machine has no route to the address.
fn has_no_way(error: &TransportError) -> bool {
    let TransportError::Io { source, .. } = error else {
        return false;
    };
    matches!(
        source.kind(),
        ErrorKind::NetworkUnreachable | ErrorKind::AddrNotAvailable | ErrorKind::HostUnreachable
    )
}
