//! One TXT value of an ACME challenge (RFC 8555 section 8.4): added or removed exactly, beside others.
//!
//! A challenge's name is often an alias into a zone that is made for nothing else, which may be on another
//! primary. So one step is taken here: the value is placed, or it is said where the alias leads.
//!
//! The value belongs to a validation of some seconds. It is not remembered, never counts as delivered, and
//! `policy.keep` is for plans: nothing of it forbids what is asked for here by name.

use tokio::time::Instant;

use super::outcome::Failure;
use super::ownership;
use super::place::{ALIASES_MAX, alias, ask, is_made_up, records, soa_of};
use super::session::{Primary, Session, open};
use super::settings::Settings;
use super::steps::{is_applied, pause};
use crate::model::{Name, NameError, Presence, Rdata, RecordType, ZoneName};
use crate::plan::{Batch, Prerequisite, Update};
use crate::zonefile::txt_rdata;

/// How often the change is tried anew because the name changed between question and update, or an answer was
/// lost.
const ATTEMPTS_MAX: u32 = 10;
/// The first label of a challenge's name.
const LABEL: &[u8] = b"_acme-challenge";
/// TTL of a value that stands alone, in seconds: it is gone soon, and the next one shall be seen.
const TTL_SECONDS: u32 = 60;

/// One value of a challenge.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Challenge {
    /// The name that is looked up, before aliases.
    pub owner: Name,
    /// The content of the TXT record.
    pub value: Vec<u8>,
    /// Whether it shall be there.
    pub presence: Presence,
}

/// How far a step came.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Reached {
    /// The value is as it shall be.
    Placed(Placed),
    /// The name is an alias of this one.
    Alias(Name),
}

/// Where a value is as it shall be.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Placed {
    /// The name that has the value or does not have it any more, after aliases.
    pub owner: Name,
    /// Its zone.
    pub zone: ZoneName,
    /// Whether it was changed now.
    pub is_changed: bool,
}

/// The name under which a domain is validated; one that has the label of challenges already is taken as it is.
/// A wildcard is validated as the name above it (RFC 8555 section 7.1.3).
///
/// # Errors
/// [`NameError`] where there is no room for the label.
pub fn challenge_owner(domain: &Name) -> Result<Name, NameError> {
    if domain
        .labels()
        .any(|label| label.eq_ignore_ascii_case(LABEL))
    {
        return Ok(domain.clone());
    }
    let domain = match domain.parent().filter(|_| domain.is_wildcard()) {
        Some(parent) => parent,
        None => domain.clone(),
    };
    domain.child(LABEL)
}

/// Adds or removes the value at `at`, the owner or what it is an alias of, unless that is an alias itself.
///
/// # Errors
/// [`Failure`], as [`deliver`](super::deliver()); [`Failure::NoZoneFor`] where the primary has no zone for the name.
pub async fn place_challenge(
    challenge: &Challenge,
    at: &Name,
    primary: &Primary,
    settings: &Settings,
    deadline: Instant,
) -> Result<Reached, Failure> {
    settings.permit_name(at)?;
    let mut session = open(primary, settings.clock, deadline).await?;
    let reached = place(&mut session, challenge, at).await;
    session.release();
    reached
}

async fn place(
    session: &mut Session<'_>,
    challenge: &Challenge,
    at: &Name,
) -> Result<Reached, Failure> {
    let mut follows_all = false;
    for attempt in 0..ATTEMPTS_MAX {
        pause(session, attempt).await?;
        let no_zone = || Failure::NoZoneFor { owner: at.clone() };
        // Asked for the alias itself, a server does not follow it, and a loop is no fault of its.
        let response = ask(session, at, RecordType::CNAME).await?;
        let target = alias(&response.ok_or_else(no_zone)?, at);
        if let Some(target) = &target
            && (follows_all || !is_made_up(session, at, target).await?)
        {
            return Ok(Reached::Alias(target.clone()));
        }
        let soa = soa_of(session, at, target.is_some()).await?;
        let zone = ZoneName::new(&soa.ok_or_else(no_zone)?.owner);
        ownership::permit_shared(session, &zone).await?;

        let response = match target {
            Some(_) => None,
            None => ask(session, at, RecordType::TXT).await?,
        };
        let there = response
            .iter()
            .flat_map(|it| records(it, at, RecordType::TXT));
        let there: Vec<_> = there.collect();
        let ttl = there.first().map_or(TTL_SECONDS, |record| record.ttl);
        let value = txt_rdata(&challenge.value);
        let content = value.content(RecordType::TXT);
        let mut same = there.iter().map(|record| &record.rdata);
        let found = same.find(|rdata| rdata.content(RecordType::TXT) == content);
        let update = match (challenge.presence, found) {
            (Presence::Present, None) => Some(add(at, ttl, value)),
            (Presence::Gone, Some(rdata)) => Some(remove(at, rdata.clone())),
            (Presence::Present, Some(_)) | (Presence::Gone, None) => None,
        };
        let placed = Placed {
            owner: at.clone(),
            zone: zone.clone(),
            is_changed: update.is_some(),
        };
        let Some(update) = update else {
            return Ok(Reached::Placed(placed));
        };
        let batch = Batch {
            zone,
            // Beside an alias the addition would be passed over without a word (RFC 2136 section 3.4.2.2).
            prerequisites: vec![Prerequisite::Absent {
                owner: at.clone(),
                rtype: RecordType::CNAME,
            }],
            updates: vec![update],
        };
        match session.update(&batch).await {
            Ok(reply) => {
                if is_applied(reply, session.primary.key.name())? {
                    return Ok(Reached::Placed(placed));
                }
                // The alias stands there, and not only below a wildcard that says the same.
                follows_all = true;
            }
            // To do it twice does no harm.
            Err(Failure::Unknown { .. }) if attempt + 1 < ATTEMPTS_MAX => {}
            Err(failure) => return Err(failure),
        }
    }
    Err(Failure::ChangedMeanwhile {
        attempts: ATTEMPTS_MAX,
    })
}

fn add(owner: &Name, ttl: u32, rdata: Rdata) -> Update {
    Update::Add {
        owner: owner.clone(),
        rtype: RecordType::TXT,
        ttl,
        rdata,
    }
}

fn remove(owner: &Name, rdata: Rdata) -> Update {
    Update::Remove {
        owner: owner.clone(),
        rtype: RecordType::TXT,
        rdata,
    }
}

impl Challenge {
    /// The names that were gone through, and one more.
    ///
    /// # Errors
    /// [`Failure::AliasesTooMany`].
    pub fn follow(&self, steps: usize, target: Name) -> Result<Name, Failure> {
        if steps < ALIASES_MAX {
            return Ok(target);
        }
        Err(Failure::AliasesTooMany {
            owner: self.owner.clone(),
            limit: ALIASES_MAX,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_challenge_stands_below_its_label() {
        let owner = |text: &str| {
            let owner = challenge_owner(&text.parse().unwrap());
            owner.map(|owner| owner.to_string())
        };
        let www = Ok("_acme-challenge.www.example.".to_owned());
        assert_eq!(owner("www.example"), www);
        assert_eq!(owner("*.www.example."), www);
        assert_eq!(owner("_acme-challenge.www.example."), www);
        let account = "_x7._ACME-challenge.www.example.";
        assert_eq!(owner(account), Ok(account.to_owned()));
        let long = [
            "a".repeat(63),
            "b".repeat(63),
            "c".repeat(63),
            "d".repeat(50),
        ]
        .join(".");
        assert_eq!(owner(&long), Err(NameError::NameTooLong));
    }
}
