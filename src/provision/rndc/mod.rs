//! BIND: zones made and removed over named's control channel, rndc's.
//!
//! Three ways to make one, since `addzone` of a primary zone needs a file that is already there:
//!
//! * `template` (BIND 9.21.9 and later): the server makes the file itself, from the template's
//!   `initial-file`.
//! * `file`: something else puts `ZONE.db` into the server's `directory` first; `/` in the name is
//!   written `=`.
//! * `seed` (BIND 9.18 and later): the zone is first added as a secondary that fetches its contents
//!   from us, then removed without its file, then added again as a primary on that file:
//!
//! ```text
//!            ┌─────────────────────────── again, with a new file name and a longer pause ◀─┐
//!            ▼                                                                             │
//! absent ─ addzone secondary ─▶ fetching ─▶ loaded ─ pause, sync, delzone ─▶ absent, file ─┤
//!            │ already exists     │ time over  │ error                         │ addzone   │ file
//!            ▼                    └─────┬──────┘                               │ primary   │ not
//!          settle                       ▼                                      ▼           │ found
//!            │                    delzone -clean                            primary        │ for
//!            │                                                                             │ 0.3 s
//!            ├─▶ primary: already there; waited for until it is loaded         └───────────┘
//!            ├─▶ foreign (another secondary, a catalog's member): an error
//!            ├─▶ absent for half a second: its maker gave up or was killed ─▶ from the start
//!            └─▶ secondary of ours: another process makes it ─▶ waited for
//!                    └─ no step forward for five seconds: its maker was killed
//!                                                 ─ delzone -clean ─▶ from the start
//! ```
//!
//! So whatever a killed process leaves at any step, the next creation repairs: a secondary of ours
//! is told by its file name. That name also tells which instance made the zone, so that none is
//! removed that somebody else has made meanwhile under the same name. A file without a zone is left
//! behind by a kill between `delzone` and the second `addzone`; it is never used again, since every
//! creation has a file name of its own.
//!
//! Why `modzone` does not do: it changes the configuration, but the zone stays a secondary until
//! the server reads its whole configuration again. Why the pause and the `sync`: the server writes
//! the file some time after it has the contents, and `delzone` cancels the writing unless a `sync`
//! asked for it.
//!
//! Nothing here decides what a zone holds, and no command is sent that was not built in
//! `command`: the control key has every right on the server.

mod check;
mod command;
mod control;
mod error;
#[doc(hidden)] // public for `fuzz/` alone
pub mod isccc;
mod responder;
mod seed;
mod settle;
mod status;

use std::net::SocketAddr;

use tokio::time::Instant;

use self::check::{Probe, ProbeWay};
use self::command::{Mark, Target, Word, key_word};
use self::control::{CommandResult, Control, Server};
use self::responder::Responder;
use self::settle::{Poll, Settled, await_creation, settle};
use self::status::{Found, look, names_no_view};
use super::finding::{Finding, Subject, Verdict};
use super::status::{Created, Deleted, RemovalScope, ZoneStatus};
use crate::model::{InitialZone, ZoneName};
use crate::wire::Key;

pub use self::error::{RndcError, Seen, Step};
pub use self::isccc::ReplyError;

/// How zones are made on one BIND server.
#[derive(Clone, Debug)]
pub struct RndcSettings {
    /// Host name or address and TCP port of the control channel.
    pub control: (String, u16),
    /// The key of the control channel.
    pub control_key: Key,
    /// The view that zones are made in; needed where named.conf has views.
    pub view: Option<String>,
    /// The name of this instance, which marks the zones that it makes.
    pub instance: String,
    /// How a zone is made.
    pub way: Way,
    /// The key that may update the zones that are made.
    pub update_key: Key,
    /// The key that signs the server's fetching of first contents, known to it under this name.
    pub transfer_key: Key,
    /// The present time in Unix seconds.
    pub clock: fn() -> u64,
}

/// How a zone is made.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Way {
    /// From a template in named.conf (BIND 9.21.9 and later).
    Template {
        /// The template's name.
        name: String,
    },
    /// From first contents that the server fetches from here.
    Seed {
        /// Where the server finds us, over UDP and TCP. None is this host's address towards the
        /// control channel and any free port; port 0 is any free port.
        listen: Option<SocketAddr>,
    },
    /// From a file that something else puts in place.
    File,
}

/// Makes and removes zones on one BIND server. Dropping it ends whatever it was doing.
#[derive(Debug)]
pub struct Rndc {
    server: Server,
    view: Option<Word>,
    mark: Mark,
    way: PreparedWay,
    update_key: Word,
    transfer_key: Word,
}

#[derive(Debug)]
enum PreparedWay {
    Template { name: Word },
    Seed { responder: Responder },
    File,
}

impl Rndc {
    /// A provisioner with these settings. Nothing is connected yet.
    ///
    /// # Errors
    /// [`RndcError::Setting`] where a name cannot stand in a control command.
    pub fn new(settings: RndcSettings) -> Result<Self, RndcError> {
        let RndcSettings {
            control: (host, port),
            control_key,
            view,
            instance,
            way,
            update_key,
            transfer_key,
            clock,
        } = settings;
        Ok(Self {
            server: Server::new(host, port, control_key, clock),
            view: view.map(|view| Word::new("view", &view)).transpose()?,
            mark: Mark {
                instance: Word::new("instance", &instance)?,
                is_on_all: matches!(way, Way::Seed { .. }),
            },
            update_key: key_word("the name of the update key", update_key.name())?,
            transfer_key: key_word("the name of the transfer key", transfer_key.name())?,
            way: match way {
                Way::Template { name } => PreparedWay::Template {
                    name: Word::new("template", &name)?,
                },
                Way::Seed { listen } => PreparedWay::Seed {
                    responder: Responder::new(listen, transfer_key, clock),
                },
                Way::File => PreparedWay::File,
            },
        })
    }

    /// Makes the zone exist as a primary zone that is loaded, whatever a killed creation left of it.
    /// Part of the time until `deadline` is kept for leaving nothing half made.
    ///
    /// # Errors
    /// [`RndcError`]; after it the server has no zone of ours half made, unless the control channel
    /// was lost.
    pub async fn create(
        &self,
        zone: &InitialZone,
        deadline: Instant,
    ) -> Result<Created, RndcError> {
        let target = self.target(&zone.name)?;
        match &self.way {
            PreparedWay::Seed { responder } => {
                let bind = seed::Bind {
                    server: &self.server,
                    responder,
                    update_key: &self.update_key,
                    transfer_key: &self.transfer_key,
                };
                seed::create(&bind, &target, zone, deadline).await
            }
            PreparedWay::Template { name } => {
                let command = target.addzone_template(name);
                self.create_in_place(&target, &command, deadline).await
            }
            PreparedWay::File => {
                let command = target.addzone_primary(&target.file(), &self.update_key);
                self.create_in_place(&target, &command, deadline).await
            }
        }
    }

    /// Whether every zone that is made bears the mark of who made it.
    pub fn marks_zones(&self) -> bool {
        matches!(self.way, PreparedWay::Seed { .. })
    }

    /// What the server has under the name at this moment. Changes nothing.
    ///
    /// # Errors
    /// [`RndcError`].
    pub async fn status(
        &self,
        zone: &ZoneName,
        deadline: Instant,
    ) -> Result<ZoneStatus, RndcError> {
        let Ok(target) = self.target(zone) else {
            // Nor could a zone of that name be made so.
            return Ok(ZoneStatus::Unmarked);
        };
        let mut control = Control::open(&self.server, deadline).await?;
        Ok(look(&mut control, &target, deadline).await?.status())
    }

    /// Finds out whether this zone, which must be nobody's, could be made. No zone is left behind.
    pub async fn check(&self, zone: &InitialZone, deadline: Instant) -> Vec<Finding<RndcError>> {
        let target = match self.target(&zone.name) {
            Ok(target) => target,
            Err(error) => {
                let (subject, remedy) = (Subject::Creation, None);
                let verdict = Verdict::Bad { error, remedy };
                return vec![Finding { subject, verdict }];
            }
        };
        let probe = Probe {
            server: &self.server,
            target: &target,
            zone,
            view: self.view.as_ref(),
            update_key: &self.update_key,
            way: match &self.way {
                PreparedWay::Template { name } => ProbeWay::Template(name),
                PreparedWay::Seed { responder } => ProbeWay::Seed(responder),
                PreparedWay::File => ProbeWay::File,
            },
        };
        probe.run(deadline).await
    }

    /// Waits while another process is in the middle of making the zone.
    ///
    /// # Errors
    /// [`RndcError`].
    pub async fn settle(&self, zone: &ZoneName, deadline: Instant) -> Result<(), RndcError> {
        let target = self.target(zone)?;
        let mut control = Control::open(&self.server, deadline).await?;
        settle(&self.server, &mut control, &target, deadline).await?;
        Ok(())
    }

    /// The same, and what was abandoned is left as it is.
    ///
    /// # Errors
    /// [`RndcError`].
    pub async fn await_creation(
        &self,
        zone: &ZoneName,
        deadline: Instant,
    ) -> Result<(), RndcError> {
        let target = self.target(zone)?;
        let mut control = Control::open(&self.server, deadline).await?;
        await_creation(&mut control, &target, deadline).await
    }

    /// Removes the zone with its file, as far as it is covered by the claim, and waits until it is
    /// gone.
    ///
    /// # Errors
    /// [`RndcError`].
    pub async fn delete(
        &self,
        zone: &ZoneName,
        scope: RemovalScope,
        deadline: Instant,
    ) -> Result<Deleted, RndcError> {
        let Ok(target) = self.target(zone) else {
            return Ok(Deleted::NotOurs(ZoneStatus::Unmarked));
        };
        let mut control = Control::open(&self.server, deadline).await?;
        let status = look(&mut control, &target, deadline).await?.status();
        if status == ZoneStatus::Absent {
            return Ok(Deleted::WasAbsent);
        }
        if !scope.covers(&status) {
            return Ok(Deleted::NotOurs(status));
        }
        let answer = control.command(&target.delzone_clean(), deadline).await?;
        if names_no_view(&answer) {
            return Err(control.no_such_view(&target, &answer));
        }
        if answer.result == CommandResult::NotFound {
            return Ok(Deleted::WasAbsent);
        }
        if answer.result != CommandResult::Success {
            return Err(control.failed(&target, "delzone", &answer));
        }
        if answer.text.contains("named.conf") {
            tracing::warn!(%zone, "the zone stands in named.conf and comes back when named starts");
        }
        let mut poll = Poll::until(deadline);
        while look(&mut control, &target, deadline).await? != Found::Absent {
            if !poll.wait().await {
                return Err(self.server.late(Step::AwaitingRemoval));
            }
        }
        Ok(Deleted::Removed)
    }

    fn target<'a>(&'a self, zone: &'a ZoneName) -> Result<Target<'a>, RndcError> {
        Target::new(zone, self.view.as_ref(), &self.mark)
    }

    /// Makes a zone by one command.
    async fn create_in_place(
        &self,
        target: &Target<'_>,
        command: &str,
        deadline: Instant,
    ) -> Result<Created, RndcError> {
        let mut control = Control::open(&self.server, deadline).await?;
        loop {
            let answer = control.command(command, deadline).await?;
            match answer.result {
                CommandResult::Success => return Ok(Created::Placeholder),
                CommandResult::AlreadyExists => {}
                CommandResult::FileNotFound
                | CommandResult::Failure
                | CommandResult::Unexpected
                | CommandResult::NotLoaded
                | CommandResult::NotFound
                | CommandResult::PermissionDenied => {
                    return Err(self.not_created(&control, target, &answer));
                }
            }
            match settle(&self.server, &mut control, target, deadline).await? {
                Settled::There(status) => return Ok(Created::AlreadyThere(status)),
                Settled::Absent => {}
            }
        }
    }

    fn not_created(
        &self,
        control: &Control<'_>,
        target: &Target<'_>,
        answer: &control::Answer,
    ) -> RndcError {
        let (server, zone) = (self.server.to_string(), target.zone().clone());
        match (&self.way, answer.result) {
            (PreparedWay::Template { name }, CommandResult::Failure) => {
                RndcError::TemplateRefused {
                    server,
                    zone,
                    template: name.as_str().to_owned(),
                }
            }
            (PreparedWay::Template { name }, CommandResult::FileNotFound) => {
                RndcError::TemplateFileMissing {
                    server,
                    zone,
                    template: name.as_str().to_owned(),
                }
            }
            (PreparedWay::Template { name }, CommandResult::Unexpected) => {
                RndcError::TemplateFileRefused {
                    server,
                    zone,
                    template: name.as_str().to_owned(),
                    answer: answer.words(),
                }
            }
            (_, CommandResult::FileNotFound) => RndcError::FileMissing {
                server,
                zone,
                file: target.file(),
            },
            (_, CommandResult::Unexpected) => RndcError::ContentsRefused {
                server,
                zone,
                answer: answer.words(),
                without_address: Vec::new(),
            },
            _ => control.not_added(target, answer),
        }
    }
}
