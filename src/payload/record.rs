//! Parses one record of a payload, without regard to the others.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::json::{members, number, optional, parse_digits, required};
use super::name::parse_name;
use super::problem::{Fault, NoteKind, ProblemKind, excerpt};
use crate::model::{Name, Rdata, Record, RecordType, TTL_MAX, ZoneName};
use crate::zonefile::{parse_rdata, txt_rdata};

/// The types that Plesk manages.
const MANAGED: [(&str, RecordType); 13] = [
    ("A", RecordType::A),
    ("AAAA", RecordType::AAAA),
    ("NS", RecordType::NS),
    ("CNAME", RecordType::CNAME),
    ("MX", RecordType::MX),
    ("TXT", RecordType::TXT),
    ("SRV", RecordType::SRV),
    ("CAA", RecordType::CAA),
    ("TLSA", RecordType::TLSA),
    ("DS", RecordType::DS),
    ("HTTPS", RecordType::HTTPS),
    ("SVCB", RecordType::SVCB),
    ("PTR", RecordType::PTR),
];

/// Types of entries that Plesk keeps among the records, such as transfer permissions; they are no
/// DNS data.
const PSEUDO_TYPES: [&str; 3] = ["AXFR", "MASTER", "NONE"];

/// Most octets of text in one TXT record: with a length octet for every 255, they fill the 65,535
/// octets that RDLENGTH allows.
const TEXT_OCTETS_MAX: usize = 65_279;

/// Parses the record in `text`, and returns it with a remark about it. `None` for entries that are
/// not records of this zone: Plesk's pseudo types, and PTR records of addresses.
///
/// # Errors
/// The fault for which the record is skipped.
pub(super) fn parse_record(
    text: &str,
    zone: &ZoneName,
    default_ttl: u32,
) -> Result<Option<(Record, Option<NoteKind>)>, Fault> {
    let keys = ["host", "type", "opt", "value", "ttl"];
    let [host, rtype, opt, value, ttl] = members(text, keys).map_err(|kind| kind.of(text))?;
    let Some(rtype) = managed_type(&required("type", rtype)?)? else {
        return Ok(None);
    };
    let host = required("host", host)?;
    if rtype == RecordType::PTR && is_address(&host) {
        return Ok(None);
    }
    let owner = parse_owner(&host, rtype, zone)?;
    let ttl = number("ttl", ttl, TTL_MAX)?.unwrap_or(default_ttl);
    let value = required("value", value)?;
    let (rdata, note) = parse_data(rtype, opt, &value)?;
    let record = Record {
        owner,
        rtype,
        ttl,
        rdata,
    };
    Ok(Some((record, note)))
}

/// Returns the managed type that a text names; `None` if it names a pseudo type.
fn managed_type(text: &str) -> Result<Option<RecordType>, Fault> {
    let word = text.trim_ascii();
    if let Some((_, rtype)) = MANAGED
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(word))
    {
        return Ok(Some(*rtype));
    }
    if PSEUDO_TYPES
        .iter()
        .any(|name| name.eq_ignore_ascii_case(word))
    {
        return Ok(None);
    }
    let kind = if word.eq_ignore_ascii_case("SPF") {
        ProblemKind::Spf
    } else {
        ProblemKind::UnmanagedType {
            rtype: excerpt(word),
        }
    };
    Err(kind.at("type", text))
}

/// Returns whether a host is an address, with or without a prefix length and a final dot. A PTR
/// record with such a host belongs to a reverse zone.
fn is_address(host: &str) -> bool {
    let host = host.trim_ascii();
    let address = match host.split_once('/') {
        Some((address, length)) if length.bytes().all(|octet| octet.is_ascii_digit()) => address,
        _ => host,
    };
    let address = address.strip_suffix('.').unwrap_or(address);
    address.parse::<IpAddr>().is_ok()
}

/// Parses the owner name. It must be in the zone, and the type must be allowed there whatever other
/// records the zone has.
fn parse_owner(host: &str, rtype: RecordType, zone: &ZoneName) -> Result<Name, Fault> {
    let owner = parse_name(host).map_err(|error| ProblemKind::BadName(error).at("host", host))?;
    let Some(owner) = zone.owner(owner) else {
        let zone = zone.apex().clone();
        return Err(ProblemKind::OutOfZone { zone }.at("host", host));
    };
    let owner = owner.into_name();
    let is_apex = owner == *zone.apex();
    match rtype {
        RecordType::DS if is_apex => Err(ProblemKind::DsAtApex.at("host", host)),
        RecordType::CNAME if is_apex => Err(ProblemKind::CnameAtApex.at("host", host)),
        _ => Ok(owner),
    }
}

/// Parses the RDATA: `value` alone if the type has one field, else `opt`, a blank and `value`.
/// `opt` may be empty, with all fields in `value`.
fn parse_data(
    rtype: RecordType,
    opt: Option<&str>,
    value: &str,
) -> Result<(Rdata, Option<NoteKind>), Fault> {
    let bad_data = |expected| ProblemKind::BadData { expected }.at("value", value);
    let data = match rtype {
        RecordType::A => {
            let address: Result<Ipv4Addr, _> = value.trim_ascii().parse();
            let address = address.map_err(|_| bad_data("an IPv4 address"))?;
            Rdata::from_canonical(address.octets())
        }
        RecordType::AAAA => {
            let address: Result<Ipv6Addr, _> = value.trim_ascii().parse();
            let address = address.map_err(|_| bad_data("an IPv6 address"))?;
            Rdata::from_canonical(address.octets())
        }
        RecordType::NS | RecordType::CNAME | RecordType::PTR => {
            let name = parse_name(value);
            Rdata::from_name(&name.map_err(|error| ProblemKind::BadName(error).at("value", value))?)
        }
        RecordType::TXT => parse_text(value)?,
        _ => {
            let opt = optional("opt", opt)?.unwrap_or_default();
            return parse_joined(rtype, opt.trim_ascii(), value);
        }
    };
    Ok((data, None))
}

/// Encodes the RDATA of TXT: the text to the letter, even if it looks quoted or escaped.
fn parse_text(value: &str) -> Result<Rdata, Fault> {
    if value.len() > TEXT_OCTETS_MAX {
        let kind = ProblemKind::TextTooLong {
            octets: value.len(),
            limit: TEXT_OCTETS_MAX,
        };
        return Err(kind.at("value", value));
    }
    Ok(txt_rdata(value.as_bytes()))
}

fn parse_joined(
    rtype: RecordType,
    opt: &str,
    value: &str,
) -> Result<(Rdata, Option<NoteKind>), Fault> {
    let target = value.trim_ascii();
    let lacks_preference = rtype == RecordType::MX
        && opt.is_empty()
        && !target.contains(|character: char| character.is_ascii_whitespace());
    let text = match opt {
        "" if lacks_preference => format!("0 {target}"),
        "" => target.to_owned(),
        _ => format!("{opt} {value}"),
    };
    let data = match rtype {
        RecordType::MX => numbers_and_name(&text, 1),
        RecordType::SRV => numbers_and_name(&text, 3),
        _ => None,
    };
    let data = match data {
        Some(data) => data,
        None if rtype == RecordType::CAA => parse_presentation(rtype, &quote_property(&text), opt)?,
        None => parse_presentation(rtype, &text, opt)?,
    };
    Ok((data, lacks_preference.then_some(NoteKind::NoPreference)))
}

fn parse_presentation(rtype: RecordType, text: &str, opt: &str) -> Result<Rdata, Fault> {
    parse_rdata(rtype, text).map_err(|error| {
        let kind = ProblemKind::BadText(error);
        // If both members are given, either can be wrong.
        if opt.is_empty() {
            kind.at("value", text)
        } else {
            kind.of(text)
        }
    })
}

/// Parses the RDATA of MX and SRV: `numbers` numbers of 16 bits, then a name. `None` if the text is
/// anything else. Unlike `parse_rdata`, this accepts Unicode names, and it is faster.
fn numbers_and_name(text: &str, numbers: usize) -> Option<Rdata> {
    let mut words = text.split_ascii_whitespace();
    let mut octets = Vec::with_capacity(text.len() + 2);
    for word in words.by_ref().take(numbers) {
        let number: u16 = parse_digits(word)?;
        octets.extend_from_slice(&number.to_be_bytes());
    }
    let name = parse_name(words.next()?).ok()?.to_lowercase();
    octets.extend_from_slice(name.as_wire());
    words
        .next()
        .is_none()
        .then(|| Rdata::from_canonical(octets))
}

/// Quotes the property value in the text of a CAA record: Plesk writes it bare, and in the
/// presentation format its blanks and semicolons would mean something else (RFC 8659 section
/// 4.1.1). A value that begins and ends with a quote counts as quoted.
fn quote_property(text: &str) -> String {
    let blank = |character: char| character.is_ascii_whitespace();
    let (flags, rest) = text.split_once(blank).unwrap_or((text, ""));
    let rest = rest.trim_ascii_start();
    let (tag, value) = rest.split_once(blank).unwrap_or((rest, ""));
    let trimmed = value.trim_ascii();
    if trimmed.len() > 1 && trimmed.starts_with('"') && trimmed.ends_with('"') {
        return format!("{flags} {tag} {trimmed}");
    }
    let mut quoted = format!("{flags} {tag} \"");
    for octet in value.bytes() {
        match octet {
            b'"' | b'\\' => quoted.extend(['\\', char::from(octet)]),
            b' '..=b'~' => quoted.push(char::from(octet)),
            _ => {
                let [a, b, c] =
                    [octet / 100, octet / 10 % 10, octet % 10].map(|digit| b'0' + digit);
                quoted.extend(['\\', a.into(), b.into(), c.into()]);
            }
        }
    }
    quoted.push('"');
    quoted
}
