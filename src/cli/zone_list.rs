//! `nsbridge zone list`: lists the zones in the state file, and those of the primaries' catalogs
//! with their owners.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value, json};

use super::configuration::{self, Setup};
use super::message::Abort;
use super::output::{Output, count};
use super::report;
use super::status::Status;
use super::store::with_store;
use crate::deliver::{Provenance, ZoneKey, ZoneSummary};
use crate::plan::Membership;
use crate::queue::{Access, StoreThread};

/// Runs the command. It lists the zones in the state file even if it cannot read a catalog.
pub(super) fn run(config: &Path, output: &mut Output) -> Result<Status, Abort> {
    let setup = configuration::load(config)?;
    let work = async |store_thread: &StoreThread, output: &mut Output| {
        let summaries = store_thread.store().list().await?;
        let mut status = Status::Done;
        let mut members = read_catalogs(&setup, &mut status, output).await;
        let mut known = Vec::with_capacity(summaries.len());
        for summary in summaries {
            known.push(Listed {
                membership: members.remove(&summary.key),
                key: summary.key.clone(),
                summary: Some(summary),
            });
        }
        let others = members.into_iter().map(|(key, membership)| Listed {
            key,
            summary: None,
            membership: Some(membership),
        });
        let listed = known.into_iter().chain(others);
        output.list(listed, |it| it.line(&setup), |it| it.entry(&setup));
        Ok(status)
    };
    Ok(with_store(&setup, Access::ReadOnly, output, work))
}

/// Returns the members of the primaries' catalogs; reports the catalogs that it cannot read.
async fn read_catalogs(
    setup: &Setup,
    status: &mut Status,
    output: &mut Output,
) -> BTreeMap<ZoneKey, Membership> {
    let mut members = BTreeMap::new();
    for (name, primary) in &setup.primaries {
        let Some(catalog) = &primary.catalog else {
            continue;
        };
        match primary.members(setup.policy.clock, setup.deadline).await {
            Ok(zones) => members.extend(zones.into_iter().map(|(zone, membership)| {
                let primary = name.clone();
                (ZoneKey { primary, zone }, membership)
            })),
            Err(failure) => {
                let zone = catalog.zone().to_string();
                status.or_worse(report::fail(&zone, Some(primary), &failure, output));
            }
        }
    }
    members
}

/// A zone in the state file, in a catalog, or in both.
struct Listed {
    key: ZoneKey,
    summary: Option<ZoneSummary>,
    membership: Option<Membership>,
}

impl Listed {
    fn line(&self, setup: &Setup) -> String {
        let Self { key, .. } = self;
        let primary = setup.primaries.get(&key.primary);
        let described = self.describe();
        let (zone, name) = (&key.zone, &key.primary);
        match primary.map(|primary| &primary.endpoint) {
            Some(address) => format!("{zone}: {described}, on {name} ({address})"),
            None => format!("{zone}: {described}, on {name} (not in the configuration)"),
        }
    }

    fn entry(&self, setup: &Setup) -> Value {
        let Self { key, summary, .. } = self;
        let primary = setup.primaries.get(&key.primary);
        let instance = match &self.membership {
            Some(Membership::Ours(_)) => Some(&setup.instance),
            Some(Membership::Other { instance, .. }) => Some(instance),
            Some(Membership::Unclaimed(_) | Membership::Absent) | None => None,
        };
        json!({
            "subject": key.zone.to_string(), "result": "listed", "primary": key.primary,
            "address": primary.map(|it| it.endpoint.to_string()), "instance": instance,
            "origin": summary.as_ref().map(|it| provenance_word(it.provenance)),
            "delivered": summary.as_ref().map_or(0, |it| it.managed),
        })
    }

    fn describe(&self) -> String {
        let mut parts = Vec::new();
        if let Some(summary) = &self.summary {
            let origin = match summary.provenance {
                Provenance::Preexisting => "not created by nsbridge",
                Provenance::Creating => "creation begun by nsbridge",
                Provenance::Created => "created by nsbridge",
                Provenance::Adopted => "adopted",
                Provenance::CreatedForPtr => "created by nsbridge for PTR records",
            };
            let delivered = count(summary.managed as usize, "record");
            parts.push(format!("{origin}, {delivered} delivered"));
        }
        match &self.membership {
            Some(Membership::Other { instance, .. }) => {
                parts.push(format!("belongs to the instance `{instance}`"));
            }
            _ if self.summary.is_some() => {}
            Some(Membership::Ours(_)) => {
                parts.push("this instance's by the catalog, no records delivered".into());
            }
            Some(Membership::Unclaimed(_) | Membership::Absent) | None => {
                parts.push("nobody's, in the catalog".into());
            }
        }
        parts.join(", ")
    }
}

/// Returns the word of the document for the way in which a zone came to be.
pub(super) fn provenance_word(provenance: Provenance) -> &'static str {
    match provenance {
        Provenance::Preexisting => "found",
        Provenance::Creating => "begun",
        Provenance::Created => "created",
        Provenance::Adopted => "adopted",
        Provenance::CreatedForPtr => "created-for-ptr",
    }
}
