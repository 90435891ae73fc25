//! `nsbridge plesk`: Plesk's custom DNS backend.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::configuration;
use super::handover::carry_out;
use super::input;
use super::output::{Abort, Message, Output, Severity};
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
pub(super) fn run(
    arguments: &Arguments,
    config: &Path,
    output: &mut Output,
) -> Result<Status, Abort> {
    let setup = configuration::load(config)?;
    let payload = read(arguments.file.as_deref().and_then(input::file))
        .map_err(|message| Abort::new(Status::BadInput, message))?;
    let mut status = report_problems(&payload, output);
    let commands = newest(payload.commands, output);
    // Jobs of earlier calls may be due even if this call has no command.
    let may_wait = !arguments.dry_run && setup.queue_path.exists();
    if commands.is_empty() && !may_wait {
        return Ok(status);
    }
    status.or_worse(carry_out(&commands, arguments.dry_run, &setup, output));
    Ok(status)
}

fn read(file: Option<&Path>) -> Result<Payload, Message> {
    let input = input::read(file, PAYLOAD_OCTETS_MAX).map_err(|error| {
        let name = file.map_or("standard input".into(), |file| {
            format!("`{}`", file.display())
        });
        Message::unreadable(&format!("cannot read {name}: {error}"))
    })?;
    payload::parse(&input).map_err(|error| {
        let hint = match error {
            PayloadError::NotJson { .. } => "Plesk's JSON is expected, an array of commands",
            PayloadError::TooLarge { .. } | PayloadError::TooManyCommands { .. } => {
                "send the commands in several calls"
            }
        };
        let source = std::error::Error::source(&error);
        let source = source.map_or_else(String::new, |source| format!(": {source}"));
        Message::nothing_attempted(&format!("{error}{source}"), Some(hint.into()))
    })
}

/// Reports the commands and records that are left out, and the oddities of the payload.
fn report_problems(payload: &Payload, output: &mut Output) -> Status {
    let prefix = |zone: &Option<_>| {
        zone.as_ref()
            .map_or_else(String::new, |it| format!("{it}: "))
    };
    for problem in &payload.problems {
        let mut text = prefix(&problem.zone);
        text = format!("{text}{} left out: {}", problem.place, problem.kind);
        if !problem.text.is_empty() {
            text = format!("{text}: `{}`", problem.text);
        }
        output.message(Message::error(text, Some(problem.kind.hint().into())));
    }
    for note in &payload.notes {
        let severity = match note.kind {
            NoteKind::NoRecords => Severity::Warning,
            NoteKind::NoCommand | NoteKind::NoPreference | NoteKind::TtlsDiffer { .. } => {
                Severity::Note
            }
        };
        let text = format!("{}{}: {}", prefix(&note.zone), note.place, note.kind);
        output.message(Message::new(severity, text));
    }
    if payload.problems.is_empty() {
        Status::Done
    } else {
        Status::BadInput
    }
}

/// Returns the newest command for each zone or PTR record, in order; reports those that it replaces.
fn newest(commands: Vec<Command>, output: &mut Output) -> Vec<Command> {
    let keys = commands.iter().map(|command| command.intent.key());
    let last: HashMap<IntentKey, usize> = keys.zip(0..).collect();
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
