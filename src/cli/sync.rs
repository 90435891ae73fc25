//! `nsbridge sync`: makes a zone equal to a master file, or all zones of a folder or a configuration of BIND.

use std::path::{Path, PathBuf};

use super::direct;
use super::handover::{COMMAND_LINE, carry_out, check_denied, command};
use super::input;
use super::message::{Abort, Message};
use super::output::Output;
use super::status::Status;
use super::sync_all::{self, Options};
use super::trust::By;
use super::zone_file::ZoneFile;
use crate::diagnostic::{case, command as entries};
use crate::masterfile::FILE_OCTETS_MAX;
use crate::model::{AbsentZone, Intent, Name, Trust, ZoneName};

/// Options of `nsbridge sync`.
#[derive(Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "options of the command line")]
pub(super) struct Arguments {
    /// Print the changes that a run would make, and make none.
    #[arg(long)]
    dry_run: bool,
    /// Also remove records that are not in the file and that nsbridge never wrote.
    #[arg(long)]
    prune: bool,
    /// Remove more than `removals-max-percent` and `deletions-max-per-hour` allow, and create a signed zone again that
    /// is gone from the primary, in this run.
    #[arg(long)]
    force: bool,
    /// Deliver the zones of a folder with files NAME.db, NAME.zone, pri.NAME or db.NAME, or the primary zones of a
    /// named.conf: those whose files have changed since their last delivery. Delete those that were delivered from
    /// there, and are no longer listed.
    #[arg(long, value_name = "DIRECTORY|NAMED.CONF", value_parser = read_source)]
    #[arg(conflicts_with_all = ["zone", "file", "server", "key_file"])]
    all: Option<PathBuf>,
    /// With --all, also deliver the zones whose files have not changed.
    #[arg(long, requires = "all", conflicts_with_all = ["zone", "file"])]
    unchanged: bool,
    #[command(flatten)]
    by: By,
    #[command(flatten)]
    server: direct::Arguments,
    /// The zone.
    #[arg(value_parser = input::name, required_unless_present = "all")]
    zone: Option<Name>,
    /// The master file; `-` is standard input.
    #[arg(required_unless_present = "all")]
    file: Option<PathBuf>,
}

fn read_source(text: &str) -> Result<PathBuf, &'static str> {
    match text {
        "-" => Err("standard input is neither a folder nor a configuration"),
        _ => Ok(text.into()),
    }
}

/// Runs the command.
pub(super) fn run(
    arguments: &Arguments,
    config: &Path,
    output: &mut Output,
) -> Result<Status, Abort> {
    let mut setup = arguments.server.setup(config, Vec::new())?;
    if arguments.force {
        setup.policy.force();
    }
    if let Some(path) = &arguments.all {
        let options = Options {
            path,
            trust: arguments.by.trust_or(Trust::Panel),
            dry_run: arguments.dry_run,
            prunes: arguments.prune,
            sends_unchanged: arguments.unchanged,
        };
        return sync_all::run(&options, &setup, output);
    }
    let (Some(zone), Some(file)) = (&arguments.zone, &arguments.file) else {
        // clap refuses a command line without them.
        return Ok(Status::Usage);
    };
    let zone = ZoneName::new(zone);
    if arguments.prune {
        sync_all::check_prune(&zone, &setup)?;
    }
    let trust = arguments.by.trust();
    let denied = AbsentZone {
        name: zone.clone(),
        trust,
        moved_from: None,
    };
    let denied = command(COMMAND_LINE, Intent::ZoneAbsent(denied));
    check_denied(&denied, &setup, output)?;
    let read = read(&zone, file, trust, output)?;
    let (mut wanted, mut status) = read.into_wanted(arguments.prune, output);
    wanted.zone.trust = trust;
    if setup.is_direct {
        // PowerDNS: keeps the TTL of its SOA record, and without a state file nsbridge would try to
        // change it in each run.
        wanted.zone.soa.ttl = None;
    }
    let commands = [command(
        file.display().to_string(),
        Intent::Zone(wanted.zone),
    )];
    status.or_worse(carry_out(&commands, arguments.dry_run, &setup, output));
    Ok(status)
}

/// Reads and parses the file. Reports all its errors.
fn read(
    zone: &ZoneName,
    file: &Path,
    trust: Trust,
    output: &mut Output,
) -> Result<ZoneFile, Abort> {
    let path = input::file(file);
    let octets = input::read(path, FILE_OCTETS_MAX).map_err(|source| {
        let input = format!("`{}`", file.display());
        let message = Message::of(&case!(entries::INPUT_UNREADABLE, input, source));
        let message = message.about(zone).and_nothing_attempted();
        Abort::new(Status::BadInput, message)
    })?;
    ZoneFile::read(zone, (path, octets), None, trust).map_err(|errors| {
        for error in errors {
            let message = Message::of(&error).about(zone);
            output.message(&message.and_nothing_attempted());
        }
        Abort {
            status: Status::BadInput,
            message: None,
        }
    })
}
