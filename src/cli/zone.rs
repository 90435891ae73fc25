//! `nsbridge zone`: creates, deletes, adopts, lists and shows zones.

use std::path::Path;

use serde_json::json;

use super::adopt;
use super::caller;
use super::configuration::{self, Setup};
use super::direct;
use super::handover::{COMMAND_LINE, check_denied, command, hand_over};
use super::input;
use super::message::{Abort, Message};
use super::output::{Output, without_nulls};
use super::report::{self, Report};
use super::status::Status;
use super::store::{Stored, with_state, with_store};
use super::trust::By;
use super::zone_list::{self, provenance_word};
use super::zone_rekey;
use super::zone_restore;
use crate::deliver::{Done, Failure, Primary, ZoneState};
use crate::diagnostic::{case, command as entries};
use crate::model::{
    AbsentZone, CurrentZone, DesiredSoa, DesiredZone, Intent, NS_TTL, Name, Rdata, RecordType,
    RejectedRecords, RrSets, Trust, ZoneName, ZoneSource,
};
use crate::payload::Verb;
use crate::queue::{Access, Attempted, Handled, StoreThread};
use crate::zonefile;

/// Changes and views of zones.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Creates a zone with an SOA and NS records. Leaves a zone that exists as it is.
    Create {
        /// The zone.
        #[arg(value_parser = input::name)]
        zone: Name,
        /// A name server of the zone. May be repeated. By default `nameservers` of the primary.
        #[arg(long, value_name = "NAME", value_parser = input::name)]
        nameserver: Vec<Name>,
        /// Create the zone again if it was signed and is gone. Remove its DS at the parent before.
        #[arg(long)]
        force: bool,
        #[command(flatten)]
        by: By,
    },
    /// Deletes a zone that nsbridge created; of another zone, only the records that it delivered.
    Delete {
        /// The zone.
        #[arg(value_parser = input::name)]
        zone: Name,
        #[command(flatten)]
        by: By,
    },
    /// Takes zones over: in the catalog of their primary, or in the queue file if there is none.
    Adopt(adopt::Arguments),
    /// Puts a zone in place again that a deletion removed.
    ///
    /// `history-days` says for how long its contents are kept.
    Restore {
        /// The zone.
        #[arg(value_parser = input::name)]
        zone: Name,
    },
    /// Lets the first key of the list under `key` update zones of this instance that are there, and the others of the list no
    /// more. Leaves the other settings of the zones as they are.
    Rekey(zone_rekey::Arguments),
    /// Lists the zones that nsbridge has created or delivered records to, and those in the catalogs of its
    /// primaries, each with its owner.
    List,
    /// Prints a zone as its primary has it, as a master file, and marks the records that nsbridge delivered.
    Show {
        /// The zone.
        #[arg(value_parser = input::name)]
        zone: Name,
        #[command(flatten)]
        server: direct::Arguments,
    },
}

/// Runs the command.
pub(super) fn run(command: &Command, config: &Path, output: &mut Output) -> Result<Status, Abort> {
    match command {
        Command::Create {
            zone,
            nameserver,
            force,
            by,
        } => {
            let mut setup = configuration::load(config)?;
            setup.policy.creates_signed_anew = *force;
            create(&ZoneName::new(zone), nameserver, by.trust(), &setup, output)
        }
        Command::Delete { zone, by } => delete(&ZoneName::new(zone), by.trust(), config, output),
        Command::Adopt(arguments) => adopt::run(arguments, config, output),
        Command::Restore { zone } => zone_restore::run(&ZoneName::new(zone), config, output),
        Command::Rekey(arguments) => zone_rekey::run(arguments, config, output),
        Command::List => zone_list::run(config, output),
        Command::Show { zone, server } => show(&ZoneName::new(zone), server, config, output),
    }
}

fn create(
    zone: &ZoneName,
    nameservers: &[Name],
    trust: Trust,
    setup: &Setup,
    output: &mut Output,
) -> Result<Status, Abort> {
    let bad = nameservers
        .iter()
        .find_map(|it| it.check_host().err().map(|error| (it, error)));
    if let Some((nameserver, error)) = bad {
        let invalid = case!(entries::NAME_SERVER_INVALID, nameserver, source = error);
        let message = Message::of(&invalid).about(zone).and_nothing_attempted();
        return Err(Abort::new(Status::BadInput, message));
    }
    let intent = of_records(zone, trust, RrSets::default());
    let mut commands = [command(COMMAND_LINE, intent)];
    commands[0].verb = Verb::Create;
    let create = async |store_thread: &StoreThread, output: &mut Output| {
        let engine = setup.engine(store_thread.store());
        let created = engine
            .create_zone(zone, nameservers, trust, setup.deadline)
            .await;
        if let (Some(primary), Ok(delivered)) = (&created.primary, &created.result)
            && let Done::Created { .. } = delivered.done
        {
            let noted = Created {
                zone,
                nameservers,
                trust,
                primary,
            };
            noted.note(&delivered.done, setup, store_thread).await?;
        }
        let stays = None;
        let attempted = created.map(|result| Attempted { result, stays });
        let mut report = Report::new(&commands, output);
        report.handled(0, attempted.map(Handled::Attempted));
        Ok(report.finish())
    };
    Ok(with_store(setup, Access::ReadWrite, output, create))
}

/// A zone that was created without a job.
struct Created<'a> {
    zone: &'a ZoneName,
    /// Those that the operator named.
    nameservers: &'a [Name],
    trust: Trust,
    primary: &'a Primary,
}

impl Created<'_> {
    /// Notes the zone for the log, and if its name servers are known, for `audit` and `resync`.
    async fn note(&self, done: &Done, setup: &Setup, store: &StoreThread) -> Result<(), Failure> {
        let (primary, now) = (&self.primary.name, (setup.policy.clock)());
        let key = self.zone.to_string();
        let jobs = store.jobs();
        jobs.note_event(key, primary, &caller::name(), done.to_string(), now)
            .await?;
        let named = [self.nameservers, &self.primary.nameservers];
        let Some(nameservers) = named.into_iter().find(|it| !it.is_empty()) else {
            return Ok(());
        };
        let ns = self.zone.ns_set(NS_TTL, nameservers);
        let intent = of_records(self.zone, self.trust, RrSets::from_sets([ns]));
        jobs.keep_wanted(&intent, primary, now).await
    }
}

/// Returns the intent that a zone exists with these records.
fn of_records(zone: &ZoneName, trust: Trust, records: RrSets) -> Intent {
    Intent::Zone(DesiredZone {
        name: zone.clone(),
        soa: DesiredSoa::default(),
        records,
        rejected: RejectedRecords::default(),
        source: ZoneSource::Call,
        trust,
    })
}

fn delete(
    zone: &ZoneName,
    trust: Trust,
    config: &Path,
    output: &mut Output,
) -> Result<Status, Abort> {
    let setup = configuration::load(config)?;
    let name = zone.clone();
    let intent = Intent::ZoneAbsent(AbsentZone {
        name,
        trust,
        moved_from: None,
    });
    let commands = [command(COMMAND_LINE, intent)];
    check_denied(&commands[0], &setup, output)?;
    Ok(hand_over(&commands, &setup, output))
}

/// Shows a zone of the configured primary, or of a server of the command line, of which there is no state.
fn show(
    zone: &ZoneName,
    server: &direct::Arguments,
    config: &Path,
    output: &mut Output,
) -> Result<Status, Abort> {
    let setup = server.setup(config, Vec::new())?;
    let show = async |stored: Stored<'_>, output: &mut Output| {
        let engine = setup.engine(stored.state);
        let read = engine.read_zone(zone, setup.deadline).await;
        let (primary, (current, state)) = report::routed(&zone.to_string(), read, output)?;
        let state = Some(&state).filter(|_| !setup.is_direct);
        Ok(print(zone, &primary, &current, state, output))
    };
    Ok(with_state(&setup, Access::ReadOnly, output, show))
}

/// Prints a zone, with the state if there is one.
fn print(
    name: &ZoneName,
    primary: &Primary,
    zone: &CurrentZone,
    state: Option<&ZoneState>,
    output: &mut Output,
) -> Status {
    if !primary.abilities.shows_zones() {
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
    let is_seen = primary.abilities.answers_queries();
    if is_seen {
        let soa = zone.soa.to_rdata();
        print_record(zone.name.apex(), zone.soa_ttl, RecordType::SOA, &soa, None);
    }
    for set in &zone.records {
        let managed = state.map(|state| state.managed.get(&set.owner, set.rtype));
        for rdata in &set.rdatas {
            let delivered = managed.map(|it| it.is_some_and(|it| it.contains(rdata)));
            print_record(&set.owner, set.ttl, set.rtype, rdata, delivered);
        }
    }
    output.entry(json!({
        "subject": name.to_string(), "result": "shown", "primary": primary.name,
        "address": primary.endpoint.to_string(), "serial": is_seen.then_some(zone.soa.serial.0), "records": records,
        "origin": state.map(|state| provenance_word(state.provenance)),
        "read": report::unread(primary),
    }));
    Status::Done
}
