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
use crate::deliver::{self, Origin, ZoneKey, ZoneSummary};
use crate::model::ZoneName;
use crate::plan::Holding;
use crate::queue::Access;

/// The zones of catalogs.
type Members = BTreeMap<String, BTreeMap<ZoneName, Holding>>;

/// Runs the command. What is remembered is listed also where a catalog cannot be read.
pub(super) fn run(config: &Path, output: &mut Output) -> Result<Status, Message> {
    let setup = configuration::load(config)?;
    let keeper = open(&setup, Access::ReadOnly)?;
    let mut status = Status::Done;
    match block_on(keeper.memory().list()) {
        Ok(Ok(zones)) => {
            let mut members = read_catalogs(&setup, &mut status, output);
            for zone in zones {
                let of_primary = members.get_mut(&zone.key.primary);
                let holding = of_primary.and_then(|members| members.remove(&zone.key.zone));
                list_remembered(&zone, holding, &setup, output);
            }
            for (primary, zones) in members {
                for (zone, holding) in zones {
                    let primary = primary.clone();
                    list_member(&ZoneKey { primary, zone }, holding, &setup, output);
                }
            }
        }
        // The keeper says why.
        Ok(Err(_)) => status = Status::Later,
        Err(error) => status = output.internal_error(&error),
    }
    close(keeper, &mut status, output);
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
        let read = deliver::members(primary, setup.settings.clock, deadline);
        let failure = match block_on(read) {
            Ok(Ok(zones)) => {
                members.insert(name.clone(), zones);
                continue;
            }
            Ok(Err(failure)) => report::fail_zone(catalog.zone(), Some(primary), &failure, output),
            Err(error) => output.internal_error(&error),
        };
        status.or_worse(failure);
    }
    members
}

/// A zone that is remembered, and whose it is where a catalog lists it.
fn list_remembered(
    zone: &ZoneSummary,
    holding: Option<Holding>,
    setup: &Setup,
    output: &mut Output,
) {
    let ZoneSummary {
        key,
        origin,
        delivered,
    } = zone;
    let origin_text = match origin {
        Origin::Found => "not created by nsbridge",
        Origin::Making => "creation begun by nsbridge",
        Origin::Made => "created by nsbridge",
        Origin::Adopted => "adopted",
    };
    let mut text = format!(
        "{origin_text}, {} delivered",
        count(*delivered as usize, "record")
    );
    if let Some(Holding::Others { instance, .. }) = &holding {
        text = format!("{text}, belongs to the instance `{instance}`");
    }
    let entry = json!({ "origin": origin_word(*origin), "delivered": delivered });
    print(key, &text, entry, holding, setup, output);
}

/// A zone that only a catalog tells of.
fn list_member(key: &ZoneKey, holding: Holding, setup: &Setup, output: &mut Output) {
    let text = match &holding {
        Holding::Ours(_) => "this instance's by the catalog, no records delivered".to_owned(),
        Holding::Others { instance, .. } => format!("belongs to the instance `{instance}`"),
        Holding::Unmarked(_) | Holding::Nobodys => "nobody's, in the catalog".to_owned(),
    };
    let entry = json!({ "delivered": 0 });
    print(key, &text, entry, Some(holding), setup, output);
}

fn print(
    key: &ZoneKey,
    text: &str,
    mut entry: Value,
    holding: Option<Holding>,
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
    match holding {
        Some(Holding::Ours(_)) => entry["instance"] = setup.instance.clone().into(),
        Some(Holding::Others { instance, .. }) => entry["instance"] = instance.into(),
        Some(Holding::Unmarked(_) | Holding::Nobodys) | None => {}
    }
    output.result(&line, entry);
}

/// The word of documents for how a zone came to be.
pub(super) fn origin_word(origin: Origin) -> &'static str {
    match origin {
        Origin::Found => "found",
        Origin::Making => "begun",
        Origin::Made => "created",
        Origin::Adopted => "adopted",
    }
}
