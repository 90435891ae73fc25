//! The reasons why text is not RDATA.

use crate::model::{self, NameError, RdataError};

/// Maximum characters of a word that an error shows.
const EXCERPT_CHARS_MAX: usize = 60;

/// The reason why text is not RDATA of its type. The message is a lower-case phrase for an
/// operator; the input in it is shortened and has no control characters.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum RdataTextError {
    /// The text ends before this field.
    #[error("{field} is missing")]
    Missing {
        /// The name of the field in the type's RFC.
        field: &'static str,
    },
    /// A word follows the last field.
    #[error("`{word}` stands after the last field")]
    Extra {
        /// The first word after the last field.
        word: String,
    },
    /// A word is not a decimal number, or the number does not fit the field.
    #[error("{field} `{word}` is not a number from 0 to {max}")]
    Number {
        /// The name of the field in the type's RFC.
        field: &'static str,
        /// The word of the field.
        word: String,
        /// The largest value that fits.
        max: u32,
    },
    /// A word does not have the form of its field.
    #[error("{field} `{word}` is not {expected}")]
    Form {
        /// The name of the field in the type's RFC.
        field: &'static str,
        /// The word of the field.
        word: String,
        /// The form of the field.
        expected: &'static str,
    },
    /// A word is not a domain name.
    #[error("{field} `{word}` is no domain name: {source}")]
    Name {
        /// The name of the field in the type's RFC.
        field: &'static str,
        /// The word of the field.
        word: String,
        /// The reason.
        source: NameError,
    },
    /// A word is `@`, the origin of a master file, but the data stand alone.
    #[error("{field} `@` stands for an origin, and none is known here")]
    Origin {
        /// The name of the field in the type's RFC.
        field: &'static str,
    },
    /// A backslash is not followed by a character or by three digits up to 255.
    #[error("{field} `{word}` has a bad escape")]
    Escape {
        /// The name of the field in the type's RFC.
        field: &'static str,
        /// The word of the field.
        word: String,
    },
    /// A field has more octets than its length can state.
    #[error("{field} has {octets} octets, and at most {max} fit")]
    TooLong {
        /// The name of the field in the type's RFC.
        field: &'static str,
        /// The number of octets in the text.
        octets: usize,
        /// The largest number of octets that fits.
        max: usize,
    },
    /// A hash does not have the length of its algorithm.
    #[error("{field} has {octets} octets, and its kind has {expected}")]
    Length {
        /// The name of the field in the type's RFC.
        field: &'static str,
        /// The number of octets in the text.
        octets: usize,
        /// The number of octets for the algorithm.
        expected: usize,
    },
    /// A service parameter occurs twice (RFC 9460 section 2.2).
    #[error("parameter `{key}` is given more than once")]
    RepeatedKey {
        /// The name of the parameter.
        key: String,
    },
    /// A service parameter needs another one that is missing (RFC 9460 sections 7.1.1 and 8).
    #[error("parameter `{key}` needs `{needed}`, which is not given")]
    NeededKey {
        /// The name of the parameter.
        key: String,
        /// The name of the missing parameter.
        needed: String,
    },
    /// Octets after `\#` are not data of their type: servers refuse them.
    #[error("the octets after `\\#` are no data of type {rtype}, and no server takes them")]
    Unfit {
        /// The type.
        rtype: String,
        /// The data go on after the last field.
        is_long: bool,
    },
    /// A quoted string does not end.
    #[error("a quote is not closed")]
    OpenQuote,
    /// A parenthesis has no partner.
    #[error("a parenthesis has no partner: quote the text, or write `\\(` and `\\)`")]
    Parenthesis,
    /// An unquoted semicolon would start a comment and drop the text after it.
    #[error("`;` would start a comment: quote the text, or write `\\;`")]
    Comment,
    /// Text follows a line break outside parentheses.
    #[error("the text goes on after a line break")]
    LineBreak,
    /// The length after `\#` differs from the number of octets (RFC 3597 section 5).
    #[error("`\\#` says {stated} octets, and {found} follow")]
    GenericLength {
        /// The stated length.
        stated: usize,
        /// The number of octets that follow.
        found: usize,
    },
    /// Data of the type have the form of RFC 3597 only.
    #[error("data of type {rtype} are written as `\\# LENGTH HEX` (RFC 3597)")]
    GenericOnly {
        /// The type, as text.
        rtype: String,
    },
    /// The octets do not fit the type.
    #[error(transparent)]
    Data(#[from] RdataError),
}

/// Shortens a word of the input for an error.
pub(super) fn excerpt(word: &str) -> String {
    model::excerpt(word, EXCERPT_CHARS_MAX)
}
