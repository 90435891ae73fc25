//! The data of a record in a line, and what is wrong with them in BIND's words.

use super::error::{NameProblem, ScriptError};
use crate::model::{RdataError, RecordType};
use crate::wire::Class;
use crate::zonefile::{RdataTextError, parse_octets};

/// The types that stand in queries only (RFC 6895 section 3.1).
const META: std::ops::RangeInclusive<u16> = 249..=255;

/// Reads data of a type, as they are spelt.
pub(super) fn read(class: Class, rtype: RecordType, text: &str) -> Result<Vec<u8>, ScriptError> {
    let is_generic = text.starts_with(r"\#");
    if rtype.0 == 0 || (META.contains(&rtype.0) && is_generic) {
        return Err(ScriptError::Rdata("invalid use of a meta type"));
    }
    if META.contains(&rtype.0)
        || (class != Class::IN && class != Class::CH && is_of_internet(rtype))
    {
        return Err(ScriptError::Rdata("unknown class/type"));
    }
    let text = lexed(rtype, text);
    let octets = match parse_octets(rtype, &text) {
        Err(RdataTextError::Origin { .. }) => parse_octets(rtype, &with_root(&text)),
        read => read,
    };
    let octets = octets.map_err(|error| ScriptError::Rdata(words(&error)))?;
    let fits = match rtype {
        // In other classes than IN an address has another form (RFC 1035 section 3.3).
        RecordType::A => octets.len() == 4 && (class == Class::IN || is_generic),
        RecordType::AAAA => octets.len() == 16,
        RecordType::TXT | RecordType::SPF => !octets.is_empty(),
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

/// The text as the reader of data takes it. For nsupdate, unlike for a master file, parentheses and
/// semicolons are characters as any other, a quote inside a word is one, too, and a string in quotes
/// ends its word. In service parameters a quote may begin a value (RFC 9460 section 2.1).
fn lexed(rtype: RecordType, text: &str) -> String {
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
            '"' if !in_word || (pairs && kept.ends_with('=')) => quoted = true,
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
        RdataTextError::Name { source, .. } | RdataTextError::Data(RdataError::Name(source)) => {
            NameProblem::from(source).words()
        }
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
