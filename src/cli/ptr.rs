//! `nsbridge ptr`: PTR values of addresses, one by one or all of a zone.

use std::collections::{BTreeSet, HashSet};
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;

use serde_json::json;

use super::configuration::Setup;
use super::direct;
use super::handover::{self, COMMAND_LINE, carry_out};
use super::output::{Abort, Message, Output, Severity};
use super::report;
use super::status::Status;
use super::store::with_store;
use crate::deliver::{self, Primary, PtrSettings, PtrValue, Read, StateStore};
use crate::model::{
    ForeignRecords, Intent, Name, Network, Presence, PtrIntent, ZoneName, reverse_name,
};
use crate::payload;
use crate::queue::{Access, StoreThread};

/// Changes of PTR records.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Adds the PTR value of an address, where it is missing. Other values stay, or as `ptr.existing` says.
    Add(Value),
    /// Removes the PTR value of an address, and no other one.
    Delete(Value),
    /// Adds the PTR values of all addresses of a zone that are in `ptr.networks`.
    ///
    /// Of the values that name a host of the zone which does not have the address any more, those that nsbridge
    /// added are removed, and others are told, or removed with --prune.
    Sync(Sync),
}

/// Options of `nsbridge ptr sync`.
#[derive(Debug, clap::Args)]
#[group(skip)]
pub(super) struct Sync {
    /// Print what would be changed, and change nothing.
    #[arg(long)]
    dry_run: bool,
    /// Also remove values of others that name a host of the zone which does not have the address.
    #[arg(long)]
    prune: bool,
    #[command(flatten)]
    server: direct::Arguments,
    /// The zone with the addresses.
    zone: Name,
}

/// One PTR value.
#[derive(Debug, clap::Args)]
#[group(skip)]
pub(super) struct Value {
    /// Print what would be changed, and change nothing.
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    server: direct::Arguments,
    /// The address.
    address: IpAddr,
    /// The host name.
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
        let hint = "give the address first, then the name of the host that has it";
        let text = format!("{address} PTR {host}: {error}");
        let message = Message::nothing_attempted(&text, Some(hint.into()));
        return Err(Abort::new(Status::BadInput, message));
    }
    let wanted: Arc<[Name]> = match presence {
        Presence::Present => [host.clone()].into(),
        Presence::Absent => [].into(),
    };
    let commands = [command(address, host, presence, wanted)];
    Ok(carry_out(&commands, value.dry_run, &setup, output))
}

/// Refuses the command if no PTR records are managed.
fn require_networks(setup: &Setup) -> Result<(), Abort> {
    if !setup.policy.ptr.networks.is_empty() {
        return Ok(());
    }
    let hint = "name the networks whose PTR records nsbridge may change";
    let message = Message::nothing_attempted("`ptr.networks` is empty", Some(hint.into()));
    Err(Abort::new(Status::Denied, message))
}

fn sync(options: &Sync, config: &Path, output: &mut Output) -> Result<Status, Abort> {
    let zone = &ZoneName::new(&options.zone);
    let mut setup = options.server.setup(config, Vec::new())?;
    if !setup.is_direct {
        require_networks(&setup)?;
    }
    let mut settings = setup.policy.ptr.clone();
    let mut surveyed = None;
    let survey = async |store_thread: &StoreThread, output: &mut Output| {
        let mut survey = Survey {
            setup: &setup,
            settings: &mut settings,
            store: store_thread.store(),
            prune: options.prune || setup.policy.foreign == ForeignRecords::Remove,
            status: Status::Done,
            output,
        };
        surveyed = Some(survey.commands(zone).await?);
        Ok(survey.status)
    };
    let mut status = with_store(&setup, Access::ReadOnly, output, survey);
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
    Ok(status)
}

/// Compares a zone with the PTR values that are present.
struct Survey<'a> {
    setup: &'a Setup,
    /// With the networks of the zone's addresses, if the server is one of the command line.
    settings: &'a mut PtrSettings,
    store: &'a dyn StateStore,
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
            let text = format!(
                "{zone}: {outside} of {all} addresses are in none of `ptr.networks`, and left alone"
            );
            self.output.message(Message::new(Severity::Note, text));
        }
        let managed = self.store.ptrs().await?;
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
                let text = format!("{address} PTR {hostname}: the host does not have this address");
                let message = Message::warning(text, "`--prune` removes the value");
                self.output.message(message);
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
                    if primary.read == Read::State {
                        self.output.message(by_memory(&current.name, &primary));
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
                    let text = format!(
                        "{reverse_zone}: not looked through for values that are no longer right: {failure}"
                    );
                    self.output.message(Message::new(Severity::Warning, text));
                }
            }
        }
        let is_unread = |value: &&PtrValue| {
            let primary = self.setup.primaries.get(&value.primary);
            primary.is_some_and(|it| it.read == Read::State)
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
    let text = format!(
        "{zone}: only what nsbridge delivered is looked through for values that are no longer right, since `{}` is \
         read from memory",
        primary.name
    );
    let hint = "allow the key to transfer the zone, and set `read = \"transfer\"`, to see those of others, too";
    Message::warning(text, hint)
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
