//! Problems of a payload, with their positions; all text is safe to print.

use std::fmt;

use super::name::{HostError, MailboxError};
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
    /// The kind of remark.
    pub kind: NoteKind,
}

/// A kind of problem with a part of the payload; `Display` writes the cause.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ProblemKind {
    /// A JSON value of another shape than is expected at its position.
    #[error("{found} stands where {expected} belongs")]
    WrongShape {
        /// The expected shape.
        expected: Shape,
        /// The shape of the value.
        found: Shape,
    },
    /// A `\u` escape that is half of a surrogate pair.
    #[error("a string has a `\\u` escape that is no character")]
    BadString,
    /// A required member is missing.
    #[error("`{key}` is missing")]
    Missing {
        /// The key of the member.
        key: &'static str,
    },
    /// A command with a name other than the five of [`Verb`](super::Verb).
    #[error("the command is unknown")]
    UnknownCommand,
    /// A zone name that is no domain name.
    #[error("the zone name is wrong: {0}")]
    BadZoneName(#[source] HostError),
    /// The root as a zone.
    #[error("the root zone is not served")]
    RootZone,
    /// More records than a zone may have.
    #[error("the zone has {records} records, more than the {limit} that are taken")]
    TooManyRecords {
        /// The number of records.
        records: usize,
        /// The greatest number that is accepted.
        limit: usize,
    },
    /// A text that is no mailbox.
    #[error("the mailbox is wrong: {0}")]
    BadMailbox(#[source] MailboxError),
    /// A text that is no number, or a number out of its range.
    #[error("this is no whole number from 0 to {max}")]
    BadNumber {
        /// The largest number that is allowed.
        max: u32,
    },
    /// An owner name that is not at or below the apex.
    #[error("the name is not in the zone `{zone}`")]
    OutOfZone {
        /// The zone's apex.
        zone: Name,
    },
    /// An owner name, target or other text that is no domain name.
    #[error("{0}")]
    BadName(#[source] HostError),
    /// A domain name that is no host name.
    #[error("{0}")]
    NoHostName(#[source] NoHostName),
    /// A record below a delegation that is no address.
    #[error(
        "the name is below the delegation of `{delegation}`, where only addresses have a place"
    )]
    BelowDelegation {
        /// The owner name of the delegating NS records.
        delegation: Name,
    },
    /// DS at the apex, although it belongs in the parent zone (RFC 4035 section 2.4).
    #[error("a DS record stands at the zone's own apex")]
    DsAtApex,
    /// DS at a name that is not delegated (RFC 4035 section 2.4).
    #[error("a DS record stands where no NS record delegates")]
    DsWithoutDelegation,
    /// CNAME at the apex, beside SOA and NS (RFC 1034 section 3.6.2).
    #[error("a CNAME record stands at the zone's apex")]
    CnameAtApex,
    /// CNAME at a name that has other records (RFC 1034 section 3.6.2).
    #[error("a CNAME record stands beside other records of its name")]
    CnameBesideOther,
    /// A second CNAME at one name (RFC 2181 section 10.1).
    #[error("the name has a CNAME record already, to `{first}`")]
    SecondCname {
        /// The target of the CNAME that is kept.
        first: Name,
    },
    /// A type that Plesk does not manage.
    #[error("type {rtype} is not one that Plesk manages")]
    UnmanagedType {
        /// The type as given, safe to print.
        rtype: String,
    },
    /// The obsolete type SPF (RFC 7208 section 3.1).
    #[error("type SPF is obsolete")]
    Spf,
    /// RDATA that do not have the form of their type.
    #[error("this is not {expected}")]
    BadData {
        /// The form of the type.
        expected: &'static str,
    },
    /// RDATA that are invalid in the presentation format.
    #[error("{0}")]
    BadText(#[source] RdataTextError),
    /// Text that does not fit into a TXT record.
    #[error("the text has {octets} octets, more than the {limit} that fit one record")]
    TextTooLong {
        /// The length of the text.
        octets: usize,
        /// The greatest length that fits.
        limit: usize,
    },
}

impl ProblemKind {
    /// Returns what the operator can do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::WrongShape { .. } | Self::BadString | Self::Missing { .. } => {
                "Plesk sends this differently; see what called nsbridge, or report the payload"
            }
            Self::UnknownCommand => {
                "the commands are `create`, `update`, `delete`, `createPTRs` and `deletePTRs`; a newer Plesk may need a newer nsbridge"
            }
            Self::BadZoneName(_) => "correct the name of the domain in Plesk",
            Self::RootZone => "give the zone a name of at least one label",
            Self::TooManyRecords { .. } => {
                "divide the zone: delegate a part of it to a zone of its own"
            }
            Self::BadMailbox(_) => {
                "correct the mailbox in the SOA settings of the zone in Plesk; the present one stays until then"
            }
            Self::BadNumber { .. } => {
                "correct the number in the DNS settings of the domain in Plesk"
            }
            Self::OutOfZone { .. } => {
                "remove the record in Plesk, or create it in the zone that the name is in"
            }
            Self::BadName(_) => "correct the name of the record in Plesk",
            Self::NoHostName(_) => {
                "correct the PTR record in Plesk: its value is the name of the host that has the address"
            }
            Self::BelowDelegation { .. } => {
                "create the record in the delegated zone, or remove the NS records that delegate it"
            }
            Self::DsAtApex => {
                "remove the record in Plesk: the DS of a zone belongs in its parent zone"
            }
            Self::DsWithoutDelegation => {
                "add the NS records of the delegated zone, or remove the DS record"
            }
            Self::CnameAtApex => {
                "replace the record by A and AAAA records: an apex cannot be an alias"
            }
            Self::CnameBesideOther => {
                "remove either the CNAME record or the other records of this name"
            }
            Self::SecondCname { .. } => "remove all but one CNAME record of this name",
            Self::UnmanagedType { .. } => {
                "publish the record with nsupdate (it stays where `foreign-records` is `keep`), or remove it in Plesk"
            }
            Self::Spf => {
                "publish the text as a TXT record (RFC 7208 section 3.1) and remove this one"
            }
            Self::BadData { .. } | Self::BadText(_) => "correct the value of the record in Plesk",
            Self::TextTooLong { .. } => "shorten the text, or divide it into several records",
        }
    }
}

/// A kind of remark; `Display` writes its text.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum NoteKind {
    /// An element without a command, which Plesk sends for a domain whose DNS is switched off.
    #[error("no command given; nothing to do")]
    NoCommand,
    /// A zone without `rr`.
    #[error("no records given; nothing changed")]
    NoRecords,
    /// An MX record without its preference.
    #[error("no preference given; taken as 0")]
    NoPreference,
    /// A record whose RRset has records with a smaller TTL (RFC 2181 section 5.2).
    #[error("the records of one name and type have different TTLs; {smallest} is taken for all")]
    TtlsDiffer {
        /// The TTL that the RRset gets, in seconds.
        smallest: u32,
    },
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
