//! Finds the zone of a name and its primary by SOA queries: for the name, then for each name above
//! it until a response has an SOA record.

use std::net::SocketAddr;

use super::exchange;
use super::fatal::Fatal;
use super::session::{NoResponse, Response, Session, TsigProblem};
use super::settings::Stream;
use super::show;
use crate::model::{Name, RecordType};
use crate::wire::{Class, MessageDump, Opcode, Rcode, encode_soa_query};

/// The zone and the servers for the updates of a name.
pub(super) struct Target {
    pub(super) zone: Name,
    /// In the order in which they are tried.
    pub(super) servers: Vec<SocketAddr>,
}

/// A reason why no target was found.
pub(super) struct NotFound {
    /// The zone, or the name of the search; `None` if there was no query.
    pub(super) zone: Option<Name>,
    pub(super) reason: String,
}

/// Finds the zone of a name and its servers: those of the session, else the addresses of the
/// primary in the zone's SOA record. With `zone_given` the name is that of a zone, and NXDOMAIN
/// ends the search.
pub(super) async fn find_target(
    session: &mut Session<'_>,
    name: &Name,
    class: Class,
    zone_given: bool,
) -> Result<Result<Target, NotFound>, Fatal> {
    let FoundZone {
        zone,
        primary,
        servers,
    } = match find_zone(session, name, class, zone_given).await? {
        Ok(found) => found,
        Err(reason) => {
            let zone = Some(name.clone());
            return Ok(Err(NotFound { zone, reason }));
        }
    };
    if session.servers.is_some() {
        return Ok(Ok(Target { zone, servers }));
    }
    let (host, port) = (without_dot(&primary), session.settings.port);
    let addresses = exchange::addresses(&session.settings, &host, port).await;
    Ok(match addresses {
        Ok(servers) => Ok(Target { zone, servers }),
        Err(reason) => Err(NotFound {
            zone: Some(zone),
            reason: format!("couldn't get address for '{host}': {reason}"),
        }),
    })
}

/// A zone that a search found.
struct FoundZone {
    zone: Name,
    /// MNAME of its SOA record.
    primary: Name,
    /// The server that responded, and those that were not tried.
    servers: Vec<SocketAddr>,
}

/// Finds the zone of a name. The inner error is the text that the given zone does not exist.
async fn find_zone(
    session: &mut Session<'_>,
    name: &Name,
    class: Class,
    zone_given: bool,
) -> Result<Result<FoundZone, String>, Fatal> {
    let has_servers = session.servers.is_some();
    let servers = match &session.servers {
        Some(servers) => servers.clone(),
        None => session.settings.resolvers.clone(),
    };
    let mut servers = servers.into_iter();
    let mut server = servers.next().ok_or(Fatal::NoServer)?;
    let mut name = name.clone();
    let mut signed = has_servers;
    loop {
        let reason = match query_soa(session, server, &name, class, signed).await? {
            Ok(Response { tsig_problem, .. })
                if tsig_problem == Some(TsigProblem::ErrorSet) && has_servers && signed =>
            {
                signed = false;
                continue;
            }
            Ok(Response {
                tsig_problem: Some(problem),
                ..
            }) => return Err(Fatal::Response(problem.text())),
            Ok(Response { dump, .. }) if dump.rcode == Rcode::REFUSED => "REFUSED".to_owned(),
            Ok(Response { dump, .. }) => {
                print_response(session, &dump);
                match dump.rcode {
                    Rcode::NXDOMAIN if zone_given => {
                        let zone = without_dot(&name);
                        return Ok(Err(format!(
                            "specified zone '{zone}' does not exist (NXDOMAIN)"
                        )));
                    }
                    Rcode::NOERROR | Rcode::NXDOMAIN => {
                        if let Some(mut found) = read_soa(&dump) {
                            let (zone, primary) =
                                (without_dot(&found.zone), without_dot(&found.primary));
                            session.print_debug(&format!("Found zone name: {zone}"));
                            session.print_debug(&format!("The primary is: {primary}"));
                            found.servers = std::iter::once(server).chain(servers).collect();
                            return Ok(Ok(found));
                        }
                        name = name.parent().ok_or(Fatal::NoZone)?;
                        continue;
                    }
                    _ => return Err(Fatal::SoaFailed),
                }
            }
            Err(NoResponse::Transport(error)) => exchange::bind_text(&error),
            Err(NoResponse::Opcode) => return Err(Fatal::SoaOpcode),
            Err(NoResponse::Malformed) => return Err(Fatal::Response("FORMERR")),
        };
        session.report_unreachable(server, &reason);
        server = servers.next().ok_or(Fatal::NoServer)?;
    }
}

/// Formats a name for a sentence.
fn without_dot(name: &Name) -> String {
    name.to_text_without_dot()
}

/// Sends an SOA query to one server. Only queries to resolvers ask for recursion, and they always
/// start in a datagram. Repeats the query over TCP if the response is truncated.
async fn query_soa(
    session: &Session<'_>,
    server: SocketAddr,
    name: &Name,
    class: Class,
    signed: bool,
) -> Result<Result<Response, NoResponse>, Fatal> {
    let has_servers = session.servers.is_some();
    let mut query = encode_soa_query(name, class, Session::new_id()?, !has_servers);
    let mac = if signed {
        session.sign_query(&mut query)?
    } else {
        None
    };
    let mut stream = has_servers && session.settings.tcp;
    loop {
        let response = session.exchange(server, &query, stream, Opcode::Query, mac.as_ref());
        match response.await? {
            Ok(response) if response.dump.is_truncated() && !stream => stream = true,
            other => return Ok(other),
        }
    }
}

fn print_response(session: &mut Session<'_>, dump: &MessageDump) {
    if session.settings.debug > 0 {
        let text = format!("Reply from SOA query:\n{}", show::message(dump));
        session.print(Stream::Error, &text);
    }
}

/// Returns the zone of the SOA record in a response; `None` if the name has a CNAME or DNAME, or if
/// there is no SOA record.
fn read_soa(dump: &MessageDump) -> Option<FoundZone> {
    let mut answers = dump.answers.iter();
    let decisive = answers
        .find(|it| [RecordType::SOA, RecordType::CNAME, RecordType::DNAME].contains(&it.rtype));
    let soa = match decisive {
        Some(record) => Some(record).filter(|it| it.rtype == RecordType::SOA),
        None => dump
            .authorities
            .iter()
            .find(|it| it.rtype == RecordType::SOA),
    }?;
    let end = soa.rdata.iter().scan(0_usize, |skip, octet| {
        if *skip > 0 {
            *skip -= 1;
            return Some(false);
        }
        *skip = usize::from(*octet);
        Some(*octet == 0)
    });
    let length = end.take_while(|is_end| !is_end).count() + 1;
    Some(FoundZone {
        zone: soa.owner.clone(),
        primary: Name::from_wire(soa.rdata.get(..length)?).ok()?,
        servers: Vec::new(),
    })
}
