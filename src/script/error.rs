//! What is wrong with a line of a script, in nsupdate's words.

use crate::model::{Name, NameError, TTL_MAX};

/// Why a line is no command. The wording is nsupdate's, since callers compare it.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ScriptError {
    /// The first word names no command.
    #[error("incorrect section name: {0}")]
    Section(String),
    /// Nothing follows `update` or `prereq`.
    #[error("could not read operation code")]
    NoOperation,
    /// What follows `update` or `prereq` is no operation.
    #[error("incorrect operation code: {0}")]
    Operation(String),
    /// The owner is missing.
    #[error("could not read owner name")]
    NoOwner,
    /// The owner is no name.
    #[error("invalid owner name: {0}")]
    Owner(NameProblem),
    /// The TTL of an addition is missing.
    #[error("could not read owner ttl")]
    NoOwnerTtl,
    /// The TTL of an addition is no number.
    #[error("ttl '{0}': not a valid number")]
    TtlForm(String),
    /// The TTL of an addition is no 32-bit number.
    #[error("ttl '{0}': out of range")]
    TtlWidth(String),
    /// The TTL is larger than any may be (RFC 2181 section 8).
    #[error("ttl '{0}' is out of range (0 to {TTL_MAX})")]
    TtlRange(String),
    /// Nothing follows `ttl` or `lease`.
    #[error("could not read ttl")]
    NoTtl,
    /// What follows `ttl` is no number; nsupdate says nothing more about it.
    #[error("")]
    Unexplained,
    /// Neither class nor type follows.
    #[error("could not read class or type")]
    NoClassOrType,
    /// A class, and no type after it.
    #[error("could not read type")]
    NoType,
    /// Neither a class nor a type, in an update.
    #[error("'{0}' is not a valid class or type: unknown class/type")]
    ClassOrType(String),
    /// No type, after a class in an update.
    #[error("'{0}' is not a valid type: unknown class/type")]
    Type(String),
    /// No type, in a prerequisite.
    #[error("invalid type: {0}")]
    PrerequisiteType(String),
    /// Another class than that of the records before.
    #[error("class mismatch: {0}")]
    ClassMismatch(String),
    /// An addition without data.
    #[error("could not read rdata")]
    NoRdata,
    /// The data are no data of their type.
    #[error("invalid rdata format: {0}")]
    Rdata(&'static str),
    /// The owner is no host name, and its type wants one.
    #[error("check-names failed: bad owner '{}'", .0.to_text_without_dot())]
    BadOwner(Name),
    /// A name in the data is no host name, and its type wants one.
    #[error("check-names failed: bad name '{}'", .0.to_text_without_dot())]
    BadName(Name),
    /// A service record at `_dns` without protocols (RFC 9461 section 4).
    #[error("check-svcb failed: no ALPN")]
    NoAlpn,
    /// A service record at `_dns` for HTTP without a path (RFC 9461 section 5).
    #[error("check-svcb failed: no DOHPATH")]
    NoDohPath,
    /// More iterations than a validator may accept (RFC 9276 section 3.2).
    #[error("NSEC3PARAM has excessive iterations (> {NSEC3_ITERATIONS_MAX})")]
    Iterations,
    /// The name of a server is missing.
    #[error("could not read server name")]
    NoServer,
    /// `server` under `-l`.
    #[error("cannot reset server in localhost-only mode")]
    LocalhostOnly,
    /// A port that is no number.
    #[error("port '{0}' is not numeric")]
    PortForm(String),
    /// A port out of range.
    #[error("port '{0}' is out of range (1 to 65535)")]
    PortRange(String),
    /// `local` with something else than an address.
    #[error("invalid address {0}")]
    Address(String),
    /// `zone` without a name.
    #[error("could not read zone name")]
    NoZone,
    /// `zone` with something that is no name.
    #[error("could not parse zone name")]
    Zone,
    /// `class` without a class.
    #[error("could not read class name")]
    NoClass,
    /// `class` with something that is no class.
    #[error("could not parse class name: {0}")]
    Class(String),
    /// `class` with a class that no zone has.
    #[error("bad default class: {0}")]
    DefaultClass(String),
    /// `key` without a name.
    #[error("could not read key name")]
    NoKeyName,
    /// `key` with something that is no name.
    #[error("could not parse key name")]
    KeyName,
    /// `key` without a secret.
    #[error("could not read key secret")]
    NoKeySecret,
    /// The secret is no base64. nsupdate repeats the secret here; this names the key.
    #[error("could not create key from {0}: bad base64 encoding")]
    KeySecret(String),
    /// No algorithm has this name.
    #[error("unknown key type '{0}'")]
    KeyType(String),
    /// The algorithm's MAC cannot be cut so.
    #[error("digest-bits out of range [0..{0}]")]
    DigestBits(usize),
    /// `check-names` without a word.
    #[error("could not read check-names directive")]
    NoCheckNames,
    /// `check-names` with another word.
    #[error("incorrect check-names directive: {0}")]
    CheckNames(String),
    /// `check-svcb` without a word.
    #[error("could not read check-svcb directive")]
    NoCheckSvcb,
    /// `check-svcb` with another word.
    #[error("incorrect check-svcb directive: {0}")]
    CheckSvcb(String),
    /// Kerberos is not supported.
    #[error("gsstsig not supported")]
    GssTsig,
    /// The Kerberos realm is too long.
    #[error("realm is too long")]
    Realm,
}

/// Most iterations that an addition of NSEC3PARAM may ask for.
pub(super) const NSEC3_ITERATIONS_MAX: u16 = 50;

/// Why text is no name, in BIND's words.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum NameProblem {
    /// Two dots in a row.
    #[error("empty label")]
    EmptyLabel,
    /// A label of more than 63 octets.
    #[error("label too long")]
    LabelTooLong,
    /// More than 255 octets.
    #[error("ran out of space")]
    TooLong,
    /// A backslash with something else after it than a character or three digits up to 255.
    #[error("bad escape")]
    BadEscape,
    /// The text ends after a backslash, or amid its digits.
    #[error("unexpected end of input")]
    UnexpectedEnd,
}

impl From<&NameError> for NameProblem {
    fn from(error: &NameError) -> Self {
        match error {
            NameError::Empty | NameError::EmptyLabel => Self::EmptyLabel,
            NameError::LabelTooLong => Self::LabelTooLong,
            NameError::NameTooLong | NameError::BadWire => Self::TooLong,
            NameError::BadEscape | NameError::NotAscii => Self::BadEscape,
        }
    }
}

impl NameProblem {
    /// What is wrong with a word that was to be a name.
    pub(super) fn of(word: &str, error: &NameError) -> Self {
        let problem = Self::from(error);
        if problem == Self::BadEscape && ends_in_escape(word) {
            Self::UnexpectedEnd
        } else {
            problem
        }
    }

    /// The same words, as a constant.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::EmptyLabel => "empty label",
            Self::LabelTooLong => "label too long",
            Self::TooLong => "ran out of space",
            Self::BadEscape => "bad escape",
            Self::UnexpectedEnd => "unexpected end of input",
        }
    }
}

/// Whether a text ends after a backslash, or amid the digits that follow it.
fn ends_in_escape(text: &str) -> bool {
    let mut octets = text.bytes();
    while let Some(octet) = octets.next() {
        if octet != b'\\' {
            continue;
        }
        match octets.next() {
            None => return true,
            Some(digit) if digit.is_ascii_digit() => {
                let rest: Vec<u8> = octets.by_ref().take(2).collect();
                if rest.len() < 2 && rest.iter().all(u8::is_ascii_digit) {
                    return true;
                }
            }
            Some(_) => {}
        }
    }
    false
}
