//! The zone of a name and its primary, by asking for SOA records: the name, and where that has none,
//! the names above it one after the other.

use std::net::SocketAddr;

use super::exchange;
use super::fatal::Fatal;
use super::session::{Answer, NoAnswer, Session, TsigTrouble};
use super::settings::Stream;
use super::show;
use crate::model::{Name, RecordType};
use crate::wire::{Class, MessageDump, Opcode, Rcode, encode_soa_query};

/// Where the updates of a name go.
pub(super) struct Target {
    /// The zone.
    pub(super) zone: Name,
    /// The servers for it, the first to be asked first.
    pub(super) servers: Vec<SocketAddr>,
}

/// Why that is not known.
pub(super) struct NotFound {
    /// The zone, or the name whose zone was looked for; none where nothing was asked.
    pub(super) zone: Option<Name>,
    /// What went wrong.
    pub(super) why: String,
}

/// Looks for the zone of a name, and for its servers: those that the session names, else those of the primary in the
/// zone's SOA record. With `zone_given` the name is that of a zone, which may turn out not to exist.
///
/// # Errors
/// [`Fatal`].
pub(super) async fn find_target(
    session: &mut Session<'_>,
    name: &Name,
    class: Class,
    zone_given: bool,
) -> Result<Result<Target, NotFound>, Fatal> {
    let Found {
        zone,
        primary,
        servers,
    } = match find_zone(session, name, class, zone_given).await? {
        Ok(found) => found,
        Err(why) => {
            let zone = Some(name.clone());
            return Ok(Err(NotFound { zone, why }));
        }
    };
    if session.servers.is_some() {
        return Ok(Ok(Target { zone, servers }));
    }
    let (host, port) = (without_dot(&primary), session.settings.port);
    let addresses = exchange::addresses(&session.settings, &host, port).await;
    Ok(match addresses {
        Ok(servers) => Ok(Target { zone, servers }),
        Err(why) => Err(NotFound {
            zone: Some(zone),
            why: format!("couldn't get address for '{host}': {why}"),
        }),
    })
}

/// What was found.
struct Found {
    zone: Name,
    /// The primary that its SOA record names.
    primary: Name,
    /// The server that said so, and those that were not asked any more.
    servers: Vec<SocketAddr>,
}

/// Looks for the zone of a name; why there is none, where it should be the one of that name.
async fn find_zone(
    session: &mut Session<'_>,
    name: &Name,
    class: Class,
    zone_given: bool,
) -> Result<Result<Found, String>, Fatal> {
    let own = session.servers.is_some();
    let servers = match &session.servers {
        Some(servers) => servers.clone(),
        None => session.settings.resolvers.clone(),
    };
    let mut servers = servers.into_iter();
    let mut server = servers.next().ok_or(Fatal::NoServer)?;
    let mut name = name.clone();
    let mut signed = own;
    loop {
        let why = match ask(session, server, &name, class, signed).await? {
            Ok(Answer { tsig, .. }) if tsig == Some(TsigTrouble::ErrorSet) && own && signed => {
                signed = false;
                continue;
            }
            Ok(Answer {
                tsig: Some(trouble),
                ..
            }) => return Err(Fatal::Answer(trouble.words())),
            Ok(Answer { listing, .. }) if listing.rcode == Rcode::REFUSED => "REFUSED".to_owned(),
            Ok(Answer { listing, .. }) => {
                say_reply(session, &listing);
                match listing.rcode {
                    Rcode::NXDOMAIN if zone_given => {
                        let zone = without_dot(&name);
                        return Ok(Err(format!(
                            "specified zone '{zone}' does not exist (NXDOMAIN)"
                        )));
                    }
                    Rcode::NOERROR | Rcode::NXDOMAIN => {
                        if let Some(mut found) = read_soa(&listing) {
                            let (zone, primary) =
                                (without_dot(&found.zone), without_dot(&found.primary));
                            session.debug(&format!("Found zone name: {zone}"));
                            session.debug(&format!("The primary is: {primary}"));
                            found.servers = std::iter::once(server).chain(servers).collect();
                            return Ok(Ok(found));
                        }
                        name = name.parent().ok_or(Fatal::NoZone)?;
                        continue;
                    }
                    _ => return Err(Fatal::SoaFailed),
                }
            }
            Err(NoAnswer::Transport(error)) => exchange::words(&error),
            Err(NoAnswer::Opcode) => return Err(Fatal::SoaOpcode),
            Err(NoAnswer::Malformed) => return Err(Fatal::Answer("FORMERR")),
        };
        session.cannot_reach(server, &why);
        server = servers.next().ok_or(Fatal::NoServer)?;
    }
}

/// A name as it is written in a sentence.
fn without_dot(name: &Name) -> String {
    name.to_text_without_dot()
}

/// Asks one server; a resolver is asked to go further, and in a datagram. What is cut is asked for again
/// over TCP.
async fn ask(
    session: &Session<'_>,
    server: SocketAddr,
    name: &Name,
    class: Class,
    signed: bool,
) -> Result<Result<Answer, NoAnswer>, Fatal> {
    let own = session.servers.is_some();
    let mut query = encode_soa_query(name, class, Session::id()?, !own);
    let mac = if signed {
        session.sign_query(&mut query)?
    } else {
        None
    };
    let mut stream = own && session.settings.tcp;
    loop {
        let answer = session.ask(server, &query, stream, Opcode::Query, mac.as_ref());
        match answer.await? {
            Ok(answer) if answer.listing.is_truncated() && !stream => stream = true,
            other => return Ok(other),
        }
    }
}

fn say_reply(session: &mut Session<'_>, listing: &MessageDump) {
    if session.settings.debug > 0 {
        let text = format!("Reply from SOA query:\n{}", show::message(listing));
        session.text(Stream::Error, &text);
    }
}

/// The SOA record of an answer; none where the name is an alias, or no record is there.
fn read_soa(listing: &MessageDump) -> Option<Found> {
    let mut answers = listing.answers.iter();
    let decisive = answers
        .find(|it| [RecordType::SOA, RecordType::CNAME, RecordType::DNAME].contains(&it.rtype));
    let soa = match decisive {
        Some(record) => Some(record).filter(|it| it.rtype == RecordType::SOA),
        None => listing
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
    Some(Found {
        zone: soa.owner.clone(),
        primary: Name::from_wire(soa.rdata.get(..length)?).ok()?,
        servers: Vec::new(),
    })
}
