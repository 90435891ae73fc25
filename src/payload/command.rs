//! The result of parsing a payload: commands, problems and notes.

use std::fmt;

use super::problem::{Fault, Note, NoteKind, Problem};
use crate::model::{Intent, ZoneName};

/// A parsed payload.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Payload {
    /// The valid commands, in order; several may be about one zone.
    pub commands: Vec<Command>,
    /// The parts that were skipped, in order.
    pub problems: Vec<Problem>,
    /// Remarks that are not faults, in order.
    pub notes: Vec<Note>,
}

/// A valid command.
#[derive(Clone, Debug, PartialEq)]
pub struct Command {
    /// Its position in the payload, in the form of [`Problem::place`].
    pub place: String,
    /// Its name.
    pub verb: Verb,
    /// The intent that it stands for.
    pub intent: Intent,
}

/// The name of a command.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Verb {
    /// A zone with these records; treated as [`Verb::Update`].
    Create,
    /// A zone with these records.
    Update,
    /// The deletion of a zone.
    Delete,
    /// The addition of PTR values.
    CreatePtr,
    /// The removal of PTR values.
    DeletePtr,
}

impl Verb {
    pub(super) const ALL: [Self; 5] = [
        Self::Create,
        Self::Update,
        Self::Delete,
        Self::CreatePtr,
        Self::DeletePtr,
    ];

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
            Self::CreatePtr => "createPTRs",
            Self::DeletePtr => "deletePTRs",
        }
    }
}

/// Writes the name as Plesk spells it.
impl fmt::Display for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Payload {
    /// Takes out the commands for zones of whose records none is left, since they were wrong: nobody wants such a zone
    /// to be empty.
    pub fn keep_emptied_zones(&mut self) {
        let is_emptied = |command: &mut Command| match &command.intent {
            Intent::Zone(zone) => zone.records.is_empty() && !zone.rejected.is_empty(),
            Intent::ZoneAbsent(_) | Intent::Ptr(_) | Intent::Record(_) => false,
        };
        let emptied: Vec<Command> = self.commands.extract_if(.., is_emptied).collect();
        for command in emptied {
            let zone = ZoneName::new(&command.intent.name());
            self.note(&command.place, Some(&zone), NoteKind::NoRecordLeft);
        }
    }

    pub(super) fn command(&mut self, place: &str, verb: Verb, intent: Intent) {
        self.commands.push(Command {
            place: place.to_owned(),
            verb,
            intent,
        });
    }

    pub(super) fn note(&mut self, place: &str, zone: Option<&ZoneName>, kind: NoteKind) {
        self.notes.push(Note {
            place: place.to_owned(),
            zone: zone.map(ToString::to_string),
            record: None,
            kind,
        });
    }

    pub(super) fn problem(&mut self, place: &str, zone: Option<&ZoneName>, fault: Fault) {
        self.problems.push(Problem {
            place: match fault.key {
                Some(key) => format!("{place}.{key}"),
                None => place.to_owned(),
            },
            zone: zone.map(ToString::to_string),
            record: None,
            text: fault.text,
            kind: fault.kind,
        });
    }
}
