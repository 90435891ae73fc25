//! Finds out whether the key may update a zone, and whether there is one. It must never change the zone.
//!
//! It sends [`Batch::without_effect`]. An empty UPDATE shows too little. BIND: it applies `update-policy` to the records
//! of the update section before it checks prerequisites, so its NOERROR to an empty one proves nothing. PowerDNS, Knot:
//! they check the key before both.

use crate::deliver::error::Failure;
use crate::deliver::server::Session;
use crate::deliver::server::query::{ask, holds, is_applied, takes_updates};
use crate::model::{Name, Rdata, RecordType, ZoneName};
use crate::plan::{Batch, Plan, Prerequisite};
use crate::wire::{KeyList, Rcode};

/// Returns whether the key may update some type of a plan that was refused, so that the refusal is about a record.
/// `false` if nothing shows that.
pub(crate) async fn may_update(session: &mut Session<'_>, plan: &Plan) -> bool {
    let soa = plan.soa.iter().map(|_| RecordType::SOA);
    let mut types: Vec<RecordType> = plan.changes.iter().map(|it| it.rtype).chain(soa).collect();
    types.sort_unstable();
    types.dedup();
    let (apex, key) = (plan.zone.apex(), session.keys.update.clone());
    for rtype in types {
        let tried = try_update(session, &plan.zone, apex, &key, &[rtype]).await;
        if matches!(tried, Ok(None)) {
            return true;
        }
    }
    false
}

/// Returns the names that have a CNAME other than the one that is to be there. A response may be synthesized (RFC 4592),
/// which a prerequisite is not.
pub(crate) async fn with_other_cname(
    session: &mut Session<'_>,
    zone: &ZoneName,
    names: Vec<(Name, Option<Rdata>)>,
) -> Result<Vec<Name>, Failure> {
    let (mut found, rtype) = (Vec::new(), RecordType::CNAME);
    for (owner, mut wanted) in names {
        if session.abilities.answers_queries() {
            let response = ask(session, &owner, rtype).await?;
            let target = response.and_then(|it| it.cname_target(&owner));
            if target.is_none() || target == wanted.take().and_then(|it| it.to_name()) {
                continue;
            }
        }
        let absent = Prerequisite::Absent {
            owner: owner.clone(),
            rtype,
        };
        let equal = wanted.map(|rdata| Prerequisite::Equals {
            owner: owner.clone(),
            rtype,
            rdata,
        });
        let mut is_other = true;
        for prerequisite in std::iter::once(absent).chain(equal) {
            is_other = is_other && !holds(session, zone, vec![prerequisite]).await?;
        }
        if is_other {
            found.push(owner);
        }
    }
    Ok(found)
}

/// Confirms that the primary has no zone for a name, after it refused a question about it with a signature: a refused
/// question is no absence, and each zone that is there answers an update.
///
/// # Errors
/// The refusal if there is a zone, or if nothing proves that there is none.
pub(crate) async fn confirm_no_zone(
    session: &mut Session<'_>,
    owner: &Name,
    refusal: Failure,
) -> Result<(), Failure> {
    let Failure::QuestionRefused { .. } = refusal else {
        return Err(refusal);
    };
    for apex in owner.and_above() {
        if takes_updates(session, &ZoneName::new(&apex)).await? {
            return Err(refusal);
        }
    }
    Ok(())
}

/// Returns a name below another one that nobody has, or that one itself if it leaves no room.
pub(super) fn random_owner(below: &Name) -> Result<Name, Failure> {
    let random = getrandom::u64().map_err(Failure::Random)?;
    let label = format!("nsbridge-check-{random:016x}");
    Ok(below
        .child(label.as_bytes())
        .unwrap_or_else(|_| below.clone()))
}

/// Sends an UPDATE of records below a name, which no server carries out and which would change
/// nothing if one did. Returns the refusal if the key may not update these types.
pub(crate) async fn try_update(
    session: &mut Session<'_>,
    zone: &ZoneName,
    below: &Name,
    key: &KeyList,
    types: &[RecordType],
) -> Result<Option<Failure>, Failure> {
    let owner = random_owner(below)?;
    let batch = Batch::without_effect(zone, &owner, types);
    let reply = session.update(&batch, key).await?;
    match is_applied(reply, zone, key.name()) {
        Ok(_) => Ok(None),
        Err(Failure::UpdateRefused { rcode, .. })
            if [Rcode::NOTAUTH, Rcode::NOTZONE].contains(&rcode) =>
        {
            Err(Failure::ZoneAbsent)
        }
        Err(refusal @ Failure::UpdateRefused { .. }) => Ok(Some(refusal)),
        // Knot: so it refuses a key that it knows.
        Err(
            Failure::BadKey { key }
            | Failure::Unsigned {
                rcode: Rcode::NOTAUTH | Rcode::REFUSED,
                key,
            },
        ) => {
            let (rcode, extended) = (Rcode::NOTAUTH, None);
            Ok(Some(Failure::UpdateRefused {
                rcode,
                extended,
                zone: zone.clone(),
                key,
            }))
        }
        Err(other) => Err(other),
    }
}
