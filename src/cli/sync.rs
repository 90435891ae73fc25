//! `nsbridge sync`: makes a zone equal to a master file.

use std::io;
use std::path::{Path, PathBuf};

use super::configuration::Setup;
use super::direct;
use super::handover::{COMMAND_LINE, carry_out, check_denied, command};
use super::input;
use super::message::{Abort, Message, Severity};
use super::output::Output;
use super::status::Status;
use super::trust::By;
use crate::diagnostic::{case, command as entries};
use crate::masterfile::{FILE_OCTETS_MAX, MasterFile, Note, Source, Wanted};
use crate::model::{AbsentZone, Intent, Name, ZoneName};

/// Options of `nsbridge sync`.
#[derive(Debug, clap::Args)]
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
    #[command(flatten)]
    by: By,
    #[command(flatten)]
    server: direct::Arguments,
    /// The zone.
    #[arg(value_parser = input::name)]
    zone: Name,
    /// The master file; `-` is standard input.
    file: PathBuf,
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
    let zone = ZoneName::new(&arguments.zone);
    if arguments.prune {
        check_prune(&zone, &setup)?;
    }
    let trust = arguments.by.trust();
    let denied = AbsentZone {
        name: zone.clone(),
        trust,
    };
    let denied = command(COMMAND_LINE, Intent::ZoneAbsent(denied));
    check_denied(&denied, &setup, output)?;
    let (mut wanted, mut status) = read(&zone, arguments, output)?;
    wanted.zone.trust = trust;
    if setup.is_direct {
        // PowerDNS: keeps the TTL of its SOA record, and without a state file nsbridge would try to
        // change it in each run.
        wanted.zone.soa.ttl = None;
    }
    let place = arguments.file.display().to_string();
    let commands = [command(place, Intent::Zone(wanted.zone))];
    status.or_worse(carry_out(&commands, arguments.dry_run, &setup, output));
    Ok(status)
}

/// Refuses `--prune` on a primary whose zones nsbridge does not read: it sees no records of others.
fn check_prune(zone: &ZoneName, setup: &Setup) -> Result<(), Abort> {
    let primary = setup.routes.primary_of(zone.apex());
    let Some(primary) = primary.filter(|it| !it.abilities.shows_zones()) else {
        return Ok(());
    };
    let message = Message::of(&case!(entries::PRUNE_UNREAD, primary = primary.name));
    let message = message.about(zone).and_nothing_attempted();
    Err(Abort::new(Status::Usage, message))
}

/// Reads and parses the file. Reports all its errors, or what the parser noticed, with its status.
fn read(
    zone: &ZoneName,
    arguments: &Arguments,
    output: &mut Output,
) -> Result<(Wanted, Status), Abort> {
    let file = &arguments.file;
    let source = read_source(input::file(file)).map_err(|error| {
        let input = format!("`{}`", file.display());
        let message = Message::of(&case!(entries::INPUT_UNREADABLE, input, source = error));
        let message = message.about(zone).and_nothing_attempted();
        Abort::new(Status::BadInput, message)
    })?;
    let file = MasterFile::parse(&source, zone, include).map_err(|errors| {
        for error in errors {
            let message = Message::of(&error).about(zone);
            output.message(&message.and_nothing_attempted());
        }
        Abort {
            status: Status::BadInput,
            message: None,
        }
    })?;
    let wanted = file.into_wanted(arguments.prune);
    let mut status = Status::Done;
    for note in &wanted.notes {
        let severity = match note {
            Note::AddressAsTarget { .. } | Note::TooLarge { .. } => {
                status = Status::BadInput;
                Severity::Error
            }
            Note::SignersRecords { .. } => Severity::Warning,
            Note::TtlsDiffer { .. } => Severity::Note,
        };
        let message = Message::of(note).about(&source.name).about(zone);
        output.message(&message.with_severity(severity));
    }
    Ok((wanted, status))
}

/// Reads an included file; a relative name starts from the directory of the file that includes it.
fn include(name: &str, by: &str) -> io::Result<Source> {
    let directory = Path::new(by).parent().unwrap_or(Path::new(""));
    read_source(Some(&directory.join(name)))
}

fn read_source(file: Option<&Path>) -> io::Result<Source> {
    Ok(Source {
        name: file.map_or("standard input".into(), |file| file.display().to_string()),
        octets: input::read(file, FILE_OCTETS_MAX)?,
    })
}
