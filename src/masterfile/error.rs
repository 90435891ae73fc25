//! Why text is no master file: what is wrong, and where.

use std::io;

use super::generate::STEPS_MAX;
use crate::model::{self, Name, NameError, TTL_MAX, ZoneName};
use crate::zonefile::RdataTextError;

/// Most characters of an offending word that an error shows.
const EXCERPT_CHARS_MAX: usize = 60;

/// One error of a master file.
#[derive(Debug, thiserror::Error)]
#[error("{file}:{line}:{column}: {kind}")]
pub struct MasterFileError {
    /// The file, by the name that the caller gave it.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// What is wrong there.
    pub kind: MasterFileErrorKind,
}

/// What is wrong at a place of a master file.
#[derive(Debug, thiserror::Error)]
pub enum MasterFileErrorKind {
    /// The data of a record, or a word, cannot be read.
    #[error(transparent)]
    Data(#[from] RdataTextError),
    /// A record begins with a blank, and none stands before it.
    #[error("the owner of the record before is meant, and there is none")]
    NoOwner,
    /// A name is none.
    #[error("`{word}` is no domain name: {source}")]
    BadName {
        /// What stands there.
        word: String,
        /// Why it is none.
        source: NameError,
    },
    /// An owner that is not at or below the apex.
    #[error("`{owner}` is not in the zone `{zone}`")]
    OutOfZone {
        /// The owner.
        owner: Name,
        /// The zone.
        zone: ZoneName,
    },
    /// A TTL that is none.
    #[error("`{word}` is no TTL: seconds up to {TTL_MAX}, or a period such as `1h30m`")]
    BadTtl {
        /// What stands there.
        word: String,
    },
    /// A record has no TTL and none can be concluded.
    #[error("the record has no TTL, and neither `$TTL` nor a record before it says one")]
    NoTtl,
    /// Another class than IN.
    #[error("class `{word}` is not served, only IN")]
    OtherClass {
        /// What stands there.
        word: String,
    },
    /// A record ends before its type.
    #[error("the type of the record is missing")]
    NoType,
    /// No record type.
    #[error("`{word}` is no record type")]
    UnknownType {
        /// What stands there.
        word: String,
    },
    /// A type of questions and messages, of which there are no records (RFC 6895 section 3.1).
    #[error("there are no records of type {rtype} in a zone")]
    MetaType {
        /// The type, as text.
        rtype: String,
    },
    /// An SOA below the apex (RFC 1035 section 5.2).
    #[error("an SOA record stands below the apex of the zone, at `{owner}`")]
    SoaBelowApex {
        /// Where it stands.
        owner: Name,
    },
    /// Two SOA records that differ (RFC 1035 section 5.2).
    #[error("another SOA record stands before this one")]
    SecondSoa,
    /// DS at the apex; it belongs in the parent zone (RFC 4035 section 2.4).
    #[error("a DS record stands at the zone's own apex, and belongs in the parent zone")]
    DsAtApex,
    /// A `$` directive that nobody knows.
    #[error("`{word}` is none of the directives `$ORIGIN`, `$TTL`, `$INCLUDE` and `$GENERATE`")]
    UnknownDirective {
        /// What stands there.
        word: String,
    },
    /// A directive ends early.
    #[error("`{directive}` needs {needed}")]
    DirectiveShort {
        /// The directive.
        directive: &'static str,
        /// What is missing.
        needed: &'static str,
    },
    /// A directive goes on.
    #[error("`{word}` stands after the end of `{directive}`")]
    DirectiveLong {
        /// The directive.
        directive: &'static str,
        /// What follows.
        word: String,
    },
    /// A range of `$GENERATE` that is none.
    #[error("`{word}` is no range such as `1-254` or `0-254/2`")]
    BadRange {
        /// What stands there.
        word: String,
    },
    /// A `$GENERATE` that goes on and on.
    #[error("the range has {steps} steps, more than the {STEPS_MAX} that are taken")]
    LongRange {
        /// How many it has.
        steps: u64,
    },
    /// A pattern of `$GENERATE` that is none.
    #[error("`{word}` is no pattern of `$GENERATE`, or gives a number below 0 or above 2147483647")]
    BadPattern {
        /// What stands there.
        word: String,
    },
    /// A file cannot be included.
    #[error("cannot read `{name}`: {source}")]
    Include {
        /// The file, as it stands there.
        name: String,
        /// Why.
        source: io::Error,
    },
    /// Files that include one another, too deep.
    #[error("files are included more than {limit} deep")]
    IncludeTooDeep {
        /// How deep they may be.
        limit: usize,
    },
    /// Too much text.
    #[error("the file has more than {limit} octets, with what it includes and generates")]
    TooLarge {
        /// How many there may be.
        limit: usize,
    },
    /// Too many records.
    #[error("the file has more than {limit} records")]
    TooManyRecords {
        /// How many there may be.
        limit: usize,
    },
}

impl MasterFileErrorKind {
    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Data(_) => "correct the data; `named-checkzone` reads the same format",
            Self::NoOwner => "begin the line with a name; `@` is the origin",
            Self::BadName { .. } => {
                "correct the name; an internationalised one is written as `xn--…`"
            }
            Self::OutOfZone { .. } => {
                "give the right zone, or look at `$ORIGIN` and the final dot of the name"
            }
            Self::BadTtl { .. } => "write a number of seconds",
            Self::NoTtl => "begin the file with `$TTL 1h`, for example",
            Self::OtherClass { .. } => "leave the class out, or write IN",
            Self::NoType | Self::UnknownType { .. } => {
                "a line is: owner, TTL, class, type, data; an unknown type is written as `TYPE` and its number"
            }
            Self::MetaType { .. } => "remove the record",
            Self::SoaBelowApex { .. } | Self::SecondSoa => {
                "a file holds one zone, with one SOA record at its apex"
            }
            Self::DsAtApex => "remove the record, or put it into the parent zone",
            Self::UnknownDirective { .. } => {
                "correct the directive; a name that begins with `$` is written as `\\$`"
            }
            Self::DirectiveShort { .. } | Self::DirectiveLong { .. } => {
                "the forms are `$ORIGIN NAME`, `$TTL PERIOD`, `$INCLUDE FILE [ORIGIN]` and `$GENERATE RANGE OWNER [TTL] [CLASS] TYPE DATA`, the data in quotes where they have blanks"
            }
            Self::BadRange { .. } => "correct the range",
            Self::BadPattern { .. } => {
                "write `$` or `${OFFSET,WIDTH,BASE}`, with a width up to 255 and d, o, x, X, n or N as base"
            }
            Self::LongRange { .. } => "divide the range",
            Self::Include { .. } => {
                "a relative name counts from the directory of the file that includes"
            }
            Self::IncludeTooDeep { .. } => "look for a file that includes itself",
            Self::TooLarge { .. } | Self::TooManyRecords { .. } => {
                "divide the zone: delegate a part of it to a zone of its own"
            }
        }
    }

    /// Whether what follows would be misread.
    pub(super) fn ends_reading(&self) -> bool {
        match self {
            Self::Data(_)
            | Self::NoOwner
            | Self::OutOfZone { .. }
            | Self::BadTtl { .. }
            | Self::NoTtl
            | Self::OtherClass { .. }
            | Self::NoType
            | Self::UnknownType { .. }
            | Self::MetaType { .. }
            | Self::SoaBelowApex { .. }
            | Self::SecondSoa
            | Self::DsAtApex
            | Self::BadName { .. }
            | Self::BadPattern { .. }
            | Self::BadRange { .. }
            | Self::LongRange { .. } => false,
            Self::UnknownDirective { .. }
            | Self::DirectiveShort { .. }
            | Self::DirectiveLong { .. }
            | Self::Include { .. }
            | Self::IncludeTooDeep { .. }
            | Self::TooLarge { .. }
            | Self::TooManyRecords { .. } => true,
        }
    }
}

/// An error at an offset of the text that is read.
pub(super) struct Fault {
    /// The offset in octets.
    pub(super) at: usize,
    /// What is wrong there.
    pub(super) kind: MasterFileErrorKind,
}

/// The error with its line and column.
pub(super) fn placed(fault: Fault, file: &str, text: &str) -> MasterFileError {
    let before = text.get(..fault.at).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    MasterFileError {
        file: file.to_owned(),
        line: before.bytes().filter(|&octet| octet == b'\n').count() + 1,
        column: before[line_start..].chars().count() + 1,
        kind: fault.kind,
    }
}

/// A word of the input as an error shows it.
pub(super) fn excerpt(word: &str) -> String {
    model::excerpt(word, EXCERPT_CHARS_MAX)
}
