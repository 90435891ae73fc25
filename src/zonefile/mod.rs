//! Presentation format (RFC 1035 section 5.1, RFC 3597): RDATA, type names and records as text.
//!
//! For every type, known or not, text and octets are two forms of one thing: what is printed reads
//! back as the same octets, here and in BIND, and what is read is exact. Text that cannot be kept
//! exactly is an error that names the field; nothing is dropped, cut or rounded. The types are
//! rows of one table (`types`); a type or field that the table does not know is written in the
//! form of RFC 3597, `\# LENGTH HEX`.
//!
//! This module reads no files and knows neither `$ORIGIN` nor comments: a record's data stand
//! alone, and a name in them is absolute with or without its final dot. Whoever reads master files cuts
//! them into words and says what names are relative to ([`read_rdata`]).

mod bitmap;
mod digits;
mod error;
mod fields;
mod gateway;
mod location;
mod numbers;
mod octets;
mod prefixes;
mod service;
mod types;
mod words;

#[cfg(test)]
mod tests;

use crate::model::{Name, Rdata, RecordType};

pub use error::RdataTextError;
use error::excerpt;
use octets::Octets;
use words::Words;
pub use words::{Word, cut_word};

pub use types::{format_type, known_types, parse_type};

/// Reads the data of a record, in the type's own form or in that of RFC 3597.
///
/// # Errors
/// [`RdataTextError`] says which field is wrong and why.
pub fn parse_rdata(rtype: RecordType, text: &str) -> Result<Rdata, RdataTextError> {
    let octets = parse_octets(rtype, text)?;
    Ok(Rdata::from_wire(rtype, &octets)?)
}

/// The same, with the names in the data spelt as they are in the text.
///
/// # Errors
/// As [`parse_rdata`].
pub fn parse_octets(rtype: RecordType, text: &str) -> Result<Vec<u8>, RdataTextError> {
    let mut words = Words::cut(text, has_pairs(rtype))?;
    read_words(rtype, &mut words)
}

/// Reads the data of a record from words that were cut with [`cut_word`], in the type's own form or in that
/// of RFC 3597. Names are relative to `origin`.
///
/// # Errors
/// The index of the word at fault, which may be one past the last, and what is wrong with it.
pub fn read_rdata(
    rtype: RecordType,
    words: Vec<Word<'_>>,
    origin: &Name,
) -> Result<Rdata, (usize, RdataTextError)> {
    let mut words = Words::of(words, Some(origin));
    let read =
        read_words(rtype, &mut words).and_then(|octets| Ok(Rdata::from_wire(rtype, &octets)?));
    read.map_err(|error| {
        let is_missing = matches!(error, RdataTextError::Missing { .. });
        let at = words.taken().saturating_sub(usize::from(!is_missing));
        (at, error)
    })
}

/// Whether a value in quotes after `=` belongs to its word in the data of a type (RFC 9460 section 2.1).
pub fn has_pairs(rtype: RecordType) -> bool {
    let parts = types::parts(rtype).unwrap_or_default();
    parts
        .iter()
        .any(|(_, form)| *form == types::Form::Parameters)
}

/// Whether a record of a type may have no data: of those that are known, only APL (RFC 3123 section 4) and NULL.
pub fn can_be_empty(rtype: RecordType) -> bool {
    [10, 42].contains(&rtype.0) || types::parts(rtype).is_none_or(<[_]>::is_empty)
}

/// Seconds, as a number or as numbers with the units w, d, h, m and s, as BIND reads them.
pub fn parse_period(text: &str) -> Option<u32> {
    numbers::parse_period(text)
}

/// The octets, with names spelt as they are in the words.
fn read_words(rtype: RecordType, words: &mut Words<'_>) -> Result<Vec<u8>, RdataTextError> {
    let parts = types::parts(rtype).unwrap_or_default();
    let mut octets = Vec::new();
    if words
        .peek()
        .is_some_and(|word| !word.quoted && word.text == r"\#")
    {
        words.next();
        octets = parse_generic(words)?;
    } else if parts.is_empty() {
        return Err(RdataTextError::GenericOnly {
            rtype: format_type(rtype),
        });
    } else {
        for part in parts {
            fields::read(*part, words, &mut octets)?;
        }
        digits::check_digest(rtype, &octets)?;
    }
    if let Some(word) = words.next() {
        return Err(RdataTextError::Extra {
            word: excerpt(word.text),
        });
    }
    // Data in the form of RFC 3597 have to fit the type, too.
    Rdata::from_wire(rtype, &octets)?;
    Ok(octets)
}

/// Writes the data of a record on one line: in the type's own form where that reads back as the
/// same octets, else in that of RFC 3597.
pub fn format_rdata(rtype: RecordType, rdata: &Rdata) -> String {
    format_octets(rtype, rdata.as_wire())
}

/// The same, of octets in which names are spelt in any way.
pub fn format_octets(rtype: RecordType, data: &[u8]) -> String {
    types::parts(rtype)
        .and_then(|parts| {
            let mut octets = Octets::new(data);
            let mut text = Vec::new();
            for (_, form) in parts {
                fields::print(*form, &mut octets, &mut text)?;
            }
            octets.is_empty().then(|| text.join(" "))
        })
        .filter(|text| !text.is_empty())
        .filter(|text| parse_octets(rtype, text).is_ok_and(|back| back == data))
        .unwrap_or_else(|| format_generic(data))
}

/// The data of a TXT record with this content, cut into strings of 255 octets; one empty string
/// where it is empty. Content that is too long for a record is refused by what encodes messages.
pub fn txt_rdata(content: &[u8]) -> Rdata {
    let mut octets =
        Vec::with_capacity(content.len() + content.len() / octets::STRING_OCTETS_MAX + 1);
    for string in content.chunks(octets::STRING_OCTETS_MAX) {
        octets.push(u8::try_from(string.len()).unwrap_or(u8::MAX));
        octets.extend_from_slice(string);
    }
    if octets.is_empty() {
        octets.push(0);
    }
    Rdata::from_canonical(octets)
}

/// Writes a record on one line: owner, TTL in seconds, class, type and data.
pub fn format_record(owner: &Name, ttl: u32, rtype: RecordType, rdata: &Rdata) -> String {
    let (rtype_text, rdata_text) = (format_type(rtype), format_rdata(rtype, rdata));
    format!("{owner} {ttl} IN {rtype_text} {rdata_text}")
}

/// Reads what follows `\#`: the number of octets, and as many in hexadecimal.
fn parse_generic(words: &mut Words<'_>) -> Result<Vec<u8>, RdataTextError> {
    let stated = usize::from(numbers::read::<u16>("length", words)?);
    let octets = match words.peek() {
        Some(_) => digits::read_hex("data", words)?,
        None => Vec::new(),
    };
    if octets.len() == stated {
        Ok(octets)
    } else {
        Err(RdataTextError::GenericLength {
            stated,
            found: octets.len(),
        })
    }
}

fn format_generic(octets: &[u8]) -> String {
    if octets.is_empty() {
        return r"\# 0".to_owned();
    }
    format!(r"\# {} {}", octets.len(), digits::format_hex(octets))
}
