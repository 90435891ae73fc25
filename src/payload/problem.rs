//! What was wrong with a payload, and where; text that is safe to print.

use std::fmt;

use super::name::{HostError, MailboxError};
use crate::model::{self, Name, NoHostName};
use crate::zonefile::RdataTextError;

/// Longest excerpt of a payload that a problem shows, in characters: enough to find the record
/// again, too little to flood a log.
const EXCERPT_CHARS_MAX: usize = 80;

/// A part of the payload that was left out.
#[derive(Clone, Debug, PartialEq)]
pub struct Problem {
    /// Where it stands, as `[0].zone.rr[7].value`; a payload that is one object counts as `[0]`.
    pub place: String,
    /// The zone that it belongs to, where that is known.
    pub zone: Option<String>,
    /// What stands there: shortened, and escaped so that it cannot forge a log line.
    pub text: String,
    /// What is wrong with it.
    pub kind: ProblemKind,
}

/// Something that is worth a line and yet no fault.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Note {
    /// Where it stands, as in [`Problem::place`].
    pub place: String,
    /// The zone that it belongs to, where that is known.
    pub zone: Option<String>,
    /// What was noticed.
    pub kind: NoteKind,
}

/// What is wrong with a part of the payload; `Display` is the cause.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ProblemKind {
    /// Another kind of JSON value than the place is for.
    #[error("{found} stands where {expected} belongs")]
    WrongShape {
        /// What belongs there.
        expected: Shape,
        /// What stands there.
        found: Shape,
    },
    /// A `\u` escape that is half of a surrogate pair.
    #[error("a string has a `\\u` escape that is no character")]
    BadString,
    /// A value that nothing works without.
    #[error("`{key}` is missing")]
    Missing {
        /// The key.
        key: &'static str,
    },
    /// A command of another name than the five.
    #[error("the command is unknown")]
    UnknownCommand,
    /// A zone name that is no name.
    #[error("the zone name is wrong: {0}")]
    BadZoneName(#[source] HostError),
    /// The root as a zone.
    #[error("the root zone is not served")]
    RootZone,
    /// More records than a zone may have.
    #[error("the zone has {records} records, more than the {limit} that are taken")]
    TooManyRecords {
        /// How many it has.
        records: usize,
        /// The most that are taken.
        limit: usize,
    },
    /// A mailbox that is none.
    #[error("the mailbox is wrong: {0}")]
    BadMailbox(#[source] MailboxError),
    /// A number that is none, or out of its range.
    #[error("this is no whole number from 0 to {max}")]
    BadNumber {
        /// The largest that is allowed.
        max: u32,
    },
    /// An owner that is not at or below the apex.
    #[error("the name is not in the zone `{zone}`")]
    OutOfZone {
        /// The zone's apex.
        zone: Name,
    },
    /// An owner, target or other name that is none.
    #[error("{0}")]
    BadName(#[source] HostError),
    /// A host name that is none of a host.
    #[error("{0}")]
    NoHostName(#[source] NoHostName),
    /// Data below a zone cut that are no addresses.
    #[error(
        "the name is below the delegation of `{delegation}`, where only addresses have a place"
    )]
    BelowDelegation {
        /// The owner of the delegating NS records.
        delegation: Name,
    },
    /// DS at the apex; it belongs in the parent zone (RFC 4035 section 2.4).
    #[error("a DS record stands at the zone's own apex")]
    DsAtApex,
    /// DS where no zone is delegated (RFC 4035 section 2.4).
    #[error("a DS record stands where no NS record delegates")]
    DsWithoutDelegation,
    /// CNAME at the apex, beside SOA and NS (RFC 1034 section 3.6.2).
    #[error("a CNAME record stands at the zone's apex")]
    CnameAtApex,
    /// CNAME where the name has other records (RFC 1034 section 3.6.2).
    #[error("a CNAME record stands beside other records of its name")]
    CnameBesideOther,
    /// Another CNAME at a name that has one (RFC 2181 section 10.1).
    #[error("the name has a CNAME record already, to `{first}`")]
    SecondCname {
        /// Where the one that was kept points to.
        first: Name,
    },
    /// A type that is no part of Plesk's zones.
    #[error("type {rtype} is not one that Plesk manages")]
    UnmanagedType {
        /// The type as given, safe to print.
        rtype: String,
    },
    /// The type SPF (RFC 7208 section 3.1).
    #[error("type SPF is obsolete")]
    Spf,
    /// Data that are not what the type is made of.
    #[error("this is not {expected}")]
    BadData {
        /// What the type is made of.
        expected: &'static str,
    },
    /// Data that the reader of the presentation format refuses.
    #[error("{0}")]
    BadText(#[source] RdataTextError),
    /// Text that does not fit a TXT record.
    #[error("the text has {octets} octets, more than the {limit} that fit one record")]
    TextTooLong {
        /// How long it is.
        octets: usize,
        /// How long it may be.
        limit: usize,
    },
}

impl ProblemKind {
    /// What to do about it.
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

/// What was noticed; `Display` is the text.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum NoteKind {
    /// An element without a command, as Plesk sends for a domain whose DNS is off.
    #[error("no command given; nothing to do")]
    NoCommand,
    /// A zone without `rr`.
    #[error("no records given; nothing changed")]
    NoRecords,
    /// An MX record without its preference.
    #[error("no preference given; taken as 0")]
    NoPreference,
    /// A record beside others of its owner and type that have a smaller TTL (RFC 2181 section 5.2).
    #[error("the records of one name and type have different TTLs; {smallest} is taken for all")]
    TtlsDiffer {
        /// The TTL that is taken, in seconds.
        smallest: u32,
    },
}

/// The kinds of JSON values.
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

/// A problem without its place in the payload: in which member of an object, and what stands there.
pub(super) struct Fault {
    /// The key; none where the object as a whole is meant.
    pub(super) key: Option<&'static str>,
    pub(super) text: String,
    pub(super) kind: ProblemKind,
}

impl ProblemKind {
    /// This problem with the object `text`.
    pub(super) fn of(self, text: &str) -> Fault {
        Fault {
            key: None,
            text: excerpt(text),
            kind: self,
        }
    }

    /// This problem with the member `key`, which holds `text`.
    pub(super) fn at(self, key: &'static str, text: &str) -> Fault {
        Fault {
            key: Some(key),
            text: excerpt(text),
            kind: self,
        }
    }
}

/// Foreign text for a log line.
pub(super) fn excerpt(text: &str) -> String {
    model::excerpt(text, EXCERPT_CHARS_MAX)
}
