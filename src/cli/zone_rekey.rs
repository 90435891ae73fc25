//! `nsbridge zone rekey`: gives zones that are there the present key, the first one of the list.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::configuration::{self, Setup};
use super::input;
use super::message::Abort;
use super::output::Output;
use super::report;
use super::status::Status;
use super::store::with_store;
use crate::deliver::{Failure, Primary, Provenance};
use crate::model::{Name, ZoneName};
use crate::plan::Membership;
use crate::provision::Rekeyed;
use crate::queue::{Access, StoreThread};

/// The zones.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// A zone of this instance. May be repeated.
    #[arg(value_name = "ZONE", value_parser = input::name, required_unless_present = "all")]
    zones: Vec<Name>,
    /// All zones that this instance created, adopted or delivers to.
    #[arg(long, conflicts_with = "zones")]
    all: bool,
}

/// Runs the command. A zone that cannot have the key does not keep the others from it.
pub(super) fn run(
    arguments: &Arguments,
    config: &Path,
    output: &mut Output,
) -> Result<Status, Abort> {
    let setup = configuration::load(config)?;
    let work = async |store_thread: &StoreThread, output: &mut Output| {
        let mut status = Status::Done;
        let mut zones: BTreeSet<ZoneName> = arguments.zones.iter().map(ZoneName::new).collect();
        if arguments.all {
            zones = all_zones(&setup, store_thread, &mut status, output).await?;
        }
        let engine = setup.engine(store_thread.store());
        let mut unreachable: BTreeSet<String> = BTreeSet::new();
        let (number, mut shown) = (zones.len(), Instant::now());
        for (index, zone) in zones.iter().enumerate() {
            if shown.elapsed().as_secs() > 0 {
                output.progress(&format!("{index} of {number} done"));
                shown = Instant::now();
            }
            let primary = setup.routes.primary_of(zone.apex());
            if let Some(primary) = primary.filter(|it| unreachable.contains(&it.name)) {
                let line = format!("{zone}: not tried on {}", primary.name);
                output.result(&line, entry(zone, primary, "untried"));
                continue;
            }
            // Each zone has the whole time limit: the number of zones is not bounded.
            let rekeyed = engine.rekey(zone, Instant::now() + setup.time_limit).await;
            match (rekeyed.primary, rekeyed.result) {
                (Some(primary), Ok(rekeyed)) => print(zone, &primary, &rekeyed, output),
                (primary, result) => {
                    let failure = result.err().unwrap_or(Failure::NoRoute);
                    let subject = zone.to_string();
                    let failed = report::fail(&subject, primary.as_deref(), &failure, output);
                    status.or_worse(failed);
                    if let Some(primary) = primary.filter(|_| failure.is_unreachable()) {
                        unreachable.insert(primary.name.clone());
                    }
                }
            }
        }
        Ok(status)
    };
    Ok(with_store(&setup, Access::ReadWrite, output, work))
}

/// Returns the zones of this instance, by the queue file and by the catalogs of the primaries, as far as the routes lead to
/// them.
async fn all_zones(
    setup: &Setup,
    store_thread: &StoreThread,
    status: &mut Status,
    output: &mut Output,
) -> Result<BTreeSet<ZoneName>, Abort> {
    let is_here = |zone: &ZoneName, name: &str| {
        let primary = setup.routes.primary_of(zone.apex());
        primary.is_some_and(|primary| primary.name == name)
    };
    let summaries = store_thread.store().list().await?.into_iter();
    let ours = summaries.filter(|it| it.provenance != Provenance::Preexisting || it.managed > 0);
    let ours = ours.filter(|it| is_here(&it.key.zone, &it.key.primary));
    let mut zones: BTreeSet<ZoneName> = ours.map(|it| it.key.zone).collect();
    for (name, primary) in &setup.primaries {
        let read = primary.members(setup.policy.clock, Instant::now() + setup.time_limit);
        match read.await {
            Ok(members) => {
                let members = members.into_iter();
                for (zone, membership) in members.filter(|(zone, _)| is_here(zone, name)) {
                    match membership {
                        Membership::Ours(_) => {
                            zones.insert(zone);
                        }
                        // An older queue file still has it.
                        Membership::Other { .. } => {
                            zones.remove(&zone);
                        }
                        Membership::Absent | Membership::Unclaimed(_) => {}
                    }
                }
            }
            Err(failure) => {
                let catalog = primary.catalog.as_ref();
                let subject = catalog.map_or_else(String::new, |it| it.zone().to_string());
                status.or_worse(report::fail(&subject, Some(primary), &failure, output));
            }
        }
    }
    Ok(zones)
}

fn print(zone: &ZoneName, primary: &Primary, rekeyed: &Rekeyed, output: &mut Output) {
    let key = primary.keys_of(zone.apex()).update.first().name();
    let key = key.to_text_without_dot();
    let (result, text) = match rekeyed {
        Rekeyed::Changed => ("rekeyed", format!("rekeyed, takes the key `{key}`")),
        Rekeyed::Unchanged => ("unchanged", format!("unchanged, takes the key `{key}`")),
        Rekeyed::Elsewhere(place) => {
            let text = format!("unchanged, takes the key `{key}`, which stands in {place}");
            ("unchanged", text)
        }
    };
    let line = format!("{zone}: {text} on {} ({})", primary.name, primary.endpoint);
    let mut entry = entry(zone, primary, result);
    entry["key"] = json!(key);
    output.result(&line, entry);
}

fn entry(zone: &ZoneName, primary: &Primary, result: &str) -> Value {
    json!({
        "subject": zone.to_string(), "result": result, "primary": primary.name,
        "address": primary.endpoint.to_string(),
    })
}
