//! The scope of a plan: the records of a zone that the plan may change.

use std::fmt;
use std::str::FromStr;

use super::name::Name;
use super::record::RrSets;

/// The treatment of unmanaged records.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ForeignRecords {
    /// Keep them.
    Keep,
    /// Remove them, so that the zone is equal to the desired one.
    Remove,
}

/// A pattern for owner names, compared without case: text without the final dot, in which `*`
/// matches any run of characters, dots included.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NamePattern(String);

/// The error for text that is not a [`NamePattern`].
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
    /// Returns whether the pattern matches a name.
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

/// Matches text with a pattern in which only `*` is special. Backtracks to the last `*` only, so
/// that the time is at most the length of the pattern times that of the text.
fn glob(pattern: &[u8], text: &[u8]) -> bool {
    let (mut pattern_at, mut text_at, mut last_star) = (0, 0, None);
    while text_at < text.len() {
        if pattern.get(pattern_at) == Some(&b'*') {
            last_star = Some((pattern_at, text_at));
            pattern_at += 1;
        } else if pattern.get(pattern_at) == Some(&text[text_at]) {
            pattern_at += 1;
            text_at += 1;
        } else if let Some((star_at, start)) = last_star {
            last_star = Some((star_at, start + 1));
            pattern_at = star_at + 1;
            text_at = start + 1;
        } else {
            return false;
        }
    }
    pattern[pattern_at..].iter().all(|&octet| octet == b'*')
}

/// The part of a zone that a plan may change.
#[derive(Clone, Copy, Debug)]
pub struct Scope<'a> {
    /// The treatment of unmanaged records.
    pub foreign: ForeignRecords,
    /// Patterns of the owner names that the plan never changes.
    pub keep: &'a [NamePattern],
    /// The managed records; their TTLs have no meaning.
    pub managed: &'a RrSets,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_matches_any_run_of_characters() {
        let matches = |pattern: &str, name: &str| {
            pattern
                .parse::<NamePattern>()
                .unwrap()
                .matches(&name.parse().unwrap())
        };
        assert!(matches("_acme-challenge.*", "_ACME-challenge.www.example."));
        assert!(!matches("_acme-challenge.*", "x._acme-challenge.example."));
        assert!(matches("*._domainkey.*.", "a.b._domainkey.example."));
        assert!(!matches("*._domainkey.*.", "_domainkey.example."));
        assert!(matches("www.example", "www.example."));
        assert!(!matches("www.example", "www.example.net."));
        assert_eq!(".".parse::<NamePattern>(), Err(PatternError));
    }
}
