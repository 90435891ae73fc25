//! What can go wrong with a program that makes zones, and what a person can do about it.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;

use super::action::Action;
use crate::model::ZoneName;

/// Most characters of a program's own words in a message.
const QUOTED_CHARACTERS_MAX: usize = 300;
/// What Linux says of a file that is neither a program nor a script (ENOEXEC).
const NO_EXECUTABLE: i32 = 8;

/// Why a program did not make or remove a zone.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// The zone's name must not stand in an argument.
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
        /// Why.
        source: io::Error,
    },
    /// The program was started, and nothing tells how it ended.
    #[error("`{}` was started for `{}`, and its end cannot be learnt: {source}", program.display(), action.word())]
    Lost {
        /// The program.
        program: PathBuf,
        /// The zone.
        zone: ZoneName,
        /// What it was asked.
        action: Action,
        /// Why.
        source: io::Error,
    },
    /// The program was killed, for its time was over.
    #[error("`{}` was killed: it did not end in time at `{}`{said}", program.display(), action.word())]
    Deadline {
        /// The program.
        program: PathBuf,
        /// The zone.
        zone: ZoneName,
        /// What it was asked.
        action: Action,
        /// What it wrote.
        said: Said,
    },
    /// The program refuses, and has changed nothing: status 69.
    #[error("`{}` refuses to {} the zone (exit status 69){said}", program.display(), verb(*action))]
    Refused {
        /// The program.
        program: PathBuf,
        /// The zone.
        zone: ZoneName,
        /// What it was asked.
        action: Action,
        /// What it wrote.
        said: Said,
    },
    /// The program asks to be called again: status 75.
    #[error("`{}` cannot {} the zone now (exit status 75){said}", program.display(), verb(*action))]
    Later {
        /// The program.
        program: PathBuf,
        /// The zone.
        zone: ZoneName,
        /// What it was asked.
        action: Action,
        /// What it wrote.
        said: Said,
    },
    /// The program ended in another way.
    #[error("`{}` failed at `{}` ({status}){said}", program.display(), action.word())]
    Failed {
        /// The program.
        program: PathBuf,
        /// The zone.
        zone: ZoneName,
        /// What it was asked.
        action: Action,
        /// How it ended.
        status: ExitStatus,
        /// What it wrote.
        said: Said,
    },
}

impl CommandError {
    /// What a person can do about it.
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

    /// Whether it is certain that no zone was made.
    pub fn made_nothing(&self) -> bool {
        match self {
            Self::ZoneUnwritable { .. } | Self::NotStarted { .. } | Self::Refused { .. } => true,
            Self::Lost { .. }
            | Self::Deadline { .. }
            | Self::Later { .. }
            | Self::Failed { .. } => false,
        }
    }

    /// Whether the same attempt may succeed later without anybody doing anything.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::NotStarted { source, .. } => {
                let kind = source.kind();
                let is_gone = kind == io::ErrorKind::NotFound;
                let is_forbidden = kind == io::ErrorKind::PermissionDenied;
                !is_gone && !is_forbidden && source.raw_os_error() != Some(NO_EXECUTABLE)
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

/// The end of what a program wrote, on one line and without control characters.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Said(String);

impl Said {
    /// What stands in a message of these octets.
    pub(super) fn new(octets: &[u8]) -> Self {
        let text = String::from_utf8_lossy(octets);
        let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let skipped = line.chars().count().saturating_sub(QUOTED_CHARACTERS_MAX);
        let mut text = String::new();
        if skipped > 0 {
            text.push('…');
        }
        for character in line.chars().skip(skipped) {
            match character {
                // Nothing that could forge a line, and people quote a lot.
                '\'' | '"' | '\\' => text.push(character),
                _ => text.extend(character.escape_debug()),
            }
        }
        Self(text)
    }

    /// The words; empty where there are none.
    pub(super) fn text(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            Ok(())
        } else {
            write!(f, ": {}", self.0)
        }
    }
}
