//! Checks whether PTR records of a network have a zone to go to.

use super::context::CheckContext;
use super::report::{Bad, Doubt, Fact, Trouble, Verdict};
use crate::deliver::error::Failure;
use crate::deliver::server::Session;
use crate::deliver::server::query::ask;
use crate::deliver::transaction::probe::confirm_no_zone;
use crate::model::{RecordType, Soa, ZoneName};
use crate::provision::Remedy;

/// Checks the reverse zones of a network: each must be served, as itself or within another zone, or be one that
/// nsbridge can create.
pub(super) async fn check_reverse_zones(
    session: &mut Session<'_>,
    cx: &CheckContext<'_>,
    zones: &[ZoneName],
) -> Verdict {
    if !session.abilities.answers_queries() {
        return Verdict::Open(Doubt::Unseen);
    }
    let (mut served, mut built_in, mut absent) = (Vec::new(), Vec::new(), Vec::new());
    for zone in zones {
        session.keys = session.primary.keys_of(zone.apex());
        let response = match ask(session, zone.apex(), RecordType::SOA).await {
            Ok(response) => response,
            Err(refusal @ Failure::QuestionRefused { .. }) => {
                match confirm_no_zone(session, zone.apex(), refusal).await {
                    Ok(()) => None,
                    Err(failure) => return cx.bad(failure),
                }
            }
            Err(refusal) if refusal.is_refused_question() => None,
            Err(failure) => return cx.bad(failure),
        };
        let soa = response.and_then(|it| it.enclosing_soa(zone.apex()).cloned());
        match soa {
            Some(soa) if Soa::is_built_in(&soa) => built_in.push(ZoneName::new(&soa.owner)),
            Some(soa) => served.push(ZoneName::new(&soa.owner)),
            None => absent.push(zone.clone()),
        }
    }
    built_in.dedup();
    served.dedup();
    if !built_in.is_empty() {
        return bad_built_in(&built_in);
    }
    match absent.first().cloned() {
        None => Verdict::Good(Fact::ReverseZones(served)),
        Some(_) if session.primary.provisioning.is_some() => {
            Verdict::Good(Fact::ReverseZonesToCreate(absent))
        }
        Some(reverse_zone) => cx.bad(Failure::ReverseZoneAbsent {
            owner: reverse_zone.apex().clone(),
            reverse_zone,
        }),
    }
}

/// Returns the verdict on built-in empty zones, of which there is at least one, with the lines of named.conf that
/// take them away.
pub(super) fn bad_built_in(zones: &[ZoneName]) -> Verdict {
    let disabled = zones.iter().map(|zone| {
        let zone = zone.apex().to_text_without_dot();
        format!("  disable-empty-zone \"{zone}\";")
    });
    let mut lines = vec!["options {".to_owned()];
    lines.extend(disabled);
    lines.push("};".to_owned());
    let place = "named.conf";
    let zone = zones[0].clone();
    Verdict::Bad(Box::new(Bad {
        trouble: Trouble::Failure(Failure::BuiltInZone { zone }),
        remedy: Some(Remedy { place, lines }),
    }))
}
