//! Address prefixes of APL records (RFC 3123): `[!]afi:address/prefix`.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::error::RdataTextError;
use super::numbers;
use super::octets::{Octets, form_error};
use super::words::Words;

/// Reads all remaining words as address prefixes; there may be none.
pub(super) fn read(
    field: &'static str,
    words: &mut Words<'_>,
    out: &mut Vec<u8>,
) -> Result<(), RdataTextError> {
    while words.peek().is_some() {
        let word = words.unquoted(field)?;
        let expected = "an address prefix such as `1:192.0.2.0/24` or `!2:2001:db8::/32`";
        out.extend(parse(word).ok_or_else(|| form_error(field, word, expected))?);
    }
    Ok(())
}

/// Writes the address prefixes up to the end of the data.
pub(super) fn print(octets: &mut Octets<'_>, out: &mut Vec<String>) -> Option<()> {
    while !octets.is_empty() {
        let family = octets.u16()?;
        let prefix = octets.u8()?;
        let second = octets.u8()?;
        let negation = if second & 0x80 == 0 { "" } else { "!" };
        let part = octets.take(usize::from(second & 0x7f))?;
        if part.last() == Some(&0) {
            return None;
        }
        let address_octets = match family {
            1 => 4,
            2 => 16,
            // Only the form of RFC 3597 has other families, as this text is not read back.
            _ => {
                out.push(format!("{negation}{family}:"));
                continue;
            }
        };
        if part.len() > address_octets || usize::from(prefix) > 8 * address_octets {
            return None;
        }
        let mut address = [0; 16];
        address[..part.len()].copy_from_slice(part);
        let text = match *address.first_chunk::<4>()? {
            octets if family == 1 => Ipv4Addr::from(octets).to_string(),
            _ => Ipv6Addr::from(address).to_string(),
        };
        out.push(format!("{negation}{family}:{text}/{prefix}"));
    }
    Some(())
}

fn parse(word: &str) -> Option<Vec<u8>> {
    let (negation, rest) = match word.strip_prefix('!') {
        Some(rest) => (0x80, rest),
        None => (0, word),
    };
    let (family, rest) = rest.split_once(':')?;
    let (address, prefix) = rest.split_once('/')?;
    let prefix: u8 = numbers::parse(prefix)?;
    let (family, octets) = match family {
        "1" => (1, address.parse::<Ipv4Addr>().ok()?.octets().to_vec()),
        "2" => (2, address.parse::<Ipv6Addr>().ok()?.octets().to_vec()),
        _ => return None,
    };
    if usize::from(prefix) > octets.len() * 8 {
        return None;
    }
    // The data omit trailing zero octets (RFC 3123 section 4).
    let used = octets
        .iter()
        .rposition(|octet| *octet != 0)
        .map_or(0, |last| last + 1);
    let length = u8::try_from(used).ok()?;
    let mut encoded = vec![0, family, prefix, negation | length];
    encoded.extend_from_slice(&octets[..used]);
    Some(encoded)
}
