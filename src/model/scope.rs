//! The scope of a plan: which records of a zone are ours to change.

use std::fmt;
use std::str::FromStr;

use super::name::Name;
use super::record::RrSets;

/// What becomes of records that nsbridge never delivered.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ForeignRecords {
    /// They stay.
    Keep,
    /// They are removed: the zone is made equal to what is desired.
    Remove,
}

/// A pattern over owner names: text without the final dot in which `*` stands for any run of
/// characters, dots among them; compared without case.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NamePattern(String);

/// Why text is no [`NamePattern`].
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the pattern is empty")]
pub struct PatternError;

impl FromStr for NamePattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        let text = text.strip_suffix('.').unwrap_or(text);
        if text.is_empty() {
            Err(PatternError)
        } else {
            Ok(Self(text.to_ascii_lowercase()))
        }
    }
}

impl NamePattern {
    /// Whether the pattern covers a name.
    pub fn matches(&self, name: &Name) -> bool {
        let text = name.to_text_without_dot().to_ascii_lowercase();
        glob(self.0.as_bytes(), text.as_bytes())
    }
}

impl fmt::Display for NamePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Matches with `*` only: greedy with one point of return, linear in pattern times text.
fn glob(pattern: &[u8], text: &[u8]) -> bool {
    let (mut at, mut read, mut retry) = (0, 0, None);
    while read < text.len() {
        if pattern.get(at) == Some(&b'*') {
            retry = Some((at, read));
            at += 1;
        } else if pattern.get(at) == Some(&text[read]) {
            at += 1;
            read += 1;
        } else if let Some((star, from)) = retry {
            retry = Some((star, from + 1));
            at = star + 1;
            read = from + 1;
        } else {
            return false;
        }
    }
    pattern[at..].iter().all(|&octet| octet == b'*')
}

/// What of a zone a plan may change.
#[derive(Clone, Copy, Debug)]
pub struct Scope<'a> {
    /// What becomes of records that were never delivered.
    pub foreign: ForeignRecords,
    /// Names that are never touched.
    pub keep: &'a [NamePattern],
    /// The records that were delivered; their TTLs mean nothing.
    pub managed: &'a RrSets,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_run_of_characters() {
        let covers = |pattern: &str, name: &str| {
            pattern
                .parse::<NamePattern>()
                .unwrap()
                .matches(&name.parse().unwrap())
        };
        assert!(covers("_acme-challenge.*", "_ACME-challenge.www.example."));
        assert!(!covers("_acme-challenge.*", "x._acme-challenge.example."));
        assert!(covers("*._domainkey.*.", "a.b._domainkey.example."));
        assert!(!covers("*._domainkey.*.", "_domainkey.example."));
        assert!(covers("www.example", "www.example."));
        assert!(!covers("www.example", "www.example.net."));
        assert_eq!(".".parse::<NamePattern>(), Err(PatternError));
    }
}
