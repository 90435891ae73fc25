//! `nsbridge plesk`: Plesk's custom DNS backend.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use tokio::time::Instant;

use super::configuration;
use super::handover;
use super::output::{Message, Output, Severity};
use super::status::Status;
use crate::model::IntentKey;
use crate::payload::{self, Command, NoteKind, PAYLOAD_OCTETS_MAX, Payload, PayloadError};

/// Options of `nsbridge plesk`.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Print what would be changed, and change nothing.
    #[arg(long)]
    dry_run: bool,
    /// Plesk's JSON; standard input where it is not given or `-`.
    file: Option<PathBuf>,
}

/// Runs the command.
pub(super) fn run(arguments: &Arguments, config: &Path, output: &mut Output) -> Status {
    let setup = match configuration::load(config) {
        Ok(setup) => setup,
        Err(error) => return output.bad_configuration(error),
    };
    let deadline = Instant::now() + setup.deadline;
    let input = match read_input(arguments.file.as_deref()) {
        Ok(input) => input,
        Err(message) => {
            output.message(message);
            return Status::BadInput;
        }
    };
    let payload = match payload::parse(&input) {
        Ok(payload) => payload,
        Err(error) => {
            let hint = Some(input_hint(&error).into());
            output.message(Message::nothing_attempted(&with_source(&error), hint));
            return Status::BadInput;
        }
    };
    drop(input);
    let mut status = report_problems(&payload, output);
    let commands = newest(payload.commands, output);
    // Also where there is nothing to hand over: what earlier calls have left may be due.
    let may_wait = !arguments.dry_run && setup.queue_path.exists();
    if commands.is_empty() && !may_wait {
        return status;
    }
    status.or_worse(if arguments.dry_run {
        handover::preview(&commands, &setup, deadline, output)
    } else {
        handover::hand_over(&commands, &setup, deadline, output)
    });
    status
}

/// Reads the whole input, and not more than a payload may have.
fn read_input(file: Option<&Path>) -> Result<Vec<u8>, Message> {
    let failed = |name: String, error: io::Error| {
        Message::unreadable(&format!("cannot read {name}: {error}"))
    };
    let limit = PAYLOAD_OCTETS_MAX as u64 + 1;
    let mut input = Vec::new();
    match file.filter(|file| *file != Path::new("-")) {
        None => io::stdin()
            .lock()
            .take(limit)
            .read_to_end(&mut input)
            .map_err(|error| failed("standard input".into(), error))?,
        Some(path) => {
            let read = File::open(path).and_then(|file| file.take(limit).read_to_end(&mut input));
            read.map_err(|error| failed(format!("`{}`", path.display()), error))?
        }
    };
    Ok(input)
}

/// An error with what caused it.
fn with_source(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

fn input_hint(error: &PayloadError) -> &'static str {
    match error {
        PayloadError::NotJson { .. } => "Plesk's JSON is expected, an array of commands",
        PayloadError::TooLarge { .. } | PayloadError::TooManyCommands { .. } => {
            "send the commands in several calls"
        }
    }
}

fn report_problems(payload: &Payload, output: &mut Output) -> Status {
    for problem in &payload.problems {
        let zone = zone_prefix(problem.zone.as_deref());
        let shown = if problem.text.is_empty() {
            String::new()
        } else {
            format!(": `{}`", problem.text)
        };
        let text = format!("{zone}{} left out: {}{shown}", problem.place, problem.kind);
        output.message(Message::error(text, Some(problem.kind.hint().into())));
    }
    for note in &payload.notes {
        let severity = match note.kind {
            NoteKind::NoRecords => Severity::Warning,
            NoteKind::NoCommand | NoteKind::NoPreference | NoteKind::TtlsDiffer { .. } => {
                Severity::Note
            }
        };
        let zone = zone_prefix(note.zone.as_deref());
        let text = format!("{zone}{}: {}", note.place, note.kind);
        output.message(Message::new(severity, text));
    }
    if payload.problems.is_empty() {
        Status::Done
    } else {
        Status::BadInput
    }
}

fn zone_prefix(zone: Option<&str>) -> String {
    zone.map(|zone| format!("{zone}: ")).unwrap_or_default()
}

/// The newest command for each zone or PTR value, in order; what a newer one replaces is dropped.
fn newest(commands: Vec<Command>, output: &mut Output) -> Vec<Command> {
    let mut last: HashMap<IntentKey, usize> = HashMap::new();
    for (index, command) in commands.iter().enumerate() {
        last.insert(command.intent.key(), index);
    }
    let mut newest = Vec::with_capacity(last.len());
    for (index, command) in commands.into_iter().enumerate() {
        let key = command.intent.key();
        if last[&key] == index {
            newest.push(command);
        } else {
            let text = format!("{key}: {} is replaced by a later command", command.place);
            output.message(Message::new(Severity::Note, text));
        }
    }
    newest
}
