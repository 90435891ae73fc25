//! `nsbridge sync`: makes a zone equal to a master file.

use std::io;
use std::path::{Path, PathBuf};

use super::configuration::Setup;
use super::direct;
use super::handover::{carry_out, command};
use super::input;
use super::output::{Abort, Message, Output, Severity};
use super::status::Status;
use crate::deliver;
use crate::masterfile::{FILE_OCTETS_MAX, MasterFile, Note, Source, Wanted};
use crate::model::{Intent, Name, ZoneName};

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
pub(super) fn run(
    arguments: &Arguments,
    config: &Path,
    output: &mut Output,
) -> Result<Status, Abort> {
    let mut setup = arguments.server.setup(config, Vec::new())?;
    if arguments.force {
        setup.policy.removals_percent_max = Some(100);
    }
    let zone = ZoneName::new(&arguments.zone);
    if arguments.prune {
        check_prune(&zone, &setup)?;
    }
    let mut wanted = read(&zone, arguments, output)?;
    if setup.is_direct {
        // PowerDNS: keeps the TTL of its SOA record, and without a state file nsbridge would try to
        // change it in each run.
        wanted.zone.soa.ttl = None;
    }
    let place = arguments.file.display().to_string();
    let commands = [command(place, Intent::Zone(wanted.zone))];
    Ok(carry_out(&commands, arguments.dry_run, &setup, output))
}

/// Refuses `--prune` on a primary whose zones nsbridge does not read: it sees no records of others.
fn check_prune(zone: &ZoneName, setup: &Setup) -> Result<(), Abort> {
    let primary = setup.routes.primary_of(zone.apex());
    let Some(primary) = primary.filter(|it| it.read != deliver::Read::Transfer) else {
        return Ok(());
    };
    let cause = format!(
        "{zone}: `--prune` cannot be done on `{}`: its zones are not read (`read = \"memory\"`), so nobody sees \
         what others wrote there",
        primary.name
    );
    let hint = "let the primary transfer the zone and set `read = \"transfer\"`; or leave `--prune` away, and remove \
                those records by hand";
    let message = Message::nothing_attempted(&cause, Some(hint.into()));
    Err(Abort::new(Status::Usage, message))
}

/// Reads and parses the file. Reports all its errors, or what the parser noticed.
fn read(zone: &ZoneName, arguments: &Arguments, output: &mut Output) -> Result<Wanted, Abort> {
    let file = &arguments.file;
    let source = read_source(input::file(file)).map_err(|error| {
        let cause = format!("{zone}: cannot read `{}`: {error}", file.display());
        Abort::new(Status::BadInput, Message::unreadable(&cause))
    })?;
    let file = MasterFile::parse(&source, zone, include).map_err(|errors| {
        for error in errors {
            let hint = error.kind.hint();
            let cause = format!("{zone}: {error}");
            output.message(Message::nothing_attempted(&cause, Some(hint.into())));
        }
        Abort {
            status: Status::BadInput,
            message: None,
        }
    })?;
    let wanted = file.into_wanted(arguments.prune);
    for note in &wanted.notes {
        let severity = match note {
            Note::SignersRecords { .. } => Severity::Warning,
            Note::TtlsDiffer { .. } => Severity::Note,
        };
        let text = format!("{zone}: {}: {note}", source.name);
        output.message(Message::new(severity, text));
    }
    Ok(wanted)
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
