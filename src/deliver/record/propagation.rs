//! What the world sees: the name servers of a zone, asked one by one and unsigned.
//!
//! Only for waiting until a change has come everywhere. Nothing is decided by what a server says here that
//! is not the primary.

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
    /// Where it can be asked.
    pub addresses: Vec<SocketAddr>,
}

/// The name servers of a zone by the word of its primary, in order. Their addresses are those that the primary has, or
/// else those that this machine's resolver knows.
///
/// # Errors
/// [`Failure`].
pub async fn name_servers(
    zone: &ZoneName,
    primary: &Primary,
    clock: fn() -> u64,
    deadline: Instant,
) -> Result<Vec<NameServer>, Failure> {
    let mut session = open(primary, clock, deadline).await?;
    let mut servers = Vec::new();
    if let Some(response) = ask(&mut session, zone.apex(), RecordType::NS).await? {
        for record in records(&response, zone.apex(), RecordType::NS) {
            let Some(name) = record.rdata.to_name() else {
                continue;
            };
            let mut addresses = own_addresses(&mut session, &name).await?;
            if addresses.is_empty() {
                addresses = resolved(&name, deadline).await;
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

/// What the resolver knows; nothing where it knows nothing, which is asked again with the next round.
async fn resolved(name: &Name, deadline: Instant) -> Vec<SocketAddr> {
    let host = (name.to_text_without_dot(), PORT);
    match timeout_at(deadline, lookup_host(host)).await {
        Ok(Ok(addresses)) => addresses.collect(),
        Ok(Err(_)) | Err(_) => Vec::new(),
    }
}

/// What a server shows of a value.
#[derive(Debug)]
pub enum ServerView {
    /// It has it.
    Has,
    /// It does not have it.
    Lacks,
    /// It does not serve the name's zone.
    NotServing(Rcode),
    /// Its answer is none.
    Unusable,
    /// It cannot be asked.
    Silent(Failure),
    /// This machine has no way to the address, as with IPv6 where there is none.
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

/// Whether a server has this content in a TXT record of a name. `primary` lends its keys, which are not used.
pub async fn server_view(
    server: SocketAddr,
    (owner, value): (&Name, &[u8]),
    primary: &Primary,
    clock: fn() -> u64,
    deadline: Instant,
) -> ServerView {
    let (host, port) = (server.ip().to_string(), server.port());
    let asked = Primary {
        name: server.to_string(),
        ..Primary::plain(host, port, primary.key.clone(), 1)
    };
    let reply = async {
        let mut session = open(&asked, clock, deadline).await?;
        session.query_unsigned(owner, RecordType::TXT).await
    };
    let reply = match reply.await {
        Err(Failure::Transport(error)) if has_no_way(&error) => return ServerView::NoWay,
        Err(failure) => return ServerView::Silent(failure),
        Ok(reply) => reply,
    };
    // What was asked unsigned counts as authentic where it is answered unsigned.
    let Some(response) = reply.into_response() else {
        return ServerView::Unusable;
    };
    let is_answer = matches!(response.rcode, Rcode::NOERROR | Rcode::NXDOMAIN);
    if !is_answer || !response.authoritative {
        return ServerView::NotServing(response.rcode);
    }
    let mut texts = records(&response, owner, RecordType::TXT);
    if texts.any(|text| text.rdata.content(RecordType::TXT).as_ref() == value) {
        ServerView::Has
    } else {
        ServerView::Lacks
    }
}

/// Whether this machine has no way to an address, as with IPv6 where there is none.
fn has_no_way(error: &TransportError) -> bool {
    let TransportError::Io { source, .. } = error else {
        return false;
    };
    matches!(
        source.kind(),
        ErrorKind::NetworkUnreachable | ErrorKind::AddrNotAvailable | ErrorKind::HostUnreachable
    )
}
