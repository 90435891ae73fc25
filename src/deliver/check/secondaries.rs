//! Checks whether the other name servers of a zone have the serial that the primary has.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::Instant;

use super::report::{Fact, NoSerial, Secondary, Verdict};
use crate::deliver::error::Failure;
use crate::deliver::server::name_servers::{NameServer, name_servers_of};
use crate::deliver::server::query::served_soa;
use crate::deliver::server::{Primary, Session, open};
use crate::model::{RecordType, Serial, Soa, ZoneName};
use crate::transport::look_up;

/// The longest wait for the name servers of one zone.
const TIME_MAX: Duration = Duration::from_secs(3);

/// Queries the name servers of a zone that are not the primary at `primary_ip`. `None` if there are none whose
/// addresses are known, or if the primary does not show the zone, which other checks report.
pub(super) async fn check_secondaries(
    session: &mut Session<'_>,
    zone: &ZoneName,
    primary_ip: IpAddr,
) -> Option<Verdict> {
    let deadline = session.deadline.min(Instant::now() + TIME_MAX);
    let (before, _) = served_soa(session, zone).await.ok()??;
    let servers = name_servers_of(session, zone, deadline).await.ok()?;
    let is_other = |server: &NameServer| {
        let mut addresses = server.addresses.iter();
        !server.addresses.is_empty() && addresses.all(|address| address.ip() != primary_ip)
    };
    let servers: Vec<NameServer> = servers.into_iter().filter(is_other).collect();
    if servers.is_empty() {
        return None;
    }
    let session = &mut *session;
    let serials = servers
        .iter()
        .map(|server| serial_of(session, server, zone, deadline));
    let serials = join_all(serials).await;
    // The zone may have changed meanwhile.
    let (after, _) = served_soa(session, zone).await.ok()??;
    let current = [before.serial, after.serial];
    let number = servers.len();
    let found = servers.into_iter().zip(serials);
    let differing = found.filter(|(_, serial)| !matches!(serial, Ok(it) if current.contains(it)));
    let differing = differing.map(|(server, serial)| Secondary {
        name: server.name,
        address: server.addresses[0].ip(),
        serial,
    });
    let (serial, differing) = (after.serial, differing.collect::<Vec<_>>());
    Some(if differing.is_empty() {
        Verdict::Good(Fact::Secondaries { number, serial })
    } else {
        Verdict::Odd(Fact::SecondariesDiffer {
            zone: zone.clone(),
            serial,
            differing,
        })
    })
}

/// Returns the name servers of a zone that do not have the serial of its primary.
pub(crate) async fn secondaries_behind(
    session: &mut Session<'_>,
    zone: &ZoneName,
) -> Result<Vec<String>, Failure> {
    let addresses = look_up(
        &session.primary.endpoint.host,
        session.primary.endpoint.port,
    );
    let primary_ip = addresses
        .await
        .ok()
        .and_then(|all| all.first().map(SocketAddr::ip));
    let primary_ip = primary_ip.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
    let found = match check_secondaries(session, zone, primary_ip).await {
        Some(Verdict::Odd(Fact::SecondariesDiffer { differing, .. })) => differing,
        _ => Vec::new(),
    };
    Ok(found.iter().map(ToString::to_string).collect())
}

/// Returns the serial of a name server, or why it gives none, at the first of its addresses that gives one.
async fn serial_of(
    session: &Session<'_>,
    server: &NameServer,
    zone: &ZoneName,
    deadline: Instant,
) -> Result<Serial, NoSerial> {
    let queries = server
        .addresses
        .iter()
        .map(|address| query_serial(session, *address, zone, deadline));
    let mut failed = NoSerial::Silent;
    for serial in join_all(queries).await {
        match serial {
            Ok(serial) => return Ok(serial),
            Err(reason) => failed = reason,
        }
    }
    Err(failed)
}

/// Queries the SOA without a signature: no key of the primary goes to another server.
async fn query_serial(
    session: &Session<'_>,
    address: SocketAddr,
    zone: &ZoneName,
    deadline: Instant,
) -> Result<Serial, NoSerial> {
    let (host, port) = (address.ip().to_string(), address.port());
    let server = Primary::plain(host, port, session.keys.update.clone(), 1);
    let reply = async {
        let mut other = open(&server, zone.apex(), session.clock, deadline);
        other.query_with(zone.apex(), RecordType::SOA, None).await
    };
    let reply = reply.await.map_err(|_: Failure| NoSerial::Silent)?;
    let response = reply.into_response().ok_or(NoSerial::Silent)?;
    let mut answers = response
        .answers
        .iter()
        .filter(|it| it.rtype == RecordType::SOA);
    let soa = answers
        .next()
        .and_then(|it| Soa::from_rdata(&it.rdata).ok());
    match soa.filter(|_| response.authoritative) {
        Some(soa) => Ok(soa.serial),
        None => Err(NoSerial::NotServing(response.rcode)),
    }
}
