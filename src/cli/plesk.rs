//! `nsbridge plesk`: Plesk's custom DNS backend.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::configuration;
use super::handover::carry_out;
use super::input;
use super::message::{Abort, Message, Severity};
use super::output::Output;
use super::status::Status;
use crate::diagnostic::{case, command};
use crate::model::IntentKey;
use crate::payload::{self, Command, NoteKind, PAYLOAD_OCTETS_MAX, Payload};

/// Options of `nsbridge plesk`.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Print the changes that a run would make, and make none.
    #[arg(long)]
    dry_run: bool,
    /// A file with Plesk's JSON; standard input if it is `-` or not given.
    file: Option<PathBuf>,
}

/// Runs the command.
pub(super) fn run(
    arguments: &Arguments,
    config: &Path,
    output: &mut Output,
) -> Result<Status, Abort> {
    let setup = configuration::load(config)?;
    let mut payload = read(arguments.file.as_deref().and_then(input::file))
        .map_err(|message| Abort::new(Status::BadInput, message))?;
    payload.keep_emptied_zones();
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
        let unreadable = case!(command::INPUT_UNREADABLE, input = name, source = error);
        Message::of(&unreadable).and_nothing_attempted()
    })?;
    payload::parse(&input).map_err(|error| Message::of(&error).and_nothing_attempted())
}

/// Reports the commands and records that are left out, and the oddities of the payload.
fn report_problems(payload: &Payload, output: &mut Output) -> Status {
    let about = |zone: &Option<String>, message: Message| match zone {
        Some(zone) => message.about(zone),
        None => message,
    };
    for problem in &payload.problems {
        output.message(&about(&problem.zone, Message::of(problem)));
    }
    for note in &payload.notes {
        let severity = match note.kind {
            NoteKind::NoRecords
            | NoteKind::NoRecordLeft
            | NoteKind::NotMaster { .. }
            | NoteKind::SwitchedOff { .. }
            | NoteKind::MasterFileText
            | NoteKind::LineBreak
            | NoteKind::NoCommand => Severity::Warning,
            NoteKind::NoPreference | NoteKind::TtlsDiffer { .. } => Severity::Note,
        };
        let message = Message::of(note).with_severity(severity);
        output.message(&about(&note.zone, message));
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
            output.message(&Message::new(Severity::Note, text));
        }
    }
    newest
}
