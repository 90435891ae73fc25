//! `nsbridge zone adopt`: takes zones over, one by one or all of an instance.

use std::cell::Cell;
use std::path::Path;
use std::rc::Rc;

use futures_util::StreamExt as _;
use futures_util::stream;
use serde_json::json;
use tokio::time::Instant;

use super::caller;
use super::catalog::check_primary;
use super::configuration::{self, Setup};
use super::input;
use super::message::{Abort, Message};
use super::output::{Output, count};
use super::report;
use super::status::Status;
use super::store::with_store;
use super::sync_all::check_prune;
use crate::deliver::{
    Adopted, AdoptedFrom, Adoption, Answer, Engine, Failure, FormerOwner, Primary, Routed,
    RoutedResult,
};
use crate::diagnostic::{case, command as entries};
use crate::model::{Name, RrSet, ZoneName};
use crate::queue::{Access, Jobs, StoreThread};
use crate::zonefile;

/// How many zones are adopted at once; each primary has its own limit, `zones-in-flight`.
const IN_FLIGHT: usize = 64;

/// Options of `nsbridge zone adopt`.
#[derive(Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "options of the command line")]
pub(super) struct Arguments {
    /// Adopt only zones of this instance.
    #[arg(long, value_name = "INSTANCE", group = "former")]
    from: Option<String>,
    /// Adopt only zones that belong to no instance.
    #[arg(long, group = "former")]
    unowned: bool,
    /// Adopt all such zones in the catalogs of the primaries. Run it again if it was interrupted.
    #[arg(long, requires = "former", conflicts_with = "zones")]
    all: bool,
    /// With --all: only in the catalog of this primary.
    #[arg(long, value_name = "NAME", requires = "all", conflicts_with = "zones")]
    primary: Option<String>,
    /// Manage all records of each zone from then on: the next delivery of the zone removes those that it does not have.
    /// Without it, records of the former owner stay.
    #[arg(long)]
    prune: bool,
    /// Print what a run would do, and do nothing. With --prune, print the records that the next delivery may remove.
    #[arg(long)]
    dry_run: bool,
    /// The zones.
    #[arg(value_name = "ZONE", value_parser = input::name, required_unless_present = "all")]
    zones: Vec<Name>,
}

/// A zone to adopt.
struct Wanted {
    zone: ZoneName,
    /// The primary whose catalog has it; `None` for that of its route.
    on: Option<Rc<Primary>>,
}

/// Runs the command.
pub(super) fn run(
    arguments: &Arguments,
    config: &Path,
    output: &mut Output,
) -> Result<Status, Abort> {
    let setup = configuration::load(config)?;
    let only = arguments.primary.as_deref();
    check_primary(only, &setup, "nsbridge zone adopt --help")?;
    let access = if arguments.dry_run {
        Access::ReadOnly
    } else {
        Access::ReadWrite
    };
    if arguments.prune {
        let mut zones = arguments.zones.iter().map(ZoneName::new);
        zones.try_for_each(|zone| check_prune(&zone, &setup))?;
    }
    let work = async |store_thread: &StoreThread, output: &mut Output| {
        let mut run = Run {
            arguments,
            setup: &setup,
            output,
            status: Status::Done,
            events: Vec::new(),
            jobs: store_thread.jobs(),
            adopted: 0,
            unchanged: 0,
            failed: 0,
        };
        let mut zones: Vec<Wanted> = Vec::new();
        for zone in &arguments.zones {
            let zone = ZoneName::new(zone);
            if zones.iter().all(|it| it.zone != zone) {
                zones.push(Wanted { zone, on: None });
            }
        }
        if arguments.all {
            zones = run.members(only).await;
        }
        run.adopt_all(&zones, &setup.engine(store_thread.store()))
            .await;
        for noted in std::mem::take(&mut run.events) {
            noted.await?;
        }
        Ok(run.finish(zones.len()))
    };
    Ok(with_store(&setup, access, output, work))
}

/// A run of the command.
struct Run<'a> {
    arguments: &'a Arguments,
    setup: &'a Setup,
    output: &'a mut Output,
    /// The worst status of all zones.
    status: Status,
    jobs: &'a Jobs,
    /// The answers of the queue file, which notes each adoption.
    events: Vec<Answer<()>>,
    adopted: usize,
    unchanged: usize,
    failed: usize,
}

impl Run<'_> {
    /// Returns the members of the catalogs that the party has, and reports the catalogs that it cannot read.
    async fn members(&mut self, only: Option<&str>) -> Vec<Wanted> {
        let primaries = self.setup.primaries.values();
        let mut found = Vec::new();
        for primary in primaries.filter(|it| only.is_none_or(|only| it.name == only)) {
            let Some(catalog) = &primary.catalog else {
                continue;
            };
            let catalog = catalog.zone().to_string();
            if self.arguments.prune && !primary.abilities.shows_zones() {
                let primary = &primary.name;
                let unread = Message::of(&case!(entries::PRUNE_UNREAD, primary)).about(&catalog);
                self.output
                    .message(&unread.and("none of its zones is adopted"));
                self.status.or_worse(Status::Usage);
                continue;
            }
            let deadline = Instant::now() + self.setup.time_limit;
            match primary.members(self.setup.policy.clock, deadline).await {
                Ok(members) => {
                    let from = self.arguments.adoption().from;
                    let of_party = members.into_iter().filter(|(_, it)| from.has(it));
                    found.extend(of_party.map(|(zone, _)| Wanted {
                        zone,
                        on: Some(Rc::clone(primary)),
                    }));
                }
                Err(failure) => {
                    let failed = report::fail(&catalog, Some(primary), &failure, self.output);
                    self.status.or_worse(failed);
                }
            }
        }
        found
    }

    /// Adopts zones, many at once, and reports each in their order. When a primary is unreachable, no further zone is begun.
    async fn adopt_all(&mut self, zones: &[Wanted], engine: &Engine<'_>) {
        let (adoption, time_limit) = (self.arguments.adoption(), self.setup.time_limit);
        let is_unreachable = Cell::new(false);
        let adopt = async |wanted: &Wanted| {
            if is_unreachable.get() {
                return None;
            }
            let deadline = Instant::now() + time_limit;
            let adopted = engine.adopt(&wanted.zone, adoption, wanted.on.as_ref(), deadline);
            let adopted = adopted.await;
            if adopted.result.as_ref().is_err_and(Failure::is_unreachable) {
                is_unreachable.set(true);
            }
            Some(adopted)
        };
        let mut all = stream::iter(zones.iter().map(adopt)).buffered(IN_FLIGHT);
        for (index, wanted) in zones.iter().enumerate() {
            if let Some(Some(adopted)) = all.next().await {
                self.report(&wanted.zone, adopted);
            }
            let progress = format!("{} of {} done", index + 1, zones.len());
            self.output.progress(&progress);
        }
    }

    fn report(&mut self, zone: &ZoneName, adopted: RoutedResult<Adopted>) {
        let (primary, Adopted { from, records }) = match adopted {
            Routed {
                primary: Some(primary),
                result: Ok(adopted),
            } => (primary, adopted),
            Routed { primary, result } => {
                let failure = result.err().unwrap_or(Failure::NoRoute);
                self.failed += 1;
                let zone = zone.to_string();
                let failed = report::fail(&zone, primary.as_deref(), &failure, self.output);
                return self.status.or_worse(failed);
            }
        };
        let is_dry_run = self.arguments.dry_run;
        let is_unchanged = from == AdoptedFrom::Ours && records.is_empty();
        let (result, is) = match (is_unchanged, is_dry_run) {
            (true, _) => ("unchanged", "is"),
            (false, true) => ("would be adopted", "is"),
            (false, false) => ("adopted", "was"),
        };
        let with = match records.record_count() {
            0 => String::new(),
            number => format!(" with {}", count(number, "record")),
        };
        let (whose, instance) = match from {
            AdoptedFrom::Ours => ("is this instance's".to_owned(), None),
            AdoptedFrom::Unclaimed => (format!("{is} nobody's"), None),
            AdoptedFrom::Another { instance, learns } => {
                if !learns && !is_dry_run {
                    self.output.message(&unaware(zone, &instance));
                }
                (format!("{is} that of `{instance}`"), Some(instance))
            }
        };
        if is_unchanged {
            self.unchanged += 1;
        } else {
            self.adopted += 1;
            if is_dry_run {
                self.status.or_worse(Status::Differences);
            } else {
                let (key, now) = (zone.to_string(), (self.setup.policy.clock)());
                let done = "adopted".to_owned();
                let noted = self
                    .jobs
                    .note_event(key, &primary.name, &caller::name(), done, now);
                self.events.push(noted);
            }
        }
        let all = records.iter().flat_map(RrSet::records);
        let lines = all.filter(|_| is_dry_run).map(|it| {
            let record = zonefile::format_record(&it.owner, it.ttl, it.rtype, &it.rdata);
            format!("- {record}")
        });
        let lines: Vec<String> = lines.collect();
        let entry = json!({
            "subject": zone.to_string(), "result": result, "primary": primary.name,
            "address": primary.endpoint.to_string(), "from": instance,
            "records": self.arguments.prune.then(|| records.record_count()),
            "lines": Some(&lines).filter(|it| !it.is_empty()),
        });
        let on = format!("{} ({})", primary.name, primary.endpoint);
        let line = format!("{zone}: {result}{with}, it {whose} on {on}");
        self.output.result(&line, entry);
        for line in &lines {
            self.output.detail(line);
        }
    }

    /// Prints how many zones were adopted, of several. Returns the worst status of all.
    fn finish(self, zones: usize) -> Status {
        let Self {
            arguments,
            output,
            mut status,
            adopted,
            unchanged,
            failed,
            ..
        } = self;
        let left = zones - adopted - unchanged - failed;
        if left > 0 {
            status.or_worse(Status::Later);
        }
        if arguments.all || zones > 1 {
            let would = if arguments.dry_run { "would be " } else { "" };
            output.detail(&format!(
                "total: {} {would}adopted, {unchanged} unchanged, {failed} failed, {left} not attempted",
                count(adopted, "zone")
            ));
        }
        status
    }
}

impl Arguments {
    fn adoption(&self) -> Adoption<'_> {
        let from = match &self.from {
            Some(instance) => FormerOwner::Instance(instance),
            None if self.unowned => FormerOwner::Nobody,
            None => FormerOwner::Any,
        };
        Adoption {
            from,
            prunes: self.prune,
            is_dry_run: self.dry_run,
        }
    }
}

/// Warns that the instance that had a zone does not learn of its adoption.
fn unaware(zone: &ZoneName, instance: &str) -> Message {
    Message::of(&case!(entries::ADOPTION_UNNOTICED, instance)).about(zone)
}
