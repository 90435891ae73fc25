//! The fields of IPSECKEY (RFC 4025), AMTRELAY (RFC 8777) and HIP (RFC 8005) that depend on each
//! other: a type decides the form of the gateway, and the lengths in HIP do not stand next to the
//! octets that they count.

use super::digits;
use super::error::RdataTextError;
use super::numbers;
use super::octets::{Octets, form_error, push_counted, read_ipv4, read_ipv6, read_name};
use super::words::Words;

const GATEWAY: &str = "gateway";

/// Reads precedence, gateway type, algorithm and gateway of IPSECKEY.
pub(super) fn read_key_gateway(
    words: &mut Words<'_>,
    out: &mut Vec<u8>,
) -> Result<(), RdataTextError> {
    out.push(numbers::read("precedence", words)?);
    let kind = read_kind(words)?;
    out.push(kind);
    out.push(numbers::read("algorithm", words)?);
    read_gateway(kind, words, out)
}

/// Writes the fields that [`read_key_gateway`] reads.
pub(super) fn print_key_gateway(octets: &mut Octets<'_>, out: &mut Vec<String>) -> Option<()> {
    let precedence = octets.u8()?;
    let kind = octets.u8()?;
    let algorithm = octets.u8()?;
    out.extend([precedence, kind, algorithm].map(|number| number.to_string()));
    print_gateway(kind, octets, out)
}

/// Reads precedence, discovery bit, relay type and relay of AMTRELAY.
pub(super) fn read_relay(words: &mut Words<'_>, out: &mut Vec<u8>) -> Result<(), RdataTextError> {
    out.push(numbers::read("precedence", words)?);
    let discovery = match words.unquoted("discovery bit")? {
        "0" => 0x00,
        "1" => 0x80,
        word => return Err(form_error("discovery bit", word, "0 or 1")),
    };
    let kind = read_kind(words)?;
    out.push(discovery | kind);
    read_gateway(kind, words, out)
}

/// Writes the fields that [`read_relay`] reads.
pub(super) fn print_relay(octets: &mut Octets<'_>, out: &mut Vec<String>) -> Option<()> {
    let precedence = octets.u8()?;
    let second = octets.u8()?;
    let (discovery, kind) = (second >> 7, second & 0x7f);
    out.extend([precedence, discovery, kind].map(|number| number.to_string()));
    print_gateway(kind, octets, out)
}

/// Reads algorithm, host identity tag in hexadecimal and public key in base64 of HIP.
pub(super) fn read_host_identity(
    words: &mut Words<'_>,
    out: &mut Vec<u8>,
) -> Result<(), RdataTextError> {
    const TAG: &str = "host identity tag";
    const KEY: &str = "public key";
    let algorithm: u8 = numbers::read("algorithm", words)?;
    let word = words.unquoted(TAG)?;
    let tag = digits::parse_hex(word).ok_or_else(|| form_error(TAG, word, "hexadecimal"))?;
    let word = words.unquoted(KEY)?;
    let key = digits::parse_base64(word).ok_or_else(|| form_error(KEY, word, "base64"))?;
    let key_octets = u16::try_from(key.len()).map_err(|_| RdataTextError::TooLong {
        field: KEY,
        octets: key.len(),
        max: usize::from(u16::MAX),
    })?;
    push_counted(TAG, &tag, out)?;
    // The algorithm and the length of the key stand between the length of the tag and the tag.
    let tag_at = out.len() - tag.len();
    let [high, low] = key_octets.to_be_bytes();
    out.splice(tag_at..tag_at, [algorithm, high, low]);
    out.extend(key);
    Ok(())
}

/// Writes the fields that [`read_host_identity`] reads.
pub(super) fn print_host_identity(octets: &mut Octets<'_>, out: &mut Vec<String>) -> Option<()> {
    let tag_octets = octets.u8()?;
    let algorithm = octets.u8()?;
    let key_octets = octets.u16()?;
    let tag = octets.take(usize::from(tag_octets))?;
    let key = octets.take(usize::from(key_octets))?;
    if tag.is_empty() || key.is_empty() {
        return None;
    }
    out.extend([
        algorithm.to_string(),
        digits::format_hex(tag),
        digits::format_base64(key),
    ]);
    Some(())
}

fn read_kind(words: &mut Words<'_>) -> Result<u8, RdataTextError> {
    let word = words.unquoted("gateway type")?;
    numbers::parse(word)
        .filter(|kind| *kind <= 3)
        .ok_or_else(|| form_error("gateway type", word, "a number from 0 to 3"))
}

fn read_gateway(kind: u8, words: &mut Words<'_>, out: &mut Vec<u8>) -> Result<(), RdataTextError> {
    match kind {
        1 => out.extend(read_ipv4(GATEWAY, words)?.octets()),
        2 => out.extend(read_ipv6(GATEWAY, words)?.octets()),
        3 => out.extend_from_slice(read_name(GATEWAY, words)?.as_wire()),
        _ => {
            let word = words.unquoted(GATEWAY)?;
            if word != "." {
                return Err(form_error(GATEWAY, word, "`.`, as gateway type 0 needs"));
            }
        }
    }
    Ok(())
}

fn print_gateway(kind: u8, octets: &mut Octets<'_>, out: &mut Vec<String>) -> Option<()> {
    out.push(match kind {
        0 => ".".to_owned(),
        1 => octets.ipv4()?.to_string(),
        2 => octets.ipv6()?.to_string(),
        3 => octets.name()?.to_string(),
        _ => return None,
    });
    Some(())
}
