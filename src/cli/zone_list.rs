//! `nsbridge zone list`: the zones that are remembered, and those of the primaries' catalogs with their owners.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::configuration::{self, Setup};
use super::handover::{close, open};
use super::output::{Message, Output, count};
use super::report;
use super::runtime::block_on;
use super::status::Status;
use crate::deliver::{self, Provenance, ZoneKey, ZoneSummary};
use crate::model::ZoneName;
use crate::plan::Membership;
use crate::queue::Access;

/// The zones of catalogs.
type Members = BTreeMap<String, BTreeMap<ZoneName, Membership>>;

/// Runs the command. What is remembered is listed also where a catalog cannot be read.
pub(super) fn run(config: &Path, output: &mut Output) -> Result<Status, Message> {
    let setup = configuration::load(config)?;
    let store_thread = open(&setup, Access::ReadOnly)?;
    let mut status = Status::Done;
    match block_on(store_thread.store().list()) {
        Ok(Ok(zones)) => {
            let mut members = read_catalogs(&setup, &mut status, output);
            for zone in zones {
                let of_primary = members.get_mut(&zone.key.primary);
                let membership = of_primary.and_then(|members| members.remove(&zone.key.zone));
                list_remembered(&zone, membership, &setup, output);
            }
            for (primary, zones) in members {
                for (zone, membership) in zones {
                    let primary = primary.clone();
                    list_member(&ZoneKey { primary, zone }, membership, &setup, output);
                }
            }
        }
        // The keeper says why.
        Ok(Err(_)) => status = Status::Later,
        Err(error) => status = output.internal_error(&error),
    }
    close(store_thread, &mut status, output);
    Ok(status)
}

/// What the catalogs list, by the primary.
fn read_catalogs(setup: &Setup, status: &mut Status, output: &mut Output) -> Members {
    let deadline = Instant::now() + setup.deadline;
    let mut members = Members::new();
    for (name, primary) in &setup.primaries {
        let Some(catalog) = &primary.catalog else {
            continue;
        };
        let read = deliver::members(primary, setup.policy.clock, deadline);
        let failure = match block_on(read) {
            Ok(Ok(zones)) => {
                members.insert(name.clone(), zones);
                continue;
            }
            Ok(Err(failure)) => {
                let zone = catalog.zone().to_string();
                report::fail(&zone, Some(primary), &failure, output)
            }
            Err(error) => output.internal_error(&error),
        };
        status.or_worse(failure);
    }
    members
}

/// A zone that is remembered, and whose it is where a catalog lists it.
fn list_remembered(
    zone: &ZoneSummary,
    membership: Option<Membership>,
    setup: &Setup,
    output: &mut Output,
) {
    let ZoneSummary {
        key,
        provenance,
        managed,
    } = zone;
    let origin_text = match provenance {
        Provenance::Preexisting => "not created by nsbridge",
        Provenance::Creating => "creation begun by nsbridge",
        Provenance::Created => "created by nsbridge",
        Provenance::Adopted => "adopted",
    };
    let mut text = format!(
        "{origin_text}, {} delivered",
        count(*managed as usize, "record")
    );
    if let Some(Membership::Other { instance, .. }) = &membership {
        text = format!("{text}, belongs to the instance `{instance}`");
    }
    let entry = json!({ "origin": provenance_word(*provenance), "delivered": managed });
    print(key, &text, entry, membership, setup, output);
}

/// A zone that only a catalog tells of.
fn list_member(key: &ZoneKey, membership: Membership, setup: &Setup, output: &mut Output) {
    let text = match &membership {
        Membership::Ours(_) => "this instance's by the catalog, no records delivered".to_owned(),
        Membership::Other { instance, .. } => format!("belongs to the instance `{instance}`"),
        Membership::Unclaimed(_) | Membership::Absent => "nobody's, in the catalog".to_owned(),
    };
    let entry = json!({ "delivered": 0 });
    print(key, &text, entry, Some(membership), setup, output);
}

fn print(
    key: &ZoneKey,
    text: &str,
    mut entry: Value,
    membership: Option<Membership>,
    setup: &Setup,
    output: &mut Output,
) {
    let primary = setup.primaries.get(&key.primary);
    let address = primary.map(|primary| primary.endpoint.to_string());
    let shown = address.as_deref().unwrap_or("not in the configuration");
    let line = format!("{}: {text}, on {} ({shown})", key.zone, key.primary);
    entry["subject"] = key.zone.to_string().into();
    entry["result"] = "listed".into();
    entry["primary"] = key.primary.clone().into();
    if let Some(address) = address {
        entry["address"] = address.into();
    }
    match membership {
        Some(Membership::Ours(_)) => entry["instance"] = setup.instance.clone().into(),
        Some(Membership::Other { instance, .. }) => entry["instance"] = instance.into(),
        Some(Membership::Unclaimed(_) | Membership::Absent) | None => {}
    }
    output.result(&line, entry);
}

/// The word of documents for how a zone came to be.
pub(super) fn provenance_word(provenance: Provenance) -> &'static str {
    match provenance {
        Provenance::Preexisting => "found",
        Provenance::Creating => "begun",
        Provenance::Created => "created",
        Provenance::Adopted => "adopted",
    }
}
