//! `nsbridge ptr`: PTR values of addresses, one by one or all of a zone.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;

use serde_json::json;
use tokio::time::Instant;

use super::configuration::Setup;
use super::direct;
use super::handover;
use super::output::{Message, Output, Severity};
use super::report;
use super::runtime::block_on;
use super::status::Status;
use crate::deliver::{self, Failure, Primary, PtrValue, Read, StateStore};
use crate::model::{
    CurrentZone, ForeignRecords, Intent, Name, Network, Presence, PtrIntent, ZoneName, reverse_name,
};
use crate::payload::{self, Verb};
use crate::queue::Access;

/// What is to be done with PTR records.
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
    Sync {
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
    },
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
pub(super) fn run(command: &Command, config: &Path, output: &mut Output) -> Status {
    let done = match command {
        Command::Add(value) => change(value, Presence::Present, config, output),
        Command::Delete(value) => change(value, Presence::Gone, config, output),
        Command::Sync {
            dry_run,
            prune,
            server,
            zone,
        } => server.setup(config, Vec::new()).map(|setup| {
            let zone = ZoneName::new(zone);
            sync(&zone, [*dry_run, *prune], setup, output)
        }),
    };
    done.unwrap_or_else(|message| output.bad_configuration(message))
}

fn change(
    value: &Value,
    presence: Presence,
    config: &Path,
    output: &mut Output,
) -> Result<Status, Message> {
    // An IPv4 address written as IPv6 has its reverse name in in-addr.arpa.
    let address = value.address.to_canonical();
    let setup = value.server.setup(config, vec![Network::around(address)])?;
    if let Some(status) = refuse_without_networks(&setup, output) {
        return Ok(status);
    }
    let host = value.hostname.to_lowercase();
    // What is there already can be removed, whatever it is.
    if let (Presence::Present, Err(error)) = (presence, host.check_host()) {
        let hint = "give the address first, then the name of the host that has it";
        let text = format!("{address} PTR {host}: {error}");
        output.message(Message::nothing_attempted(&text, Some(hint.into())));
        return Ok(Status::BadInput);
    }
    let wanted: Arc<[Name]> = match presence {
        Presence::Present => [host.clone()].into(),
        Presence::Gone => [].into(),
    };
    let commands = [command(address, host, presence, wanted)];
    Ok(carry_out(&commands, value.dry_run, &setup, output))
}

/// Whoever asks for PTR records where none are managed is told so.
fn refuse_without_networks(setup: &Setup, output: &mut Output) -> Option<Status> {
    if !setup.policy.ptr.networks.is_empty() {
        return None;
    }
    let hint = "name the networks whose PTR records nsbridge may change";
    let message = Message::nothing_attempted("`ptr.networks` is empty", Some(hint.into()));
    output.message(message);
    Some(Status::Denied)
}

fn carry_out(
    commands: &[payload::Command],
    dry_run: bool,
    setup: &Setup,
    output: &mut Output,
) -> Status {
    let deadline = Instant::now() + setup.deadline;
    if dry_run {
        handover::preview(commands, setup, deadline, output)
    } else {
        handover::hand_over(commands, setup, deadline, output)
    }
}

fn sync(
    zone: &ZoneName,
    [dry_run, prune]: [bool; 2],
    mut setup: Setup,
    output: &mut Output,
) -> Status {
    if !setup.is_direct
        && let Some(status) = refuse_without_networks(&setup, output)
    {
        return status;
    }
    let prune = prune || setup.policy.foreign == ForeignRecords::Remove;
    let store_thread = match handover::open(&setup, Access::ReadOnly) {
        Ok(store_thread) => store_thread,
        Err(message) => return output.bad_configuration(message),
    };
    let surveyed = block_on(survey(
        zone,
        prune,
        &mut setup,
        store_thread.store(),
        output,
    ));
    let mut status = Status::Done;
    handover::close(store_thread, &mut status, output);
    let commands = match surveyed {
        Ok(Ok((commands, found))) => {
            status.or_worse(found);
            commands
        }
        Ok(Err(failed)) => return failed,
        Err(error) => return output.internal_error(&error),
    };
    if commands.is_empty() {
        let line = format!("{zone}: no address in `ptr.networks`");
        let entry = json!({ "subject": zone.to_string(), "result": "unchanged" });
        output.result(&line, entry);
        return status;
    }
    status.or_worse(carry_out(&commands, dry_run, &setup, output));
    status
}

/// Finds out what is to be done: first what goes, which makes room for what comes.
///
/// # Errors
/// The status, where the zone cannot be read; why has been told.
async fn survey(
    zone: &ZoneName,
    prune: bool,
    setup: &mut Setup,
    store: &dyn StateStore,
    output: &mut Output,
) -> Result<(Vec<payload::Command>, Status), Status> {
    let deadline = Instant::now() + setup.deadline;
    let current = read_zone(zone, setup, store, deadline).await;
    let current = current.map_err(|failure| {
        let (subject, primary) = (zone.to_string(), setup.routes.primary_of(zone.apex()));
        let entry = json!({ "subject": subject });
        report::fail(&subject, primary, &failure, entry, output)
    })?;
    let mut pairs = deliver::host_addresses(&current);
    if setup.is_direct {
        setup.policy.ptr.networks = networks_around(&pairs);
    }
    let ptr = &setup.policy.ptr;
    let all = pairs.len();
    pairs.retain(|(address, _)| ptr.reverse_zone(*address).is_some());
    if pairs.len() < all {
        let outside = all - pairs.len();
        let text = format!(
            "{zone}: {outside} of {all} addresses are in none of `ptr.networks`, and left alone"
        );
        output.message(Message::new(Severity::Note, text));
    }
    let mut status = Status::Done;
    let ours = store.ptrs().await.map_err(|failure| {
        let (subject, entry) = (zone.to_string(), json!({ "subject": zone.to_string() }));
        report::fail(&subject, None, &failure, entry, output)
    })?;
    let mut reverse = read_reverse(setup, store, &ours, deadline).await;
    for (reverse_zone, primary, failure) in reverse.failed {
        if prune {
            let (subject, entry) = (
                reverse_zone.to_string(),
                json!({ "subject": reverse_zone.to_string() }),
            );
            let failed = report::fail(&subject, Some(primary), &failure, entry, output);
            status.or_worse(failed);
        } else {
            let text = format!(
                "{reverse_zone}: not looked through for values that are no longer right: {failure}"
            );
            output.message(Message::new(Severity::Warning, text));
        }
    }
    for (zone, primary) in reverse.remembered {
        output.message(by_memory(&zone, primary));
    }
    reverse.there.retain(|value| {
        let PtrValue {
            address, hostname, ..
        } = value;
        let has_address = pairs.binary_search(&(*address, hostname.clone())).is_ok();
        !has_address
            && ptr.reverse_zone(*address).is_some()
            && deliver::is_host_of(&current, hostname)
    });
    let mut commands = Vec::new();
    for value in reverse.there {
        let is_ours = ours.contains(&value);
        let (address, host) = (value.address, value.hostname);
        if prune || is_ours {
            commands.push(command(address, host, Presence::Gone, [].into()));
        } else {
            let text = format!("{address} PTR {host}: the host does not have this address");
            let mut message = Message::new(Severity::Warning, text);
            message.hint = Some("`--prune` removes the value".into());
            output.message(message);
        }
    }
    commands.extend(present(pairs));
    for primary in setup.primaries.values() {
        primary.pool.close();
    }
    Ok((commands, status))
}

/// The zone as its primary has it, or as it is remembered.
async fn read_zone(
    zone: &ZoneName,
    setup: &Setup,
    store: &dyn StateStore,
    deadline: Instant,
) -> Result<CurrentZone, Failure> {
    let primary = setup.routes.primary_of(zone.apex());
    let (primary, clock) = (primary.ok_or(Failure::NoRoute)?, setup.policy.clock);
    let (current, _) = deliver::recall_zone(zone, primary, store, clock, deadline).await?;
    Ok(current)
}

/// What reverse zones hold, each value with the primary that is asked about its address.
#[derive(Default)]
struct Reverse<'s> {
    there: BTreeSet<PtrValue>,
    /// Zones of which only what is remembered is known.
    remembered: Vec<(ZoneName, &'s Primary)>,
    /// Zones that cannot be read.
    failed: Vec<(ZoneName, &'s Primary, Failure)>,
}

/// Finds out what the reverse zones of the networks hold; where zones are not read, what is remembered of them, and
/// which values are `ours`.
async fn read_reverse<'s>(
    setup: &'s Setup,
    store: &dyn StateStore,
    ours: &BTreeSet<PtrValue>,
    deadline: Instant,
) -> Reverse<'s> {
    let clock = setup.policy.clock;
    let (mut seen, mut reverse) = (BTreeSet::new(), Reverse::default());
    // A longer route may lead to another primary, which is then the one that the value would be removed from.
    let is_asked = |primary: &str, address: IpAddr| {
        let asked = setup.routes.primary_of(&reverse_name(address));
        asked.is_some_and(|asked| asked.name == primary)
    };
    let is_read = |value: &PtrValue| {
        let primary = setup.primaries.get(&value.primary);
        primary.is_none_or(|primary| primary.read == Read::Transfer)
    };
    for reverse_zone in setup
        .policy
        .ptr
        .networks
        .iter()
        .flat_map(Network::reverse_zones)
    {
        // Without a route the values that are to be added tell why, and what is not read shows nothing.
        let Some(primary) = setup.routes.primary_of(reverse_zone.apex()) else {
            continue;
        };
        let read = async {
            let enclosing =
                deliver::enclosing_zone(reverse_zone.apex(), primary, clock, deadline).await?;
            let new = enclosing.filter(|zone| seen.insert((primary.name.clone(), zone.clone())));
            let Some(zone) = new else {
                return Ok((Vec::new(), None));
            };
            let (read, _) = deliver::recall_zone(&zone, primary, store, clock, deadline).await?;
            let is_remembered = primary.read == Read::State;
            let entries = deliver::reverse_entries(&read);
            Ok((entries, is_remembered.then_some((zone, primary))))
        };
        match read.await {
            Ok((entries, remembered)) => {
                reverse.remembered.extend(remembered);
                let values = entries.into_iter().map(|(address, hostname)| PtrValue {
                    primary: primary.name.clone(),
                    address,
                    hostname,
                });
                reverse.there.extend(values);
            }
            Err(failure) => reverse.failed.push((reverse_zone, primary, failure)),
        }
    }
    let unread = ours.iter().filter(|value| !is_read(value));
    reverse.there.extend(unread.cloned());
    reverse
        .there
        .retain(|value| is_asked(&value.primary, value.address));
    reverse
}

/// What is not known of a reverse zone that is not read.
fn by_memory(zone: &ZoneName, primary: &Primary) -> Message {
    let text = format!(
        "{zone}: only what nsbridge delivered is looked through for values that are no longer right, since `{}` is \
         read from memory",
        primary.name
    );
    let hint = "allow the key to transfer the zone, and set `read = \"transfer\"`, to see those of others, too";
    let mut message = Message::new(Severity::Warning, text);
    message.hint = Some(hint.into());
    message
}

/// The values that shall be there; none is in the way of another.
fn present(pairs: Vec<(IpAddr, Name)>) -> Vec<payload::Command> {
    let mut hosts: BTreeMap<IpAddr, Vec<Name>> = BTreeMap::new();
    for (address, host) in &pairs {
        hosts.entry(*address).or_default().push(host.clone());
    }
    let wanted: BTreeMap<IpAddr, Arc<[Name]>> = hosts
        .into_iter()
        .map(|(address, hosts)| (address, hosts.into()))
        .collect();
    let commands = pairs.into_iter().map(|(address, host)| {
        let wanted = wanted.get(&address).cloned().unwrap_or_default();
        command(address, host, Presence::Present, wanted)
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
    let verb = match presence {
        Presence::Present => Verb::CreatePtr,
        Presence::Gone => Verb::DeletePtr,
    };
    let intent = PtrIntent {
        address,
        hostname,
        presence,
        wanted,
    };
    handover::given(verb, Intent::Ptr(intent))
}
