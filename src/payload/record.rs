//! Parses one record of a payload, without regard to the others.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::json::{RecordMembers, number, optional, parse_digits, required};
use super::name::{parse_name, require_ascii};
use super::problem::{Fault, NoteKind, ProblemKind, excerpt};
use crate::model::{
    LABEL_OCTETS_MAX, Name, RRSET_OCTETS_MAX, Rdata, Record, RecordType, Rejected, TTL_MAX,
    ZoneName,
};
use crate::zonefile::{parse_rdata, parse_type, txt_rdata};

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

/// Tags of CAA whose value begins with an issuer.
const ISSUE_TAGS: [&[u8]; 3] = [b"issue", b"issuewild", b"issuemail"];

/// Most octets of text in one TXT record: with a length octet for every 255, they fill the 65,535
/// octets that RDLENGTH allows.
const TEXT_OCTETS_MAX: usize = 65_279;

/// A record that is valid by itself.
pub(super) struct ParsedRecord {
    pub(super) record: Record,
    /// A remark about it.
    pub(super) note: Option<NoteKind>,
    /// The fault of its TTL; the record has the zone's.
    pub(super) ttl_fault: Option<Fault>,
}

/// Parses a record. `None` for entries that are not records of this zone: Plesk's pseudo
/// types, and PTR records of addresses.
///
/// # Errors
/// The fault for which the record is skipped.
pub(super) fn parse_record(
    [host, rtype, opt, value, ttl]: RecordMembers<'_>,
    zone: &ZoneName,
    default_ttl: u32,
) -> Result<Option<ParsedRecord>, Fault> {
    let Some(rtype) = managed_type(&required("type", rtype)?)? else {
        return Ok(None);
    };
    let host = required("host", host)?;
    if rtype == RecordType::PTR && is_address(&host) {
        return Ok(None);
    }
    let owner = parse_owner(&host, rtype, zone)?;
    let value = required("value", value)?;
    let (rdata, note) = parse_data(rtype, opt, &value)?;
    check_data(rtype, &rdata, &value)?;
    let ttl = number("ttl", ttl, TTL_MAX);
    let (ttl, ttl_fault) = match ttl {
        Ok(ttl) => (ttl.unwrap_or(default_ttl), None),
        Err(Fault { key, text, kind: _ }) => {
            let kind = ProblemKind::BadTtl {
                max: TTL_MAX,
                taken: default_ttl,
            };
            (default_ttl, Some(Fault { key, text, kind }))
        }
    };
    let record = Record {
        owner,
        rtype,
        ttl,
        rdata,
    };
    Ok(Some(ParsedRecord {
        record,
        note,
        ttl_fault,
    }))
}

/// Returns as much of the owner name and type of a skipped record as can be read.
pub(super) fn rejected_record([host, rtype, ..]: RecordMembers<'_>, zone: &ZoneName) -> Rejected {
    let word = |key, member| optional(key, member).ok().flatten();
    let rtype = word("type", rtype).and_then(|word| parse_type(word.trim_ascii()));
    let host = word("host", host).unwrap_or_default();
    let owner = parse_name(&host).ok().map(|name| {
        if name.is_at_or_below(zone.apex()) {
            return name;
        }
        // Without its final dot it may be meant relative to the apex, as in a master file.
        Name::relative(host.trim_ascii(), zone.apex()).unwrap_or(name)
    });
    Rejected {
        owner,
        rtype: rtype.filter(|rtype| !rtype.is_meta()),
    }
}

/// Returns the owner name and the type of a record as they are sent. `None` if one of them cannot be read.
pub(super) fn record_name([host, rtype, ..]: RecordMembers<'_>) -> Option<String> {
    let host = required("host", host).ok()?;
    let rtype = required("type", rtype).ok()?;
    Some(format!("{} {}", excerpt(&host), excerpt(&rtype)))
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
        RecordType::TXT => return Ok((parse_text(value)?, text_note(value))),
        _ => {
            let opt = optional("opt", opt)?.unwrap_or_default();
            return parse_joined(rtype, opt.trim_ascii(), value);
        }
    };
    Ok((data, None))
}

/// Checks data that have the form of their type for what cannot be meant.
fn check_data(rtype: RecordType, rdata: &Rdata, value: &str) -> Result<(), Fault> {
    if let Some(target) = rdata.target(rtype) {
        target
            .check_target()
            .map_err(|error| ProblemKind::NoHostName(error).at("value", value))?;
    }
    if rtype == RecordType::CAA && !has_readable_issuer(rdata.as_wire()) {
        return Err(ProblemKind::BadIssuer.at("value", value));
    }
    Ok(())
}

/// Returns whether a CA can read the issuer in CAA data (RFC 8659 section 4.2, RFC 9495): nothing, or a domain name
/// before the parameters. One that it cannot read forbids every CA.
fn has_readable_issuer(caa: &[u8]) -> bool {
    let [_flags, length, rest @ ..] = caa else {
        return true;
    };
    let Some((tag, value)) = rest.split_at_checked(usize::from(*length)) else {
        return true;
    };
    if !ISSUE_TAGS.iter().any(|it| tag.eq_ignore_ascii_case(it)) {
        return true;
    }
    let is_label = |label: &[u8]| {
        let is_inner = |octet: &u8| octet.is_ascii_alphanumeric() || *octet == b'-';
        let is_outer = |octet: Option<&u8>| octet.is_some_and(u8::is_ascii_alphanumeric);
        label.len() <= LABEL_OCTETS_MAX
            && label.iter().all(is_inner)
            && is_outer(label.first())
            && is_outer(label.last())
    };
    let issuer = value.split(|octet| *octet == b';').next();
    let issuer = issuer.unwrap_or_default().trim_ascii();
    issuer.is_empty() || issuer.split(|octet| *octet == b'.').all(is_label)
}

/// Returns a remark about a text that is published to the letter and looks as if something else was meant.
fn text_note(value: &str) -> Option<NoteKind> {
    let text = value.trim_ascii();
    let is_within = |start, end| text.len() > 1 && text.starts_with(start) && text.ends_with(end);
    if value.contains(['\r', '\n']) {
        Some(NoteKind::LineBreak)
    } else if is_within('"', '"') || is_within('(', ')') || text.contains(r"\;") {
        Some(NoteKind::MasterFileText)
    } else {
        None
    }
}

/// Encodes the RDATA of TXT: the text to the letter, even if it looks quoted or escaped.
fn parse_text(value: &str) -> Result<Rdata, Fault> {
    if value.len() > TEXT_OCTETS_MAX {
        let kind = ProblemKind::TooLarge {
            records: 1,
            octets: value.len(),
            limit: RRSET_OCTETS_MAX,
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
    if rtype != RecordType::CAA {
        require_ascii(&text).map_err(|error| ProblemKind::BadName(error).at("value", value))?;
    }
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
/// anything else. This is faster than `parse_rdata`.
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
