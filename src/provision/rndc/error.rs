//! What can go wrong on BIND's control channel, and what a person can do about it.

use std::fmt;
use std::io;
use std::net::SocketAddr;

use super::isccc::ReplyError;
use crate::model::{self, Name, ZoneName};

/// Most characters of a server's own words in a message.
const QUOTED_CHARACTERS_MAX: usize = 300;

/// Why a zone could not be made or removed over the control channel. `server` is the control
/// channel's address as configured, in every variant.
#[derive(Debug, thiserror::Error)]
pub enum RndcError {
    /// A name of the settings cannot stand in a control command.
    #[error("{what} `{text}` cannot be written in an rndc command")]
    Setting {
        /// Which setting.
        what: &'static str,
        /// Its text.
        text: String,
    },
    /// The zone's name cannot stand in a control command.
    #[error("zone `{zone}`: its name cannot be written in an rndc command")]
    ZoneUnwritable {
        /// The zone.
        zone: ZoneName,
    },
    /// The system gave no random number.
    #[error("no random number for the control channel: {0}")]
    Randomness(getrandom::Error),
    /// No connection.
    #[error("control channel {server}: cannot connect: {source}")]
    Unreachable {
        /// The control channel.
        server: String,
        /// Why.
        source: io::Error,
    },
    /// The first command was not answered: the connection was closed.
    #[error("control channel {server}: the server closed the connection without an answer")]
    Unanswered {
        /// The control channel.
        server: String,
    },
    /// The connection broke after the server had answered before.
    #[error("control channel {server}: the connection broke: {source}")]
    Lost {
        /// The control channel.
        server: String,
        /// Why.
        source: io::Error,
    },
    /// A reply that is not authentic or not readable.
    #[error("control channel {server}: {source}")]
    BadReply {
        /// The control channel.
        server: String,
        /// What is wrong with it.
        source: ReplyError,
    },
    /// The command does not fit the server's limit.
    #[error("control channel {server}: a command of {octets} octets is longer than {limit}")]
    CommandTooLong {
        /// The control channel.
        server: String,
        /// The length of the frame.
        octets: usize,
        /// What the server accepts.
        limit: usize,
    },
    /// The time was over.
    #[error("control channel {server}: time was over while {step}")]
    Deadline {
        /// The control channel.
        server: String,
        /// What was going on.
        step: Step,
    },
    /// The server answered a command with a failure that has no meaning of its own here.
    #[error("zone `{zone}` on {server}: `{verb}` failed: {answer}")]
    Failed {
        /// The control channel.
        server: String,
        /// The zone.
        zone: ZoneName,
        /// The first word of the command.
        verb: &'static str,
        /// What the server said, escaped and shortened.
        answer: String,
    },
    /// The server makes no zones at run time.
    #[error("zone `{zone}` on {server}: the server allows no new zones: {answer}")]
    NewZonesOff {
        /// The control channel.
        server: String,
        /// The zone.
        zone: ZoneName,
        /// What the server said, escaped and shortened.
        answer: String,
    },
    /// The view is not the server's, or it has views and none is configured here.
    #[error("zone `{zone}` on {server}: {answer}")]
    NoSuchView {
        /// The control channel.
        server: String,
        /// The zone.
        zone: ZoneName,
        /// What the server said, escaped and shortened.
        answer: String,
    },
    /// `addzone` with a template failed; the reason stands only in the server's log.
    #[error("zone `{zone}` on {server}: the server made no zone from template `{template}`")]
    TemplateRefused {
        /// The control channel.
        server: String,
        /// The zone.
        zone: ZoneName,
        /// The template.
        template: String,
    },
    /// The file that the template names as `initial-file` is not there, or the zone's own cannot be
    /// written.
    #[error(
        "zone `{zone}` on {server}: the server could not copy the file that template `{template}` \
         starts from"
    )]
    TemplateFileMissing {
        /// The control channel.
        server: String,
        /// The zone.
        zone: ZoneName,
        /// The template.
        template: String,
    },
    /// The file that the template names as `initial-file` is no zone.
    #[error(
        "zone `{zone}` on {server}: the server does not load the file that template `{template}` \
         starts from: {answer}"
    )]
    TemplateFileRefused {
        /// The control channel.
        server: String,
        /// The zone.
        zone: ZoneName,
        /// The template.
        template: String,
        /// What the server said, escaped and shortened.
        answer: String,
    },
    /// The zone's file was not put in place.
    #[error("zone `{zone}` on {server}: the server has no file `{file}`")]
    FileMissing {
        /// The control channel.
        server: String,
        /// The zone.
        zone: ZoneName,
        /// The file as named in the command, relative to the server's `directory`.
        file: String,
    },
    /// The server does not load the contents as a primary zone.
    #[error("zone `{zone}` on {server}: the server refuses its contents: {answer}")]
    ContentsRefused {
        /// The control channel.
        server: String,
        /// The zone.
        zone: ZoneName,
        /// What the server said, escaped and shortened.
        answer: String,
        /// Apex NS names inside the zone that have no address there, which BIND refuses.
        without_address: Vec<Name>,
    },
    /// The server has a zone of this name that is not a primary and not one of ours.
    #[error("zone `{zone}` on {server}: the server already has it as {kind}")]
    ForeignZone {
        /// The control channel.
        server: String,
        /// The zone.
        zone: ZoneName,
        /// What it is there.
        kind: String,
    },
    /// The server has the primary zone but did not load it.
    #[error("zone `{zone}` on {server}: the server has the zone but has not loaded it")]
    NotLoaded {
        /// The control channel.
        server: String,
        /// The zone.
        zone: ZoneName,
    },
    /// The server never fetched the first contents.
    #[error("zone `{zone}` on {server}: the server did not fetch its contents from {from}: {seen}")]
    NotFetched {
        /// The control channel.
        server: String,
        /// The zone.
        zone: ZoneName,
        /// The address that it was told.
        from: SocketAddr,
        /// What came of it there.
        seen: Seen,
    },
    /// The address to serve first contents at cannot be used.
    #[error("cannot listen on {address} for the server's transfer: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// The address to serve first contents at was in use until the deadline.
    #[error("the address {address} for the server's transfer stayed in use by another process")]
    ListenBusy {
        /// The address.
        address: SocketAddr,
    },
}

/// What was going on when time was over.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Step {
    /// The connection was being opened.
    Connecting,
    /// A command was sent, or its answer awaited.
    Answering,
    /// A zone that another process makes was awaited.
    AwaitingOther,
    /// A removed zone was still there.
    AwaitingRemoval,
    /// The server lost the fetched contents again and again.
    Repeating,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connecting => "connecting",
            Self::Answering => "waiting for the answer to a command",
            Self::AwaitingOther => "waiting for another process that makes the zone",
            Self::AwaitingRemoval => "waiting until the zone is gone",
            Self::Repeating => "repeating the creation, since the zone's file was never there",
        })
    }
}

/// What the responder saw of a zone's transfer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Seen {
    /// No query.
    Nothing,
    /// Queries, but none that the transfer key signed.
    OtherKey,
    /// Queries for the zone that were answered.
    Answered,
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nothing => "no query arrived",
            Self::OtherKey => "queries arrived that the transfer key did not sign",
            Self::Answered => "queries were answered, but the transfer was not completed",
        })
    }
}

impl RndcError {
    /// What a person can do about it.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Setting { .. } => "use letters, digits, `-`, `_` and `.` only",
            Self::ZoneUnwritable { .. } => {
                "rndc can carry zone names of letters, digits, `-`, `_` and, not first, `/` only"
            }
            Self::Unreachable { server, .. } => {
                return Some(format!(
                    "is named running, and does named.conf have `controls {{ inet … port {} allow \
                     {{ <this host>; }} keys {{ \"<control-key>\"; }}; }};`?",
                    server.rsplit(':').next().unwrap_or("953")
                ));
            }
            Self::Unanswered { .. } => {
                "named does so, and tells why only in its own log, when the key's name is not in \
                 `keys` of `controls`, its secret or algorithm differ, the clocks differ by more \
                 than 300 s, or this host is not in `allow`; named.conf needs `controls { inet … \
                 allow { <this host>; } keys { \"<control-key>\"; }; };`"
            }
            Self::BadReply { .. } => "`control` must be the address of named's control channel",
            Self::NewZonesOff { .. } => {
                "add `allow-new-zones yes;` to `options`, or to the view, in named.conf"
            }
            Self::NoSuchView { .. } => {
                "set `view` to one of the views in named.conf, and leave it out where there is none"
            }
            Self::TemplateRefused { template, .. } => {
                return Some(format!(
                    "named.conf needs `template {template} {{ type primary; file \"$name.db\"; \
                     initial-file \"…\"; … }};`, which BIND knows since 9.21.9; with an older one \
                     set `way = \"seed\"`; named's log has the reason"
                ));
            }
            Self::TemplateFileMissing { .. } => {
                "create the file that `initial-file` names, and let named write where `file` \
                 points: a `/` in the zone's name is a directory there"
            }
            Self::TemplateFileRefused { .. } => {
                "repair the file that `initial-file` names, and remove the server's copy of it, \
                 where `file` points; named's log names the line"
            }
            Self::FileMissing { file, .. } => {
                return Some(format!(
                    "put the zone's first contents at `{file}`, relative to `directory` in \
                     named.conf, before the zone is made, or set `way = \"seed\"`"
                ));
            }
            Self::ContentsRefused {
                without_address, ..
            } => return Some(contents_hint(without_address)),
            Self::ForeignZone { .. } => {
                "remove it from the server, or route the zone to the server's own primary"
            }
            Self::NotLoaded { .. } => "named's log says why; `rndc reload` after the repair",
            Self::NotFetched { from, .. } => {
                return Some(format!(
                    "the server must reach {from} over UDP and TCP (`listen` sets the address), \
                     and named.conf must have the transfer key under the same name, with the same \
                     algorithm and secret"
                ));
            }
            Self::Listen { .. } => "set `listen` to a free address and port of this host",
            Self::ListenBusy { .. } => {
                "other nsbridge processes take turns on it; another program there must go, or \
                 `listen` be set to a free port"
            }
            Self::Failed { .. } => "named's log has the reason",
            Self::Randomness(_)
            | Self::Lost { .. }
            | Self::CommandTooLong { .. }
            | Self::Deadline { .. } => return None,
        };
        Some(hint.to_owned())
    }

    /// Whether it is certain that no primary zone was made: the server said so, or the command that
    /// makes it was not sent.
    pub fn made_nothing(&self) -> bool {
        match self {
            Self::Lost { .. } | Self::BadReply { .. } => false,
            Self::Deadline { step, .. } => *step != Step::Answering,
            // Also asked and said after it was made.
            Self::Failed { verb, .. } => !matches!(*verb, "showzone" | "modzone"),
            Self::Setting { .. }
            | Self::ZoneUnwritable { .. }
            | Self::Randomness(_)
            | Self::Unreachable { .. }
            | Self::Unanswered { .. }
            | Self::CommandTooLong { .. }
            | Self::NewZonesOff { .. }
            | Self::NoSuchView { .. }
            | Self::TemplateRefused { .. }
            | Self::TemplateFileMissing { .. }
            | Self::TemplateFileRefused { .. }
            | Self::FileMissing { .. }
            | Self::ContentsRefused { .. }
            | Self::ForeignZone { .. }
            | Self::NotLoaded { .. }
            | Self::NotFetched { .. }
            | Self::Listen { .. }
            | Self::ListenBusy { .. } => true,
        }
    }

    /// Whether the same attempt may succeed later without anybody doing anything.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Randomness(_)
            | Self::Unreachable { .. }
            | Self::Lost { .. }
            | Self::Deadline { .. }
            | Self::NotLoaded { .. }
            | Self::NotFetched { .. }
            | Self::ListenBusy { .. } => true,
            // A server that is shutting down also closes; a wrong key is seen in the same way and
            // needs a person.
            Self::Unanswered { .. }
            | Self::Setting { .. }
            | Self::ZoneUnwritable { .. }
            | Self::BadReply { .. }
            | Self::CommandTooLong { .. }
            | Self::Failed { .. }
            | Self::NewZonesOff { .. }
            | Self::NoSuchView { .. }
            | Self::TemplateRefused { .. }
            | Self::TemplateFileMissing { .. }
            | Self::TemplateFileRefused { .. }
            | Self::FileMissing { .. }
            | Self::ContentsRefused { .. }
            | Self::ForeignZone { .. }
            | Self::Listen { .. } => false,
        }
    }
}

fn contents_hint(without_address: &[Name]) -> String {
    if without_address.is_empty() {
        return "named's log names the record".to_owned();
    }
    let names: Vec<_> = without_address
        .iter()
        .map(|name| format!("`{name}`"))
        .collect();
    format!(
        "BIND loads no zone with an NS name inside it that has no address: add A or AAAA records \
         for {}",
        names.join(", ")
    )
}

/// A server's words for a message: one line, no control characters, not endless.
pub(super) fn quoted(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    model::excerpt(&line, QUOTED_CHARACTERS_MAX)
}
