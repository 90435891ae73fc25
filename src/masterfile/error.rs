//! The errors of a master file and their positions.

use std::io;

use super::generate::STEPS_MAX;
use crate::model::{self, Name, NameError, TTL_MAX, ZoneName};
use crate::zonefile::RdataTextError;

/// Maximum characters of a word that an error shows.
const EXCERPT_CHARS_MAX: usize = 60;

/// One error of a master file.
#[derive(Debug, thiserror::Error)]
#[error("{file}:{line}:{column}: {kind}")]
pub struct MasterFileError {
    /// The name of the file, as its [`Source`](super::Source) has it.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// The error.
    pub kind: MasterFileErrorKind,
}

/// The kind of an error of a master file.
#[derive(Debug, thiserror::Error)]
pub enum MasterFileErrorKind {
    /// The data of a record, or a word, are invalid.
    #[error(transparent)]
    Data(#[from] RdataTextError),
    /// A record without an owner name has no record before it.
    #[error("the owner of the record before is meant, and there is none")]
    NoOwner,
    /// A word is not a domain name.
    #[error("`{word}` is no domain name: {source}")]
    BadName {
        /// The offending word.
        word: String,
        /// The reason.
        source: NameError,
    },
    /// An owner name is not at or below the apex.
    #[error("`{owner}` is not in the zone `{zone}`")]
    OutOfZone {
        /// The owner name.
        owner: Name,
        /// The name of the zone.
        zone: ZoneName,
    },
    /// A word is not a TTL.
    #[error("`{word}` is no TTL: seconds up to {TTL_MAX}, or a period such as `1h30m`")]
    BadTtl {
        /// The offending word.
        word: String,
    },
    /// A record has no TTL, and neither a default nor an earlier TTL exists.
    #[error("the record has no TTL, and neither `$TTL` nor a record before it says one")]
    NoTtl,
    /// A class is not IN.
    #[error("class `{word}` is not served, only IN")]
    OtherClass {
        /// The offending word.
        word: String,
    },
    /// A record ends before its type.
    #[error("the type of the record is missing")]
    NoType,
    /// A word is not a record type.
    #[error("`{word}` is no record type")]
    UnknownType {
        /// The offending word.
        word: String,
    },
    /// A type exists in queries and messages only (RFC 6895 section 3.1).
    #[error("there are no records of type {rtype} in a zone")]
    MetaType {
        /// The type, as text.
        rtype: String,
    },
    /// An SOA record is below the apex (RFC 1035 section 5.2).
    #[error("an SOA record stands below the apex of the zone, at `{owner}`")]
    SoaBelowApex {
        /// The owner name.
        owner: Name,
    },
    /// Two SOA records differ (RFC 1035 section 5.2).
    #[error("another SOA record stands before this one")]
    SecondSoa,
    /// A DS record is at the apex, but belongs in the parent zone (RFC 4035 section 2.4).
    #[error("a DS record stands at the zone's own apex, and belongs in the parent zone")]
    DsAtApex,
    /// A word that starts with `$` is not a directive.
    #[error("`{word}` is none of the directives `$ORIGIN`, `$TTL`, `$INCLUDE` and `$GENERATE`")]
    UnknownDirective {
        /// The offending word.
        word: String,
    },
    /// A directive has too few words.
    #[error("`{directive}` needs {needed}")]
    DirectiveShort {
        /// The directive.
        directive: &'static str,
        /// A phrase for the missing word.
        needed: &'static str,
    },
    /// A directive has too many words.
    #[error("`{word}` stands after the end of `{directive}`")]
    DirectiveLong {
        /// The directive.
        directive: &'static str,
        /// The first word after the end.
        word: String,
    },
    /// A word is not a range of `$GENERATE`.
    #[error("`{word}` is no range such as `1-254` or `0-254/2`")]
    BadRange {
        /// The offending word.
        word: String,
    },
    /// A range of `$GENERATE` has too many numbers.
    #[error("the range has {steps} steps, more than the {STEPS_MAX} that are taken")]
    LongRange {
        /// The number of its numbers.
        steps: u64,
    },
    /// A word is not a pattern of `$GENERATE`, or one of its numbers is out of range.
    #[error("`{word}` is no pattern of `$GENERATE`, or gives a number below 0 or above 2147483647")]
    BadPattern {
        /// The offending word.
        word: String,
    },
    /// The caller cannot read a file to include.
    #[error("cannot read `{name}`: {source}")]
    Include {
        /// The name of the file, as `$INCLUDE` has it.
        name: String,
        /// The reason.
        source: io::Error,
    },
    /// Files are included too deep.
    #[error("files are included more than {limit} deep")]
    IncludeTooDeep {
        /// The maximum depth.
        limit: usize,
    },
    /// The text is too long.
    #[error("the file has more than {limit} octets, with what it includes and generates")]
    TooLarge {
        /// The maximum.
        limit: usize,
    },
    /// The file has too many records.
    #[error("the file has more than {limit} records")]
    TooManyRecords {
        /// The maximum.
        limit: usize,
    },
}

impl MasterFileErrorKind {
    /// Returns the remedy for the operator.
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

    /// Returns whether the reader would misread the text after the error, or must not read more.
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

/// An error with its offset in a text.
pub(super) struct ErrorAt {
    /// The offset in octets.
    pub(super) at: usize,
    pub(super) kind: MasterFileErrorKind,
}

/// Adds the file, line and column to an error.
pub(super) fn locate(error: ErrorAt, file: &str, text: &str) -> MasterFileError {
    let before = text.get(..error.at).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    MasterFileError {
        file: file.to_owned(),
        line: before.bytes().filter(|&octet| octet == b'\n').count() + 1,
        column: before[line_start..].chars().count() + 1,
        kind: error.kind,
    }
}

/// Shortens a word of the input for an error.
pub(super) fn excerpt(word: &str) -> String {
    model::excerpt(word, EXCERPT_CHARS_MAX)
}
