//! BIND: creates and deletes zones over named's control channel, which rndc uses.
//!
//! There are three ways to create a zone, because an `addzone` of a primary zone needs an existing
//! file:
//!
//! * `template` (BIND 9.21.9 and later): the server creates the file from the template's
//!   `initial-file`.
//! * `file`: another program first puts `ZONE.db` into the server's `directory`, with `=` for `/`
//!   in the name.
//! * `seed` (BIND 9.18 and later): nsbridge adds the zone as a secondary that fetches its contents
//!   from nsbridge, deletes it without its file, and adds it again as a primary on that file:
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
//!            ├─▶ primary: existed already; wait until it is loaded             └───────────┘
//!            ├─▶ foreign (another secondary, a catalog's member zone): an error
//!            ├─▶ absent for half a second: its creator gave up or was killed ─▶ from the start
//!            └─▶ secondary of ours: another process creates it ─▶ wait
//!                    └─ no progress for five seconds: its creator was killed
//!                                                 ─ delzone -clean ─▶ from the start
//! ```
//!
//! So the next creation repairs what a killed process left at any step: it knows our secondary by
//! its file name. The file name also names the instance, so that no instance deletes a zone of this
//! name that another instance has created meanwhile. A kill between `delzone` and the second
//! `addzone` leaves a file without a zone, which is never used again, because every round has a new
//! file name.
//!
//! `modzone` cannot turn the secondary into a primary. BIND: changes the configuration, but the
//! zone stays a secondary until the server reads its whole configuration again. The pause and the
//! `sync` are for the file. BIND: writes the file some time after it has the contents, and
//! `delzone` cancels the write unless a `sync` requested it.
//!
//! This module never decides what a zone contains, and only sends commands that `command` has
//! built: the control key has every right on the server.

mod by_command;
mod check;
mod command;
mod control;
mod error;
#[doc(hidden)] // public for `fuzz/` alone
pub mod isccc;
mod listen;
mod rekey;
mod responder;
mod seed;
mod settle;
mod status;

use std::time::Duration;

use tokio::time::Instant;

use self::check::{Lines, Probe, ProbeWay};
use self::command::{Mark, Target, Word, key_word, key_words};
use self::control::{CommandResult, Control, Server};
use self::rekey::{NewKeys, rekey};
use self::responder::Responder;
use self::seed::SeedContext;
use self::settle::{Poll, await_creation, settle};
use self::status::{ServerZone, grant, is_frozen, names_no_view, read_zone};
use super::finding::{Findings, Remedy};
use super::status::{Created, Deleted, Rekeyed, RemovalScope, ZoneStatus};
use crate::model::{InitialZone, ZoneName};
use crate::wire::KeyList;

pub use self::error::{RndcError, Seen, Step};
pub use self::isccc::ReplyError;
pub use self::listen::{Listen, ParseListenError};

/// The settings of an [`Rndc`].
#[derive(Clone, Debug)]
pub struct RndcSettings {
    /// Host name or address and TCP port of the control channel.
    pub control: (String, u16),
    /// Host name or address at which the server answers queries.
    pub host: String,
    /// The keys of the control channel.
    pub control_keys: KeyList,
    /// The view of the new zones; required if named.conf has views.
    pub view: Option<String>,
    /// The name of this instance, which marks its zones.
    pub instance: String,
    /// The way in which zones are created.
    pub way: Way,
    /// The keys that may update the new zones.
    pub update_keys: KeyList,
    /// The keys one of which signs the server's transfer of first contents: the one that the server took last. It knows it
    /// by this name.
    pub transfer_keys: KeyList,
    /// Returns the current time in Unix seconds.
    pub clock: fn() -> u64,
    /// The longest wait for the answer to one command.
    pub exchange_time_max: Duration,
}

/// The way in which zones are created.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Way {
    /// From a template in named.conf (BIND 9.21.9 and later).
    Template {
        /// The template's name.
        name: String,
    },
    /// From first contents that the server fetches from nsbridge.
    Seed {
        /// The address, for UDP and TCP, from which the server fetches. `None` means this host's
        /// address towards the control channel and any free port.
        listen: Option<Listen>,
    },
    /// From a file that another program puts in place.
    File,
}

/// A zone that `rndc freeze` has stopped.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Frozen {
    /// The zone, and its view if there is one, as operands of `rndc thaw`.
    pub target: String,
}

/// A provisioner that creates and deletes zones on one BIND server. Dropping it ends its creations.
#[derive(Debug)]
pub struct Rndc {
    server: Server,
    view: Option<Word>,
    mark: Mark,
    way: PreparedWay,
    /// The names of the keys that may update the zones, that of the first key first.
    update_keys: Vec<Word>,
    transfer_keys: KeyList,
}

#[derive(Debug)]
enum PreparedWay {
    Template { name: Word },
    Seed { responder: Responder },
    File,
}

impl Rndc {
    /// Returns a provisioner with these settings. Opens no connection.
    ///
    /// # Errors
    /// [`RndcError::Setting`] if a name cannot be in a control command.
    pub fn new(settings: RndcSettings) -> Result<Self, RndcError> {
        let RndcSettings {
            control,
            host,
            control_keys,
            view,
            instance,
            way,
            update_keys,
            transfer_keys,
            clock,
            exchange_time_max,
        } = settings;
        let hosts = vec![control.0.clone(), host];
        Ok(Self {
            server: Server::new(control, control_keys, clock, exchange_time_max),
            view: view.map(|view| Word::new("view", &view)).transpose()?,
            mark: Mark {
                instance: Word::new("instance", &instance)?,
                is_on_all: matches!(way, Way::Seed { .. }),
            },
            update_keys: key_words("the name of the update key", &update_keys)?,
            way: match way {
                Way::Template { name } => PreparedWay::Template {
                    name: Word::new("template", &name)?,
                },
                Way::Seed { listen } => PreparedWay::Seed {
                    responder: {
                        key_words("the name of the transfer key", &transfer_keys)?;
                        let keys = transfer_keys.keys().to_vec();
                        Responder::new(listen, hosts, keys, clock)
                    },
                },
                Way::File => PreparedWay::File,
            },
            transfer_keys,
        })
    }

    /// Returns whether the name of a zone can be written in a control command.
    ///
    /// # Errors
    /// [`RndcError::ZoneUnwritable`].
    pub fn check_name(&self, zone: &ZoneName) -> Result<(), RndcError> {
        self.target(zone).map(|_| ())
    }

    /// Creates the zone as a loaded primary zone, and repairs what a killed creation left. Reserves
    /// a part of the time until `deadline` for the removal of an unfinished zone.
    ///
    /// # Errors
    /// [`RndcError`]; the server has no unfinished zone of ours then, unless the control channel
    /// was lost.
    pub async fn create(
        &self,
        zone: &InitialZone,
        deadline: Instant,
    ) -> Result<Created, RndcError> {
        let target = self.target(&zone.name)?;
        match &self.way {
            PreparedWay::Seed { responder } => {
                let context = SeedContext {
                    server: &self.server,
                    responder,
                    update_keys: &self.update_keys,
                    transfer_key: &self.transfer_key()?,
                };
                seed::create(&context, &target, zone, deadline).await
            }
            PreparedWay::Template { name } => {
                let command = target.addzone_template(name);
                by_command::create(&self.server, &target, &command, Some(name), deadline).await
            }
            PreparedWay::File => {
                let command = target.addzone_primary(&target.file(), &self.update_keys);
                by_command::create(&self.server, &target, &command, None, deadline).await
            }
        }
    }

    /// Returns whether every new zone bears the mark of its instance.
    pub fn marks_zones(&self) -> bool {
        matches!(self.way, PreparedWay::Seed { .. })
    }

    /// Returns the current status of the zone. Changes nothing.
    ///
    /// # Errors
    /// [`RndcError`].
    pub async fn status(
        &self,
        zone: &ZoneName,
        deadline: Instant,
    ) -> Result<ZoneStatus, RndcError> {
        let Ok(target) = self.target(zone) else {
            // This provisioner cannot create a zone of such a name either.
            return Ok(ZoneStatus::Unmarked);
        };
        let mut control = Control::open(&self.server, deadline).await?;
        Ok(read_zone(&mut control, &target, deadline).await?.status())
    }

    /// Returns the lines of named.conf without which a check fails with this error.
    pub async fn remedy(&self, error: &RndcError, deadline: Instant) -> Option<Remedy> {
        let lines = Lines {
            server: &self.server,
            view: self.view.as_ref(),
            update_keys: &self.update_keys,
        };
        lines.remedy(error, deadline).await
    }

    /// Returns the state of the zone in which the server refuses every update. `None` if there is none.
    ///
    /// # Errors
    /// [`RndcError`]; [`RndcError::ForeignZone`] for a zone that is no primary.
    pub async fn refusal(
        &self,
        zone: &ZoneName,
        deadline: Instant,
    ) -> Result<Option<Frozen>, RndcError> {
        let target = self.target(zone)?;
        let mut control = Control::open(&self.server, deadline).await?;
        if is_frozen(&mut control, &target, deadline).await? {
            let target = target.operand();
            return Ok(Some(Frozen { target }));
        }
        match read_zone(&mut control, &target, deadline).await? {
            ServerZone::Foreign { kind } => Err(RndcError::ForeignZone {
                server: self.server.to_string(),
                zone: zone.clone(),
                kind,
            }),
            ServerZone::Absent | ServerZone::Primary { .. } | ServerZone::Seed { .. } => Ok(None),
        }
    }

    /// Returns what lets the key of updates change a zone that was made at run time. `None` for other zones.
    ///
    /// # Errors
    /// [`RndcError`].
    pub async fn grant(
        &self,
        zone: &ZoneName,
        deadline: Instant,
    ) -> Result<Option<Remedy>, RndcError> {
        let target = self.target(zone)?;
        let mut control = Control::open(&self.server, deadline).await?;
        let line = grant(&mut control, &target, self.update_key(), deadline).await?;
        let place = "a shell of the name server";
        Ok(line.map(|line| Remedy {
            place,
            lines: vec![line],
        }))
    }

    /// Lets the first key of each list update and transfer a zone that was made at run time; if `retires`, the others of the
    /// lists no more. Keeps everything else.
    ///
    /// # Errors
    /// [`RndcError`].
    pub async fn rekey(
        &self,
        zone: &ZoneName,
        retires: bool,
        deadline: Instant,
    ) -> Result<Rekeyed, RndcError> {
        let target = self.target(zone)?;
        let transfer = key_words("the name of the transfer key", &self.transfer_keys)?;
        let keys = NewKeys {
            update: &self.update_keys,
            transfer: &transfer,
            retires,
        };
        let mut control = Control::open(&self.server, deadline).await?;
        rekey(&mut control, &target, &keys, deadline).await
    }

    /// Returns the view of the new zones.
    pub fn view(&self) -> Option<&str> {
        self.view.as_ref().map(Word::as_str)
    }

    /// Checks whether this zone, which must not exist, could be created. Leaves no zone behind.
    pub async fn check(&self, zone: &InitialZone, deadline: Instant) -> Findings<RndcError> {
        let target = match self.target(&zone.name) {
            Ok(target) => target,
            Err(error) => return vec![Err(error)],
        };
        let probe = Probe {
            server: &self.server,
            target: &target,
            zone,
            update_keys: &self.update_keys,
            way: match &self.way {
                PreparedWay::Template { name } => ProbeWay::Template(name),
                PreparedWay::Seed { responder } => ProbeWay::Seed(responder),
                PreparedWay::File => ProbeWay::File,
            },
        };
        probe.run(deadline).await
    }

    /// Waits while another process creates the zone. Removes the secondary of an abandoned
    /// creation.
    ///
    /// # Errors
    /// [`RndcError`].
    pub async fn settle(&self, zone: &ZoneName, deadline: Instant) -> Result<(), RndcError> {
        let target = self.target(zone)?;
        let mut control = Control::open(&self.server, deadline).await?;
        settle(&self.server, &mut control, &target, deadline).await?;
        Ok(())
    }

    /// Waits while another process creates the zone. Changes nothing.
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

    /// Deletes the zone with its file if `scope` covers it, and waits until the zone is absent.
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
        let status = read_zone(&mut control, &target, deadline).await?.status();
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
        while read_zone(&mut control, &target, deadline).await? != ServerZone::Absent {
            if !poll.wait().await {
                return Err(self.server.deadline_error(Step::AwaitingRemoval));
            }
        }
        Ok(Deleted::Removed)
    }

    /// Returns the name of the first key for updates.
    fn update_key(&self) -> &Word {
        &self.update_keys[0]
    }

    /// Returns the name of the key for transfers that the server took last.
    fn transfer_key(&self) -> Result<Word, RndcError> {
        key_word("the name of the transfer key", self.transfer_keys.name())
    }

    fn target<'a>(&'a self, zone: &'a ZoneName) -> Result<Target<'a>, RndcError> {
        Target::new(zone, self.view.as_ref(), &self.mark)
    }
}
