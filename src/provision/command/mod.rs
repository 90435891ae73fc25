//! Any server: creates and deletes zones with a program of the operator.
//!
//! nsbridge starts the program without a shell, once for each action, with the configured arguments
//! and their placeholders `{action}` and `{zone}` replaced. The exit status reports the outcome:
//!
//! | action | standard input | 0 | 10 ([`NOTHING_TO_DO`]) |
//! | --- | --- | --- | --- |
//! | `create` | the first contents as a master file | the zone was created | it existed already |
//! | `delete` | empty | the zone was deleted | it did not exist |
//! | `exists` | empty | the zone exists | it does not exist |
//!
//! With every action, 69 (`EX_UNAVAILABLE`) means that the program refuses and has changed nothing,
//! and 75 (`EX_TEMPFAIL`) asks for a retry later. Any other status or a signal is a failure that
//! the operator must look at. After every failure but 69 it is unknown what the program has done.
//!
//! The result of an action must not depend on how often it is repeated: nsbridge repeats an action
//! whose program was killed. `create` must never change a zone with contents.
//!
//! This module never runs a shell, never passes a zone name that a program could take for an option
//! or an absolute path, and never trusts that the program used the first contents: the caller fills
//! the new zone by UPDATE, which changes nothing if the program used them. Zones bear no mark here,
//! so a zone is only deleted if the state records its creation.

mod action;
mod argument;
mod error;
mod process;

#[cfg(test)]
mod tests;

use std::fmt::Write as _;
use std::path::PathBuf;

use tokio::time::Instant;

use self::process::{Ended, Failed};
use super::finding::{Findings, Gap};
use super::status::{Created, Deleted, RemovalScope, ZoneStatus};
use crate::model::{InitialZone, RecordType, ZoneName};
use crate::zonefile;

pub use self::action::Action;
pub use self::argument::{Argument, ArgumentError};
pub use self::error::{CommandError, ProgramOutput};

/// Exit status: the zone already is as the action requires.
pub const NOTHING_TO_DO: i32 = 10;
/// Exit status: the program refuses and has changed nothing (`EX_UNAVAILABLE`).
const REFUSED: i32 = 69;
/// Exit status: a later retry may succeed (`EX_TEMPFAIL`).
const LATER: i32 = 75;

/// The settings of a [`Command`].
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CommandSettings {
    /// The program, an absolute path.
    pub program: PathBuf,
    /// The arguments of the program.
    pub arguments: Vec<Argument>,
}

/// A provisioner that creates and deletes zones with a program.
#[derive(Debug)]
pub struct Command {
    settings: CommandSettings,
}

/// An exit status that is no failure.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Success {
    Done,
    NothingToDo,
}

impl Command {
    /// Returns a provisioner with these settings. Starts no program.
    pub fn new(settings: CommandSettings) -> Self {
        Self { settings }
    }

    /// Returns whether a program gets a zone of this name.
    ///
    /// # Errors
    /// [`CommandError::ZoneUnwritable`].
    pub fn check_name(&self, zone: &ZoneName) -> Result<(), CommandError> {
        word(zone).map(|_| ())
    }

    /// Creates the zone.
    ///
    /// # Errors
    /// [`CommandError`].
    pub async fn create(
        &self,
        zone: &InitialZone,
        deadline: Instant,
    ) -> Result<Created, CommandError> {
        let contents = master_file(zone);
        let success = self
            .run(Action::Create, &zone.name, contents.as_bytes(), deadline)
            .await?;
        Ok(match success {
            Success::Done => Created::Placeholder,
            Success::NothingToDo => Created::AlreadyThere(ZoneStatus::Unmarked),
        })
    }

    /// Returns whether the zone exists; it bears no mark.
    ///
    /// # Errors
    /// [`CommandError`].
    pub async fn status(
        &self,
        zone: &ZoneName,
        deadline: Instant,
    ) -> Result<ZoneStatus, CommandError> {
        Ok(match self.run(Action::Exists, zone, b"", deadline).await? {
            Success::Done => ZoneStatus::Unmarked,
            Success::NothingToDo => ZoneStatus::Absent,
        })
    }

    /// Checks whether the program answers for this zone, which must not exist.
    pub async fn check(&self, zone: &ZoneName, deadline: Instant) -> Findings<CommandError> {
        let gap = match self.status(zone, deadline).await {
            Ok(ZoneStatus::Absent) => Gap::Program,
            Ok(ZoneStatus::Ours | ZoneStatus::Unmarked | ZoneStatus::Other(_)) => {
                let zone = zone.clone();
                Gap::Leftover { zone }
            }
            Err(error) => return vec![Err(error)],
        };
        vec![Ok(None), Ok(Some(gap))]
    }

    /// Deletes the zone if `scope` covers a zone without a mark.
    ///
    /// # Errors
    /// [`CommandError`].
    pub async fn delete(
        &self,
        zone: &ZoneName,
        scope: RemovalScope,
        deadline: Instant,
    ) -> Result<Deleted, CommandError> {
        if !scope.covers(&ZoneStatus::Unmarked) {
            let status = self.status(zone, deadline).await?;
            return Ok(if status == ZoneStatus::Absent {
                Deleted::WasAbsent
            } else {
                Deleted::NotOurs(status)
            });
        }
        Ok(match self.run(Action::Delete, zone, b"", deadline).await? {
            Success::Done => Deleted::Removed,
            Success::NothingToDo => Deleted::WasAbsent,
        })
    }

    async fn run(
        &self,
        action: Action,
        zone: &ZoneName,
        input: &[u8],
        deadline: Instant,
    ) -> Result<Success, CommandError> {
        let program = &self.settings.program;
        let name = word(zone)?;
        let arguments = self.settings.arguments.iter();
        let arguments: Vec<String> = arguments.map(|a| a.fill(action, &name)).collect();
        tracing::debug!(%zone, program = %program.display(), ?arguments, "starting the program");
        let context = || (program.clone(), zone.clone(), action);
        let (status, output) = match process::run(program, &arguments, input, deadline).await {
            Ok(Ended { status, output }) => (status, ProgramOutput::new(&output)),
            Err(Failed::NotStarted(source)) => {
                let (program, zone, _) = context();
                return Err(CommandError::NotStarted {
                    program,
                    zone,
                    source,
                });
            }
            Err(Failed::Lost(source)) => {
                let (program, zone, action) = context();
                return Err(CommandError::Lost {
                    program,
                    zone,
                    action,
                    source,
                });
            }
            Err(Failed::Deadline { output }) => {
                let (program, zone, action) = context();
                return Err(CommandError::Deadline {
                    program,
                    zone,
                    action,
                    output: ProgramOutput::new(&output),
                });
            }
        };
        tracing::debug!(%zone, %status, said = %output.text(), "the program ended");
        let (program, zone, action) = context();
        Err(match status.code() {
            Some(0) => return Ok(Success::Done),
            Some(NOTHING_TO_DO) => return Ok(Success::NothingToDo),
            Some(REFUSED) => CommandError::Refused {
                program,
                zone,
                action,
                output,
            },
            Some(LATER) => CommandError::Later {
                program,
                zone,
                action,
                output,
            },
            Some(_) | None => CommandError::Failed {
                program,
                zone,
                action,
                status,
                output,
            },
        })
    }
}

fn word(zone: &ZoneName) -> Result<String, CommandError> {
    argument::zone_word(zone).ok_or_else(|| CommandError::ZoneUnwritable { zone: zone.clone() })
}

/// Formats first contents as a master file (RFC 1035 section 5): one record per line, absolute
/// names, the SOA first.
fn master_file(zone: &InitialZone) -> String {
    let apex = zone.name.apex();
    let soa = zone.soa.to_rdata();
    let mut text = zonefile::format_record(apex, zone.soa_ttl, RecordType::SOA, &soa);
    text.push('\n');
    for set in &zone.records {
        for rdata in &set.rdatas {
            let record = zonefile::format_record(&set.owner, set.ttl, set.rtype, rdata);
            let _ = writeln!(text, "{record}");
        }
    }
    text
}
