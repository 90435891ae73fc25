//! The data of a record in a line, and what is wrong with them in BIND's words.

use super::error::{NameProblem, ScriptError};
use super::tkey;
use crate::model::{RdataError, RecordType};
use crate::wire::Class;
use crate::zonefile::{RdataTextError, parse_octets};

/// The types that stand in queries and messages only, with OPT and the reserved one (RFC 6895 section 3.1).
const META: std::ops::RangeInclusive<u16> = 128..=255;
const RESERVED: RecordType = RecordType(0);
/// A type of private use, whose data have the form of RFC 3597 only.
const FORMLESS: RecordType = RecordType(65_280);

/// Reads data of a type, as they are spelt.
pub(super) fn read(class: Class, rtype: RecordType, text: &str) -> Result<Vec<u8>, ScriptError> {
    let is_generic = text.starts_with(r"\#");
    let is_meta = META.contains(&rtype.0) || [RESERVED, RecordType::OPT].contains(&rtype);
    if is_meta && is_generic {
        return Err(ScriptError::Rdata("invalid use of a meta type"));
    }
    if rtype == RecordType::TKEY {
        return tkey::read(text);
    }
    let has_no_form = class != Class::IN && is_of_internet(rtype);
    if rtype == RecordType::A && class == Class::CH {
        // A name and a number (RFC 1035 section 3.3), which nobody writes any more.
        return Err(ScriptError::Rdata("unexpected end of input"));
    }
    if is_meta || (has_no_form && !is_generic) {
        return Err(ScriptError::Rdata("unknown class/type"));
    }
    // Its last field stands in quotes (RFC 7553 section 4.4), which are gone in the octets.
    if rtype == RecordType::URI && !is_generic && !text.ends_with('"') {
        return Err(ScriptError::Rdata("syntax error"));
    }
    let text = lexed(rtype, text);
    let read_as = if has_no_form { FORMLESS } else { rtype };
    let octets = match parse_octets(read_as, &text) {
        Err(RdataTextError::Origin { .. }) => parse_octets(read_as, &with_root(&text)),
        read => read,
    };
    let octets = octets.map_err(|error| ScriptError::Rdata(words(&error)))?;
    let fits = match rtype {
        _ if has_no_form => true,
        RecordType::A => octets.len() == 4,
        RecordType::AAAA => octets.len() == 16,
        RecordType::EUI48 => octets.len() == 6,
        RecordType::EUI64 => octets.len() == 8,
        RecordType::TXT | RecordType::SPF => !octets.is_empty(),
        // A PSDN address (RFC 1183 section 3.1).
        RecordType::X25 => octets.len() > 4 && octets[1..].iter().all(u8::is_ascii_digit),
        // A key, but for the algorithm that has none (RFC 4025 section 2.4).
        RecordType::IPSECKEY => {
            is_generic || octets.get(2) == Some(&0) || text.split_ascii_whitespace().count() > 4
        }
        _ => true,
    };
    if fits {
        Ok(octets)
    } else {
        Err(ScriptError::Rdata("unexpected end of input"))
    }
}

/// Whether a type has a form in class IN only: A WKS PX NSAP NSAP-PTR AAAA EID NIMLOC SRV ATMA KX A6 APL
/// DHCID SVCB HTTPS.
fn is_of_internet(rtype: RecordType) -> bool {
    matches!(
        rtype.0,
        1 | 11 | 22 | 23 | 26 | 28 | 31..=34 | 36 | 38 | 42 | 49 | 64 | 65
    )
}

/// Whether a type has strings, or values, that may stand in quotes: HINFO TXT X25 ISDN GPOS NAPTR NINFO SVCB HTTPS
/// SPF URI CAA AVC DOA RESINFO WALLET.
fn has_strings(rtype: RecordType) -> bool {
    matches!(
        rtype.0,
        13 | 16 | 19 | 20 | 27 | 35 | 56 | 64 | 65 | 99 | 256..=259 | 261 | 262
    )
}

/// The text as the reader of data takes it. For nsupdate, unlike for a master file, parentheses and
/// semicolons are characters as any other, a quote inside a word is one, too, as it is in a type without
/// strings, and a string in quotes ends its word. In service parameters a quote may begin a value (RFC 9460
/// section 2.1).
fn lexed(rtype: RecordType, text: &str) -> String {
    let strings = has_strings(rtype);
    let pairs = [RecordType::SVCB, RecordType::HTTPS].contains(&rtype);
    let (mut quoted, mut escaped, mut in_word) = (false, false, false);
    let mut kept = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        match character {
            _ if escaped => escaped = false,
            '\\' => (escaped, in_word) = (true, true),
            '"' if quoted => {
                quoted = false;
                if !in_word {
                    kept.push_str("\" ");
                    continue;
                }
            }
            _ if quoted => {}
            '"' if strings && (!in_word || (pairs && kept.ends_with('='))) => quoted = true,
            '"' | '(' | ')' | ';' => {
                in_word = true;
                kept.push('\\');
            }
            _ => in_word = !character.is_ascii_whitespace(),
        }
        kept.push(character);
    }
    kept
}

/// The text with the root in place of `@`, which stands for the origin.
fn with_root(text: &str) -> String {
    let words = text.split_ascii_whitespace();
    let words: Vec<&str> = words
        .map(|word| if word == "@" { "." } else { word })
        .collect();
    words.join(" ")
}

/// What is wrong, in BIND's words as far as they can be told from here.
fn words(error: &RdataTextError) -> &'static str {
    match error {
        RdataTextError::Extra { .. } => "extra input text",
        RdataTextError::Number { word, .. } if word.bytes().all(|it| it.is_ascii_digit()) => {
            "out of range"
        }
        RdataTextError::Number { .. } => "not a valid number",
        RdataTextError::Name { word, source, .. } => NameProblem::of(word, source).words(),
        RdataTextError::Data(RdataError::Name(source)) => NameProblem::from(source).words(),
        RdataTextError::Form { expected, .. } => form_words(expected),
        RdataTextError::Missing { .. }
        | RdataTextError::GenericLength { .. }
        | RdataTextError::Length { .. }
        | RdataTextError::OpenQuote
        | RdataTextError::Data(RdataError::Short) => "unexpected end of input",
        RdataTextError::GenericOnly { .. } => "unknown class/type",
        RdataTextError::Parenthesis => "unbalanced parentheses",
        RdataTextError::TooLong { .. } => "text too long",
        RdataTextError::Data(RdataError::Long) => "ran out of space",
        RdataTextError::Origin { .. }
        | RdataTextError::Escape { .. }
        | RdataTextError::Comment
        | RdataTextError::LineBreak
        | RdataTextError::RepeatedKey { .. }
        | RdataTextError::NeededKey { .. }
        | RdataTextError::StrayQuote => "syntax error",
    }
}

fn form_words(expected: &str) -> &'static str {
    if expected.contains("IPv4") {
        "bad dotted quad"
    } else if expected.contains("IPv6") {
        "bad IPv6 address"
    } else if expected.contains("hex") {
        "bad hex encoding"
    } else if expected.contains("base64") {
        "bad base64 encoding"
    } else {
        "syntax error"
    }
}
