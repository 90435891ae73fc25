//! The errors of BIND's control channel, and what the operator can do about each.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};

use super::isccc::ReplyError;
use super::listen::Listen;
use crate::diagnostic::{Diagnose, Diagnostic, case, displayed, rndc as entries};
use crate::model::{self, Name, ZoneName};

/// Most characters of a server's answer in a message.
const QUOTED_CHARACTERS_MAX: usize = 300;

/// The reason why a zone could not be created or deleted over the control channel. In every
/// variant, `server` is the configured address of the control channel, and `answer` is the server's,
/// escaped and shortened.
#[derive(Debug)]
#[expect(missing_docs, reason = "the names of the fields say what they hold")]
pub enum RndcError {
    /// A name in the settings cannot be in a control command.
    Setting { what: &'static str, text: String },
    /// The zone's name cannot be in a control command.
    ZoneUnwritable { zone: ZoneName },
    /// The system gave no random number.
    Randomness(getrandom::Error),
    /// The connection failed.
    Unreachable {
        server: String,
        key: Name,
        source: io::Error,
    },
    /// The TCP handshake was not answered in time.
    NotConnected { server: String },
    /// The server closed the connection instead of answering the first command.
    Unanswered { server: String },
    /// The connection broke after the server had answered a command.
    Lost { server: String, source: io::Error },
    /// A reply that is not authentic or not readable.
    BadReply { server: String, source: ReplyError },
    /// The command is longer than the server's limit.
    CommandTooLong {
        server: String,
        /// The length of the frame.
        octets: usize,
        limit: usize,
    },
    /// The deadline passed.
    Deadline { server: String, step: Step },
    /// A command failed with a result without a more specific error.
    Failed {
        server: String,
        zone: ZoneName,
        /// The first word of the command.
        verb: &'static str,
        answer: String,
    },
    /// `addzone` failed, and only the server's log has the reason.
    NotAdded { zone: ZoneName },
    /// The server allows no new zones at run time.
    NewZonesOff {
        server: String,
        zone: ZoneName,
        answer: String,
    },
    /// The server does not have the configured view, or has views and none is configured.
    NoSuchView {
        server: String,
        zone: ZoneName,
        answer: String,
    },
    /// `addzone` with a template failed; only the server's log has the reason.
    TemplateRefused {
        server: String,
        zone: ZoneName,
        template: String,
    },
    /// The template's `initial-file` is missing, or the server cannot write the zone's file.
    TemplateFileMissing {
        server: String,
        zone: ZoneName,
        template: String,
    },
    /// The template's `initial-file` is not a valid zone.
    TemplateFileRefused {
        server: String,
        zone: ZoneName,
        template: String,
        answer: String,
    },
    /// The zone's file was not put in place.
    FileMissing {
        server: String,
        zone: ZoneName,
        /// The file in the command, relative to the server's `directory`.
        file: String,
    },
    /// The server does not load the contents as a primary zone.
    ContentsRefused {
        server: String,
        zone: ZoneName,
        answer: String,
        /// Apex NS names in the zone that have no address, which BIND refuses.
        without_address: Vec<Name>,
    },
    /// The server has a zone of this name that is neither a primary nor from a creation.
    ForeignZone {
        server: String,
        zone: ZoneName,
        kind: String,
    },
    /// The server has the primary zone but has not loaded it.
    NotLoaded { server: String, zone: ZoneName },
    /// The server did not fetch the first contents.
    NotFetched {
        server: String,
        zone: ZoneName,
        /// The address from which it should have fetched.
        from: SocketAddr,
        /// What the responder saw at that address.
        seen: Seen,
    },
    /// The server fetched the first contents several times, and never wrote the zone's file.
    FileUnwritten { zone: ZoneName },
    /// The address for first contents cannot be used.
    Listen {
        address: SocketAddr,
        source: io::Error,
    },
    /// The address for first contents was in use until the deadline, with each of its ports.
    ListenBusy { address: Listen },
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
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connecting => "connecting",
            Self::Answering => "waiting for the answer to a command",
            Self::AwaitingOther => "waiting for another process that makes the zone",
            Self::AwaitingRemoval => "waiting until the zone is gone",
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
    /// No query, and a connection from an address that is not the server's.
    Stranger(IpAddr),
    /// Queries that the responder answered.
    Answered,
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nothing => "no query arrived",
            Self::OtherKey => "the transfer key did not sign its queries",
            Self::Stranger(peer) => {
                return write!(f, "only {peer} connected, not the server");
            }
            Self::Answered => "asked, but did not complete the transfer",
        })
    }
}

displayed!(RndcError);

impl Diagnose for RndcError {
    #[expect(clippy::too_many_lines, reason = "a line or two for each error")]
    fn diagnostic(&self) -> Diagnostic {
        match self {
            Self::Setting { what, text } => case!(entries::RNDC_SETTING_UNWRITABLE, what, text),
            Self::ZoneUnwritable { zone } => case!(entries::RNDC_ZONE_UNWRITABLE, zone),
            Self::Randomness(source) => case!(entries::CONTROL_WITHOUT_RANDOM, source),
            Self::Unreachable {
                server,
                key,
                source,
            } => {
                let port = port_of(server);
                let key = key.to_text_without_dot();
                case!(entries::CONTROL_UNREACHABLE, server, port, key, source)
            }
            Self::Unanswered { server } => case!(entries::CONTROL_UNANSWERED, server),
            Self::Lost { server, source } => case!(entries::CONTROL_LOST, server, source),
            Self::BadReply { server, source } => {
                case!(entries::CONTROL_REPLY_UNUSABLE, server, source)
            }
            Self::CommandTooLong {
                server,
                octets,
                limit,
            } => {
                case!(entries::CONTROL_COMMAND_TOO_LONG, server, octets, limit)
            }
            Self::NotConnected { server } => {
                let port = port_of(server);
                case!(entries::CONTROL_CONNECTION_TIMED_OUT, server, port)
            }
            Self::Deadline { server, step } => case!(entries::CONTROL_TIMED_OUT, server, step),
            Self::Failed {
                server,
                zone,
                verb,
                answer,
            } => {
                case!(entries::RNDC_COMMAND_FAILED, server, zone, verb, answer)
            }
            Self::NotAdded { zone } => case!(entries::ZONE_NOT_ADDED, zone),
            Self::NewZonesOff {
                server,
                zone,
                answer,
            } => {
                case!(entries::NEW_ZONES_OFF, server, zone, answer)
            }
            Self::NoSuchView {
                server,
                zone,
                answer,
            } => {
                case!(entries::VIEW_UNKNOWN, server, zone, answer)
            }
            Self::TemplateRefused {
                server,
                zone,
                template,
            } => {
                case!(entries::TEMPLATE_REFUSED, server, zone, template)
            }
            Self::TemplateFileMissing {
                server,
                zone,
                template,
            } => {
                case!(entries::TEMPLATE_FILE_MISSING, server, zone, template)
            }
            Self::TemplateFileRefused {
                server,
                zone,
                template,
                answer,
            } => {
                case!(
                    entries::TEMPLATE_FILE_REFUSED,
                    server,
                    zone,
                    template,
                    answer
                )
            }
            Self::FileMissing { server, zone, file } => {
                case!(entries::ZONE_FILE_MISSING, server, zone, file)
            }
            Self::ContentsRefused {
                server,
                zone,
                answer,
                without_address,
            } => {
                let names: Vec<_> = without_address
                    .iter()
                    .map(|name| format!("`{name}`"))
                    .collect();
                if names.is_empty() {
                    return case!(entries::CONTENTS_REFUSED, server, zone, answer);
                }
                let names = names.join(", ");
                case!(
                    entries::NAME_SERVER_WITHOUT_ADDRESS,
                    server,
                    zone,
                    answer,
                    names
                )
            }
            Self::ForeignZone { server, zone, kind } => {
                case!(entries::BIND_ZONE_NOT_PRIMARY, server, zone, kind)
            }
            Self::NotLoaded { server, zone } => case!(entries::BIND_ZONE_NOT_LOADED, server, zone),
            Self::NotFetched {
                server,
                zone,
                from,
                seen,
            } => match seen {
                Seen::Nothing => case!(entries::CONTENTS_NOT_FETCHED, server, zone, from, seen),
                Seen::Stranger(peer) => {
                    case!(entries::CONTENTS_FOR_STRANGER, zone, from, seen, peer)
                }
                Seen::OtherKey => case!(entries::CONTENTS_KEY_UNFIT, server, zone, from, seen),
                Seen::Answered => {
                    case!(entries::CONTENTS_NOT_TRANSFERRED, server, zone, from, seen)
                }
            },
            Self::FileUnwritten { zone } => case!(entries::ZONE_FILE_UNWRITTEN, zone),
            Self::Listen { address, source } => case!(entries::LISTEN_FAILED, address, source),
            Self::ListenBusy { address } => case!(entries::LISTEN_BUSY, address),
        }
    }
}

impl RndcError {
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
            | Self::NotConnected { .. }
            | Self::Unanswered { .. }
            | Self::CommandTooLong { .. }
            | Self::NotAdded { .. }
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
            | Self::FileUnwritten { .. }
            | Self::Listen { .. }
            | Self::ListenBusy { .. } => true,
        }
    }
}

/// Returns the port of an address with a port.
fn port_of(server: &str) -> &str {
    server.rsplit(':').next().unwrap_or(server)
}

/// Formats a server's answer for a message: one line, no control characters, limited length.
pub(super) fn quoted(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    model::excerpt(&line, QUOTED_CHARACTERS_MAX)
}
