//! One record of a payload, by itself.

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

/// Plesk's transfer permissions and the like, kept among its records and no DNS data.
const PSEUDO_TYPES: [&str; 3] = ["AXFR", "MASTER", "NONE"];

/// Most octets of text in one TXT record: with an octet of length for every 255, they fill the
/// 65,535 that an RDLENGTH can say.
const TEXT_OCTETS_MAX: usize = 65_279;

/// The record that `text` describes, and what is noticed about it; none for what is no record of
/// this zone by its nature: Plesk's pseudo types, and PTR records of addresses.
///
/// # Errors
/// What is wrong with it, where it is left out.
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

/// The managed type that a text names; none for a pseudo type.
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

/// Whether a host is an address, as that of a PTR record is which belongs to a reverse zone; with
/// or without a prefix length and a final dot.
fn is_address(host: &str) -> bool {
    let host = host.trim_ascii();
    let address = match host.split_once('/') {
        Some((address, length)) if length.bytes().all(|octet| octet.is_ascii_digit()) => address,
        _ => host,
    };
    let address = address.strip_suffix('.').unwrap_or(address);
    address.parse::<IpAddr>().is_ok()
}

/// The owner, in the zone and where its type may stand whatever else is there.
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

/// The data: `value` alone where the type is one field, else what stands in `opt`, a blank, and
/// `value`; all of it may stand in `value`.
fn parse_data(
    rtype: RecordType,
    opt: Option<&str>,
    value: &str,
) -> Result<(Rdata, Option<NoteKind>), Fault> {
    let bad = |expected| ProblemKind::BadData { expected }.at("value", value);
    let data = match rtype {
        RecordType::A => {
            let address: Result<Ipv4Addr, _> = value.trim_ascii().parse();
            let address = address.map_err(|_| bad("an IPv4 address"))?;
            Rdata::from_canonical(address.octets())
        }
        RecordType::AAAA => {
            let address: Result<Ipv6Addr, _> = value.trim_ascii().parse();
            let address = address.map_err(|_| bad("an IPv6 address"))?;
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

/// The data of TXT: the text as it is, even where it looks quoted or escaped.
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
        // Either member can be at fault where both are given.
        if opt.is_empty() {
            kind.at("value", text)
        } else {
            kind.of(text)
        }
    })
}

/// The data of MX and SRV, so many numbers of 16 bits and a name; none where the text is anything
/// else. It knows what the reader of the presentation format knows, is faster, and takes
/// Unicode.
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

/// The text of a CAA record with its property value quoted: Plesk gives it bare, and in the
/// presentation format its blanks and semicolons would mean something else (RFC 8659 section
/// 4.1.1). What begins and ends with a quote is taken as quoted.
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
