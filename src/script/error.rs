//! Errors in a line of a script, in nsupdate's wording.

use crate::model::{Name, NameError, TTL_MAX};

/// A reason why a line is no command. The wording is nsupdate's, because callers compare it.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ScriptError {
    /// The first word names no command.
    #[error("incorrect section name: {0}")]
    Section(String),
    /// Nothing follows `update` or `prereq`.
    #[error("could not read operation code")]
    NoOperation,
    /// The word after `update` or `prereq` is no operation.
    #[error("incorrect operation code: {0}")]
    Operation(String),
    /// The owner name is missing.
    #[error("could not read owner name")]
    NoOwner,
    /// The owner name is no domain name.
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
    /// The TTL is larger than a TTL may be (RFC 2181 section 8).
    #[error("ttl '{0}' is out of range (0 to {TTL_MAX})")]
    TtlRange(String),
    /// Nothing follows `ttl` or `lease`.
    #[error("could not read ttl")]
    NoTtl,
    /// The word after `ttl` or `lease` is no number. nsupdate: prints no text for this.
    #[error("")]
    Unexplained,
    /// Class and type are missing.
    #[error("could not read class or type")]
    NoClassOrType,
    /// The type after a class is missing.
    #[error("could not read type")]
    NoType,
    /// A word of an update is neither a class nor a type.
    #[error("'{0}' is not a valid class or type: unknown class/type")]
    ClassOrType(String),
    /// The word after a class in an update is no type.
    #[error("'{0}' is not a valid type: unknown class/type")]
    Type(String),
    /// A word of a prerequisite is no type.
    #[error("invalid type: {0}")]
    PrerequisiteType(String),
    /// The class is not that of the earlier records of the message.
    #[error("class mismatch: {0}")]
    ClassMismatch(String),
    /// The RDATA of an addition are missing.
    #[error("could not read rdata")]
    NoRdata,
    /// The RDATA are invalid for their type.
    #[error("invalid rdata format: {0}")]
    Rdata(&'static str),
    /// The owner name is no host name, although the type requires one.
    #[error("check-names failed: bad owner '{}'", .0.to_text_without_dot())]
    BadOwner(Name),
    /// A name in the RDATA is no host name, although the type requires one.
    #[error("check-names failed: bad name '{}'", .0.to_text_without_dot())]
    BadName(Name),
    /// An SVCB record at `_dns` has no ALPN protocols (RFC 9461 section 4).
    #[error("check-svcb failed: no ALPN")]
    NoAlpn,
    /// An SVCB record at `_dns` for HTTP has no path (RFC 9461 section 5).
    #[error("check-svcb failed: no DOHPATH")]
    NoDohPath,
    /// NSEC3PARAM has so many iterations that validators may reject it (RFC 9276 section 3.2).
    #[error("NSEC3PARAM has excessive iterations (> {NSEC3_ITERATIONS_MAX})")]
    Iterations,
    /// The name after `server`, or the address after `local`, is missing.
    #[error("could not read server name")]
    NoServer,
    /// `server` under `-l`.
    #[error("cannot reset server in localhost-only mode")]
    LocalhostOnly,
    /// The port is no number.
    #[error("port '{0}' is not numeric")]
    PortForm(String),
    /// The port is out of range.
    #[error("port '{0}' is out of range (1 to 65535)")]
    PortRange(String),
    /// The word after `local` is no address.
    #[error("invalid address {0}")]
    Address(String),
    /// The name after `zone` is missing.
    #[error("could not read zone name")]
    NoZone,
    /// The word after `zone` is no domain name.
    #[error("could not parse zone name")]
    Zone,
    /// The class after `class` is missing.
    #[error("could not read class name")]
    NoClass,
    /// The word after `class` is no class.
    #[error("could not parse class name: {0}")]
    Class(String),
    /// The class after `class` cannot be that of a zone.
    #[error("bad default class: {0}")]
    DefaultClass(String),
    /// The name after `key` is missing.
    #[error("could not read key name")]
    NoKeyName,
    /// The name after `key` is no domain name.
    #[error("could not parse key name")]
    KeyName,
    /// The secret after `key` is missing.
    #[error("could not read key secret")]
    NoKeySecret,
    /// The secret is not base64. nsupdate: prints the secret here. This error names the key.
    #[error("could not create key from {0}: bad base64 encoding")]
    KeySecret(String),
    /// No algorithm has this name.
    #[error("unknown key type '{0}'")]
    KeyType(String),
    /// The algorithm's MAC cannot be truncated to this length.
    #[error("digest-bits out of range [0..{0}]")]
    DigestBits(usize),
    /// The word after `check-names` is missing.
    #[error("could not read check-names directive")]
    NoCheckNames,
    /// The word after `check-names` is neither `on` nor `off`.
    #[error("incorrect check-names directive: {0}")]
    CheckNames(String),
    /// The word after `check-svcb` is missing.
    #[error("could not read check-svcb directive")]
    NoCheckSvcb,
    /// The word after `check-svcb` is neither `on` nor `off`.
    #[error("incorrect check-svcb directive: {0}")]
    CheckSvcb(String),
    /// Kerberos is not supported.
    #[error("gsstsig not supported")]
    GssTsig,
    /// The Kerberos realm is too long.
    #[error("realm is too long")]
    Realm,
}

/// Most iterations in an addition of NSEC3PARAM.
pub(super) const NSEC3_ITERATIONS_MAX: u16 = 50;

/// A reason why a text is no domain name, in BIND's wording.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{}", self.text())]
pub enum NameProblem {
    /// Two dots in a row.
    EmptyLabel,
    /// A label of more than 63 octets.
    LabelTooLong,
    /// More than 255 octets.
    TooLong,
    /// A backslash is followed by neither a character nor three digits up to 255.
    BadEscape,
    /// The text ends after a backslash or within its digits.
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
    /// Returns the problem of a word for which parsing a name gave `error`.
    pub(super) fn of(word: &str, error: &NameError) -> Self {
        let problem = Self::from(error);
        if problem == Self::BadEscape && ends_in_escape(word) {
            Self::UnexpectedEnd
        } else {
            problem
        }
    }

    /// Returns BIND's text for the problem.
    pub(super) fn text(self) -> &'static str {
        match self {
            Self::EmptyLabel => "empty label",
            Self::LabelTooLong => "label too long",
            Self::TooLong => "ran out of space",
            Self::BadEscape => "bad escape",
            Self::UnexpectedEnd => "unexpected end of input",
        }
    }
}

/// Returns whether a text ends after a backslash or within the digits that follow it.
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
