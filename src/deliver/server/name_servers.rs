//! The name servers of a zone, by its NS records.

use std::net::SocketAddr;

use tokio::time::{Instant, timeout_at};

use super::query::{ask, ask_if_served};
use super::session::Session;
use crate::deliver::error::Failure;
use crate::model::{Name, RecordType, ZoneName};
use crate::transport::look_up;

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

/// Asks the primary for the name servers of a zone, in order. Their addresses are those that the primary has, or else
/// those that this machine's resolver gives until `deadline`.
pub(crate) async fn name_servers_of(
    session: &mut Session<'_>,
    zone: &ZoneName,
    deadline: Instant,
) -> Result<Vec<NameServer>, Failure> {
    let apex = zone.apex();
    let mut servers = Vec::new();
    if let Some(response) = ask(session, apex, RecordType::NS).await? {
        let records = response.records(apex, RecordType::NS);
        for name in records.filter_map(|record| record.rdata.to_name()) {
            let mut addresses = own_addresses(session, &name).await?;
            if addresses.is_empty() {
                addresses = resolved(&name, deadline).await;
            }
            servers.push(NameServer {
                name: name.to_string(),
                addresses,
            });
        }
    }
    servers.sort();
    Ok(servers)
}

async fn own_addresses(session: &mut Session<'_>, name: &Name) -> Result<Vec<SocketAddr>, Failure> {
    let mut addresses = Vec::new();
    for rtype in [RecordType::A, RecordType::AAAA] {
        let response = ask_if_served(session, name, rtype).await?;
        for record in response.iter().flat_map(|it| it.records(name, rtype)) {
            let address = record.rdata.to_address();
            addresses.extend(address.map(|address| SocketAddr::new(address, PORT)));
        }
    }
    Ok(addresses)
}

/// Returns the addresses that the resolver knows; none if it fails, since the next round asks it again.
async fn resolved(name: &Name, deadline: Instant) -> Vec<SocketAddr> {
    let host = name.to_text_without_dot();
    let found = timeout_at(deadline, look_up(&host, PORT)).await;
    found.ok().and_then(Result::ok).unwrap_or_default()
}
