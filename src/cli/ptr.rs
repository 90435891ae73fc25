//! `nsbridge ptr`: PTR values of addresses, one by one or all of a zone.

use std::collections::{BTreeSet, HashSet};
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;

use serde_json::json;

use super::configuration::Setup;
use super::direct;
use super::handover::{self, COMMAND_LINE, carry_out};
use super::input;
use super::message::{Abort, Message, Severity};
use super::output::{Output, count};
use super::report;
use super::status::Status;
use super::store::{Stored, with_state, with_store};
use crate::deliver::{self, Primary, PtrSettings, PtrValue, StateStore};
use crate::diagnostic::ptr::PTR_VALUE_DAMAGED;
use crate::diagnostic::{Diagnostic, case, command as entries};
use crate::model::{
    ForeignRecords, Intent, Name, Network, Presence, PtrIntent, ZoneName, excerpt, reverse_name,
};
use crate::payload;
use crate::queue::{Access, StoreThread};

/// Most characters of a damaged value in a message.
const DAMAGED_CHARACTERS_MAX: usize = 60;

/// Changes of PTR records.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Adds a PTR value of an address. `ptr.existing` decides about other values; by default they stay.
    Add(Value),
    /// Removes a PTR value of an address, and no other value.
    Delete(Value),
    /// Adds the PTR values of all addresses of a zone that are in `ptr.networks`.
    ///
    /// Also looks for values that name a host of the zone which does not have the address any more: removes those
    /// that nsbridge added, and reports the others, or removes them with --prune.
    Sync(Sync),
}

/// Options of `nsbridge ptr sync`.
#[derive(Debug, clap::Args)]
#[group(skip)]
pub(super) struct Sync {
    /// Print the changes that a run would make, and make none.
    #[arg(long)]
    dry_run: bool,
    /// Also remove such values that nsbridge did not add.
    #[arg(long)]
    prune: bool,
    #[command(flatten)]
    server: direct::Arguments,
    /// The zone with the addresses.
    #[arg(value_parser = input::name)]
    zone: Name,
}

/// One PTR value.
#[derive(Debug, clap::Args)]
#[group(skip)]
pub(super) struct Value {
    /// Print the changes that a run would make, and make none.
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    server: direct::Arguments,
    /// The address.
    address: IpAddr,
    /// The host name.
    #[arg(value_parser = input::name)]
    hostname: Name,
}

/// Runs the command.
pub(super) fn run(command: &Command, config: &Path, output: &mut Output) -> Result<Status, Abort> {
    match command {
        Command::Add(value) => change(value, Presence::Present, config, output),
        Command::Delete(value) => change(value, Presence::Absent, config, output),
        Command::Sync(options) => sync(options, config, output),
    }
}

fn change(
    value: &Value,
    presence: Presence,
    config: &Path,
    output: &mut Output,
) -> Result<Status, Abort> {
    // An IPv4 address written as IPv6 has its reverse name in in-addr.arpa.
    let address = value.address.to_canonical();
    let setup = value.server.setup(config, vec![Network::around(address)])?;
    require_networks(&setup)?;
    let host = value.hostname.to_lowercase();
    // A value that is present can be removed, whatever it is.
    if let (Presence::Present, Err(error)) = (presence, host.check_host()) {
        let message = Message::of(&case!(entries::HOST_NAME_INVALID, source = error));
        let message = message.about(format!("{address} PTR {host}"));
        return Err(Abort::new(
            Status::BadInput,
            message.and_nothing_attempted(),
        ));
    }
    let wanted: Arc<[Name]> = match presence {
        Presence::Present => [host.clone()].into(),
        Presence::Absent => [].into(),
    };
    let commands = [command(address, host, presence, wanted)];
    handover::check_denied(&commands[0], &setup, output)?;
    Ok(carry_out(&commands, value.dry_run, &setup, output))
}

/// Refuses the command if no PTR records are managed.
fn require_networks(setup: &Setup) -> Result<(), Abort> {
    if !setup.policy.ptr.networks.is_empty() {
        return Ok(());
    }
    let message = Message::of(&case!(entries::PTR_NETWORKS_EMPTY));
    Err(Abort::new(Status::Denied, message.and_nothing_attempted()))
}

fn sync(options: &Sync, config: &Path, output: &mut Output) -> Result<Status, Abort> {
    let zone = &ZoneName::new(&options.zone);
    let mut setup = options.server.setup(config, Vec::new())?;
    if !setup.is_direct {
        require_networks(&setup)?;
    }
    let mut settings = setup.policy.ptr.clone();
    let prune = options.prune || setup.policy.foreign == ForeignRecords::Remove;
    let (mut surveyed, mut is_damaged) = (None, false);
    let survey = async |stored: Stored<'_>, output: &mut Output| {
        let damaged = match stored.jobs {
            Some(jobs) => jobs.damaged_ptrs().await?,
            None => Vec::new(),
        };
        is_damaged = !damaged.is_empty();
        let mut survey = Survey {
            setup: &setup,
            settings: &mut settings,
            store: stored.state,
            damaged,
            prune,
            status: Status::Done,
            output,
        };
        surveyed = Some(survey.commands(zone).await?);
        Ok(survey.status)
    };
    let mut status = with_state(&setup, Access::ReadOnly, output, survey);
    setup.policy.ptr = settings;
    match surveyed {
        None => {}
        Some(commands) if commands.is_empty() => {
            let line = format!("{zone}: no address in `ptr.networks`");
            let entry = json!({ "subject": zone.to_string(), "result": "unchanged" });
            output.result(&line, entry);
        }
        Some(commands) => {
            setup.restart_time();
            status.or_worse(carry_out(&commands, options.dry_run, &setup, output));
        }
    }
    if is_damaged && prune && !options.dry_run && status == Status::Done {
        let forget = async |store_thread: &StoreThread, _: &mut Output| {
            store_thread.jobs().forget_damaged_ptrs().await?;
            Ok(Status::Done)
        };
        status.or_worse(with_store(&setup, Access::ReadWrite, output, forget));
    }
    Ok(status)
}

/// Returns the diagnostic of damaged PTR values; `None` if there are none.
pub(super) fn damage_of(damaged: &[String]) -> Option<Diagnostic> {
    let first = excerpt(damaged.first()?, DAMAGED_CHARACTERS_MAX);
    let count = count(damaged.len(), "PTR value");
    Some(case!(PTR_VALUE_DAMAGED, count, first))
}

/// Compares a zone with the PTR values that are present.
struct Survey<'a> {
    setup: &'a Setup,
    /// With the networks of the zone's addresses, if the server is one of the command line.
    settings: &'a mut PtrSettings,
    store: &'a dyn StateStore,
    /// The damaged values, which count as values of others.
    damaged: Vec<String>,
    prune: bool,
    status: Status,
    output: &'a mut Output,
}

impl Survey<'_> {
    /// Returns the changes: first the removals, which make room for the additions.
    ///
    /// # Errors
    /// The status of a failure to read the zone, which is printed.
    async fn commands(&mut self, zone: &ZoneName) -> Result<Vec<payload::Command>, Abort> {
        let engine = self.setup.engine(self.store);
        let read = engine.read_zone(zone, self.setup.deadline).await;
        let (_, (current, _)) = report::routed(&zone.to_string(), read, self.output)?;
        let mut pairs = deliver::host_addresses(&current);
        if self.setup.is_direct {
            self.settings.networks = networks_around(&pairs);
        }
        let all = pairs.len();
        pairs.retain(|(address, _)| self.settings.reverse_zone(*address).is_some());
        if pairs.len() < all {
            let outside = all - pairs.len();
            let message = Message::of(&case!(entries::PTR_ADDRESSES_OUTSIDE, outside, all));
            self.output
                .message(&message.about(zone).with_severity(Severity::Note));
        }
        let managed = self.store.ptrs().await?;
        if let Some(damage) = damage_of(&self.damaged) {
            self.output.message(&Message::of(&damage));
        }
        let mut commands = Vec::new();
        for value in self.present_values(&managed).await {
            let is_managed = managed.contains(&value);
            let PtrValue {
                address, hostname, ..
            } = value;
            let has_address = pairs.binary_search(&(address, hostname.clone())).is_ok();
            let is_permitted = self.settings.reverse_zone(address).is_some();
            if has_address || !is_permitted || !deliver::is_host_of(&current, &hostname) {
                continue;
            }
            if self.prune || is_managed {
                commands.push(command(address, hostname, Presence::Absent, [].into()));
            } else {
                let message = Message::of(&case!(entries::PTR_OTHER_ADDRESS));
                self.output
                    .message(&message.about(format!("{address} PTR {hostname}")));
            }
        }
        commands.extend(present(&pairs));
        for primary in self.setup.primaries.values() {
            primary.pool.close();
        }
        Ok(commands)
    }

    /// Reads the values of the reverse zones, each with the primary that serves its reverse name. Managed values
    /// stand for the zones that are not read.
    async fn present_values(&mut self, managed: &BTreeSet<PtrValue>) -> BTreeSet<PtrValue> {
        let engine = self.setup.engine(self.store);
        let (mut seen, mut values) = (HashSet::new(), BTreeSet::new());
        let networks = self.settings.networks.iter();
        for reverse_zone in networks.flat_map(Network::reverse_zones) {
            let name = reverse_zone.apex();
            let read = engine
                .read_enclosing_zone(name, &mut seen, self.setup.deadline)
                .await;
            // Without a route, the values that are to be added are reported, and no other ones can be read.
            let Some(primary) = read.primary else {
                continue;
            };
            match read.result {
                Ok(None) => {}
                Ok(Some(current)) => {
                    if !primary.abilities.shows_zones() {
                        self.output.message(&by_memory(&current.name, &primary));
                    }
                    let entries = deliver::reverse_entries(&current).into_iter();
                    values.extend(entries.map(|(address, hostname)| PtrValue {
                        primary: primary.name.clone(),
                        address,
                        hostname,
                    }));
                }
                Err(failure) if self.prune => {
                    let subject = reverse_zone.to_string();
                    let failed = report::fail(&subject, Some(&primary), &failure, self.output);
                    self.status.or_worse(failed);
                }
                Err(failure) => {
                    let message = Message::of(&case!(entries::PTR_ZONE_UNREAD).because(&failure));
                    self.output.message(&message.about(&reverse_zone));
                }
            }
        }
        let is_unread = |value: &&PtrValue| {
            let primary = self.setup.primaries.get(&value.primary);
            primary.is_some_and(|it| !it.abilities.shows_zones())
        };
        values.extend(managed.iter().filter(is_unread).cloned());
        // A longer route may lead to another primary, from which the value would then be removed.
        values.retain(|value| {
            let primary = engine.routes.primary_of(&reverse_name(value.address));
            primary.is_some_and(|primary| primary.name == value.primary)
        });
        values
    }
}

/// Warns of values that are not seen since the reverse zone is not read.
fn by_memory(zone: &ZoneName, primary: &Primary) -> Message {
    let primary = &primary.name;
    Message::of(&case!(entries::PTR_ZONE_FROM_MEMORY, primary)).about(zone)
}

/// Returns the commands that add the values of a zone, which are sorted. None of them conflicts with another.
fn present(pairs: &[(IpAddr, Name)]) -> Vec<payload::Command> {
    let commands = pairs.chunk_by(|a, b| a.0 == b.0).flat_map(|of_address| {
        let wanted: Arc<[Name]> = of_address.iter().map(|(_, host)| host.clone()).collect();
        of_address.iter().map(move |(address, host)| {
            command(*address, host.clone(), Presence::Present, wanted.clone())
        })
    });
    commands.collect()
}

fn networks_around(pairs: &[(IpAddr, Name)]) -> Vec<Network> {
    let mut networks: Vec<Network> = Vec::new();
    for (address, _) in pairs {
        if !networks.iter().any(|network| network.contains(*address)) {
            networks.push(Network::around(*address));
        }
    }
    networks
}

fn command(
    address: IpAddr,
    hostname: Name,
    presence: Presence,
    wanted: Arc<[Name]>,
) -> payload::Command {
    let intent = PtrIntent {
        address,
        hostname,
        presence,
        wanted,
    };
    handover::command(COMMAND_LINE, Intent::Ptr(intent))
}
