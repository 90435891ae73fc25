//! A connection to named's control channel: commands and their answers, one after another.
//!
//! The first exchange is a `null` command whose reply brings the nonce that every later command of
//! the connection repeats. named closes the connection without a word when it does not like a
//! request's MAC, time or sender.

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
use crate::transport::fmt_host_and_port;
use crate::wire::Key;

/// Between two attempts on a channel that is closed unanswered: named stops within this.
const SECOND_TRY_AFTER: Duration = Duration::from_millis(100);

/// How many connections are opened at the same time. named lets few wait to be accepted; the rest are
/// dropped, and tried again by the kernel after a second or more.
const OPENING_MAX: usize = 4;

/// How the control channel is reached.
#[derive(Debug)]
pub(super) struct Server {
    /// Host name or address.
    pub(super) host: String,
    /// TCP port.
    pub(super) port: u16,
    /// The key that signs both directions.
    pub(super) key: Key,
    /// The present time in Unix seconds.
    pub(super) clock: fn() -> u64,
    /// Places for connections that are being opened.
    opening: Semaphore,
}

/// An open connection whose key the server accepted.
pub(super) struct Control<'a> {
    server: &'a Server,
    stream: TcpStream,
    nonce: Vec<u8>,
}

/// What a command came to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Answer {
    pub(super) result: CommandResult,
    /// The result in the server's words; empty at success.
    pub(super) err: String,
    /// What the command printed; for messages and for the facts that only stand there.
    pub(super) text: String,
}

/// The result of a command, told by its text: its number means something else in each release.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum CommandResult {
    Success,
    AlreadyExists,
    /// No such zone, or no such view.
    NotFound,
    FileNotFound,
    NotLoaded,
    PermissionDenied,
    /// The reason stands only in the server's log.
    Failure,
    /// Any other.
    Unexpected,
}

impl std::fmt::Display for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        fmt_host_and_port(f, &self.host, self.port)
    }
}

impl<'a> Control<'a> {
    /// Connects, to every address of the host in turn, and makes sure that the key is accepted.
    ///
    /// # Errors
    /// [`RndcError::Unreachable`], [`RndcError::Unanswered`], [`RndcError::BadReply`] and
    /// [`RndcError::Deadline`].
    pub(super) async fn open(server: &'a Server, deadline: Instant) -> Result<Self, RndcError> {
        match Self::open_once(server, deadline).await {
            // A named that is stopping also closes, and then is gone.
            Err(RndcError::Unanswered { .. }) => {
                tokio::time::sleep(SECOND_TRY_AFTER).await;
                Self::open_once(server, deadline).await
            }
            result => result,
        }
    }

    async fn open_once(server: &'a Server, deadline: Instant) -> Result<Self, RndcError> {
        let place = timeout_at(deadline, server.opening.acquire()).await;
        let _place = place.map_err(|_| server.late(Step::Connecting))?;
        let unreachable = |source| RndcError::Unreachable {
            server: server.to_string(),
            source,
        };
        let connect = TcpStream::connect((server.host.as_str(), server.port));
        let stream = timeout_at(deadline, connect)
            .await
            .map_err(|_| server.late(Step::Connecting))?
            .map_err(unreachable)?;
        // Every command is one small write that waits for its answer.
        stream.set_nodelay(true).map_err(unreachable)?;
        let mut control = Self {
            server,
            stream,
            nonce: Vec::new(),
        };
        match control.command("null", deadline).await {
            // A closed or reset connection is how named answers what it cannot authenticate.
            Err(RndcError::Lost { server, .. }) => Err(RndcError::Unanswered { server }),
            Err(other) => Err(other),
            Ok(_) => Ok(control),
        }
    }

    /// This end's address, which the server can be expected to reach.
    ///
    /// # Errors
    /// [`RndcError::Lost`].
    pub(super) fn local_addr(&self) -> Result<SocketAddr, RndcError> {
        self.stream.local_addr().map_err(|source| self.lost(source))
    }

    /// Sends a command line and reads its answer. After an error the connection is of no more use.
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
        let request = isccc::encode_request(&self.server.key, command, serial, now, &self.nonce);
        let octets = request.len() - 4;
        if octets > REQUEST_OCTETS_MAX {
            return Err(RndcError::CommandTooLong {
                server: self.server.to_string(),
                octets,
                limit: REQUEST_OCTETS_MAX,
            });
        }
        let frame = timeout_at(deadline, self.exchange(&request))
            .await
            .map_err(|_| self.server.late(Step::Answering))?
            .map_err(|source| self.lost(source))?
            .map_err(|source| self.bad_reply(source))?;
        let reply = isccc::read_reply(&frame, &self.server.key, serial)
            .map_err(|source| self.bad_reply(source))?;
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
    /// The control channel at a host and port, nothing connected yet.
    pub(super) fn new(host: String, port: u16, key: Key, clock: fn() -> u64) -> Self {
        Self {
            host,
            port,
            key,
            clock,
            opening: Semaphore::new(OPENING_MAX),
        }
    }

    /// The error for time being over.
    pub(super) fn late(&self, step: Step) -> RndcError {
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
    /// The server's words, for a message.
    pub(super) fn words(&self) -> String {
        super::error::quoted(&format!("{} {}", self.err, self.text))
    }
}

impl Control<'_> {
    /// The error for an answer that has no meaning of its own.
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
            answer: answer.words(),
        }
    }

    /// The error for a view that the server does not have.
    pub(super) fn no_such_view(&self, target: &Target<'_>, answer: &Answer) -> RndcError {
        RndcError::NoSuchView {
            server: self.server.to_string(),
            zone: target.zone().clone(),
            answer: answer.words(),
        }
    }

    /// The error for an `addzone` that failed in a way common to all.
    pub(super) fn not_added(&self, target: &Target<'_>, answer: &Answer) -> RndcError {
        match answer.result {
            CommandResult::PermissionDenied => RndcError::NewZonesOff {
                server: self.server.to_string(),
                zone: target.zone().clone(),
                answer: answer.words(),
            },
            CommandResult::NotFound => self.no_such_view(target, answer),
            CommandResult::Success
            | CommandResult::AlreadyExists
            | CommandResult::FileNotFound
            | CommandResult::NotLoaded
            | CommandResult::Failure
            | CommandResult::Unexpected => self.failed(target, "addzone", answer),
        }
    }
}

#[cfg(test)]
mod tests;
