//! Rules of data beyond the form of their fields: servers refuse data that break them (BIND: FORMERR).

use super::digits::format_hex;
use super::error::RdataTextError;
use super::key::NO_KEY;
use super::octets::{Octets, form_error};
use super::types::{can_be_empty, format_type};
use super::{fields, types};
use crate::model::{RdataError, RecordType};

/// The least octets of a digest of ZONEMD (RFC 8976 section 2.2.4).
const ZONEMD_OCTETS_MIN: usize = 12;
/// The first octet of the signer's name in a signature.
const SIGNER_AT: usize = 18;
/// The number of the hash of NSEC3, and its length.
const SHA_1: u8 = 1;
const SHA_1_OCTETS: usize = 20;
/// The most octets of a hash that a label of 63 digits of base32hex can hold.
const HASH_OCTETS_MAX: usize = 39;
/// The least digits of an X25 address.
const PSDN_DIGITS_MIN: usize = 4;

/// Checks that octets, however they were written, are data of a type: that they have its fields and nothing else.
pub(super) fn check_fields(rtype: RecordType, octets: &[u8]) -> Result<(), RdataTextError> {
    let Some(layout) = types::fields(rtype) else {
        return Ok(());
    };
    if octets.is_empty() {
        return if can_be_empty(rtype) {
            Ok(())
        } else {
            Err(RdataError::Short.into())
        };
    }
    if is_unwritable(rtype, octets) {
        return Ok(());
    }
    let mut rest = Octets::new(octets);
    let mut words = Vec::new();
    let printed = layout
        .iter()
        .try_for_each(|(_, form)| fields::print(*form, &mut rest, &mut words));
    match printed {
        Some(()) if rest.is_empty() => Ok(()),
        printed => Err(RdataTextError::Unfit {
            rtype: format_type(rtype),
            is_long: printed.is_some(),
        }),
    }
}

/// Returns whether servers take data that have no other form than that of RFC 3597: LOC of a later version,
/// AMTRELAY with another type of relay, ATMA with another form of address.
fn is_unwritable(rtype: RecordType, octets: &[u8]) -> bool {
    match rtype.0 {
        29 => octets[0] != 0,
        34 => octets[0] > 1 && octets.len() > 1,
        260 => octets.get(1).is_some_and(|second| second & 0x7f > 3),
        _ => false,
    }
}

/// Checks the rules of data that have the fields of their type.
pub(super) fn check_rules(rtype: RecordType, octets: &[u8]) -> Result<(), RdataTextError> {
    match rtype.0 {
        // X25 (RFC 1183 section 3.1)
        19 => check_digits(&octets[1..]),
        // KEY (RFC 2535 section 3.1.2)
        25 => check_key(octets),
        // NAPTR
        35 => check_naptr(octets),
        // DS, CDS, TA, DLV: SHA-1, SHA-256, SHA-384
        43 | 59 | 32768 | 32769 => check_digest("digest", 4, &[(1, 20), (2, 32), (4, 48)], octets),
        // SSHFP (RFC 4255, RFC 6594): SHA-1, SHA-256
        44 => check_digest("fingerprint", 2, &[(1, 20), (2, 32)], octets),
        // RRSIG (RFC 4035 section 5.3.1): the owner is at or below the signer.
        46 => check_labels(octets),
        // NSEC has a type at least: its own (RFC 4034 section 4.1.2).
        47 => match Octets::new(octets).name() {
            Some(name) if name.as_wire().len() == octets.len() => {
                Err(RdataTextError::Missing { field: "type" })
            }
            _ => Ok(()),
        },
        // NSEC3 (RFC 5155 section 3.1.7): SHA-1
        50 => check_next_hash(octets),
        // RKEY (RFC draft): its flags are reserved.
        57 if octets[..2] != [0, 0] => {
            let flags = u16::from_be_bytes([octets[0], octets[1]]);
            Err(form_error("flags", &flags.to_string(), "0"))
        }
        // ZONEMD (RFC 8976): SHA-384, SHA-512
        63 => {
            check_digest("digest", 6, &[(1, 48), (2, 64)], octets)?;
            if octets.len() - 6 >= ZONEMD_OCTETS_MIN {
                return Ok(());
            }
            let digest = format_hex(&octets[6..]);
            Err(form_error("digest", &digest, "at least 12 octets"))
        }
        _ => Ok(()),
    }
}

/// Checks that a hash that starts at an octet has the length of its algorithm, which the octet before states.
fn check_digest(
    field: &'static str,
    start: usize,
    kinds: &[(u8, usize)],
    octets: &[u8],
) -> Result<(), RdataTextError> {
    let found = octets.len() - start;
    match kinds.iter().find(|(kind, _)| *kind == octets[start - 1]) {
        Some(&(_, expected)) if expected != found => Err(RdataTextError::Length {
            field,
            octets: found,
            expected,
        }),
        _ => Ok(()),
    }
}

fn check_digits(address: &[u8]) -> Result<(), RdataTextError> {
    let word = String::from_utf8_lossy(address);
    let wrong = |expected| Err(form_error("PSDN address", &word, expected));
    if address.len() < PSDN_DIGITS_MIN {
        wrong("at least four digits")
    } else if address.iter().any(|octet| !octet.is_ascii_digit()) {
        wrong("only digits")
    } else {
        Ok(())
    }
}

/// Checks that the labels of a signature's owner are at least those of its signer.
fn check_labels(octets: &[u8]) -> Result<(), RdataTextError> {
    let signer = Octets::new(&octets[SIGNER_AT..]).name();
    if signer.is_none_or(|signer| signer.label_count() <= usize::from(octets[3])) {
        return Ok(());
    }
    let expected = "at least those of the signer";
    Err(form_error("labels", &octets[3].to_string(), expected))
}

fn check_next_hash(data: &[u8]) -> Result<(), RdataTextError> {
    let field = "next hashed owner";
    let mut rest = Octets::new(&data[4..]);
    let (_salt, hash) = (rest.counted(), rest.counted().unwrap_or_default());
    let octets = hash.len();
    match data[0] {
        SHA_1 if octets != SHA_1_OCTETS => Err(RdataTextError::Length {
            field,
            octets,
            expected: SHA_1_OCTETS,
        }),
        _ if octets > HASH_OCTETS_MAX => Err(RdataTextError::TooLong {
            field,
            octets,
            max: HASH_OCTETS_MAX,
        }),
        _ => Ok(()),
    }
}

/// Checks that data have a key, unless their flags say that there is none.
fn check_key(octets: &[u8]) -> Result<(), RdataTextError> {
    let flags = u16::from_be_bytes([octets[0], octets[1]]);
    match (flags & NO_KEY == NO_KEY, octets.len() > 4) {
        (true, true) => {
            let expected = "without `NOKEY`, as a key follows";
            Err(form_error("flags", &flags.to_string(), expected))
        }
        (false, false) => Err(RdataTextError::Missing {
            field: "public key",
        }),
        _ => Ok(()),
    }
}

/// Checks the regular expression of NAPTR (RFC 3402 section 3.2): a delimiter, a pattern, a replacement and flags.
fn check_naptr(octets: &[u8]) -> Result<(), RdataTextError> {
    let mut rest = Octets::new(&octets[4..]);
    let _flags_and_service = (rest.counted(), rest.counted());
    let expression = rest.counted().unwrap_or_default();
    if expression.is_empty() || is_substitution(expression).unwrap_or(false) {
        return Ok(());
    }
    let word = String::from_utf8_lossy(expression);
    let expected = "empty, or a substitution such as `!^.*$!sip:info@example.com!`";
    Err(form_error("regular expression", &word, expected))
}

fn is_substitution(expression: &[u8]) -> Option<bool> {
    let (delimiter, rest) = expression.split_first()?;
    if matches!(delimiter, 0 | b'\\' | b'i' | b'0'..=b'9') {
        return Some(false);
    }
    let mut parts = vec![Vec::new()];
    let mut octets = rest.iter();
    while let Some(octet) = octets.next() {
        match octet {
            // An escape of the delimiter is the delimiter.
            b'\\' => match octets.next()? {
                next if next == delimiter => parts.last_mut()?.push(*next),
                next => parts.last_mut()?.extend([b'\\', *next]),
            },
            octet if octet == delimiter => parts.push(Vec::new()),
            octet => parts.last_mut()?.push(*octet),
        }
    }
    let [pattern, replacement, flags] = &*parts else {
        return Some(false);
    };
    let groups = count_groups(pattern)?;
    let references = replacement.windows(2).filter(|pair| pair[0] == b'\\');
    let mut numbers = references.filter(|pair| pair[1].is_ascii_digit());
    Some(
        flags.iter().all(|flag| *flag == b'i')
            && numbers.all(|pair| (1..=groups).contains(&usize::from(pair[1] - b'0'))),
    )
}

/// Counts the groups of an extended regular expression (POSIX); `None` if a parenthesis or bracket is not closed.
fn count_groups(pattern: &[u8]) -> Option<usize> {
    let (mut groups, mut depth) = (0, 0_usize);
    let mut octets = pattern.iter();
    while let Some(octet) = octets.next() {
        match octet {
            b'\\' => {
                octets.next()?;
            }
            b'(' => (groups, depth) = (groups + 1, depth + 1),
            b')' => depth = depth.checked_sub(1)?,
            b'[' => {
                // `]` stands for itself at the start of a list.
                let rest = octets.as_slice();
                let skipped = usize::from(rest.first() == Some(&b'^'));
                let from = skipped + usize::from(rest.get(skipped) == Some(&b']'));
                let end = rest.get(from..)?.iter().position(|octet| *octet == b']')?;
                octets = rest[from + end + 1..].iter();
            }
            _ => {}
        }
    }
    (depth == 0 && !pattern.is_empty()).then_some(groups)
}
