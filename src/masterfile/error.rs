//! The errors of a master file and their positions.

use std::io;

use super::generate::STEPS_MAX;
use crate::diagnostic::{Diagnose, Diagnostic, case, displayed, masterfile as entries};
use crate::model::{self, Name, NameError, TTL_MAX, ZoneName};
use crate::zonefile::RdataTextError;

/// Maximum characters of a word that an error shows.
const EXCERPT_CHARS_MAX: usize = 60;

/// One error of a master file.
#[derive(Debug)]
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
#[derive(Debug)]
pub enum MasterFileErrorKind {
    /// The data of a record, or a word, are invalid.
    Data(RdataTextError),
    /// A record without an owner name has no record before it.
    NoOwner,
    /// A word is not a domain name.
    BadName {
        /// The offending word.
        word: String,
        /// The reason.
        source: NameError,
    },
    /// An owner name is not at or below the apex.
    OutOfZone {
        /// The owner name.
        owner: Name,
        /// The name of the zone.
        zone: ZoneName,
    },
    /// A word is not a TTL.
    BadTtl {
        /// The offending word.
        word: String,
    },
    /// A record has no TTL, and neither a default nor an earlier TTL exists.
    NoTtl,
    /// A class is not IN.
    OtherClass {
        /// The offending word.
        word: String,
    },
    /// A record ends before its type.
    NoType,
    /// A word is not a record type.
    UnknownType {
        /// The offending word.
        word: String,
    },
    /// A type exists in queries and messages only (RFC 6895 section 3.1).
    MetaType {
        /// The type, as text.
        rtype: String,
    },
    /// An SOA record is below the apex (RFC 1035 section 5.2).
    SoaBelowApex {
        /// The owner name.
        owner: Name,
    },
    /// Two SOA records differ (RFC 1035 section 5.2).
    SecondSoa,
    /// A DS record is at the apex, but belongs in the parent zone (RFC 4035 section 2.4).
    DsAtApex,
    /// A word that starts with `$` is not a directive.
    UnknownDirective {
        /// The offending word.
        word: String,
    },
    /// A directive has too few words.
    DirectiveShort {
        /// The directive.
        directive: &'static str,
        /// A phrase for the missing word.
        needed: &'static str,
    },
    /// A directive has too many words.
    DirectiveLong {
        /// The directive.
        directive: &'static str,
        /// The first word after the end.
        word: String,
    },
    /// A word is not a range of `$GENERATE`.
    BadRange {
        /// The offending word.
        word: String,
    },
    /// A range of `$GENERATE` has too many numbers.
    LongRange {
        /// The number of its numbers.
        steps: u64,
    },
    /// A word is not a pattern of `$GENERATE`, or one of its numbers is out of range.
    BadPattern {
        /// The offending word.
        word: String,
    },
    /// The caller cannot read a file to include.
    Include {
        /// The name of the file, as `$INCLUDE` has it.
        name: String,
        /// The reason.
        source: io::Error,
    },
    /// Files are included too deep.
    IncludeTooDeep {
        /// The maximum depth.
        limit: usize,
    },
    /// The text is too long.
    TooLarge {
        /// The maximum.
        limit: usize,
    },
    /// The file has too many records.
    TooManyRecords {
        /// The maximum.
        limit: usize,
    },
}

displayed!(MasterFileError, MasterFileErrorKind);

impl Diagnose for MasterFileError {
    fn diagnostic(&self) -> Diagnostic {
        let Self {
            file,
            line,
            column,
            kind,
        } = self;
        case!(entries::MASTER_FILE_AT, file, line, column).because(kind)
    }
}

impl Diagnose for MasterFileErrorKind {
    fn diagnostic(&self) -> Diagnostic {
        match self {
            Self::Data(source) => case!(entries::MASTER_FILE_DATA, source),
            Self::NoOwner => case!(entries::MASTER_FILE_NO_OWNER),
            Self::BadName { word, source } => case!(entries::MASTER_FILE_NAME, word, source),
            Self::OutOfZone { owner, zone } => {
                case!(entries::MASTER_FILE_OUT_OF_ZONE, owner, zone)
            }
            Self::BadTtl { word } => case!(entries::MASTER_FILE_TTL, word, limit = TTL_MAX),
            Self::NoTtl => case!(entries::MASTER_FILE_NO_TTL),
            Self::OtherClass { word } => case!(entries::MASTER_FILE_CLASS, word),
            Self::NoType => case!(entries::MASTER_FILE_NO_TYPE),
            Self::UnknownType { word } => case!(entries::MASTER_FILE_TYPE, word),
            Self::MetaType { rtype } => case!(entries::MASTER_FILE_META_TYPE, rtype),
            Self::SoaBelowApex { owner } => case!(entries::MASTER_FILE_SOA_BELOW_APEX, owner),
            Self::SecondSoa => case!(entries::MASTER_FILE_SECOND_SOA),
            Self::DsAtApex => case!(entries::MASTER_FILE_DS_AT_APEX),
            Self::UnknownDirective { word } => {
                case!(entries::MASTER_FILE_UNKNOWN_DIRECTIVE, word)
            }
            Self::DirectiveShort { directive, needed } => {
                case!(entries::MASTER_FILE_DIRECTIVE_SHORT, directive, needed)
            }
            Self::DirectiveLong { directive, word } => {
                case!(entries::MASTER_FILE_DIRECTIVE_LONG, directive, word)
            }
            Self::BadRange { word } => case!(entries::MASTER_FILE_RANGE, word),
            Self::LongRange { steps } => {
                case!(entries::MASTER_FILE_LONG_RANGE, steps, limit = STEPS_MAX)
            }
            Self::BadPattern { word } => case!(entries::MASTER_FILE_PATTERN, word),
            Self::Include { name, source } => case!(entries::MASTER_FILE_INCLUDE, name, source),
            Self::IncludeTooDeep { limit } => case!(entries::MASTER_FILE_INCLUDE_DEPTH, limit),
            Self::TooLarge { limit } => case!(entries::MASTER_FILE_TOO_LARGE, limit),
            Self::TooManyRecords { limit } => {
                case!(entries::MASTER_FILE_TOO_MANY_RECORDS, limit)
            }
        }
    }
}

impl MasterFileErrorKind {
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
