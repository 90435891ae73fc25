//! Checks an addition before it is sent: host names in types that require them, SVCB records of DNS
//! servers, and NSEC3 iterations. The checks are BIND's; a script can switch the first two off.

use super::error::{NSEC3_ITERATIONS_MAX, ScriptError};
use crate::model::{Name, RecordType, is_host_label, names_in};
use crate::wire::{Class, WireRecord};

/// Keys of service parameters (RFC 9460 section 14.3.2).
const ALPN: u16 = 1;
const DOHPATH: u16 = 7;
/// Types that only these checks know by name.
const WKS: RecordType = RecordType(11);
const A6: RecordType = RecordType(38);
const DSYNC: RecordType = RecordType(66);

/// Checks host names and mailboxes (RFC 952, RFC 1123 section 2.1).
pub(super) fn check_names(record: &WireRecord) -> Result<(), ScriptError> {
    // In other classes these types have another format or none.
    const INTERNET_ONLY: [RecordType; 7] = [
        A6,
        WKS,
        RecordType::A,
        RecordType::AAAA,
        RecordType::SRV,
        RecordType::SVCB,
        RecordType::HTTPS,
    ];
    if record.class != Class::IN && INTERNET_ONLY.contains(&record.rtype) {
        return Ok(());
    }
    let is_good_owner = match record.rtype {
        RecordType::A | RecordType::AAAA | A6 | WKS | RecordType::MX => is_host_owner(record),
        RecordType::MB | RecordType::MG => is_mailbox(&record.owner),
        RecordType::NSEC3 => is_hash_owner(&record.owner),
        _ => true,
    };
    if !is_good_owner {
        return Err(ScriptError::BadOwner(record.owner.clone()));
    }
    let names = match record.rtype {
        DSYNC => name_at(record, 5),
        // Behind the bits of the address that are no prefix (RFC 2874 section 3.1).
        A6 => match record.rdata.first() {
            Some(&prefix @ 1..=128) => name_at(record, 17 - usize::from(prefix / 8)),
            _ => Vec::new(),
        },
        rtype => names_in(rtype, &record.rdata),
    };
    let bad = match record.rtype {
        RecordType::NS
        | RecordType::MX
        | RecordType::SRV
        | RecordType::AFSDB
        | RecordType::RT
        | A6
        | DSYNC => names.iter().find(|name| !name.is_host()),
        RecordType::PTR if is_reverse(&record.owner) => names.iter().find(|name| !name.is_host()),
        RecordType::SOA => match names.as_slice() {
            [primary, _] if !primary.is_host() => Some(primary),
            [_, mailbox] if !is_mailbox(mailbox) => Some(mailbox),
            _ => None,
        },
        RecordType::RP => names.first().filter(|name| !is_mailbox(name)),
        RecordType::MINFO => names.iter().find(|name| !is_mailbox(name)),
        // In AliasMode (priority 0) the target need not be a host (RFC 9460 section 2.4.2).
        RecordType::SVCB | RecordType::HTTPS if !record.rdata.starts_with(&[0, 0]) => {
            names.iter().find(|name| !name.is_host())
        }
        _ => None,
    };
    bad.map_or(Ok(()), |name| Err(ScriptError::BadName(name.clone())))
}

/// Returns the name that starts at an octet of the data.
fn name_at(record: &WireRecord, start: usize) -> Vec<Name> {
    let name = record
        .rdata
        .get(start..)
        .and_then(|octets| Name::from_wire(octets).ok());
    name.into_iter().collect()
}

/// Checks that the SVCB record of a DNS server has protocols, and for HTTP a path (RFC 9461).
pub(super) fn check_svcb(record: &WireRecord) -> Result<(), ScriptError> {
    if record.rtype != RecordType::SVCB || !is_dns_service(&record.owner) {
        return Ok(());
    }
    let Some((priority, parameters)) = parameters(&record.rdata) else {
        return Ok(());
    };
    // AliasMode (priority 0) has no parameters (RFC 9460 section 2.4.2).
    if priority == 0 {
        return Ok(());
    }
    let value = |key| {
        let found = parameters.iter().find(|(found, _)| *found == key);
        found.map(|(_, value)| *value)
    };
    let alpn = value(ALPN).ok_or(ScriptError::NoAlpn)?;
    if offers_http(alpn) && value(DOHPATH).is_none() {
        return Err(ScriptError::NoDohPath);
    }
    Ok(())
}

/// Rejects so many NSEC3 iterations that validators may reject them (RFC 9276 section 3.2).
pub(super) fn check_iterations(record: &WireRecord) -> Result<(), ScriptError> {
    let excessive = |octets: &[u8; 4]| {
        let [_, _, high, low] = *octets;
        u16::from_be_bytes([high, low]) > NSEC3_ITERATIONS_MAX
    };
    let head = record.rdata.first_chunk::<4>();
    if record.rtype == RecordType::NSEC3PARAM && head.is_some_and(excessive) {
        return Err(ScriptError::Iterations);
    }
    Ok(())
}

/// Returns whether the owner name is that of a host, a wildcard, or `gc._msdcs` of an Active
/// Directory forest; the last is not allowed for MX.
fn is_host_owner(record: &WireRecord) -> bool {
    let owner = &record.owner;
    if owner.is_wildcard() {
        return owner.parent().is_none_or(|parent| parent.is_host());
    }
    let labels: Vec<&[u8]> = owner.labels().collect();
    if let [first, second, rest @ ..] = labels.as_slice()
        && record.rtype != RecordType::MX
        && !rest.is_empty()
        && first.eq_ignore_ascii_case(b"gc")
        && second.eq_ignore_ascii_case(b"_msdcs")
    {
        return rest.iter().all(|label| is_host_label(label));
    }
    owner.is_host()
}

/// Returns whether the first label is a hash in base32hex without padding (RFC 5155 section 3).
fn is_hash_owner(owner: &Name) -> bool {
    let label = owner.labels().next().unwrap_or_default();
    let is_base32hex = |octet: &u8| matches!(octet.to_ascii_uppercase(), b'0'..=b'9' | b'A'..=b'V');
    // Whole octets leave one of these numbers of digits.
    let is_whole = [0, 2, 4, 5, 7].contains(&(label.len() % 8));
    is_whole && label.iter().all(is_base32hex)
}

/// Returns whether a name is a label of printable characters and a host (RFC 1035 section 8).
fn is_mailbox(name: &Name) -> bool {
    let mut labels = name.labels();
    let local = labels.next().unwrap_or_default();
    local.iter().all(u8::is_ascii_graphic) && labels.all(is_host_label)
}

fn is_reverse(owner: &Name) -> bool {
    let text = owner.to_string().to_ascii_lowercase();
    text.ends_with(".in-addr.arpa.") || text.ends_with(".ip6.arpa.") || text.ends_with(".ip6.int.")
}

/// Returns the length of the name at the start of valid RDATA, in which every name ends.
fn name_octets(octets: &[u8]) -> usize {
    let mut at = 0;
    while let Some(length) = octets.get(at).filter(|length| **length > 0) {
        at += 1 + usize::from(*length);
    }
    at + 1
}

/// Returns whether a name starts with `_dns`, or with a port and `_dns` (RFC 9461 section 2).
fn is_dns_service(owner: &Name) -> bool {
    let mut labels = owner.labels();
    let is_dns = |label: Option<&[u8]>| label.is_some_and(|it| it.eq_ignore_ascii_case(b"_dns"));
    let first = labels.next();
    let is_port = |label: &[u8]| match label.split_first() {
        Some((b'_', digits)) => !digits.is_empty() && digits.iter().all(u8::is_ascii_digit),
        _ => false,
    };
    is_dns(first) || (first.is_some_and(is_port) && is_dns(labels.next()))
}

/// A service parameter: key and value.
type Parameter<'a> = (u16, &'a [u8]);

/// Returns the priority and the parameters of an SVCB record (RFC 9460 section 2.2).
fn parameters(rdata: &[u8]) -> Option<(u16, Vec<Parameter<'_>>)> {
    let (priority, rest) = rdata.split_first_chunk::<2>()?;
    let mut rest = rest.get(name_octets(rest)..)?;
    let mut parameters = Vec::new();
    while let Some((&[key_high, key_low, high, low], after)) = rest.split_first_chunk::<4>() {
        let length = usize::from(u16::from_be_bytes([high, low]));
        let (value, after) = after.split_at_checked(length)?;
        parameters.push((u16::from_be_bytes([key_high, key_low]), value));
        rest = after;
    }
    Some((u16::from_be_bytes(*priority), parameters))
}

/// Returns whether `h2` or `h3` is among the protocols (RFC 9460 section 7.1.1).
fn offers_http(mut alpn: &[u8]) -> bool {
    while let Some((&length, rest)) = alpn.split_first() {
        let Some((protocol, rest)) = rest.split_at_checked(usize::from(length)) else {
            return false;
        };
        if protocol == b"h2" || protocol == b"h3" {
            return true;
        }
        alpn = rest;
    }
    false
}
