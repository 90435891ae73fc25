//! `nsbridge zone`: creates, deletes, adopts, lists and shows zones.

use std::path::Path;

use serde_json::json;

use super::configuration;
use super::direct;
use super::handover::{COMMAND_LINE, command, hand_over};
use super::output::{Abort, Message, Output, without_nulls};
use super::report::{self, Report};
use super::status::Status;
use super::store::with_store;
use super::zone_list::{self, provenance_word};
use crate::deliver::{AdoptedFrom, Primary, Read, ZoneState};
use crate::model::{
    CurrentZone, DesiredSoa, DesiredZone, Intent, Name, Rdata, RecordType, RrSets, ZoneName,
    ZoneSource,
};
use crate::payload::Verb;
use crate::queue::{Access, Attempted, Handled, StoreThread};
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
pub(super) fn run(command: &Command, config: &Path, output: &mut Output) -> Result<Status, Abort> {
    match command {
        Command::Create { zone, nameserver } => {
            create(&ZoneName::new(zone), nameserver, config, output)
        }
        Command::Delete { zone } => delete(&ZoneName::new(zone), config, output),
        Command::Adopt { zone } => adopt(&ZoneName::new(zone), config, output),
        Command::List => zone_list::run(config, output),
        Command::Show { zone, server } => show(&ZoneName::new(zone), server, config, output),
    }
}

fn create(
    zone: &ZoneName,
    nameservers: &[Name],
    config: &Path,
    output: &mut Output,
) -> Result<Status, Abort> {
    let setup = configuration::load(config)?;
    let bad = nameservers
        .iter()
        .find_map(|it| it.check_host().err().map(|error| (it, error)));
    if let Some((nameserver, error)) = bad {
        let hint =
            "give the name of the name server; its address stands in the zone that the name is in";
        let text = format!("{zone}: name server {nameserver}: {error}");
        let message = Message::nothing_attempted(&text, Some(hint.into()));
        return Err(Abort::new(Status::BadInput, message));
    }
    let intent = Intent::Zone(DesiredZone {
        name: zone.clone(),
        soa: DesiredSoa::default(),
        records: RrSets::default(),
        source: ZoneSource::Call,
    });
    let mut commands = [command(COMMAND_LINE, intent)];
    commands[0].verb = Verb::Create;
    let create = async |store_thread: &StoreThread, output: &mut Output| {
        let engine = setup.engine(store_thread.store());
        let created = engine.create_zone(zone, nameservers, setup.deadline).await;
        let stays = None;
        let attempted = created.map(|result| Attempted { result, stays });
        let mut report = Report::new(&commands, output);
        report.handled(0, attempted.map(Handled::Attempted));
        Ok(report.status)
    };
    Ok(with_store(&setup, Access::ReadWrite, output, create))
}

fn delete(zone: &ZoneName, config: &Path, output: &mut Output) -> Result<Status, Abort> {
    let setup = configuration::load(config)?;
    let intent = Intent::ZoneAbsent(zone.clone());
    let commands = [command(COMMAND_LINE, intent)];
    Ok(hand_over(&commands, &setup, output))
}

fn adopt(zone: &ZoneName, config: &Path, output: &mut Output) -> Result<Status, Abort> {
    let setup = configuration::load(config)?;
    let adopt = async |store_thread: &StoreThread, output: &mut Output| {
        let engine = setup.engine(store_thread.store());
        let adopted = engine.adopt(zone, setup.deadline).await;
        let (primary, before) = report::routed(&zone.to_string(), adopted, output)?;
        Ok(print_adopted(zone, &primary, before, output))
    };
    Ok(with_store(&setup, Access::ReadWrite, output, adopt))
}

fn print_adopted(
    zone: &ZoneName,
    primary: &Primary,
    before: AdoptedFrom,
    output: &mut Output,
) -> Status {
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
    let entry = json!({
        "subject": zone.to_string(), "result": result, "primary": primary.name,
        "address": primary.endpoint.to_string(), "from": from,
    });
    let line = format!("{zone}: {text} on {} ({})", primary.name, primary.endpoint);
    output.result(&line, entry);
    Status::Done
}

/// Warns that the instance that had a zone does not learn of its adoption.
fn unaware(zone: &ZoneName, instance: &str) -> Message {
    let text = format!(
        "{zone}: `{instance}` does not learn of it, and goes on where it still has the zone"
    );
    let hint = "put the zone into `deny-zones` of that installation's configuration";
    Message::warning(text, hint)
}

/// Shows a zone of the configured primary, or of a server of the command line, of which there is no state.
fn show(
    zone: &ZoneName,
    server: &direct::Arguments,
    config: &Path,
    output: &mut Output,
) -> Result<Status, Abort> {
    let setup = server.setup(config, Vec::new())?;
    let show = async |store_thread: &StoreThread, output: &mut Output| {
        let engine = setup.engine(store_thread.store());
        let read = engine.read_zone(zone, setup.deadline).await;
        let (primary, (current, state)) = report::routed(&zone.to_string(), read, output)?;
        let state = Some(&state).filter(|_| !setup.is_direct);
        Ok(print(zone, &primary, &current, state, output))
    };
    Ok(with_store(&setup, Access::ReadOnly, output, show))
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
    let mut records = Vec::new();
    // `delivered` is `None` if it is not known whether the record is managed.
    let mut print_record = |owner, ttl, rtype, rdata: &Rdata, delivered: Option<bool>| {
        let line = zonefile::format_record(owner, ttl, rtype, rdata);
        let mark = if delivered == Some(true) {
            " ; delivered"
        } else {
            ""
        };
        output.detail(&format!("{line}{mark}"));
        records.push(without_nulls(
            json!({ "record": line, "delivered": delivered }),
        ));
    };
    let soa = zone.soa.to_rdata();
    print_record(zone.name.apex(), zone.soa_ttl, RecordType::SOA, &soa, None);
    for set in &zone.records {
        let managed = state.map(|state| state.managed.get(&set.owner, set.rtype));
        for rdata in &set.rdatas {
            let delivered = managed.map(|it| it.is_some_and(|it| it.contains(rdata)));
            print_record(&set.owner, set.ttl, set.rtype, rdata, delivered);
        }
    }
    output.entry(json!({
        "subject": name.to_string(), "result": "shown", "primary": primary.name,
        "address": primary.endpoint.to_string(), "serial": zone.soa.serial.0, "records": records,
        "origin": state.map(|state| provenance_word(state.provenance)),
        "read": (primary.read == Read::State).then_some("memory"),
    }));
    Status::Done
}
