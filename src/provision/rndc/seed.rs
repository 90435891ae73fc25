//! The way `seed`: a creation whose first contents the server fetches, in rounds (see the diagram
//! in the parent module).

use std::net::SocketAddr;
use std::time::Duration;

use tokio::time::{Instant, sleep, sleep_until};

use super::command::{Target, Word};
use super::control::{CommandResult, Control, Server};
use super::error::{RndcError, Seen, Step};
use super::responder::{Responder, ServedZone};
use super::settle::{Poll, Settled, remove_seed, settle};
use super::status::{ServerZone, read_zone};
use crate::model::InitialZone;
use crate::provision::status::Created;

/// Pause between loaded contents and `sync`, doubled in each round. BIND 9.18: nearly always writes
/// the file within it.
const PAUSE_MIN: Duration = Duration::from_millis(100);
/// Longest pause between loaded contents and `sync`.
const PAUSE_MAX: Duration = Duration::from_millis(1600);
/// Longest wait for the file after `delzone`.
const FILE_TIME_MAX: Duration = Duration::from_millis(300);
/// Pause between two attempts to add a primary on the file.
const FILE_POLL: Duration = Duration::from_millis(20);
/// Wait for the cleanup after `delzone`, whose end BIND does not report. It takes a few
/// milliseconds while many zones are being created.
const CLEANUP_TIME: Duration = Duration::from_millis(50);
/// Longest wait until the server has fetched a zone, which limits how long a process holds a fixed
/// address. BIND: fetches at once, or twenty zones a second if many are being created.
const FETCH_TIME_MAX: Duration = Duration::from_secs(10);
/// Least time that is left for another attempt on another port.
const FETCH_TIME_MIN: Duration = Duration::from_secs(2);
/// Longest wait until the server has loaded what it has fetched. BIND: says nothing of contents that
/// it does not load, such as more records than `max-records-per-type`, and closes the connection.
const LOAD_TIME_MAX: Duration = Duration::from_secs(2);
/// Most time that is reserved before the deadline for the removal of an unfinished zone.
const REMOVAL_TIME: Duration = Duration::from_secs(1);
/// Longest pause of a control connection; after a longer one, a new connection is opened.
const IDLE_MAX: Duration = Duration::from_secs(1);

/// The settings of creations in the way `seed`.
pub(super) struct SeedContext<'a> {
    pub(super) server: &'a Server,
    /// Serves the first contents.
    pub(super) responder: &'a Responder,
    /// The keys that may update the zones.
    pub(super) update_keys: &'a [Word],
    /// The key that signs the server's transfer.
    pub(super) transfer_key: &'a Word,
}

/// One creation.
struct Creation<'a> {
    context: &'a SeedContext<'a>,
    target: &'a Target<'a>,
    zone: &'a InitialZone,
    /// The deadline of the creation.
    work_deadline: Instant,
    /// The deadline of the removal of an unfinished zone.
    deadline: Instant,
}

/// The outcome of a round, after which its secondary does not exist any more.
enum Round {
    /// The zone is a primary.
    Created,
    /// The server did not write the file.
    FileLost,
    /// The server did not fetch from this port of a range.
    Unfetched,
    /// Another process works on this zone.
    Overtaken,
}

/// Creates the zone.
///
/// # Errors
/// [`RndcError`].
pub(super) async fn create(
    context: &SeedContext<'_>,
    target: &Target<'_>,
    zone: &InitialZone,
    deadline: Instant,
) -> Result<Created, RndcError> {
    let time = deadline.saturating_duration_since(Instant::now());
    let creation = Creation {
        context,
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
        // An existing zone need not wait for the responder's address.
        if read_zone(&mut control, self.target, self.work_deadline).await? != ServerZone::Absent
            && let Settled::Exists(status) = self.settle(&mut control).await?
        {
            return Ok(Created::AlreadyThere(status));
        }
        let mut pause = PAUSE_MIN;
        let mut round = 0;
        loop {
            round += 1;
            let asked = Instant::now();
            let local = control.local_addr()?.ip();
            let served = self
                .context
                .responder
                .serve(self.zone, local, self.work_deadline)
                .await?;
            if asked.elapsed() > IDLE_MAX {
                control = self.open().await?;
            }
            let random = getrandom::u64().map_err(RndcError::Randomness)?;
            let file = self.target.seed_file(random);
            if !self.add_secondary(&mut control, &file, &served).await? {
                drop(served);
                match self.settle(&mut control).await? {
                    Settled::Exists(status) => return Ok(Created::AlreadyThere(status)),
                    Settled::Absent => continue,
                }
            }
            match self.finish(&mut control, &file, served, pause).await {
                Ok(Round::Created) => return Ok(Created::Full),
                Ok(Round::FileLost) => {
                    tracing::debug!(zone = %self.zone.name, round, "file not written, again");
                    if pause == PAUSE_MAX || Instant::now() >= self.work_deadline {
                        let zone = self.zone.name.clone();
                        return Err(RndcError::FileUnwritten { zone });
                    }
                    pause = PAUSE_MAX.min(pause * 2);
                }
                // The next round has another port.
                Ok(Round::Unfetched) => {}
                Ok(Round::Overtaken) => {
                    if let Settled::Exists(status) = self.settle(&mut control).await? {
                        return Ok(Created::AlreadyThere(status));
                    }
                }
                Err(error) => {
                    self.remove_unfinished(&file).await;
                    return Err(error);
                }
            }
            if Instant::now() >= self.work_deadline {
                return Err(self.context.server.deadline_error(Step::AwaitingOther));
            }
        }
    }

    async fn open(&self) -> Result<Control<'_>, RndcError> {
        Control::open(self.context.server, self.work_deadline).await
    }

    async fn settle(&self, control: &mut Control<'_>) -> Result<Settled, RndcError> {
        settle(
            self.context.server,
            control,
            self.target,
            self.work_deadline,
        )
        .await
    }

    /// Adds the secondary; returns `false` if the zone exists already.
    async fn add_secondary(
        &self,
        control: &mut Control<'_>,
        file: &str,
        served: &ServedZone<'_>,
    ) -> Result<bool, RndcError> {
        let command =
            self.target
                .addzone_secondary(file, served.address(), self.context.transfer_key);
        let added = control
            .addzone(self.target, &command, self.work_deadline)
            .await;
        let answer = match added {
            Ok(answer) => answer,
            // The server may have executed the command.
            Err(error) => {
                self.remove_unfinished(file).await;
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
            | CommandResult::Unexpected => Err(control.addzone_error(self.target, &answer)),
        }
    }

    /// Turns a secondary that fetches into a primary.
    async fn finish(
        &self,
        control: &mut Control<'_>,
        file: &str,
        served: ServedZone<'_>,
        pause: Duration,
    ) -> Result<Round, RndcError> {
        match self.await_contents(control, file, &served).await {
            Ok(true) => {}
            Ok(false) => return Ok(Round::Overtaken),
            Err(RndcError::NotFetched { seen, .. })
                if seen != Seen::OtherKey
                    && served.avoid_port()
                    && Instant::now() + FETCH_TIME_MIN < self.work_deadline =>
            {
                self.remove_unfinished(file).await;
                return Ok(Round::Unfetched);
            }
            Err(error) => return Err(error),
        }
        let from = served.address();
        drop(served);
        sleep(pause).await;
        // BIND: after a `sync`, `delzone` waits for the file instead of cancelling the write.
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
            Ok(Round::Created) => self.persist(control, file, self.work_deadline).await,
            Err(error @ RndcError::ContentsRefused { .. }) => {
                self.remove_file(control, file, from).await?;
                Err(error)
            }
            outcome => outcome,
        }
    }

    /// Makes the new primary survive a restart of the server.
    ///
    /// BIND: removes a deleted zone from its list of added zones by name, some time after its
    /// answer to `delzone`. If the zone is added again before, BIND serves it but loses it at the
    /// next start. `modzone` writes the list after all removals that were pending at the `addzone`
    /// (BIND 9.20 and later: both stop all threads). `showzone` reads the list, but since 9.21.15
    /// reports the state in memory, so it proves nothing alone.
    async fn persist(
        &self,
        control: &mut Control<'_>,
        file: &str,
        deadline: Instant,
    ) -> Result<Round, RndcError> {
        let commands = [
            (
                "modzone",
                self.target.modzone_primary(file, self.context.update_keys),
            ),
            ("showzone", self.target.showzone()),
        ];
        loop {
            sleep(CLEANUP_TIME).await;
            for (verb, command) in &commands {
                let answer = control.command(command, deadline).await?;
                match answer.result {
                    CommandResult::Success if *verb == "showzone" => return Ok(Round::Created),
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

    /// Waits until the secondary has its contents; returns `false` if it is no longer that of this
    /// round.
    async fn await_contents(
        &self,
        control: &mut Control<'_>,
        file: &str,
        served: &ServedZone<'_>,
    ) -> Result<bool, RndcError> {
        let mut poll = Poll::until(self.work_deadline.min(Instant::now() + FETCH_TIME_MAX));
        loop {
            match read_zone(control, self.target, self.work_deadline).await? {
                ServerZone::Seed {
                    file: found,
                    loaded,
                    ..
                } if found == file => {
                    if loaded {
                        return Ok(true);
                    }
                }
                ServerZone::Absent
                | ServerZone::Primary { .. }
                | ServerZone::Seed { .. }
                | ServerZone::Foreign { .. } => return Ok(false),
            }
            if served
                .time_since_transfer()
                .is_some_and(|time| time > LOAD_TIME_MAX)
            {
                return Err(self.contents_refused("fetched, and not loaded".into()));
            }
            if !poll.wait().await {
                return Err(RndcError::NotFetched {
                    server: self.context.server.to_string(),
                    zone: self.zone.name.clone(),
                    from: served.address(),
                    seen: served.seen(),
                });
            }
        }
    }

    async fn add_primary(&self, control: &mut Control<'_>, file: &str) -> Result<Round, RndcError> {
        let command = self.target.addzone_primary(file, self.context.update_keys);
        let until = Instant::now() + FILE_TIME_MAX;
        loop {
            let answer = control
                .addzone(self.target, &command, self.work_deadline)
                .await?;
            match answer.result {
                CommandResult::Success => return Ok(Round::Created),
                CommandResult::AlreadyExists => return Ok(Round::Overtaken),
                CommandResult::FileNotFound if Instant::now() >= until => {
                    return Ok(Round::FileLost);
                }
                CommandResult::FileNotFound => {
                    sleep_until(until.min(Instant::now() + FILE_POLL)).await;
                }
                CommandResult::Unexpected => {
                    return Err(self.contents_refused(answer.quoted()));
                }
                CommandResult::NotFound
                | CommandResult::NotLoaded
                | CommandResult::PermissionDenied
                | CommandResult::Failure => return Err(control.addzone_error(self.target, &answer)),
            }
        }
    }

    /// Removes a file that no zone uses: adds a zone with the file and deletes that zone.
    async fn remove_file(
        &self,
        control: &mut Control<'_>,
        file: &str,
        from: SocketAddr,
    ) -> Result<(), RndcError> {
        let command = self
            .target
            .addzone_secondary(file, from, self.context.transfer_key);
        let answer = control
            .addzone(self.target, &command, self.deadline)
            .await?;
        if answer.result != CommandResult::Success {
            return Err(control.addzone_error(self.target, &answer));
        }
        remove_seed(control, self.target, self.deadline).await
    }

    fn contents_refused(&self, answer: String) -> RndcError {
        RndcError::ContentsRefused {
            server: self.context.server.to_string(),
            zone: self.zone.name.clone(),
            answer,
            without_address: self.zone.ns_without_address(),
        }
    }

    /// Removes this creation's secondary if it exists. If that fails, the next creation of the zone
    /// repairs it. Makes a primary survive a restart whose `addzone` or `modzone` got no answer: the
    /// next creation takes it as it is.
    async fn remove_unfinished(&self, file: &str) {
        let removal = async {
            // A new connection, because the old one may still wait for a reply.
            let mut control = Control::open(self.context.server, self.deadline).await?;
            match read_zone(&mut control, self.target, self.deadline).await? {
                ServerZone::Seed { file: found, .. } if found == file => {
                    remove_seed(&mut control, self.target, self.deadline).await
                }
                ServerZone::Primary { file: found, .. } if found.as_deref() == Some(file) => {
                    self.persist(&mut control, file, self.deadline).await?;
                    Ok(())
                }
                ServerZone::Absent
                | ServerZone::Primary { .. }
                | ServerZone::Seed { .. }
                | ServerZone::Foreign { .. } => Ok(()),
            }
        };
        if let Err(error) = removal.await {
            let zone = &self.zone.name;
            tracing::warn!(%zone, %error, "a zone half made may be left on the server");
        }
    }
}
