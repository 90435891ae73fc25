//! One TXT value of an ACME challenge (RFC 8555 section 8.4): added or removed exactly, beside
//! others.
//!
//! A value serves one validation of some seconds, so that this instance does not manage it.
//! `policy.keep` is for plans, and does not forbid a value that the operator asks for by name. The
//! owner name often has a CNAME into a zone of its own, which may be on another primary.

use crate::model::{CHALLENGE_LABEL, Name, NameError, Presence, RecordIntent, RecordType, Trust};
use crate::zonefile::txt_rdata;

/// Returns the owner name of the challenge for a domain; a name that has the challenge label stays
/// as it is. A wildcard is validated by the name above it (RFC 8555 section 7.1.3).
///
/// # Errors
/// [`NameError`] if there is no room for the label.
pub fn challenge_owner(domain: &Name) -> Result<Name, NameError> {
    let is_prefix = |label: &[u8]| label == b"*" || label.eq_ignore_ascii_case(CHALLENGE_LABEL);
    let mut validated = domain.clone();
    while validated.labels().next().is_some_and(is_prefix)
        && let Some(parent) = validated.parent()
    {
        validated = parent;
    }
    if validated == *domain && domain.is_challenge() {
        return Ok(validated);
    }
    validated.child(CHALLENGE_LABEL)
}

/// Returns the intent that adds or removes a value of a challenge.
pub fn challenge_intent(
    owner: Name,
    value: &[u8],
    presence: Presence,
    trust: Trust,
) -> RecordIntent {
    RecordIntent {
        owner,
        rtype: RecordType::TXT,
        rdata: txt_rdata(value),
        ttl: None,
        presence,
        follows_cnames: true,
        trust,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_challenge_stands_below_its_label() {
        let owner = |text: &str| {
            let owner = challenge_owner(&text.parse().unwrap());
            owner.map(|owner| owner.to_string())
        };
        let www = Ok("_acme-challenge.www.example.".to_owned());
        assert_eq!(owner("www.example"), www);
        assert_eq!(owner("*.www.example."), www);
        assert_eq!(owner("_acme-challenge.www.example."), www);
        let account = "_x7._ACME-challenge.www.example.";
        assert_eq!(owner(account), Ok(account.to_owned()));
        let long = [
            "a".repeat(63),
            "b".repeat(63),
            "c".repeat(63),
            "d".repeat(50),
        ]
        .join(".");
        assert_eq!(owner(&long), Err(NameError::NameTooLong));
    }

    #[test]
    fn the_labels_of_a_challenge_may_be_given_in_any_order() {
        let owner = |domain: &str| {
            challenge_owner(&domain.parse().unwrap())
                .unwrap()
                .to_string()
        };
        for domain in [
            "base.example",
            "*.base.example",
            "_acme-challenge.base.example",
            "_acme-challenge.*.base.example",
            "*._acme-challenge.base.example",
            "*._ACME-Challenge.*.base.example",
        ] {
            let name = owner(domain).to_lowercase();
            assert_eq!(name, "_acme-challenge.base.example.", "{domain}");
        }
        // A name that a CNAME may lead to.
        let below = "a._acme-challenge.base.example.";
        assert_eq!(owner(below), below);
    }
}
