//! The errors of a program that creates zones, and what the operator can do about each.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;

use super::action::Action;
use crate::diagnostic::{Diagnose, Diagnostic, case, displayed, program as entries};
use crate::model::ZoneName;
use crate::permission;

/// Most characters of a program's output in a message.
const OUTPUT_CHARACTERS_MAX: usize = 300;
/// The error number of Linux for a file that is neither a program nor a script (ENOEXEC).
const NO_EXECUTABLE: i32 = 8;

/// The reason why a program did not create or delete a zone.
#[derive(Debug)]
#[expect(missing_docs, reason = "the names of the fields say what they hold")]
pub enum CommandError {
    /// The zone's name must not be in an argument.
    ZoneUnwritable { zone: ZoneName },
    /// The program was not started.
    NotStarted {
        program: PathBuf,
        zone: ZoneName,
        source: io::Error,
    },
    /// The program was started, and the system does not report its end.
    Lost {
        program: PathBuf,
        zone: ZoneName,
        action: Action,
        source: io::Error,
    },
    /// The program was ended at the deadline.
    Deadline {
        program: PathBuf,
        zone: ZoneName,
        action: Action,
        /// The end of its output.
        output: ProgramOutput,
    },
    /// The program refuses and has changed nothing: status 69.
    Refused {
        program: PathBuf,
        zone: ZoneName,
        action: Action,
        /// The end of its output.
        output: ProgramOutput,
    },
    /// The program asks for a later retry: status 75.
    Later {
        program: PathBuf,
        zone: ZoneName,
        action: Action,
        /// The end of its output.
        output: ProgramOutput,
    },
    /// The program ended with another status, or by a signal.
    Failed {
        program: PathBuf,
        zone: ZoneName,
        action: Action,
        status: ExitStatus,
        /// The end of its output.
        output: ProgramOutput,
    },
}

displayed!(CommandError);

impl Diagnose for CommandError {
    fn diagnostic(&self) -> Diagnostic {
        match self {
            Self::ZoneUnwritable { zone } => case!(entries::PROGRAM_ZONE_UNWRITABLE, zone),
            Self::NotStarted {
                program, source, ..
            } => {
                let (quoted, kind) = (permission::quoted(program), source.kind());
                let program = program.display();
                if kind == io::ErrorKind::NotFound {
                    case!(entries::PROGRAM_MISSING, program, source, quoted)
                } else if kind == io::ErrorKind::PermissionDenied {
                    case!(entries::PROGRAM_FORBIDDEN, program, source, quoted)
                } else if source.raw_os_error() == Some(NO_EXECUTABLE) {
                    case!(
                        entries::PROGRAM_WITHOUT_INTERPRETER,
                        program,
                        source,
                        quoted
                    )
                } else {
                    case!(entries::PROGRAM_NOT_STARTED, program, source)
                }
            }
            Self::Lost {
                program,
                action,
                source,
                ..
            } => {
                let (program, action) = (program.display(), action.word());
                case!(entries::PROGRAM_LOST, program, action, source)
            }
            Self::Deadline {
                program,
                action,
                output,
                ..
            } => {
                let (program, action) = (program.display(), action.word());
                case!(entries::PROGRAM_TIMED_OUT, program, action, output)
            }
            Self::Refused {
                program,
                zone,
                action,
                output,
            } => {
                let (program, verb) = (program.display(), verb(*action));
                case!(entries::PROGRAM_REFUSED, program, zone, verb, output)
            }
            Self::Later {
                program,
                action,
                output,
                ..
            } => {
                let (program, verb) = (program.display(), verb(*action));
                case!(entries::PROGRAM_BUSY, program, verb, output)
            }
            Self::Failed {
                program,
                zone,
                action,
                status,
                output,
            } => {
                let (program, action) = (program.display(), action.word());
                case!(
                    entries::PROGRAM_FAILED,
                    program,
                    zone,
                    action,
                    status,
                    output
                )
            }
        }
    }
}

impl CommandError {
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
