//! Any server: zones made and removed by a program of the operator's.
//!
//! The program is started without a shell, once for each action, with the configured arguments in
//! which `{action}` and `{zone}` are replaced. Its exit status says what became of it:
//!
//! | action | standard input | 0 | 10 ([`NOTHING_TO_DO`]) |
//! | --- | --- | --- | --- |
//! | `create` | the first contents as a master file | the zone was made | it was there already |
//! | `delete` | empty | the zone was removed | there was none |
//! | `exists` | empty | the zone is there | there is none |
//!
//! With every action, 69 (`EX_UNAVAILABLE`) is a refusal after which nothing has changed, and 75
//! (`EX_TEMPFAIL`) asks to be called again later. Anything else, a signal too, is a failure that a
//! person must look at. After all but 69 it is not known what was done.
//!
//! What the program must do: each action again and again with the same end (one that was killed
//! half-way is called again), and `create` never changes a zone that holds something.
//!
//! What is never done here: to run a shell; to pass a zone name that a program could take for an
//! option or a path from the root; to believe that the program used the contents. Whoever made the
//! zone fills it by UPDATE, which finds nothing to do where it did. Zones bear no mark here, so a
//! zone that is not remembered to have been made is never removed.

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
use super::finding::{Finding, Gap, Subject, Verdict};
use super::status::{Created, Deleted, RemovalScope, ZoneStatus};
use crate::model::{InitialZone, RecordType, ZoneName};
use crate::zonefile;

pub use self::action::Action;
pub use self::argument::{Argument, ArgumentError};
pub use self::error::{CommandError, Said};

/// Exit status of a program that found the zone as it shall be.
pub const NOTHING_TO_DO: i32 = 10;
/// Exit status of a program that refuses and has changed nothing (`EX_UNAVAILABLE`).
const REFUSED: i32 = 69;
/// Exit status of a program that asks to be called again later (`EX_TEMPFAIL`).
const LATER: i32 = 75;

/// How zones are made by a program.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CommandSettings {
    /// The program, an absolute path.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<Argument>,
}

/// Makes and removes zones by a program.
#[derive(Debug)]
pub struct Command {
    settings: CommandSettings,
}

/// What a program says by a status that is no failure.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Answer {
    Done,
    NothingToDo,
}

impl Command {
    /// A provisioner with these settings. Nothing is started yet.
    pub fn new(settings: CommandSettings) -> Self {
        Self { settings }
    }

    /// Makes the zone exist.
    ///
    /// # Errors
    /// [`CommandError`].
    pub async fn create(
        &self,
        zone: &InitialZone,
        deadline: Instant,
    ) -> Result<Created, CommandError> {
        let contents = master_file(zone);
        let answer = self
            .run(Action::Create, &zone.name, contents.as_bytes(), deadline)
            .await?;
        Ok(match answer {
            Answer::Done => Created::Placeholder,
            Answer::NothingToDo => Created::AlreadyThere(ZoneStatus::Unmarked),
        })
    }

    /// Whether the zone is there; nothing tells by whom it was made.
    ///
    /// # Errors
    /// [`CommandError`].
    pub async fn status(
        &self,
        zone: &ZoneName,
        deadline: Instant,
    ) -> Result<ZoneStatus, CommandError> {
        Ok(match self.run(Action::Exists, zone, b"", deadline).await? {
            Answer::Done => ZoneStatus::Unmarked,
            Answer::NothingToDo => ZoneStatus::Absent,
        })
    }

    /// Finds out whether the program can be asked for this zone, which must be nobody's.
    pub async fn check(&self, zone: &ZoneName, deadline: Instant) -> Vec<Finding<CommandError>> {
        let (channel, creation) = match self.status(zone, deadline).await {
            Ok(ZoneStatus::Absent) => (Verdict::Good, Verdict::Open(Gap::Program)),
            Ok(ZoneStatus::Ours | ZoneStatus::Unmarked | ZoneStatus::Other(_)) => {
                let zone = zone.clone();
                (Verdict::Good, Verdict::Open(Gap::Leftover { zone }))
            }
            Err(error) => {
                let remedy = None;
                let bad = Verdict::Bad { error, remedy };
                (bad, Verdict::Untried(Subject::Channel))
            }
        };
        Finding::each([(Subject::Channel, channel), (Subject::Creation, creation)])
    }

    /// Makes the zone not exist, where it is remembered to have been made here.
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
            Answer::Done => Deleted::Removed,
            Answer::NothingToDo => Deleted::WasAbsent,
        })
    }

    async fn run(
        &self,
        action: Action,
        zone: &ZoneName,
        input: &[u8],
        deadline: Instant,
    ) -> Result<Answer, CommandError> {
        let program = &self.settings.program;
        let name = argument::zone_word(zone)
            .ok_or_else(|| CommandError::ZoneUnwritable { zone: zone.clone() })?;
        let arguments = self.settings.arguments.iter();
        let arguments: Vec<String> = arguments.map(|a| a.fill(action, &name)).collect();
        tracing::debug!(%zone, program = %program.display(), ?arguments, "starting the program");
        let context = || (program.clone(), zone.clone(), action);
        let (status, said) = match process::run(program, &arguments, input, deadline).await {
            Ok(Ended { status, said }) => (status, Said::new(&said)),
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
            Err(Failed::Deadline { said }) => {
                let (program, zone, action) = context();
                return Err(CommandError::Deadline {
                    program,
                    zone,
                    action,
                    said: Said::new(&said),
                });
            }
        };
        tracing::debug!(%zone, %status, said = %said.text(), "the program ended");
        let (program, zone, action) = context();
        Err(match status.code() {
            Some(0) => return Ok(Answer::Done),
            Some(NOTHING_TO_DO) => return Ok(Answer::NothingToDo),
            Some(REFUSED) => CommandError::Refused {
                program,
                zone,
                action,
                said,
            },
            Some(LATER) => CommandError::Later {
                program,
                zone,
                action,
                said,
            },
            Some(_) | None => CommandError::Failed {
                program,
                zone,
                action,
                status,
                said,
            },
        })
    }
}

/// First contents as a master file (RFC 1035 section 5): a record a line, absolute names, SOA first.
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
