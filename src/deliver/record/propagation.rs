//! Propagation of a value to the name servers of its zone, which are queried one by one and unsigned.
//!
//! A caller waits for it. No change of a zone depends on such a response.

use std::fmt;
use std::io::ErrorKind;
use std::net::SocketAddr;

use tokio::time::Instant;

use crate::deliver::error::Failure;
use crate::deliver::server::name_servers::name_servers_of;
use crate::deliver::server::{NameServer, Primary, open};
use crate::model::{Name, RecordType, ZoneName};
use crate::transport::TransportError;
use crate::wire::Rcode;

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
        let mut session = open(self.primary, self.owner, self.clock, self.deadline);
        let servers = name_servers_of(&mut session, self.zone, self.deadline).await?;
        session.release();
        Ok(servers)
    }

    /// Asks a name server for the value, without a signature.
    pub async fn view_of(&self, server: SocketAddr) -> ServerView {
        let (host, port) = (server.ip().to_string(), server.port());
        let server = Primary {
            name: server.to_string(),
            ..Primary::plain(host, port, self.primary.keys.update.clone(), 1)
        };
        let reply = async {
            let mut session = open(&server, self.owner, self.clock, self.deadline);
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
        let mut texts = response.records(self.owner, RecordType::TXT);
        if texts.any(|text| text.rdata.content(RecordType::TXT).as_ref() == self.value) {
            ServerView::Has
        } else {
            ServerView::Lacks
        }
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
