//! The way `seed`: a creation by fetching, round after round (drawn in the parent module).

use std::net::SocketAddr;
use std::time::Duration;

use tokio::time::{Instant, sleep, sleep_until};

use super::command::{Target, Word};
use super::control::{Answer, CommandResult, Control, Server};
use super::error::{RndcError, Step};
use super::responder::{Place, Responder};
use super::settle::{Poll, Settled, remove_seed, settle};
use super::status::{Found, look};
use crate::model::{InitialZone, Name, RecordType};
use crate::provision::status::Created;

/// From loaded contents to `sync`: within it BIND 9.18 writes its file nearly always. Doubled in
/// each round.
const PAUSE_MIN: Duration = Duration::from_millis(100);
/// The pause grows no further.
const PAUSE_MAX: Duration = Duration::from_millis(1600);
/// How long the file may appear late, after `delzone`.
const FILE_TIME_MAX: Duration = Duration::from_millis(300);
/// How often it is looked for.
const FILE_POLL: Duration = Duration::from_millis(20);
/// How long BIND's tidying up after `delzone` is waited for, which nothing tells the end of. It
/// takes a few milliseconds where many zones are made at once.
const FORGETTING_TIME: Duration = Duration::from_millis(50);
/// For the server to fetch a zone: bounds how long a fixed address is held. BIND asks at once or,
/// where it makes many zones, twenty a second.
const FETCH_TIME_MAX: Duration = Duration::from_secs(10);
/// Most time kept at the end for removing a zone half made.
const REMOVAL_TIME: Duration = Duration::from_secs(1);
/// A control connection that was silent for longer is opened anew.
const IDLE_MAX: Duration = Duration::from_secs(1);

/// A BIND server with what it takes to make zones on it by fetching.
pub(super) struct Bind<'a> {
    pub(super) server: &'a Server,
    /// Where it fetches first contents from.
    pub(super) responder: &'a Responder,
    /// The key that may update the zones.
    pub(super) update_key: &'a Word,
    /// The key that signs the fetching.
    pub(super) transfer_key: &'a Word,
}

/// One creation.
struct Creation<'a> {
    bind: &'a Bind<'a>,
    target: &'a Target<'a>,
    zone: &'a InitialZone,
    /// For making the zone.
    work_deadline: Instant,
    /// For removing what is half made.
    deadline: Instant,
}

/// How a round ended, its secondary being gone.
enum Round {
    /// The zone is there as a primary.
    Made,
    /// The file was not written.
    FileLost,
    /// Someone else works on the same zone.
    Overtaken,
}

/// Makes the zone.
///
/// # Errors
/// [`RndcError`].
pub(super) async fn create(
    bind: &Bind<'_>,
    target: &Target<'_>,
    zone: &InitialZone,
    deadline: Instant,
) -> Result<Created, RndcError> {
    let time = deadline.saturating_duration_since(Instant::now());
    let creation = Creation {
        bind,
        target,
        zone,
        work_deadline: deadline - REMOVAL_TIME.min(time / 4),
        deadline,
    };
    creation.run().await
}

impl Creation<'_> {
    async fn run(&self) -> Result<Created, RndcError> {
        let mut control = self.open().await?;
        // A zone that is there needs no turn at the responder's address.
        if look(&mut control, self.target, self.work_deadline).await? != Found::Absent
            && let Settled::There(status) = self.settle(&mut control).await?
        {
            return Ok(Created::AlreadyThere(status));
        }
        let mut pause = PAUSE_MIN;
        let mut round = 0;
        loop {
            round += 1;
            let asked = Instant::now();
            let local = control.local_addr()?.ip();
            let place = self
                .bind
                .responder
                .enter(self.zone, local, self.work_deadline)
                .await?;
            if asked.elapsed() > IDLE_MAX {
                control = self.open().await?;
            }
            let random = getrandom::u64().map_err(RndcError::Randomness)?;
            let file = self.target.seed_file(random);
            if !self.add_secondary(&mut control, &file, &place).await? {
                drop(place);
                match self.settle(&mut control).await? {
                    Settled::There(status) => return Ok(Created::AlreadyThere(status)),
                    Settled::Absent => continue,
                }
            }
            match self.finish(&mut control, &file, place, pause).await {
                Ok(Round::Made) => return Ok(Created::Full),
                Ok(Round::FileLost) => {
                    tracing::debug!(zone = %self.zone.name, round, "file not written, again");
                    pause = PAUSE_MAX.min(pause * 2);
                }
                Ok(Round::Overtaken) => {
                    if let Settled::There(status) = self.settle(&mut control).await? {
                        return Ok(Created::AlreadyThere(status));
                    }
                }
                Err(error) => {
                    self.remove_half_made(&file).await;
                    return Err(error);
                }
            }
            if Instant::now() >= self.work_deadline {
                return Err(self.bind.server.late(Step::Repeating));
            }
        }
    }

    async fn open(&self) -> Result<Control<'_>, RndcError> {
        Control::open(self.bind.server, self.work_deadline).await
    }

    async fn settle(&self, control: &mut Control<'_>) -> Result<Settled, RndcError> {
        settle(self.bind.server, control, self.target, self.work_deadline).await
    }

    /// Adds the secondary; false where the zone is there by now.
    async fn add_secondary(
        &self,
        control: &mut Control<'_>,
        file: &str,
        place: &Place<'_>,
    ) -> Result<bool, RndcError> {
        let command = self
            .target
            .addzone_secondary(file, place.address(), self.bind.transfer_key);
        let added = control.command(&command, self.work_deadline).await;
        let answer = match added {
            Ok(answer) => answer,
            // The command may have been carried out all the same.
            Err(error) => {
                self.remove_half_made(file).await;
                return Err(error);
            }
        };
        match answer.result {
            CommandResult::Success => Ok(true),
            CommandResult::AlreadyExists => Ok(false),
            CommandResult::NotFound
            | CommandResult::FileNotFound
            | CommandResult::NotLoaded
            | CommandResult::PermissionDenied
            | CommandResult::Failure
            | CommandResult::Unexpected => Err(control.not_added(self.target, &answer)),
        }
    }

    /// From a secondary that fetches to a primary.
    async fn finish(
        &self,
        control: &mut Control<'_>,
        file: &str,
        place: Place<'_>,
        pause: Duration,
    ) -> Result<Round, RndcError> {
        if !self.await_contents(control, file, &place).await? {
            return Ok(Round::Overtaken);
        }
        let from = place.address();
        drop(place);
        sleep(pause).await;
        // The `sync` makes `delzone` wait for the file instead of giving it up.
        let commands = [
            ("sync", self.target.sync()),
            ("delzone", self.target.delzone()),
        ];
        for (verb, command) in commands {
            let answer = control.command(&command, self.work_deadline).await?;
            if answer.result == CommandResult::NotFound {
                return Ok(Round::Overtaken);
            }
            if answer.result != CommandResult::Success {
                return Err(control.failed(self.target, verb, &answer));
            }
        }
        match self.add_primary(control, file).await {
            Ok(Round::Made) => self.make_lasting(control, file).await,
            Err(error @ RndcError::ContentsRefused { .. }) => {
                self.remove_file(control, file, from).await?;
                Err(error)
            }
            ended => ended,
        }
    }

    /// Sees to it that the server still knows the new primary when it starts the next time.
    ///
    /// BIND takes a deleted zone out of its list of added zones some time after it has answered
    /// `delzone`, by name: also where the zone was added again by then, which is served and yet
    /// lost at the next start. `modzone` writes that list, after whatever was put off before the
    /// `addzone` (BIND 9.20 and later: both stop all of its threads). `showzone` reads the list,
    /// but since 9.21.15 tells what is in memory: so it alone proves nothing.
    async fn make_lasting(
        &self,
        control: &mut Control<'_>,
        file: &str,
    ) -> Result<Round, RndcError> {
        let commands = [
            (
                "modzone",
                self.target.modzone_primary(file, self.bind.update_key),
            ),
            ("showzone", self.target.showzone()),
        ];
        loop {
            sleep(FORGETTING_TIME).await;
            for (verb, command) in &commands {
                let answer = control.command(command, self.work_deadline).await?;
                match answer.result {
                    CommandResult::Success if *verb == "showzone" => return Ok(Round::Made),
                    CommandResult::Success => {}
                    CommandResult::Failure if *verb == "showzone" => {
                        tracing::debug!(zone = %self.zone.name, "forgotten, written again");
                    }
                    CommandResult::NotFound => return Ok(Round::Overtaken),
                    CommandResult::AlreadyExists
                    | CommandResult::FileNotFound
                    | CommandResult::NotLoaded
                    | CommandResult::PermissionDenied
                    | CommandResult::Failure
                    | CommandResult::Unexpected => {
                        return Err(control.failed(self.target, verb, &answer));
                    }
                }
            }
        }
    }

    /// Waits until the secondary has its contents; false where it is no longer ours.
    async fn await_contents(
        &self,
        control: &mut Control<'_>,
        file: &str,
        place: &Place<'_>,
    ) -> Result<bool, RndcError> {
        let mut poll = Poll::until(self.work_deadline.min(Instant::now() + FETCH_TIME_MAX));
        loop {
            match look(control, self.target, self.work_deadline).await? {
                Found::Seed {
                    file: found,
                    loaded,
                    ..
                } if found == file => {
                    if loaded {
                        return Ok(true);
                    }
                }
                Found::Absent
                | Found::Primary { .. }
                | Found::Seed { .. }
                | Found::Foreign { .. } => return Ok(false),
            }
            if !poll.wait().await {
                return Err(RndcError::NotFetched {
                    server: self.bind.server.to_string(),
                    zone: self.zone.name.clone(),
                    from: place.address(),
                    seen: place.seen(),
                });
            }
        }
    }

    async fn add_primary(&self, control: &mut Control<'_>, file: &str) -> Result<Round, RndcError> {
        let command = self.target.addzone_primary(file, self.bind.update_key);
        let until = Instant::now() + FILE_TIME_MAX;
        loop {
            let answer = control.command(&command, self.work_deadline).await?;
            match answer.result {
                CommandResult::Success => return Ok(Round::Made),
                CommandResult::AlreadyExists => return Ok(Round::Overtaken),
                CommandResult::FileNotFound if Instant::now() >= until => {
                    return Ok(Round::FileLost);
                }
                CommandResult::FileNotFound => {
                    sleep_until(until.min(Instant::now() + FILE_POLL)).await;
                }
                CommandResult::Unexpected => {
                    return Err(self.contents_refused(&answer));
                }
                CommandResult::NotFound
                | CommandResult::NotLoaded
                | CommandResult::PermissionDenied
                | CommandResult::Failure => return Err(control.not_added(self.target, &answer)),
            }
        }
    }

    /// Removes a file that no zone will use, as the file of a zone that is removed again.
    async fn remove_file(
        &self,
        control: &mut Control<'_>,
        file: &str,
        from: SocketAddr,
    ) -> Result<(), RndcError> {
        let command = self
            .target
            .addzone_secondary(file, from, self.bind.transfer_key);
        let answer = control.command(&command, self.deadline).await?;
        if answer.result != CommandResult::Success {
            return Err(control.not_added(self.target, &answer));
        }
        remove_seed(control, self.target, self.deadline).await
    }

    fn contents_refused(&self, answer: &Answer) -> RndcError {
        RndcError::ContentsRefused {
            server: self.bind.server.to_string(),
            zone: self.zone.name.clone(),
            answer: answer.words(),
            without_address: apex_ns_without_address(self.zone),
        }
    }

    /// Removes this creation's secondary, if it is there; what cannot be removed now is repaired by
    /// the next creation of the zone.
    async fn remove_half_made(&self, file: &str) {
        let removal = async {
            // The old connection may be in the middle of a command.
            let mut control = Control::open(self.bind.server, self.deadline).await?;
            match look(&mut control, self.target, self.deadline).await? {
                Found::Seed { file: found, .. } if found == file => {
                    remove_seed(&mut control, self.target, self.deadline).await
                }
                Found::Absent
                | Found::Primary { .. }
                | Found::Seed { .. }
                | Found::Foreign { .. } => Ok(()),
            }
        };
        if let Err(error) = removal.await {
            let zone = &self.zone.name;
            tracing::warn!(%zone, %error, "a zone half made may be left on the server");
        }
    }
}

/// Apex NS names inside the zone that have no address there: BIND loads no primary with such a one.
fn apex_ns_without_address(zone: &InitialZone) -> Vec<Name> {
    let Some(ns) = zone.records.get(zone.name.apex(), RecordType::NS) else {
        return Vec::new();
    };
    let has_address = |name: &Name| {
        [RecordType::A, RecordType::AAAA]
            .iter()
            .any(|&rtype| zone.records.get(name, rtype).is_some())
    };
    ns.rdatas
        .iter()
        .filter_map(crate::model::Rdata::to_name)
        .filter(|name| name.is_at_or_below(zone.name.apex()) && !has_address(name))
        .collect()
}
