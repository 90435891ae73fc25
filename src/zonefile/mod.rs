//! Presentation format (RFC 1035 section 5.1, RFC 3597): RDATA, type names and records as text.
//!
//! The conversion is exact for every type, known or unknown: this module and BIND read printed text
//! back as the same octets. Text that the module cannot keep exactly is an error that names the
//! field; the module never drops, cuts or rounds anything. The types are rows of one table
//! (`types`). Data without a row, or that do not fit their row, have the form of RFC 3597,
//! `\# LENGTH HEX`.
//!
//! The module reads no files and knows neither `$ORIGIN` nor comments: the data of a record stand
//! alone, and a name in them is absolute with or without its final dot. The reader of master files
//! splits its text into words and passes them with their origin (`read_rdata`).

mod bitmap;
mod digits;
mod error;
mod fields;
mod fit;
mod gateway;
mod key;
mod location;
mod mnemonics;
mod numbers;
mod obsolete;
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
pub(crate) use numbers::{format_time, parse_date, parse_period};
use octets::Octets;
pub use types::{format_type, known_types, parse_type};
use words::Words;
pub(crate) use words::{Word, split_word};

/// Reads the data of a record, in the type's own form or in that of RFC 3597.
///
/// # Errors
/// [`RdataTextError`] names the wrong field and the reason.
pub fn parse_rdata(rtype: RecordType, text: &str) -> Result<Rdata, RdataTextError> {
    let octets = parse_octets(rtype, text)?;
    Ok(Rdata::from_wire(rtype, &octets)?)
}

/// Reads the data of a record as octets in which names keep their spelling.
///
/// # Errors
/// [`RdataTextError`] names the wrong field and the reason.
pub fn parse_octets(rtype: RecordType, text: &str) -> Result<Vec<u8>, RdataTextError> {
    let mut words = Words::split(text, has_service_params(rtype))?;
    read_words(rtype, &mut words)
}

/// Reads the data of a record from words of [`split_word`], in the type's own form or in that of
/// RFC 3597. Names are relative to `origin`.
///
/// # Errors
/// The index of the wrong word, which may be one past the last, and the reason.
pub(crate) fn read_rdata(
    rtype: RecordType,
    words: Vec<Word<'_>>,
    origin: &Name,
) -> Result<Rdata, (usize, RdataTextError)> {
    let mut words = Words::new(words, Some(origin));
    let read =
        read_words(rtype, &mut words).and_then(|octets| Ok(Rdata::from_wire(rtype, &octets)?));
    read.map_err(|error| {
        let is_missing = matches!(error, RdataTextError::Missing { .. });
        let at = words.taken().saturating_sub(usize::from(!is_missing));
        (at, error)
    })
}

/// Returns whether data of a type contain service parameters, in which a quoted value after `=`
/// belongs to its word (RFC 9460 section 2.1).
pub(crate) fn has_service_params(rtype: RecordType) -> bool {
    let layout = types::fields(rtype).unwrap_or_default();
    layout
        .iter()
        .any(|(_, form)| *form == types::Form::ServiceParams)
}

/// Reads the words as octets in which names keep their spelling.
fn read_words(rtype: RecordType, words: &mut Words<'_>) -> Result<Vec<u8>, RdataTextError> {
    let layout = types::fields(rtype).unwrap_or_default();
    let mut octets = Vec::new();
    if is_generic(rtype, words) {
        words.next();
        octets = parse_generic(words)?;
        fit::check_fields(rtype, &octets)?;
    } else if layout.is_empty() {
        return Err(RdataTextError::GenericOnly {
            rtype: format_type(rtype),
        });
    } else {
        for field in layout {
            fields::read(*field, words, &mut octets)?;
        }
    }
    if let Some(word) = words.next() {
        return Err(RdataTextError::Extra {
            word: excerpt(word.text),
        });
    }
    fit::check_rules(rtype, &octets)?;
    Ok(octets)
}

/// Returns whether data have the form of RFC 3597. BIND: `\#` in TXT is a string unless a number follows.
fn is_generic(rtype: RecordType, words: &Words<'_>) -> bool {
    let mut next = words.upcoming();
    let begins = next
        .next()
        .is_some_and(|word| !word.quoted && word.text == r"\#");
    let is_number = |word: &Word<'_>| !word.quoted && numbers::parse::<u32>(word.text).is_some();
    begins && (rtype != RecordType::TXT || next.next().is_some_and(is_number))
}

/// Writes the data of a record on one line: in the type's own form if that reads back as the same
/// octets, otherwise in that of RFC 3597.
pub fn format_rdata(rtype: RecordType, rdata: &Rdata) -> String {
    format_octets(rtype, rdata.as_wire())
}

/// Writes data whose names may have capital letters on one line, as [`format_rdata`] does.
pub fn format_octets(rtype: RecordType, data: &[u8]) -> String {
    types::fields(rtype)
        .and_then(|layout| {
            let mut octets = Octets::new(data);
            let mut words = Vec::new();
            for (_, form) in layout {
                fields::print(*form, &mut octets, &mut words)?;
            }
            octets.is_empty().then(|| words.join(" "))
        })
        .filter(|text| !text.is_empty())
        .filter(|text| parse_octets(rtype, text).is_ok_and(|back| back == data))
        .unwrap_or_else(|| format_generic(data))
}

/// Builds the data of a TXT record: splits the content into strings of 255 octets, or writes one
/// empty string if there is no content. The encoder of messages refuses content that is too long.
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

/// Writes a record on one line: owner name, TTL in seconds, class, type and data.
pub fn format_record(owner: &Name, ttl: u32, rtype: RecordType, rdata: &Rdata) -> String {
    let (rtype_text, rdata_text) = (format_type(rtype), format_rdata(rtype, rdata));
    format!("{owner} {ttl} IN {rtype_text} {rdata_text}")
}

/// Reads the form of RFC 3597 after `\#`: the number of octets, and that many in hexadecimal.
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
