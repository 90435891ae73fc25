//! `nsbridge sync`: a zone made equal to a master file.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use tokio::time::Instant;

use super::configuration::Setup;
use super::direct;
use super::handover;
use super::output::{Message, Output, Severity};
use super::status::Status;
use crate::deliver;
use crate::masterfile::{FILE_OCTETS_MAX, MasterFile, MasterFileError, Note, Source, Wanted};
use crate::model::{Intent, Name, ZoneName};
use crate::payload::{Command, Verb};

/// Options of `nsbridge sync`.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Print what would be changed, and change nothing.
    #[arg(long)]
    dry_run: bool,
    /// Remove records, too, that the file does not have and that nsbridge never wrote.
    #[arg(long)]
    prune: bool,
    /// Let it pass the guard against mass loss, in this run.
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    server: direct::Arguments,
    /// The zone.
    zone: Name,
    /// The master file; `-` is standard input.
    file: PathBuf,
}

/// Runs the command.
pub(super) fn run(arguments: &Arguments, config: &Path, output: &mut Output) -> Status {
    let mut setup = match arguments.server.setup(config, Vec::new()) {
        Ok(setup) => setup,
        Err(error) => return output.bad_configuration(error),
    };
    if arguments.force {
        setup.policy.removals_percent_max = Some(100);
    }
    let deadline = Instant::now() + setup.deadline;
    let zone = ZoneName::new(&arguments.zone);
    if let Some(message) = unseen(&zone, arguments, &setup) {
        output.message(message);
        return Status::Usage;
    }
    let Some(mut wanted) = read(&zone, arguments, output) else {
        return Status::BadInput;
    };
    if setup.is_direct {
        // PowerDNS keeps the TTL that its SOA has, and nobody remembers that it does.
        wanted.zone.soa.ttl = None;
    }
    let commands = [Command {
        place: arguments.file.display().to_string(),
        verb: Verb::Update,
        intent: Intent::Zone(wanted.zone),
    }];
    if arguments.dry_run {
        handover::preview(&commands, &setup, deadline, output)
    } else {
        handover::hand_over(&commands, &setup, deadline, output)
    }
}

/// Why records of others cannot be removed that nobody sees.
fn unseen(zone: &ZoneName, arguments: &Arguments, setup: &Setup) -> Option<Message> {
    let primary = setup.routes.primary_of(zone.apex())?;
    if !arguments.prune || primary.read == deliver::Read::Transfer {
        return None;
    }
    let cause = format!(
        "{zone}: `--prune` cannot be done on `{}`: its zones are not read (`read = \"memory\"`), so nobody sees \
         what others wrote there",
        primary.name
    );
    let hint = "let the primary transfer the zone and set `read = \"transfer\"`; or leave `--prune` away, and remove \
                those records by hand";
    Some(Message::nothing_attempted(&cause, Some(hint.into())))
}

/// Reads the file and says what is wrong with it, or what was noticed.
fn read(zone: &ZoneName, arguments: &Arguments, output: &mut Output) -> Option<Wanted> {
    let source = match read_source(&arguments.file) {
        Ok(source) => source,
        Err(error) => {
            let cause = format!(
                "{zone}: cannot read `{}`: {error}",
                arguments.file.display()
            );
            output.message(Message::unreadable(&cause));
            return None;
        }
    };
    let file = match MasterFile::parse(&source, zone, include) {
        Ok(file) => file,
        Err(errors) => {
            report(zone, &errors, output);
            return None;
        }
    };
    let wanted = file.into_wanted(arguments.prune);
    for note in &wanted.notes {
        let severity = match note {
            Note::SignersRecords { .. } => Severity::Warning,
            Note::TtlsDiffer { .. } => Severity::Note,
        };
        let text = format!("{zone}: {}: {note}", source.name);
        output.message(Message::new(severity, text));
    }
    Some(wanted)
}

fn report(zone: &ZoneName, errors: &[MasterFileError], output: &mut Output) {
    for error in errors {
        let hint = error.kind.hint();
        let cause = format!("{zone}: {error}");
        output.message(Message::nothing_attempted(&cause, Some(hint.into())));
    }
}

/// Reads the file that another one includes: a relative name counts from the directory of that one.
fn include(name: &str, by: &str) -> io::Result<Source> {
    let directory = Path::new(by).parent().unwrap_or(Path::new(""));
    read_file(&directory.join(name))
}

fn read_source(file: &Path) -> io::Result<Source> {
    if file != Path::new("-") {
        return read_file(file);
    }
    let octets = read_limited(io::stdin().lock())?;
    Ok(Source {
        name: "standard input".into(),
        octets,
    })
}

fn read_file(path: &Path) -> io::Result<Source> {
    let octets = read_limited(File::open(path)?)?;
    Ok(Source {
        name: path.display().to_string(),
        octets,
    })
}

/// Reads no more than a master file may have, and one octet so that it is told.
fn read_limited(input: impl Read) -> io::Result<Vec<u8>> {
    let mut octets = Vec::new();
    input
        .take(FILE_OCTETS_MAX as u64 + 1)
        .read_to_end(&mut octets)?;
    Ok(octets)
}
