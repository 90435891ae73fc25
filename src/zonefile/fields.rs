//! Conversion of one field of a record's data between words and octets.

use super::error::RdataTextError;
use super::octets::{
    Octets, form_error, push_counted, read_ipv4, read_ipv6, read_name, read_target, read_type,
    read_type_or_number,
};
use super::types::{Field, Form, format_type};
use super::words::{Words, quote, unescape};
use super::{bitmap, digits, gateway, key, location, numbers, obsolete, prefixes, service};
use crate::model::RecordType;

/// Reads one field and appends its octets.
pub(super) fn read(
    (field, form): Field,
    words: &mut Words<'_>,
    out: &mut Vec<u8>,
) -> Result<(), RdataTextError> {
    match form {
        Form::U8 => out.push(numbers::read(field, words)?),
        Form::U16 => out.extend(numbers::read::<u16>(field, words)?.to_be_bytes()),
        Form::U32 => out.extend(numbers::read::<u32>(field, words)?.to_be_bytes()),
        Form::Period => out.extend(numbers::read_period(field, words)?.to_be_bytes()),
        Form::Time => out.extend(numbers::read_time(field, words)?.to_be_bytes()),
        Form::Named8(mnemonics) | Form::Mnemonic8(mnemonics) => {
            out.push(read_mnemonic(field, mnemonics, words)?);
        }
        Form::Mnemonic16(mnemonics) => {
            out.extend(read_mnemonic(field, mnemonics, words)?.to_be_bytes());
        }
        Form::KeyFlags => key::read_flags(field, words, out)?,
        Form::Type => out.extend(read_type_or_number(field, words)?.0.to_be_bytes()),
        Form::Types => {
            let mut types = Vec::new();
            while words.peek().is_some() {
                types.push(read_type(field, words)?);
            }
            bitmap::encode(types, out);
        }
        Form::Name => out.extend_from_slice(read_name(field, words)?.as_wire()),
        Form::Target => out.extend_from_slice(read_target(field, words)?.as_wire()),
        Form::Names => {
            while words.peek().is_some() {
                out.extend_from_slice(read_name(field, words)?.as_wire());
            }
        }
        Form::Text => read_string(field, words, out)?,
        Form::OptionalText => {
            if words.peek().is_some() {
                read_string(field, words, out)?;
            }
        }
        Form::Texts => {
            read_string(field, words, out)?;
            while words.peek().is_some() {
                read_string(field, words, out)?;
            }
        }
        Form::Tag => read_tag(field, words, out)?,
        Form::Content => out.extend(unescape(field, words.required(field)?.text)?),
        Form::Quoted => out.extend(unescape(field, words.quoted(field)?)?),
        Form::Hex => out.extend(digits::read_hex(field, words)?),
        Form::Base64 => out.extend(digits::read_base64(field, words)?),
        Form::OptionalBase64 => {
            if words.peek().is_some() {
                out.extend(digits::read_base64(field, words)?);
            }
        }
        Form::Base64OrDash => read_base64_or_dash(field, words, out)?,
        Form::Salt => read_salt(field, words, out)?,
        Form::Hash => read_hash(field, words, out)?,
        Form::Ipv4 => out.extend(read_ipv4(field, words)?.octets()),
        Form::Ipv6 => out.extend(read_ipv6(field, words)?.octets()),
        Form::Locator => read_locator(field, words, out)?,
        Form::Hyphenated(count) => read_hyphenated(field, count, words, out)?,
        Form::Location => location::read(words, out)?,
        Form::Prefixes => prefixes::read(field, words, out)?,
        Form::ServiceParams => service::read(words, out)?,
        Form::KeyGateway => gateway::read_key_gateway(words, out)?,
        Form::Relay => gateway::read_relay(words, out)?,
        Form::HostIdentity => gateway::read_host_identity(words, out)?,
        Form::Services => obsolete::read_services(words, out)?,
        Form::Nsap => obsolete::read_nsap(words, out)?,
        Form::OldTypes => obsolete::read_types(words, out)?,
        Form::PrefixedAddress => obsolete::read_a6(words, out)?,
        Form::AtmAddress => obsolete::read_atma(words, out)?,
    }
    Ok(())
}

/// Writes one field as words; `None` if the octets do not fit its form.
pub(super) fn print(form: Form, octets: &mut Octets<'_>, out: &mut Vec<String>) -> Option<()> {
    match form {
        Form::U8 | Form::Named8(_) => out.push(octets.u8()?.to_string()),
        Form::U16 | Form::KeyFlags => out.push(octets.u16()?.to_string()),
        Form::Mnemonic8(mnemonics) => out.push(format_mnemonic(mnemonics, octets.u8()?)),
        Form::Mnemonic16(mnemonics) => out.push(format_mnemonic(mnemonics, octets.u16()?)),
        Form::U32 | Form::Period => out.push(octets.u32()?.to_string()),
        Form::Time => out.push(numbers::format_time(octets.u32()?)),
        Form::Type => out.push(format_type(RecordType(octets.u16()?))),
        Form::Types => out.extend(bitmap::decode(octets)?.into_iter().map(format_type)),
        Form::Name | Form::Target => out.push(octets.name()?.to_string()),
        Form::Names => {
            while !octets.is_empty() {
                out.push(octets.name()?.to_string());
            }
        }
        Form::Text => out.push(quote(octets.counted()?)),
        Form::OptionalText => {
            if !octets.is_empty() {
                out.push(quote(octets.counted()?));
            }
        }
        Form::Texts => {
            out.push(quote(octets.counted()?));
            while !octets.is_empty() {
                out.push(quote(octets.counted()?));
            }
        }
        Form::Tag => {
            let tag = str::from_utf8(octets.counted()?).ok();
            out.push(tag.filter(|tag| is_tag(tag))?.to_owned());
        }
        Form::Content | Form::Quoted => out.push(quote(octets.rest())),
        Form::Hex => out.push(digits::format_hex(octets.some_rest()?)),
        Form::Base64 => out.push(digits::format_base64(octets.some_rest()?)),
        Form::Base64OrDash => out.push(match octets.rest() {
            [] => "-".to_owned(),
            data => digits::format_base64(data),
        }),
        Form::OptionalBase64 => {
            if !octets.is_empty() {
                out.push(digits::format_base64(octets.rest()));
            }
        }
        Form::Salt => {
            let salt = octets.counted()?;
            out.push(if salt.is_empty() {
                "-".to_owned()
            } else {
                digits::format_hex(salt)
            });
        }
        Form::Hash => {
            let hash = octets.counted().filter(|hash| !hash.is_empty())?;
            out.push(digits::format_base32(hash));
        }
        Form::Ipv4 => out.push(octets.ipv4()?.to_string()),
        Form::Ipv6 => out.push(octets.ipv6()?.to_string()),
        Form::Locator => out.push(format_locator(octets.take(8)?)),
        Form::Hyphenated(count) => out.push(format_hyphenated(octets.take(count)?)),
        Form::Location => out.extend(location::print(octets)?),
        Form::Prefixes => prefixes::print(octets, out)?,
        Form::ServiceParams => service::print(octets, out)?,
        Form::KeyGateway => gateway::print_key_gateway(octets, out)?,
        Form::Relay => gateway::print_relay(octets, out)?,
        Form::HostIdentity => gateway::print_host_identity(octets, out)?,
        Form::Services => obsolete::print_services(octets, out)?,
        Form::Nsap => out.push(obsolete::print_nsap(octets)?),
        Form::OldTypes => obsolete::print_types(octets, out)?,
        Form::PrefixedAddress => obsolete::print_a6(octets, out)?,
        Form::AtmAddress => out.push(obsolete::print_atma(octets)?),
    }
    Some(())
}

/// Reads a number or one of the mnemonics of a field in any case.
fn read_mnemonic<T: Copy + TryFrom<u32>>(
    field: &'static str,
    mnemonics: &[(&str, T)],
    words: &mut Words<'_>,
) -> Result<T, RdataTextError> {
    let known = words.peek().filter(|word| !word.quoted).and_then(|word| {
        mnemonics
            .iter()
            .find(|(mnemonic, _)| mnemonic.eq_ignore_ascii_case(word.text))
    });
    if let Some((_, value)) = known {
        words.next();
        return Ok(*value);
    }
    numbers::read(field, words)
}

/// Writes a number as its first mnemonic, if it has one.
fn format_mnemonic<T: Copy + PartialEq + ToString>(mnemonics: &[(&str, T)], number: T) -> String {
    let named = mnemonics.iter().find(|(_, known)| *known == number);
    named.map_or_else(
        || number.to_string(),
        |(mnemonic, _)| (*mnemonic).to_owned(),
    )
}

fn read_string(
    field: &'static str,
    words: &mut Words<'_>,
    out: &mut Vec<u8>,
) -> Result<(), RdataTextError> {
    push_counted(field, &unescape(field, words.required(field)?.text)?, out)
}

fn read_tag(
    field: &'static str,
    words: &mut Words<'_>,
    out: &mut Vec<u8>,
) -> Result<(), RdataTextError> {
    let word = words.unquoted(field)?;
    if !is_tag(word) {
        return Err(form_error(field, word, "letters and digits"));
    }
    push_counted(field, word.as_bytes(), out)
}

fn is_tag(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|octet| octet.is_ascii_alphanumeric())
}

fn read_base64_or_dash(
    field: &'static str,
    words: &mut Words<'_>,
    out: &mut Vec<u8>,
) -> Result<(), RdataTextError> {
    if words.peek().is_some_and(|word| word.text == "-") {
        words.next();
    } else {
        out.extend(digits::read_base64(field, words)?);
    }
    Ok(())
}

fn read_salt(
    field: &'static str,
    words: &mut Words<'_>,
    out: &mut Vec<u8>,
) -> Result<(), RdataTextError> {
    let word = words.unquoted(field)?;
    let digits = if word == "-" { "" } else { word };
    let salt =
        digits::parse_hex(digits).ok_or_else(|| form_error(field, word, "`-` or hexadecimal"))?;
    push_counted(field, &salt, out)
}

fn read_hash(
    field: &'static str,
    words: &mut Words<'_>,
    out: &mut Vec<u8>,
) -> Result<(), RdataTextError> {
    let word = words.unquoted(field)?;
    let hash = digits::parse_base32(word).ok_or_else(|| form_error(field, word, "base32hex"))?;
    push_counted(field, &hash, out)
}

fn read_locator(
    field: &'static str,
    words: &mut Words<'_>,
    out: &mut Vec<u8>,
) -> Result<(), RdataTextError> {
    let word = words.unquoted(field)?;
    let groups = word.split(':').map(|group| {
        let is_hex = group.bytes().all(|digit| digit.is_ascii_hexdigit());
        is_hex.then(|| u16::from_str_radix(group, 16).ok())?
    });
    let groups: Option<Vec<u16>> = groups.collect();
    let groups = groups.filter(|groups| groups.len() == 4).ok_or_else(|| {
        form_error(
            field,
            word,
            "four groups of hexadecimal digits with `:` between them",
        )
    })?;
    out.extend(groups.into_iter().flat_map(u16::to_be_bytes));
    Ok(())
}

fn read_hyphenated(
    field: &'static str,
    count: usize,
    words: &mut Words<'_>,
    out: &mut Vec<u8>,
) -> Result<(), RdataTextError> {
    let word = words.unquoted(field)?;
    let expected = if count == 6 {
        "six pairs of hexadecimal digits with `-` between them"
    } else {
        "eight pairs of hexadecimal digits with `-` between them"
    };
    out.extend(parse_hyphenated(word, count).ok_or_else(|| form_error(field, word, expected))?);
    Ok(())
}

fn parse_hyphenated(word: &str, count: usize) -> Option<Vec<u8>> {
    let pairs: Vec<&str> = word.split('-').collect();
    let fits = pairs.len() == count && pairs.iter().all(|pair| pair.len() == 2);
    fits.then(|| digits::parse_hex(&pairs.concat()))?
}

fn format_locator(octets: &[u8]) -> String {
    let (groups, _) = octets.as_chunks::<2>();
    let groups = groups
        .iter()
        .map(|group| format!("{:x}", u16::from_be_bytes(*group)));
    groups.collect::<Vec<_>>().join(":")
}

fn format_hyphenated(octets: &[u8]) -> String {
    let pairs = octets.iter().map(|octet| format!("{octet:02x}"));
    pairs.collect::<Vec<_>>().join("-")
}
