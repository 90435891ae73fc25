//! `nsbridge zone`: creates, deletes, adopts, lists and shows zones.

use std::path::Path;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::configuration;
use super::direct;
use super::handover::{self, close, given, open};
use super::output::{Message, Output, Severity};
use super::report::{self, Report};
use super::runtime::block_on;
use super::status::Status;
use super::zone_list::{self, provenance_word};
use crate::deliver::{AdoptedFrom, Primary, Read, ZoneState};
use crate::model::{
    CurrentZone, DesiredSoa, DesiredZone, Intent, Name, Rdata, RecordType, RrSets, ZoneName,
    ZoneSource,
};
use crate::payload::Verb;
use crate::queue::Access;
use crate::zonefile;

/// Changes and views of zones.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Creates a zone with an SOA and NS records, where it is missing; one that is there is left
    /// alone.
    Create {
        /// The zone.
        zone: Name,
        /// A name server of the zone, several times for several; by default `nameservers` of the
        /// primary.
        #[arg(long, value_name = "NAME")]
        nameserver: Vec<Name>,
    },
    /// Removes a zone that nsbridge created; from another, the records that it delivered.
    Delete {
        /// The zone.
        zone: Name,
    },
    /// Makes a zone this installation's, whosever it was: in the catalog of its primary, or in this
    /// installation's memory where there is none. The zone itself is left as it is.
    Adopt {
        /// The zone.
        zone: Name,
    },
    /// Lists the zones that nsbridge created or delivered records to, as it remembers, and those of its
    /// primaries' catalogs, with the installation that each belongs to.
    List,
    /// Prints a zone as its primary has it, as a master file in which what nsbridge delivered is
    /// marked.
    Show {
        /// The zone.
        zone: Name,
        #[command(flatten)]
        server: direct::Arguments,
    },
}

/// Runs the command.
pub(super) fn run(command: &Command, config: &Path, output: &mut Output) -> Status {
    let done = match command {
        Command::Create { zone, nameserver } => {
            create(&ZoneName::new(zone), nameserver, config, output)
        }
        Command::Delete { zone } => delete(&ZoneName::new(zone), config, output),
        Command::Adopt { zone } => adopt(&ZoneName::new(zone), config, output),
        Command::List => zone_list::run(config, output),
        Command::Show { zone, server } => show(&ZoneName::new(zone), server, config, output),
    };
    done.unwrap_or_else(|message| output.bad_configuration(message))
}

fn create(
    zone: &ZoneName,
    nameservers: &[Name],
    config: &Path,
    output: &mut Output,
) -> Result<Status, Message> {
    let setup = configuration::load(config)?;
    let bad = nameservers
        .iter()
        .find_map(|it| it.check_host().err().map(|error| (it, error)));
    if let Some((nameserver, error)) = bad {
        let hint =
            "give the name of the name server; its address stands in the zone that the name is in";
        let text = format!("{zone}: name server {nameserver}: {error}");
        output.message(Message::nothing_attempted(&text, Some(hint.into())));
        return Ok(Status::BadInput);
    }
    let store_thread = open(&setup, Access::ReadWrite)?;
    let deadline = Instant::now() + setup.deadline;
    let engine = setup.engine(store_thread.store());
    let created = block_on(engine.create_zone(zone, nameservers, deadline));
    let intent = Intent::Zone(DesiredZone {
        name: zone.clone(),
        soa: DesiredSoa::default(),
        records: RrSets::default(),
        source: ZoneSource::Call,
    });
    let commands = [given(Verb::Create, intent)];
    let mut status = match created {
        Ok(created) => {
            let mut report = Report::new(&commands, output);
            report.delivered(0, created);
            report.status()
        }
        Err(error) => output.internal_error(&error),
    };
    close(store_thread, &mut status, output);
    Ok(status)
}

fn delete(zone: &ZoneName, config: &Path, output: &mut Output) -> Result<Status, Message> {
    let setup = configuration::load(config)?;
    let deadline = Instant::now() + setup.deadline;
    let commands = [given(Verb::Delete, Intent::ZoneGone(zone.clone()))];
    Ok(handover::hand_over(&commands, &setup, deadline, output))
}

fn adopt(zone: &ZoneName, config: &Path, output: &mut Output) -> Result<Status, Message> {
    let setup = configuration::load(config)?;
    let store_thread = open(&setup, Access::ReadWrite)?;
    let deadline = Instant::now() + setup.deadline;
    let adopted = block_on(setup.engine(store_thread.store()).adopt(zone, deadline));
    let mut status = Status::Done;
    close(store_thread, &mut status, output);
    let adopted = match adopted {
        Ok(adopted) => report::routed(&zone.to_string(), adopted, output),
        Err(error) => return Ok(output.internal_error(&error)),
    };
    let (primary, before) = match adopted {
        Ok(adopted) => adopted,
        Err(failed) => return Ok(failed),
    };
    let (result, text, from) = match before {
        AdoptedFrom::Unclaimed => ("adopted", "adopted, it was nobody's".into(), None),
        AdoptedFrom::Ours => ("unchanged", "unchanged, it is this instance's".into(), None),
        AdoptedFrom::Another { instance, learns } => {
            if !learns {
                output.message(unaware(zone, &instance));
            }
            let text = format!("adopted, it was that of `{instance}`");
            ("adopted", text, Some(instance))
        }
    };
    let mut entry = json!({
        "subject": zone.to_string(), "result": result, "primary": primary.name,
        "address": primary.endpoint.to_string(),
    });
    if let Some(instance) = from {
        entry["from"] = instance.into();
    }
    let line = format!("{zone}: {text} on {} ({})", primary.name, primary.endpoint);
    output.result(&line, entry);
    Ok(status)
}

/// Warns that the instance that had a zone does not learn of its adoption.
fn unaware(zone: &ZoneName, instance: &str) -> Message {
    let text = format!(
        "{zone}: `{instance}` does not learn of it, and goes on where it still has the zone"
    );
    let mut message = Message::new(Severity::Warning, text);
    message.hint =
        Some("put the zone into `deny-zones` of that installation's configuration".into());
    message
}

/// Shows a zone of the configured primary, or of a server of the command line, of which there is no state.
fn show(
    zone: &ZoneName,
    server: &direct::Arguments,
    config: &Path,
    output: &mut Output,
) -> Result<Status, Message> {
    let setup = server.setup(config, Vec::new())?;
    let store_thread = open(&setup, Access::ReadOnly)?;
    let deadline = Instant::now() + setup.deadline;
    let read = block_on(setup.engine(store_thread.store()).read_zone(zone, deadline));
    let mut status = match read.map(|read| report::routed(&zone.to_string(), read, output)) {
        Ok(Ok((primary, (current, state)))) => {
            let state = Some(&state).filter(|_| !setup.is_direct);
            print(zone, &primary, &current, state, output)
        }
        Ok(Err(failed)) => failed,
        Err(error) => output.internal_error(&error),
    };
    close(store_thread, &mut status, output);
    Ok(status)
}

/// Prints a zone, with the state if there is one.
fn print(
    name: &ZoneName,
    primary: &Primary,
    zone: &CurrentZone,
    state: Option<&ZoneState>,
    output: &mut Output,
) -> Status {
    if primary.read == Read::State {
        output.detail("; by the memory: what others changed there is not seen");
    }
    let (apex, soa) = (zone.name.apex(), zone.soa.to_rdata());
    let mut records = vec![print_record(
        apex,
        zone.soa_ttl,
        RecordType::SOA,
        &soa,
        None,
        output,
    )];
    for set in &zone.records {
        let managed = state.map(|state| state.managed.get(&set.owner, set.rtype));
        for rdata in &set.rdatas {
            let delivered = managed.map(|it| it.is_some_and(|it| it.contains(rdata)));
            let (owner, rtype) = (&set.owner, set.rtype);
            let entry = print_record(owner, set.ttl, rtype, rdata, delivered, output);
            records.push(entry);
        }
    }
    let mut entry = json!({
        "subject": name.to_string(), "result": "shown", "primary": primary.name,
        "address": primary.endpoint.to_string(), "serial": zone.soa.serial.0, "records": records,
    });
    if let Some(state) = state {
        entry["origin"] = provenance_word(state.provenance).into();
    }
    if primary.read == Read::State {
        entry["read"] = "memory".into();
    }
    output.entry(entry);
    Status::Done
}

/// Prints a record, and returns its entry; `delivered` is `None` if it is not known whether the record is managed.
fn print_record(
    owner: &Name,
    ttl: u32,
    rtype: RecordType,
    rdata: &Rdata,
    delivered: Option<bool>,
    output: &mut Output,
) -> Value {
    let line = zonefile::format_record(owner, ttl, rtype, rdata);
    let mark = if delivered == Some(true) {
        " ; delivered"
    } else {
        ""
    };
    output.detail(&format!("{line}{mark}"));
    let mut entry = json!({ "record": line });
    if let Some(delivered) = delivered {
        entry["delivered"] = delivered.into();
    }
    entry
}
