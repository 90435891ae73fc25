//! Problems of a payload, with their positions; all text is safe to print.

use std::fmt;

use super::name::{HostError, MailboxError};
use crate::diagnostic::{Diagnose, Diagnostic, case, displayed, payload as entries};
use crate::model::{self, Name, NoHostName};
use crate::zonefile::RdataTextError;

/// Longest excerpt of a payload in a problem, in characters: enough to find the record, too little
/// to flood a log.
const EXCERPT_CHARS_MAX: usize = 80;

/// A part of the payload that was skipped.
#[derive(Clone, Debug, PartialEq)]
pub struct Problem {
    /// Its position, such as `[0].zone.rr[7].value`; a payload that is one object counts as `[0]`.
    pub place: String,
    /// The zone that it belongs to, if known.
    pub zone: Option<String>,
    /// The owner name and the type of the record that it is part of, as they are sent, as far as they can be read.
    pub record: Option<String>,
    /// The text at that position: shortened, and escaped so that it cannot forge a log line.
    pub text: String,
    /// The kind of problem.
    pub kind: ProblemKind,
}

/// A remark about the payload that is not a fault.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Note {
    /// Its position, in the form of [`Problem::place`].
    pub place: String,
    /// The zone that it belongs to, if known.
    pub zone: Option<String>,
    /// The record that it is about, in the form of [`Problem::record`].
    pub record: Option<String>,
    /// The kind of remark.
    pub kind: NoteKind,
}

/// A kind of problem with a part of the payload.
#[derive(Clone, Debug, PartialEq)]
pub enum ProblemKind {
    /// A JSON value of another shape than is expected at its position.
    WrongShape {
        /// The expected shape.
        expected: Shape,
        /// The shape of the value.
        found: Shape,
    },
    /// A `\u` escape that is half of a surrogate pair.
    BadString,
    /// A required member is missing.
    Missing {
        /// The key of the member.
        key: &'static str,
    },
    /// A command with a name other than the five of [`Verb`](super::Verb).
    UnknownCommand,
    /// A zone name that is no domain name.
    BadZoneName(HostError),
    /// The root as a zone.
    RootZone,
    /// More records than a zone may have.
    TooManyRecords {
        /// The number of records.
        records: usize,
        /// The greatest number that is accepted.
        limit: usize,
    },
    /// A text that is no mailbox.
    BadMailbox(MailboxError),
    /// A text that is no number, or a number out of its range.
    BadNumber {
        /// The largest number that is allowed.
        max: u32,
    },
    /// The TTL of a record that is no number, or a number out of its range.
    BadTtl {
        /// The largest number that is allowed.
        max: u32,
        /// The TTL that the record gets instead, in seconds.
        taken: u32,
    },
    /// An owner name that is not at or below the apex.
    OutOfZone {
        /// The zone's apex.
        zone: Name,
    },
    /// An owner name, target or other text that is no domain name.
    BadName(HostError),
    /// A domain name that is no host name.
    NoHostName(NoHostName),
    /// A record below a delegation that is no address.
    BelowDelegation {
        /// The owner name of the delegating NS records.
        delegation: Name,
    },
    /// DS at the apex, although it belongs in the parent zone (RFC 4035 section 2.4).
    DsAtApex,
    /// CNAME at the apex, beside SOA and NS (RFC 1034 section 3.6.2).
    CnameAtApex,
    /// A type that Plesk does not manage.
    UnmanagedType {
        /// The type as given, safe to print.
        rtype: String,
    },
    /// The obsolete type SPF (RFC 7208 section 3.1).
    Spf,
    /// RDATA that do not have the form of their type.
    BadData {
        /// The form of the type.
        expected: &'static str,
    },
    /// A CAA record whose issuer is no domain name.
    BadIssuer,
    /// RDATA that are invalid in the presentation format.
    BadText(RdataTextError),
    /// A record, or the records of one owner name and type, larger than an RRset that can be sent.
    TooLarge {
        /// How many records there are.
        records: usize,
        /// Their octets in a message.
        octets: usize,
        /// The greatest size that can be sent.
        limit: usize,
    },
}

impl Diagnose for Problem {
    fn diagnostic(&self) -> Diagnostic {
        let Self { text, kind, .. } = self;
        let place = named(self.record.as_deref(), &self.place);
        if let ProblemKind::BadTtl { .. } = kind {
            case!(entries::PAYLOAD_TTL_OF, place, excerpt = text).because(kind)
        } else if text.is_empty() {
            case!(entries::PAYLOAD_PLACE, place).because(kind)
        } else {
            case!(entries::PAYLOAD_PART, place, excerpt = text).because(kind)
        }
    }
}

/// Names a record, if it is known, in place of its position: nobody counts the elements of an array.
fn named<'a>(record: Option<&'a str>, place: &'a str) -> &'a str {
    record.unwrap_or(place)
}

impl Diagnose for ProblemKind {
    fn diagnostic(&self) -> Diagnostic {
        match self {
            Self::WrongShape { expected, found } => {
                case!(entries::PAYLOAD_WRONG_SHAPE, expected, found)
            }
            Self::BadString => case!(entries::PAYLOAD_BAD_STRING),
            Self::Missing { key } => case!(entries::PAYLOAD_MISSING, key),
            Self::UnknownCommand => case!(entries::PAYLOAD_UNKNOWN_COMMAND),
            Self::BadZoneName(source) => case!(entries::PAYLOAD_ZONE_NAME, source),
            Self::RootZone => case!(entries::PAYLOAD_ROOT_ZONE),
            Self::TooManyRecords { records, limit } => {
                case!(entries::PAYLOAD_TOO_MANY_RECORDS, records, limit)
            }
            Self::BadMailbox(source) => case!(entries::PAYLOAD_MAILBOX, source),
            Self::BadNumber { max } => case!(entries::PAYLOAD_NUMBER, max),
            Self::BadTtl { max, taken } => case!(entries::PAYLOAD_TTL, max, taken),
            Self::OutOfZone { zone } => case!(entries::PAYLOAD_OUT_OF_ZONE, zone),
            Self::BadName(source) => case!(entries::PAYLOAD_NAME, source),
            Self::NoHostName(source) => case!(entries::PAYLOAD_NO_HOST_NAME, source),
            Self::BelowDelegation { delegation } => {
                case!(entries::PAYLOAD_BELOW_DELEGATION, delegation)
            }
            Self::DsAtApex => case!(entries::PAYLOAD_DS_AT_APEX),
            Self::CnameAtApex => case!(entries::PAYLOAD_CNAME_AT_APEX),
            Self::UnmanagedType { rtype } => case!(entries::PAYLOAD_UNMANAGED_TYPE, rtype),
            Self::Spf => case!(entries::PAYLOAD_SPF),
            Self::BadData { expected } => case!(entries::PAYLOAD_DATA, expected),
            Self::BadIssuer => case!(entries::PAYLOAD_ISSUER),
            Self::BadText(source) => case!(entries::PAYLOAD_TEXT, source),
            Self::TooLarge {
                records,
                octets,
                limit,
            } => case!(entries::PAYLOAD_TOO_LARGE_TO_SEND, records, octets, limit),
        }
    }
}

/// A kind of remark.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum NoteKind {
    /// An element without a command, which Plesk sends for a domain whose DNS is switched off.
    NoCommand,
    /// A zone without `rr`.
    NoRecords,
    /// A zone whose records were all left out.
    NoRecordLeft,
    /// A zone of which this server is no primary.
    NotMaster {
        /// The type of the zone as given, safe to print.
        rtype: String,
    },
    /// A zone that the panel does not serve.
    SwitchedOff {
        /// The status of the zone as given, safe to print.
        status: String,
    },
    /// An MX record without its preference.
    NoPreference,
    /// A TXT record that looks like text of a master file.
    MasterFileText,
    /// A TXT record with a line break.
    LineBreak,
    /// A record whose RRset has records with a smaller TTL (RFC 2181 section 5.2).
    TtlsDiffer {
        /// The TTL that the RRset gets, in seconds.
        smallest: u32,
    },
}

displayed!(ProblemKind, NoteKind);

impl Diagnose for Note {
    fn diagnostic(&self) -> Diagnostic {
        let place = named(self.record.as_deref(), &self.place);
        case!(entries::PAYLOAD_NOTE, place).because(&self.kind)
    }
}

impl Diagnose for NoteKind {
    fn diagnostic(&self) -> Diagnostic {
        match self {
            Self::NoCommand => case!(entries::PAYLOAD_NO_COMMAND),
            Self::NoRecords => case!(entries::PAYLOAD_NO_RECORDS),
            Self::NotMaster { rtype } => case!(entries::PAYLOAD_NOT_MASTER, rtype),
            Self::SwitchedOff { status } => case!(entries::PAYLOAD_SWITCHED_OFF, status),
            Self::NoRecordLeft => case!(entries::PAYLOAD_NO_RECORD_LEFT),
            Self::MasterFileText => case!(entries::PAYLOAD_TEXT_QUOTED),
            Self::LineBreak => case!(entries::PAYLOAD_TEXT_LINES),
            Self::NoPreference => case!(entries::PAYLOAD_NO_PREFERENCE),
            Self::TtlsDiffer { smallest } => case!(entries::PAYLOAD_TTLS_DIFFER, smallest),
        }
    }
}

/// A kind of JSON value.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Shape {
    /// `{…}`.
    Object,
    /// `[…]`.
    Array,
    /// `"…"`.
    Text,
    /// `true` or `false`.
    Boolean,
    /// A number.
    Number,
    /// `null`.
    Null,
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Object => "an object",
            Self::Array => "an array",
            Self::Text => "a text",
            Self::Boolean => "a truth value",
            Self::Number => "a number",
            Self::Null => "null",
        })
    }
}

/// A problem whose position is known only within an object.
pub(super) struct Fault {
    /// The key of the member; `None` if the object as a whole is wrong.
    pub(super) key: Option<&'static str>,
    /// The excerpt of the member or object.
    pub(super) text: String,
    pub(super) kind: ProblemKind,
}

impl ProblemKind {
    /// Returns this problem as a fault of the object `text`.
    pub(super) fn of(self, text: &str) -> Fault {
        Fault {
            key: None,
            text: excerpt(text),
            kind: self,
        }
    }

    /// Returns this problem as a fault of the member `key`, which holds `text`.
    pub(super) fn at(self, key: &'static str, text: &str) -> Fault {
        Fault {
            key: Some(key),
            text: excerpt(text),
            kind: self,
        }
    }
}

/// Shortens and escapes foreign text for a log line.
pub(super) fn excerpt(text: &str) -> String {
    model::excerpt(text, EXCERPT_CHARS_MAX)
}
