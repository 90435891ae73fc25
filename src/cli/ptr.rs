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
use crate::deliver::{self, Failure, Memory, Network, Primary, Read};
use crate::model::{CurrentZone, ForeignRecords, Intent, Name, Presence, PtrIntent, ZoneName};
use crate::payload::{self, Verb};
use crate::queue::Access;

/// Where the command stands that is reported.
const PLACE: &str = "command line";

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
    done.unwrap_or_else(|message| {
        output.message(message);
        Status::BadConfiguration
    })
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
    let wanted: Arc<[Name]> = match presence {
        Presence::Present => [host.clone()].into(),
        Presence::Gone => [].into(),
    };
    let commands = [command(address, host, presence, wanted)];
    Ok(carry_out(&commands, value.dry_run, &setup, output))
}

/// Whoever asks for PTR records where none are managed is told so.
fn refuse_without_networks(setup: &Setup, output: &mut Output) -> Option<Status> {
    if !setup.settings.ptr.networks.is_empty() {
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
    let prune = prune || setup.settings.foreign == ForeignRecords::Remove;
    let keeper = match handover::open(&setup, Access::ReadOnly) {
        Ok(keeper) => keeper,
        Err(message) => {
            output.message(message);
            return Status::BadConfiguration;
        }
    };
    let surveyed = block_on(survey(zone, prune, &mut setup, keeper.memory(), output));
    let mut status = Status::Done;
    handover::close(keeper, &mut status, output);
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
    memory: &Memory,
    output: &mut Output,
) -> Result<(Vec<payload::Command>, Status), Status> {
    let deadline = Instant::now() + setup.deadline;
    let current = read_zone(zone, setup, memory, deadline).await;
    let current = current.map_err(|failure| {
        let (subject, primary) = (zone.to_string(), setup.routes.primary_of(zone.apex()));
        let entry = json!({ "subject": subject });
        report::fail(&subject, primary, &failure, entry, output)
    })?;
    let mut pairs = deliver::host_addresses(&current);
    if setup.is_direct {
        setup.settings.ptr.networks = networks_around(&pairs);
    }
    let ptr = &setup.settings.ptr;
    let all = pairs.len();
    pairs.retain(|(address, _)| ptr.cut(*address).is_some());
    if pairs.len() < all {
        let outside = all - pairs.len();
        let text = format!(
            "{zone}: {outside} of {all} addresses are in none of `ptr.networks`, and left alone"
        );
        output.message(Message::new(Severity::Note, text));
    }
    let mut status = Status::Done;
    let mut there = BTreeSet::new();
    for (cut, primary, failure) in read_reverse(setup, deadline, &mut there).await {
        if prune {
            let (subject, entry) = (cut.to_string(), json!({ "subject": cut.to_string() }));
            let failed = report::fail(&subject, Some(primary), &failure, entry, output);
            status.or_worse(failed);
        } else {
            let text =
                format!("{cut}: not looked through for values that are no longer right: {failure}");
            output.message(Message::new(Severity::Warning, text));
        }
    }
    there.retain(|(address, host)| {
        let has_address = pairs.binary_search(&(*address, host.clone())).is_ok();
        !has_address && ptr.cut(*address).is_some() && deliver::is_host_of(&current, host)
    });
    let ours = memory.ptrs().await.unwrap_or_default();
    let mut commands = Vec::new();
    for (address, host) in there {
        let is_ours = ours
            .iter()
            .any(|it| (it.address, &it.hostname) == (address, &host));
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
    memory: &Memory,
    deadline: Instant,
) -> Result<CurrentZone, Failure> {
    let primary = setup.routes.primary_of(zone.apex());
    let (primary, clock) = (primary.ok_or(Failure::NoRoute)?, setup.settings.clock);
    let (current, _) = deliver::recall_zone(zone, primary, memory, clock, deadline).await?;
    Ok(current)
}

/// Adds what the reverse zones of the networks hold to `there`, and gives the zones that cannot be read.
async fn read_reverse<'s>(
    setup: &'s Setup,
    deadline: Instant,
    there: &mut BTreeSet<(IpAddr, Name)>,
) -> Vec<(ZoneName, &'s Primary, Failure)> {
    let clock = setup.settings.clock;
    let (mut seen, mut failed) = (BTreeSet::new(), Vec::new());
    for cut in setup.settings.ptr.networks.iter().flat_map(Network::cuts) {
        // Without a route the values that are to be added tell why, and what is not read shows nothing.
        let primary = setup.routes.primary_of(cut.apex());
        let Some(primary) = primary.filter(|primary| primary.read == Read::Transfer) else {
            continue;
        };
        let read = async {
            let enclosing = deliver::enclosing_zone(cut.apex(), primary, clock, deadline).await?;
            let new = enclosing.filter(|zone| seen.insert((primary.name.clone(), zone.clone())));
            match new {
                Some(zone) => {
                    let read = deliver::fetch_zone(&zone, primary, clock, deadline).await?;
                    Ok(deliver::reverse_entries(&read))
                }
                None => Ok(Vec::new()),
            }
        };
        match read.await {
            Ok(entries) => there.extend(entries),
            Err(failure) => failed.push((cut, primary, failure)),
        }
    }
    failed
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
    payload::Command {
        place: PLACE.into(),
        verb,
        intent: Intent::Ptr(PtrIntent {
            address,
            hostname,
            presence,
            wanted,
        }),
    }
}
