//! The errors of a program that creates zones, and what the operator can do about each.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;

use super::action::Action;
use crate::model::ZoneName;

/// Most characters of a program's output in a message.
const OUTPUT_CHARACTERS_MAX: usize = 300;
/// The error number of Linux for a file that is neither a program nor a script (ENOEXEC).
const NO_EXECUTABLE: i32 = 8;

/// The reason why a program did not create or delete a zone.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// The zone's name must not be in an argument.
    #[error("the zone's name `{zone}` is not given to a program")]
    ZoneUnwritable {
        /// The zone.
        zone: ZoneName,
    },
    /// The program was not started.
    #[error("cannot start `{}`: {source}", program.display())]
    NotStarted {
        /// The program.
        program: PathBuf,
        /// The zone.
        zone: ZoneName,
        /// The cause.
        source: io::Error,
    },
    /// The program was started, and the system does not report its end.
    #[error("`{}` was started for `{}`, and its end cannot be learnt: {source}", program.display(), action.word())]
    Lost {
        /// The program.
        program: PathBuf,
        /// The zone.
        zone: ZoneName,
        /// The action.
        action: Action,
        /// The cause.
        source: io::Error,
    },
    /// The program was ended at the deadline.
    #[error("`{}` was killed: it did not end in time at `{}`{output}", program.display(), action.word())]
    Deadline {
        /// The program.
        program: PathBuf,
        /// The zone.
        zone: ZoneName,
        /// The action.
        action: Action,
        /// The end of its output.
        output: ProgramOutput,
    },
    /// The program refuses and has changed nothing: status 69.
    #[error("`{}` refuses to {} the zone (exit status 69){output}", program.display(), verb(*action))]
    Refused {
        /// The program.
        program: PathBuf,
        /// The zone.
        zone: ZoneName,
        /// The action.
        action: Action,
        /// The end of its output.
        output: ProgramOutput,
    },
    /// The program asks for a later retry: status 75.
    #[error("`{}` cannot {} the zone now (exit status 75){output}", program.display(), verb(*action))]
    Later {
        /// The program.
        program: PathBuf,
        /// The zone.
        zone: ZoneName,
        /// The action.
        action: Action,
        /// The end of its output.
        output: ProgramOutput,
    },
    /// The program ended with another status, or by a signal.
    #[error("`{}` failed at `{}` ({status}){output}", program.display(), action.word())]
    Failed {
        /// The program.
        program: PathBuf,
        /// The zone.
        zone: ZoneName,
        /// The action.
        action: Action,
        /// The status or signal.
        status: ExitStatus,
        /// The end of its output.
        output: ProgramOutput,
    },
}

impl CommandError {
    /// Returns what the operator can do about it.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::ZoneUnwritable { .. } => {
                "a program gets zone names of letters, digits, `-`, `_`, `/` and dots that do not \
                 begin with `-` or `/`; make this zone by hand"
                    .to_owned()
            }
            Self::NotStarted { source, .. } if source.kind() == io::ErrorKind::NotFound => {
                "`program` must be there, and so must the interpreter in its first line".to_owned()
            }
            Self::NotStarted {
                program, source, ..
            } if source.kind() == io::ErrorKind::PermissionDenied => {
                format!(
                    "the user that nsbridge runs as must be allowed to run it: \
                     `chmod a+rx {}`",
                    program.display()
                )
            }
            Self::NotStarted { source, .. } if source.raw_os_error() == Some(NO_EXECUTABLE) => {
                "a script needs a first line such as `#!/bin/sh`".to_owned()
            }
            Self::Deadline { .. } => {
                "find out why it takes so long, or raise `queue.deadline-seconds`".to_owned()
            }
            Self::Refused { program, zone, .. } => {
                format!("do what `{}` says about {zone}", program.display())
            }
            Self::Failed { zone, action, .. } => format!(
                "run it by hand as the user that nsbridge runs as, with the action `{}` and the \
                 zone {zone}; only the exit statuses 0, 10, 69 and 75 have a meaning",
                action.word(),
            ),
            Self::NotStarted { .. } | Self::Lost { .. } | Self::Later { .. } => return None,
        })
    }

    /// Returns whether it is certain that no zone was created.
    pub fn made_nothing(&self) -> bool {
        match self {
            Self::ZoneUnwritable { .. } | Self::NotStarted { .. } | Self::Refused { .. } => true,
            Self::Lost { .. }
            | Self::Deadline { .. }
            | Self::Later { .. }
            | Self::Failed { .. } => false,
        }
    }

    /// Returns whether a retry may succeed without any action of the operator.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::NotStarted { source, .. } => {
                let kind = source.kind();
                let is_missing = kind == io::ErrorKind::NotFound;
                let is_forbidden = kind == io::ErrorKind::PermissionDenied;
                !is_missing && !is_forbidden && source.raw_os_error() != Some(NO_EXECUTABLE)
            }
            Self::Lost { .. } | Self::Deadline { .. } | Self::Later { .. } => true,
            Self::ZoneUnwritable { .. } | Self::Refused { .. } | Self::Failed { .. } => false,
        }
    }
}

fn verb(action: Action) -> &'static str {
    match action {
        Action::Create => "create",
        Action::Delete => "delete",
        Action::Exists => "look for",
    }
}

/// The end of a program's output, on one line and without control characters.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ProgramOutput(String);

impl ProgramOutput {
    /// Formats octets for a message.
    pub(super) fn new(octets: &[u8]) -> Self {
        let text = String::from_utf8_lossy(octets);
        let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let skipped = line.chars().count().saturating_sub(OUTPUT_CHARACTERS_MAX);
        let mut text = String::new();
        if skipped > 0 {
            text.push('…');
        }
        for character in line.chars().skip(skipped) {
            match character {
                // `escape_debug` escapes these too, but none of them could forge a line.
                '\'' | '"' | '\\' => text.push(character),
                _ => text.extend(character.escape_debug()),
            }
        }
        Self(text)
    }

    /// Returns the text; empty if the program wrote nothing.
    pub(super) fn text(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ProgramOutput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            Ok(())
        } else {
            write!(f, ": {}", self.0)
        }
    }
}
