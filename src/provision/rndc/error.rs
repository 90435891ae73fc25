//! The errors of BIND's control channel, and what the operator can do about each.

use std::fmt;
use std::io;
use std::net::SocketAddr;

use super::isccc::ReplyError;
use crate::model::{self, Name, ZoneName};

/// Most characters of a server's answer in a message.
const QUOTED_CHARACTERS_MAX: usize = 300;

/// The reason why a zone could not be created or deleted over the control channel. In every
/// variant, `server` is the configured address of the control channel.
#[derive(Debug, thiserror::Error)]
pub enum RndcError {
    /// A name in the settings cannot be in a control command.
    #[error("{what} `{text}` cannot be written in an rndc command")]
    Setting {
        /// The setting.
        what: &'static str,
        /// The text of the setting.
        text: String,
    },
    /// The zone's name cannot be in a control command.
    #[error("zone `{zone}`: its name cannot be written in an rndc command")]
    ZoneUnwritable {
        /// The zone.
        zone: ZoneName,
    },
    /// The system gave no random number.
    #[error("no random number for the control channel: {0}")]
    Randomness(getrandom::Error),
    /// The connection failed.
    #[error("control channel {server}: cannot connect: {source}")]
    Unreachable {
        /// The control channel.
        server: String,
        /// The cause.
        source: io::Error,
    },
    /// The server closed the connection instead of answering the first command.
    #[error("control channel {server}: the server closed the connection without an answer")]
    Unanswered {
        /// The control channel.
        server: String,
    },
    /// The connection broke after the server had answered a command.
    #[error("control channel {server}: the connection broke: {source}")]
    Lost {
        /// The control channel.
        server: String,
        /// The cause.
        source: io::Error,
    },
    /// A reply that is not authentic or not readable.
    #[error("control channel {server}: {source}")]
    BadReply {
        /// The control channel.
        server: String,
        /// The cause.
        source: ReplyError,
    },
    /// The command is longer than the server's limit.
    #[error("control channel {server}: a command of {octets} octets is longer than {limit}")]
    CommandTooLong {
        /// The control channel.
        server: String,
        /// The length of the frame.
        octets: usize,
        /// The limit.
        limit: usize,
    },
    /// The deadline passed.
    #[error("control channel {server}: time was over while {step}")]
    Deadline {
        /// The control channel.
        server: String,
        /// The step at the deadline.
        step: Step,
    },
    /// A command failed with a result without a more specific error.
    #[error("zone `{zone}` on {server}: `{verb}` failed: {answer}")]
    Failed {
        /// The control channel.
        server: String,
        /// The zone.
        zone: ZoneName,
        /// The first word of the command.
        verb: &'static str,
        /// The server's answer, escaped and shortened.
        answer: String,
    },
    /// The server allows no new zones at run time.
    #[error("zone `{zone}` on {server}: the server allows no new zones: {answer}")]
    NewZonesOff {
        /// The control channel.
        server: String,
        /// The zone.
        zone: ZoneName,
        /// The server's answer, escaped and shortened.
        answer: String,
    },
    /// The server does not have the configured view, or has views and none is configured.
    #[error("zone `{zone}` on {server}: {answer}")]
    NoSuchView {
        /// The control channel.
        server: String,
        /// The zone.
        zone: ZoneName,
        /// The server's answer, escaped and shortened.
        answer: String,
    },
    /// `addzone` with a template failed; only the server's log has the reason.
    #[error("zone `{zone}` on {server}: the server made no zone from template `{template}`")]
    TemplateRefused {
        /// The control channel.
        server: String,
        /// The zone.
        zone: ZoneName,
        /// The template.
        template: String,
    },
    /// The template's `initial-file` is missing, or the server cannot write the zone's file.
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
    /// The template's `initial-file` is not a valid zone.
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
        /// The server's answer, escaped and shortened.
        answer: String,
    },
    /// The zone's file was not put in place.
    #[error("zone `{zone}` on {server}: the server has no file `{file}`")]
    FileMissing {
        /// The control channel.
        server: String,
        /// The zone.
        zone: ZoneName,
        /// The file in the command, relative to the server's `directory`.
        file: String,
    },
    /// The server does not load the contents as a primary zone.
    #[error("zone `{zone}` on {server}: the server refuses its contents: {answer}")]
    ContentsRefused {
        /// The control channel.
        server: String,
        /// The zone.
        zone: ZoneName,
        /// The server's answer, escaped and shortened.
        answer: String,
        /// Apex NS names in the zone that have no address, which BIND refuses.
        without_address: Vec<Name>,
    },
    /// The server has a zone of this name that is neither a primary nor from a creation.
    #[error("zone `{zone}` on {server}: the server already has it as {kind}")]
    ForeignZone {
        /// The control channel.
        server: String,
        /// The zone.
        zone: ZoneName,
        /// The zone's kind.
        kind: String,
    },
    /// The server has the primary zone but has not loaded it.
    #[error("zone `{zone}` on {server}: the server has the zone but has not loaded it")]
    NotLoaded {
        /// The control channel.
        server: String,
        /// The zone.
        zone: ZoneName,
    },
    /// The server did not fetch the first contents.
    #[error("zone `{zone}` on {server}: the server did not fetch its contents from {from}: {seen}")]
    NotFetched {
        /// The control channel.
        server: String,
        /// The zone.
        zone: ZoneName,
        /// The address from which it should have fetched.
        from: SocketAddr,
        /// What the responder saw at that address.
        seen: Seen,
    },
    /// The address for first contents cannot be used.
    #[error("cannot listen on {address} for the server's transfer: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The cause.
        source: io::Error,
    },
    /// The address for first contents was in use until the deadline.
    #[error("the address {address} for the server's transfer stayed in use by another process")]
    ListenBusy {
        /// The address.
        address: SocketAddr,
    },
}

/// The step at the deadline.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Step {
    /// Opening the connection.
    Connecting,
    /// Sending a command, or waiting for its answer.
    Answering,
    /// Waiting for another process that creates the zone.
    AwaitingOther,
    /// Waiting until a deleted zone is absent.
    AwaitingRemoval,
    /// Repeating a creation whose file the server never wrote.
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

/// The queries for a zone that the responder saw.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Seen {
    /// No query.
    Nothing,
    /// Only queries that the transfer key did not sign.
    OtherKey,
    /// Queries that the responder answered.
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
    /// Returns what the operator can do about it.
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

    /// Returns whether it is certain that no primary zone was created: the server reported it, or
    /// the command that creates the zone was not sent.
    pub fn made_nothing(&self) -> bool {
        match self {
            Self::Lost { .. } | Self::BadReply { .. } => false,
            Self::Deadline { step, .. } => *step != Step::Answering,
            // These two commands are also sent after the creation.
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

    /// Returns whether a retry may succeed without any action of the operator.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Randomness(_)
            | Self::Unreachable { .. }
            | Self::Lost { .. }
            | Self::Deadline { .. }
            | Self::NotLoaded { .. }
            | Self::NotFetched { .. }
            | Self::ListenBusy { .. } => true,
            // A server closes the connection while it is shutting down, but also after a wrong key,
            // which only the operator can repair.
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

/// Formats a server's answer for a message: one line, no control characters, limited length.
pub(super) fn quoted(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    model::excerpt(&line, QUOTED_CHARACTERS_MAX)
}
