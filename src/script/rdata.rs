//! Parses the RDATA in a line; errors are in BIND's wording.

use super::error::{NameProblem, ScriptError};
use super::tkey;
use crate::model::{RdataError, RecordType};
use crate::wire::Class;
use crate::zonefile::{RdataTextError, parse_octets};

/// Types for queries and messages only; OPT and type 0 are two more (RFC 6895 section 3.1).
const META: std::ops::RangeInclusive<u16> = 128..=255;
const RESERVED: RecordType = RecordType(0);
/// A type of private use, which has only the generic presentation format of RFC 3597.
const PRIVATE_USE: RecordType = RecordType(65_280);

/// Parses the RDATA of a type; names keep their spelling.
pub(super) fn read(class: Class, rtype: RecordType, text: &str) -> Result<Vec<u8>, ScriptError> {
    let is_generic = text.starts_with(r"\#");
    let is_meta = META.contains(&rtype.0) || [RESERVED, RecordType::OPT].contains(&rtype);
    if is_meta && is_generic {
        return Err(ScriptError::Rdata("invalid use of a meta type"));
    }
    if rtype == RecordType::TKEY {
        return tkey::read(text);
    }
    let has_no_format = class != Class::IN && is_internet_only(rtype);
    if rtype == RecordType::A && class == Class::CH {
        // The format is a name and a number (RFC 1035 section 3.3), which is obsolete and not
        // supported.
        return Err(ScriptError::Rdata("unexpected end of input"));
    }
    if is_meta || (has_no_format && !is_generic) {
        return Err(ScriptError::Rdata("unknown class/type"));
    }
    // The last field must be quoted (RFC 7553 section 4.4), which the octets no longer show.
    if rtype == RecordType::URI && !is_generic && !text.ends_with('"') {
        return Err(ScriptError::Rdata("syntax error"));
    }
    let text = escape_plain(rtype, text);
    let read_as = if has_no_format { PRIVATE_USE } else { rtype };
    let octets = match parse_octets(read_as, &text) {
        Err(RdataTextError::Origin { .. }) => parse_octets(read_as, &with_root(&text)),
        read => read,
    };
    octets.map_err(|error| ScriptError::Rdata(bind_text(&error)))
}

/// Returns whether a type has a presentation format in class IN only: A WKS PX NSAP NSAP-PTR AAAA
/// EID NIMLOC SRV ATMA KX A6 APL DHCID SVCB HTTPS.
fn is_internet_only(rtype: RecordType) -> bool {
    matches!(
        rtype.0,
        1 | 11 | 22 | 23 | 26 | 28 | 31..=34 | 36 | 38 | 42 | 49 | 64 | 65
    )
}

/// Returns whether a type has strings or values that may be quoted: HINFO TXT X25 ISDN GPOS NAPTR
/// NINFO SVCB HTTPS SPF URI CAA AVC DOA RESINFO WALLET.
fn has_strings(rtype: RecordType) -> bool {
    matches!(
        rtype.0,
        13 | 16 | 19 | 20 | 27 | 35 | 56 | 64 | 65 | 99 | 256..=259 | 261 | 262
    )
}

/// Escapes the characters that are special to `parse_octets` but plain to nsupdate.
///
/// nsupdate: unlike in a master file, parentheses and semicolons are plain characters; so is a
/// quote within a word, or in a type without strings; a quoted string ends its word. A quote may
/// begin the value of a service parameter (RFC 9460 section 2.1).
fn escape_plain(rtype: RecordType, text: &str) -> String {
    let strings = has_strings(rtype);
    let has_parameters = [RecordType::SVCB, RecordType::HTTPS].contains(&rtype);
    let (mut quoted, mut escaped, mut in_word) = (false, false, false);
    let mut result = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        match character {
            _ if escaped => escaped = false,
            '\\' => (escaped, in_word) = (true, true),
            '"' if quoted => {
                quoted = false;
                if !in_word {
                    result.push_str("\" ");
                    continue;
                }
            }
            _ if quoted => {}
            '"' if strings && (!in_word || (has_parameters && result.ends_with('='))) => {
                quoted = true;
            }
            '"' | '(' | ')' | ';' => {
                in_word = true;
                result.push('\\');
            }
            _ => in_word = !character.is_ascii_whitespace(),
        }
        result.push(character);
    }
    result
}

/// Replaces `@`, the origin, by the root.
fn with_root(text: &str) -> String {
    let words = text.split_ascii_whitespace();
    let words: Vec<&str> = words
        .map(|word| if word == "@" { "." } else { word })
        .collect();
    words.join(" ")
}

/// Returns BIND's text for an error, as far as the error determines it.
fn bind_text(error: &RdataTextError) -> &'static str {
    match error {
        RdataTextError::Extra { .. } => "extra input text",
        RdataTextError::Number { word, .. } if word.bytes().all(|it| it.is_ascii_digit()) => {
            "out of range"
        }
        RdataTextError::Number { .. } => "not a valid number",
        RdataTextError::Name { word, source, .. } => NameProblem::of(word, source).text(),
        RdataTextError::Data(RdataError::Name(source)) => NameProblem::from(source).text(),
        RdataTextError::Form { expected, .. } => format_text(expected),
        RdataTextError::Unfit { is_long: true, .. } => "extra input data",
        RdataTextError::Unfit { .. }
        | RdataTextError::Missing { .. }
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
        | RdataTextError::NeededKey { .. } => "syntax error",
    }
}

fn format_text(expected: &str) -> &'static str {
    if expected.contains("IPv4") {
        "bad dotted quad"
    } else if expected.contains("IPv6") {
        "bad IPv6 address"
    } else if expected.contains("hex") {
        "bad hex encoding"
    } else if expected.contains("base64") {
        "bad base64 encoding"
    } else if expected == "only digits" {
        "out of range"
    } else {
        "syntax error"
    }
}
