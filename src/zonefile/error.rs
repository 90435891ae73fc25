//! Why text is no RDATA: which field, what stands there, what was wanted.

use crate::model::{self, NameError, RdataError};

/// Most characters of an offending word that an error shows.
const EXCERPT_CHARS_MAX: usize = 60;

/// Why text is no RDATA of its type. The wording is a lower-case phrase for an operator; what it
/// quotes of the input is shortened and free of control characters.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum RdataTextError {
    /// The text ends before this field.
    #[error("{field} is missing")]
    Missing {
        /// The field's name in the type's RFC.
        field: &'static str,
    },
    /// Something follows the last field.
    #[error("`{word}` stands after the last field")]
    Extra {
        /// What follows.
        word: String,
    },
    /// No decimal number, or one out of range.
    #[error("{field} `{word}` is not a number from 0 to {max}")]
    Number {
        /// The field's name in the type's RFC.
        field: &'static str,
        /// What stands there.
        word: String,
        /// The largest value that fits.
        max: u32,
    },
    /// Not in the form that the field has.
    #[error("{field} `{word}` is not {expected}")]
    Form {
        /// The field's name in the type's RFC.
        field: &'static str,
        /// What stands there.
        word: String,
        /// What should stand there.
        expected: &'static str,
    },
    /// No domain name.
    #[error("{field} `{word}` is no domain name: {source}")]
    Name {
        /// The field's name in the type's RFC.
        field: &'static str,
        /// What stands there.
        word: String,
        /// Why it is none.
        source: NameError,
    },
    /// `@` is a master file's origin, and a record's data alone has none.
    #[error("{field} `@` stands for an origin, and none is known here")]
    Origin {
        /// The field's name in the type's RFC.
        field: &'static str,
    },
    /// A backslash is not followed by a character or by three digits up to 255.
    #[error("{field} `{word}` has a bad escape")]
    Escape {
        /// The field's name in the type's RFC.
        field: &'static str,
        /// What stands there.
        word: String,
    },
    /// More octets than the field's length can say.
    #[error("{field} has {octets} octets, and at most {max} fit")]
    TooLong {
        /// The field's name in the type's RFC.
        field: &'static str,
        /// How many there are.
        octets: usize,
        /// How many there may be.
        max: usize,
    },
    /// The kind of hash that is named has another length.
    #[error("{field} has {octets} octets, and its kind has {expected}")]
    Length {
        /// The field's name in the type's RFC.
        field: &'static str,
        /// How many there are.
        octets: usize,
        /// How many there must be.
        expected: usize,
    },
    /// A service parameter (RFC 9460 section 2.2) is given twice.
    #[error("parameter `{key}` is given more than once")]
    RepeatedKey {
        /// The parameter.
        key: String,
    },
    /// A service parameter needs another one (RFC 9460 sections 7.1.1 and 8).
    #[error("parameter `{key}` needs `{needed}`, which is not given")]
    NeededKey {
        /// The parameter.
        key: String,
        /// The one that is not there.
        needed: String,
    },
    /// A quoted string does not end.
    #[error("a quote is not closed")]
    OpenQuote,
    /// A quote inside an unquoted word.
    #[error("`\"` stands inside a word: quote the whole word, or write `\\\"`")]
    StrayQuote,
    /// Parentheses do not match.
    #[error("a parenthesis has no partner: quote the text, or write `\\(` and `\\)`")]
    Parenthesis,
    /// An unquoted semicolon would start a comment and drop what follows.
    #[error("`;` would start a comment: quote the text, or write `\\;`")]
    Comment,
    /// A line break with text after it, outside of parentheses.
    #[error("the text goes on after a line break")]
    LineBreak,
    /// The length after `\#` is not that of the octets (RFC 3597 section 5).
    #[error("`\\#` says {stated} octets, and {found} follow")]
    GenericLength {
        /// What is stated.
        stated: usize,
        /// How many follow.
        found: usize,
    },
    /// The type's data are known in the form of RFC 3597 only.
    #[error("data of type {rtype} are written as `\\# LENGTH HEX` (RFC 3597)")]
    GenericOnly {
        /// The type, as text.
        rtype: String,
    },
    /// The octets are no data of the type.
    #[error(transparent)]
    Data(#[from] RdataError),
}

/// A word of the input as an error shows it.
pub(super) fn excerpt(word: &str) -> String {
    model::excerpt(word, EXCERPT_CHARS_MAX)
}
