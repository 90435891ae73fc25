//! A connection to named's control channel: commands and their replies, one after another.
//!
//! The first command is `null`. Its reply contains the nonce that every later command of the
//! connection repeats. named: closes the connection without a reply if it rejects a request's MAC,
//! time or sender.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};

use super::command::Target;
use super::error::{RndcError, Step};
use super::isccc::{self, REPLY_OCTETS_MAX, REQUEST_OCTETS_MAX, ReplyError};
use crate::provision::silence::Silence;
use crate::transport::fmt_host_and_port;
use crate::wire::{Key, KeyList};

/// Pause before a second attempt if named closed the connection without a reply: a named that is
/// shutting down has stopped within this time.
const SECOND_TRY_AFTER: Duration = Duration::from_millis(100);

/// Shortest wait after which a missing answer shows a firewall that drops.
const CONNECT_TIME_MIN: Duration = Duration::from_secs(2);

/// Most connections that are opened at a time. named: has a short accept queue; the kernel retries
/// a dropped connection only after a second or more.
const OPENING_MAX: usize = 4;

/// The control channel of a server.
#[derive(Debug)]
pub(super) struct Server {
    /// Host name or address.
    pub(super) host: String,
    pub(super) port: u16,
    /// The keys that sign both directions, tried in turn.
    pub(super) keys: KeyList,
    /// The present time in Unix seconds.
    pub(super) clock: fn() -> u64,
    /// The longest wait for the answer to one command.
    exchange_time_max: Duration,
    /// Permits to open a connection.
    opening: Semaphore,
    silence: Silence,
}

/// An open connection whose key the server accepted.
pub(super) struct Control<'a> {
    server: &'a Server,
    key: &'a Key,
    stream: TcpStream,
    nonce: Vec<u8>,
}

/// The answer to a command.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Answer {
    pub(super) result: CommandResult,
    /// The text of the result; empty on success.
    pub(super) err: String,
    /// The output of the command, for messages and for facts that no other field has.
    pub(super) text: String,
}

/// The result of a command, read from its text. BIND: the number of a result differs between
/// releases.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum CommandResult {
    Success,
    AlreadyExists,
    /// No such zone, or no such view.
    NotFound,
    FileNotFound,
    NotLoaded,
    PermissionDenied,
    /// Only the server's log has the reason.
    Failure,
    /// Any other result.
    Unexpected,
}

impl std::fmt::Display for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        fmt_host_and_port(f, &self.host, self.port)
    }
}

impl<'a> Control<'a> {
    /// Connects, trying every address of the host in turn, and verifies that the server accepts the
    /// key.
    ///
    /// # Errors
    /// [`RndcError::Unreachable`], [`RndcError::NotConnected`], [`RndcError::Unanswered`],
    /// [`RndcError::BadReply`] and [`RndcError::Deadline`].
    pub(super) async fn open(server: &'a Server, deadline: Instant) -> Result<Self, RndcError> {
        match Self::open_once(server, deadline).await {
            // named: also closes the connection while it is shutting down.
            Err(RndcError::Unanswered { .. }) => {
                tokio::time::sleep(SECOND_TRY_AFTER).await;
                Self::open_once(server, deadline).await
            }
            result => result,
        }
    }

    /// Tries each key until the server answers a command that it signs.
    async fn open_once(server: &'a Server, deadline: Instant) -> Result<Self, RndcError> {
        let mut unanswered = None;
        for index in server.keys.in_turn() {
            server.keys.prefer(index);
            match Self::open_with(server, server.keys.present(), deadline).await {
                Err(error @ RndcError::Unanswered { .. }) => unanswered = Some(error),
                result => return result,
            }
        }
        Err(unanswered.expect("a list has a key"))
    }

    async fn open_with(
        server: &'a Server,
        key: &'a Key,
        deadline: Instant,
    ) -> Result<Self, RndcError> {
        let permit = timeout_at(deadline, server.opening.acquire()).await;
        let _permit = permit.map_err(|_| server.deadline_error(Step::Connecting))?;
        let unreachable = |source| RndcError::Unreachable {
            server: server.to_string(),
            key: key.name().clone(),
            source,
        };
        let began = Instant::now();
        let limit = server.silence.connect_deadline(deadline);
        let connect = TcpStream::connect((server.host.as_str(), server.port));
        let Ok(connected) = timeout_at(limit, connect).await else {
            if limit == deadline && began.elapsed() < CONNECT_TIME_MIN {
                return Err(server.deadline_error(Step::Connecting));
            }
            server.silence.note();
            return Err(RndcError::NotConnected {
                server: server.to_string(),
            });
        };
        let stream = connected.map_err(unreachable)?;
        // A command is one small write, and the next waits for its reply.
        stream.set_nodelay(true).map_err(unreachable)?;
        let mut control = Self {
            server,
            key,
            stream,
            nonce: Vec::new(),
        };
        match control.command("null", deadline).await {
            // named: closes or resets the connection if it cannot authenticate a command.
            Err(RndcError::Lost { server, .. }) => Err(RndcError::Unanswered { server }),
            Err(other) => Err(other),
            Ok(_) => Ok(control),
        }
    }

    /// Returns the local address of the connection, which the server can probably reach.
    ///
    /// # Errors
    /// [`RndcError::Lost`].
    pub(super) fn local_addr(&self) -> Result<SocketAddr, RndcError> {
        self.stream.local_addr().map_err(|source| self.lost(source))
    }

    /// Sends a command line and reads its reply. After an error the caller must drop the
    /// connection; the server may have carried the command out.
    ///
    /// # Errors
    /// [`RndcError::Lost`], [`RndcError::BadReply`], [`RndcError::CommandTooLong`] and
    /// [`RndcError::Deadline`].
    pub(super) async fn command(
        &mut self,
        command: &str,
        deadline: Instant,
    ) -> Result<Answer, RndcError> {
        let serial = getrandom::u32().map_err(RndcError::Randomness)?;
        let now = (self.server.clock)();
        let request = isccc::encode_request(self.key, command, serial, now, &self.nonce);
        let octets = request.len() - 4;
        if octets > REQUEST_OCTETS_MAX {
            return Err(RndcError::CommandTooLong {
                server: self.server.to_string(),
                octets,
                limit: REQUEST_OCTETS_MAX,
            });
        }
        // The answer may be lost without the end of the connection.
        let limit = deadline.min(Instant::now() + self.server.exchange_time_max);
        let frame = timeout_at(limit, self.exchange(&request))
            .await
            .map_err(|_| self.server.deadline_error(Step::Answering))?
            .map_err(|source| self.lost(source))?
            .map_err(|source| self.bad_reply(source))?;
        let reply =
            isccc::read_reply(&frame, self.key, serial).map_err(|source| self.bad_reply(source))?;
        self.nonce = reply.nonce;
        let result = if reply.success {
            CommandResult::Success
        } else {
            CommandResult::from_err(&reply.err)
        };
        tracing::trace!(server = %self.server, command, ?result, text = reply.text, "rndc");
        Ok(Answer {
            result,
            err: reply.err,
            text: reply.text,
        })
    }

    async fn exchange(&mut self, request: &[u8]) -> io::Result<Result<Vec<u8>, ReplyError>> {
        self.stream.write_all(request).await?;
        let octets = self.stream.read_u32().await?;
        let octets = usize::try_from(octets).unwrap_or(usize::MAX);
        if octets > REPLY_OCTETS_MAX {
            return Ok(Err(ReplyError::TooLarge { octets }));
        }
        let mut frame = vec![0; octets];
        self.stream.read_exact(&mut frame).await?;
        Ok(Ok(frame))
    }

    fn lost(&self, source: io::Error) -> RndcError {
        RndcError::Lost {
            server: self.server.to_string(),
            source,
        }
    }

    fn bad_reply(&self, source: ReplyError) -> RndcError {
        RndcError::BadReply {
            server: self.server.to_string(),
            source,
        }
    }
}

impl Server {
    /// Returns the control channel at a host and port. Opens no connection.
    pub(super) fn new(
        (host, port): (String, u16),
        keys: KeyList,
        clock: fn() -> u64,
        exchange_time_max: Duration,
    ) -> Self {
        Self {
            host,
            port,
            keys,
            clock,
            exchange_time_max,
            opening: Semaphore::new(OPENING_MAX),
            silence: Silence::default(),
        }
    }

    /// Returns the error of a passed deadline.
    pub(super) fn deadline_error(&self, step: Step) -> RndcError {
        RndcError::Deadline {
            server: self.to_string(),
            step,
        }
    }
}

impl CommandResult {
    fn from_err(err: &str) -> Self {
        match err {
            "already exists" => Self::AlreadyExists,
            "not found" => Self::NotFound,
            "file not found" => Self::FileNotFound,
            "zone not loaded" => Self::NotLoaded,
            "permission denied" => Self::PermissionDenied,
            "failure" => Self::Failure,
            _ => Self::Unexpected,
        }
    }
}

impl Answer {
    /// Formats the answer for a message.
    pub(super) fn quoted(&self) -> String {
        super::error::quoted(&format!("{} {}", self.err, self.text))
    }
}

impl Control<'_> {
    /// Returns the error for an answer without a more specific error.
    pub(super) fn failed(
        &self,
        target: &Target<'_>,
        verb: &'static str,
        answer: &Answer,
    ) -> RndcError {
        RndcError::Failed {
            server: self.server.to_string(),
            zone: target.zone().clone(),
            verb,
            answer: answer.quoted(),
        }
    }

    /// Returns the error for a missing view.
    pub(super) fn no_such_view(&self, target: &Target<'_>, answer: &Answer) -> RndcError {
        RndcError::NoSuchView {
            server: self.server.to_string(),
            zone: target.zone().clone(),
            answer: answer.quoted(),
        }
    }

    /// Sends an `addzone`.
    ///
    /// BIND: if it cannot write that it has the zone, it keeps the zone in memory and shows nothing of it. This
    /// deletes it, so that a later creation finds none.
    ///
    /// # Errors
    /// Those of [`Self::command`].
    pub(super) async fn addzone(
        &mut self,
        target: &Target<'_>,
        command: &str,
        deadline: Instant,
    ) -> Result<Answer, RndcError> {
        let answer = self.command(command, deadline).await?;
        if answer.result == CommandResult::Failure {
            self.command(&target.delzone(), deadline).await?;
        }
        Ok(answer)
    }

    /// Returns the error for an `addzone` whose failure does not depend on the way of the creation.
    pub(super) fn addzone_error(&self, target: &Target<'_>, answer: &Answer) -> RndcError {
        match answer.result {
            CommandResult::PermissionDenied => RndcError::NewZonesOff {
                server: self.server.to_string(),
                zone: target.zone().clone(),
                answer: answer.quoted(),
            },
            CommandResult::NotFound => self.no_such_view(target, answer),
            CommandResult::Failure => RndcError::NotAdded {
                zone: target.zone().clone(),
            },
            CommandResult::Success
            | CommandResult::AlreadyExists
            | CommandResult::FileNotFound
            | CommandResult::NotLoaded
            | CommandResult::Unexpected => self.failed(target, "addzone", answer),
        }
    }
}

#[cfg(test)]
mod tests;
