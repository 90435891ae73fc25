//! `nsbridge audit`: compares the primaries, their catalogs and their secondaries with what was put in place.

use std::collections::HashSet;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use serde_json::json;

use super::catalog::check_primary;
use super::configuration::{self, Setup};
use super::handover::{COMMAND_LINE, Source, command, dispatcher, hand_over_from};
use super::input;
use super::message::{Abort, Message};
use super::output::{Output, count};
use super::report::fail;
use super::status::Status;
use super::store::with_store;
use crate::deliver::{
    CatalogRepair, Difference, DifferenceKind, Engine, Primary, Provenance, Purpose,
};
use crate::diagnostic::{case, command as entries};
use crate::model::{AbsentZone, Intent, Name, Trust, ZoneName};
use crate::payload::Command;
use crate::plan::{EntryDrift, Membership};
use crate::queue::{Access, StoreThread, Wanted};

/// The most intents that are compared at a time.
const BATCH: usize = 1_000;

/// The time limit of one of them, and of the catalogs.
pub(super) const TIME_MAX: Duration = Duration::from_secs(600);

/// Options of `nsbridge audit`.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    choice: Choice,
    /// Put in place again what differs.
    #[arg(long)]
    repair: bool,
    /// Also compare, and with --repair remove, records that nsbridge did not deliver, in zones that this instance created.
    ///
    /// For a queue file that was restored from an older copy: it lacks what was delivered since. Have all current zones
    /// delivered before. Names in `policy.keep`, the SOA and records of DNSSEC stay.
    #[arg(long)]
    prune: bool,
    /// Also ask the name servers of each zone whether they have the serial of the primary.
    #[arg(long)]
    secondaries: bool,
}

/// Options that choose zones and primaries.
#[derive(Debug, clap::Args)]
#[group(skip)]
pub(super) struct Choice {
    /// Take these zones alone. By default, take everything that nsbridge has put in place.
    #[arg(value_parser = input::name)]
    zones: Vec<Name>,
    /// Take what this primary has, by its name in the configuration. May be repeated.
    #[arg(long, value_name = "NAME")]
    primary: Vec<String>,
}

/// The zones and primaries that the operator chose.
pub(super) struct Chosen {
    /// The keys of zones; empty for all.
    keys: Vec<String>,
    /// The primaries, by their names.
    primaries: Vec<Rc<Primary>>,
}

impl Chosen {
    /// Returns what the operator chose.
    ///
    /// # Errors
    /// A message if there is no such primary.
    pub(super) fn of(choice: &Choice, help: &str, setup: &Setup) -> Result<Self, Abort> {
        let Choice {
            zones,
            primary: primaries,
        } = choice;
        for primary in primaries {
            check_primary(Some(primary), setup, help)?;
        }
        let is_chosen = |name: &String| primaries.is_empty() || primaries.contains(name);
        let chosen = setup.primaries.iter().filter(|(name, _)| is_chosen(name));
        Ok(Self {
            keys: zones
                .iter()
                .map(|it| ZoneName::new(it).to_string())
                .collect(),
            primaries: chosen.map(|(_, primary)| Rc::clone(primary)).collect(),
        })
    }

    fn has(&self, primary: &str) -> bool {
        self.primaries.iter().any(|it| it.name == primary)
    }

    fn has_zone(&self, zone: &ZoneName) -> bool {
        self.keys.is_empty() || self.keys.contains(&zone.to_string())
    }
}

/// Runs the command.
pub(super) fn run(
    arguments: &Arguments,
    config: &Path,
    output: &mut Output,
) -> Result<Status, Abort> {
    let mut setup = configuration::load(config)?;
    setup.time_limit = TIME_MAX;
    setup.restart_time();
    let chosen = Chosen::of(&arguments.choice, "nsbridge audit --help", &setup)?;
    let mut audit = Audit {
        arguments,
        chosen: &chosen,
        differences: 0,
        compared: 0,
        status: Status::Done,
        output,
    };
    audit.catalogs(&setup);
    let made_zones = arguments.prune.then(|| audit.made_zones(&setup));
    let mut after = String::new();
    loop {
        setup.restart_time();
        let found = next_wanted(&chosen, &after, BATCH, &setup, audit.output);
        let (wanted, next) = match found {
            Ok(found) => found,
            Err(failed) => {
                audit.status.or_worse(failed);
                break;
            }
        };
        let (made, others) = match made_zones.as_ref() {
            Some(made) => wanted.into_iter().partition(|it| is_made(it, made)),
            None => (Vec::new(), wanted),
        };
        for (wanted, purpose) in [(others, Purpose::Repair), (made, Purpose::Prune)] {
            let differing = audit.zones(&wanted, purpose, &setup);
            audit.repair(&differing, purpose, &mut setup);
        }
        match next {
            Some(next) => after = next,
            None => break,
        }
    }
    Ok(audit.end())
}

/// An audit, and what it has found so far.
struct Audit<'a> {
    arguments: &'a Arguments,
    chosen: &'a Chosen,
    differences: usize,
    compared: usize,
    status: Status,
    output: &'a mut Output,
}

impl Audit<'_> {
    /// Compares the catalogs.
    fn catalogs(&mut self, setup: &Setup) {
        let mut forgotten = Vec::new();
        let repair = if self.arguments.repair {
            CatalogRepair::BringBack
        } else {
            CatalogRepair::Nothing
        };
        let (chosen, mut found) = (self.chosen, Vec::new());
        let work = async |store_thread: &StoreThread, output: &mut Output| {
            let engine = setup.engine(store_thread.store());
            let mut status = Status::Done;
            for primary in &chosen.primaries {
                let audited = engine.audit_catalog(primary, repair, setup.deadline).await;
                match audited {
                    Ok(None) => {}
                    Ok(Some(audit)) => {
                        for (zone, drift) in audit.drift {
                            let gone = store_thread.jobs().gone(&zone.to_string()).await?;
                            found.push((Rc::clone(primary), zone, drift, gone.is_some()));
                        }
                    }
                    Err(failure) => {
                        let subject = "catalog".to_owned();
                        status.or_worse(fail(&subject, Some(primary), &failure, output));
                    }
                }
            }
            Ok(status)
        };
        let status = with_store(setup, Access::ReadWrite, self.output, work);
        self.status.or_worse(status);
        for (primary, zone, drift, was_deleted) in found {
            if !self.chosen.has_zone(&zone) {
                continue;
            }
            let kind = match drift {
                EntryDrift::Unlisted | EntryDrift::Ambiguous | EntryDrift::Taken => {
                    DifferenceKind::Unlisted
                }
                EntryDrift::Orphaned => DifferenceKind::Orphaned,
            };
            let subject = match drift {
                EntryDrift::Ambiguous => "its entry names several zones".to_owned(),
                EntryDrift::Taken => "another instance has claimed it".to_owned(),
                EntryDrift::Orphaned if was_deleted => "it was deleted".to_owned(),
                EntryDrift::Unlisted | EntryDrift::Orphaned => String::new(),
            };
            let difference = Difference { kind, subject };
            print(&zone.to_string(), &primary.name, &difference, self.output);
            self.differences += 1;
            if drift == EntryDrift::Orphaned && was_deleted {
                forgotten.push(zone);
            }
        }
        if self.arguments.repair && !forgotten.is_empty() {
            let commands: Vec<Command> = forgotten
                .into_iter()
                .map(|name| {
                    let trust = Trust::Operator;
                    command(
                        COMMAND_LINE,
                        Intent::ZoneAbsent(AbsentZone {
                            name,
                            trust,
                            moved_from: None,
                        }),
                    )
                })
                .collect();
            let status = hand_over_from(&commands, &Source::default(), setup, self.output);
            self.status.or_worse(status);
        }
    }

    /// Returns the zones that this instance created, each with its primary, by the catalogs and by the queue file.
    fn made_zones(&mut self, setup: &Setup) -> HashSet<(String, ZoneName)> {
        let (chosen, mut made) = (self.chosen, HashSet::new());
        let work = async |store_thread: &StoreThread, output: &mut Output| {
            let mut status = Status::Done;
            let known = store_thread.store().list().await?;
            let created = known
                .into_iter()
                .filter(|it| it.provenance == Provenance::Created);
            made.extend(created.map(|it| (it.key.primary, it.key.zone)));
            for primary in &chosen.primaries {
                let members = primary.members(setup.policy.clock, setup.deadline).await;
                match members {
                    Ok(members) => {
                        for (zone, membership) in members {
                            let at = (primary.name.clone(), zone);
                            match membership {
                                Membership::Ours(member) if member.was_created() => made.insert(at),
                                // The catalog knows better than the queue file.
                                Membership::Ours(_)
                                | Membership::Other { .. }
                                | Membership::Unclaimed(_)
                                | Membership::Absent => made.remove(&at),
                            };
                        }
                    }
                    Err(failure) => {
                        status.or_worse(fail("catalog", Some(primary), &failure, output));
                    }
                }
            }
            Ok(status)
        };
        let status = with_store(setup, Access::ReadOnly, self.output, work);
        self.status.or_worse(status);
        made
    }

    /// Compares zones and PTR values. Returns those that differ.
    fn zones(&mut self, wanted: &[Wanted], purpose: Purpose, setup: &Setup) -> Vec<Wanted> {
        let (mut differing, mut found) = (Vec::new(), 0);
        let secondaries = self.arguments.secondaries;
        let work = async |store_thread: &StoreThread, output: &mut Output| {
            let dispatcher = dispatcher(setup, store_thread);
            let mut status = Status::Done;
            let mut compared = self.compared;
            let note = |wanted: &Wanted, routed: crate::deliver::RoutedResult<Vec<Difference>>| {
                compared += 1;
                output.progress(&format!("{compared} compared, {found} found"));
                let primary = routed.primary.as_deref();
                match routed.result {
                    Ok(differences) => {
                        found += differences.len();
                        if !differences.is_empty() {
                            differing.push(wanted.clone());
                        }
                        for difference in differences {
                            print(&wanted.key, &wanted.primary, &difference, output);
                        }
                    }
                    Err(failure) => status.or_worse(fail(&wanted.key, primary, &failure, output)),
                }
            };
            dispatcher
                .audit(wanted, purpose, setup.deadline, note)
                .await?;
            if secondaries {
                let engine = setup.engine(store_thread.store());
                let behind = behind(&engine, wanted, setup, output).await;
                found += behind.0;
                status.or_worse(behind.1);
            }
            Ok(status)
        };
        let status = with_store(setup, Access::ReadWrite, self.output, work);
        self.status.or_worse(status);
        self.differences += found;
        self.compared += wanted.len();
        differing
    }

    /// Puts in place again what differs.
    fn repair(&mut self, differing: &[Wanted], purpose: Purpose, setup: &mut Setup) {
        if !self.arguments.repair || differing.is_empty() {
            return;
        }
        let commands: Vec<Command> = differing
            .iter()
            .map(|it| command("what was delivered before", it.intent.clone()))
            .collect();
        let source = Source {
            purpose,
            ..Source::default()
        };
        setup.restart_time();
        let status = hand_over_from(&commands, &source, setup, self.output);
        self.status.or_worse(status);
    }

    /// Prints the sum.
    fn end(mut self) -> Status {
        let (compared, differences) = (
            count(self.compared, "zone or PTR value"),
            count(self.differences, "difference"),
        );
        self.output
            .detail(&format!("total: {differences} in {compared}"));
        if self.differences > 0 && !self.arguments.repair {
            self.status.or_worse(Status::Differences);
        }
        self.status
    }
}

/// Returns whether a wanted intent is that of a zone that this instance created.
fn is_made(wanted: &Wanted, made: &HashSet<(String, ZoneName)>) -> bool {
    let Intent::Zone(zone) = &wanted.intent else {
        return false;
    };
    made.contains(&(wanted.primary.clone(), zone.name.clone()))
}

/// Asks the name servers of zones for their serials. Returns how many are behind.
async fn behind(
    engine: &Engine<'_>,
    wanted: &[Wanted],
    setup: &Setup,
    output: &mut Output,
) -> (usize, Status) {
    let (mut found, mut status) = (0, Status::Done);
    for wanted in wanted {
        let Intent::Zone(zone) = &wanted.intent else {
            continue;
        };
        let routed = engine.secondaries_behind(&zone.name, setup.deadline).await;
        match routed.result {
            Ok(servers) => {
                found += servers.len();
                for subject in servers {
                    let kind = DifferenceKind::Behind;
                    let difference = Difference { kind, subject };
                    print(&wanted.key, &wanted.primary, &difference, output);
                }
            }
            Err(failure) => {
                let primary = routed.primary.as_deref();
                status.or_worse(fail(&wanted.key, primary, &failure, output));
            }
        }
    }
    (found, status)
}

/// Prints a difference.
fn print(key: &str, primary: &str, difference: &Difference, output: &mut Output) {
    let Difference { kind, subject } = difference;
    let entry = json!({
        "subject": key, "primary": primary, "difference": kind.to_string(),
        "at": (!subject.is_empty()).then_some(subject),
    });
    output.result(&format!("{key}: {difference} on {primary}"), entry);
}

/// Brings back the catalogs of the chosen primaries, and says so.
pub(super) fn bring_back_catalogs(chosen: &Chosen, setup: &Setup, output: &mut Output) -> Status {
    let work = async |store_thread: &StoreThread, output: &mut Output| {
        let engine = setup.engine(store_thread.store());
        let mut status = Status::Done;
        for primary in &chosen.primaries {
            let repair = CatalogRepair::BringBack;
            match engine.audit_catalog(primary, repair, setup.deadline).await {
                Ok(None) => {}
                Ok(Some(audit)) => {
                    let (name, entries) = (&primary.name, audit.repaired);
                    let line = format!("catalog on {name}: {entries} of its entries brought back");
                    let entry = json!({
                        "subject": "catalog", "primary": name, "result": "brought-back", "entries": entries,
                    });
                    output.result(&line, entry);
                }
                Err(failure) => {
                    status.or_worse(fail("catalog", Some(primary), &failure, output));
                }
            }
        }
        Ok(status)
    };
    with_store(setup, Access::ReadWrite, output, work)
}

/// Returns the next wanted intents of the chosen primaries, and the key after which to go on; `None` at the end.
///
/// # Errors
/// The status if the queue file failed, or if the operator chose a zone that nothing wants; both are reported.
pub(super) fn next_wanted(
    chosen: &Chosen,
    after: &str,
    limit: usize,
    setup: &Setup,
    output: &mut Output,
) -> Result<(Vec<Wanted>, Option<String>), Status> {
    let mut found = (Vec::new(), None);
    let look = async |store_thread: &StoreThread, output: &mut Output| {
        let jobs = store_thread.jobs();
        if chosen.keys.is_empty() {
            let wanted = jobs.wanted(after, limit).await?;
            let last = wanted.last().filter(|_| wanted.len() == limit);
            found.1 = last.map(|it| it.key.clone());
            found.0 = wanted;
            return Ok(Status::Done);
        }
        found.0 = jobs.wanted_of(chosen.keys.clone()).await?;
        let mut status = Status::Done;
        for key in &chosen.keys {
            if !found.0.iter().any(|it| it.key == *key) {
                let message = Message::of(&case!(entries::ZONE_NEVER_DELIVERED));
                output.message(&message.about(key));
                status.or_worse(Status::BadInput);
            }
        }
        Ok(status)
    };
    let status = with_store(setup, Access::ReadWrite, output, look);
    if status != Status::Done && found.0.is_empty() {
        return Err(status);
    }
    found.0.retain(|it| chosen.has(&it.primary));
    Ok(found)
}
