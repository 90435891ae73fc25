//! Octets in hexadecimal, base64 and base32hex.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::error::{RdataTextError, excerpt};
use super::words::Words;

/// The digits of base32hex (RFC 4648 section 7), which NSEC3 writes without padding.
const BASE32HEX: &[u8; 32] = b"0123456789ABCDEFGHIJKLMNOPQRSTUV";

/// Reads all remaining words as hexadecimal.
pub(super) fn read_hex(
    field: &'static str,
    words: &mut Words<'_>,
) -> Result<Vec<u8>, RdataTextError> {
    let text = words.joined(field)?;
    parse_hex(&text).ok_or_else(|| RdataTextError::Form {
        field,
        word: excerpt(&text),
        expected: if text.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            "an even number of hexadecimal digits"
        } else {
            "hexadecimal"
        },
    })
}

/// Parses hexadecimal, two digits an octet.
pub(super) fn parse_hex(text: &str) -> Option<Vec<u8>> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let octet = |[high, low]: &[u8; 2]| Some(hex_digit(*high)? << 4 | hex_digit(*low)?);
    pairs
        .iter()
        .map(octet)
        .collect::<Option<_>>()
        .filter(|_| rest.is_empty())
}

fn hex_digit(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|value| u8::try_from(value).ok())
}

/// Formats octets in hexadecimal, in upper case.
pub(super) fn format_hex(octets: &[u8]) -> String {
    let mut text = String::with_capacity(octets.len() * 2);
    for octet in octets {
        write!(text, "{octet:02X}").expect("a String takes every write");
    }
    text
}

/// Reads all remaining words as base64.
pub(super) fn read_base64(
    field: &'static str,
    words: &mut Words<'_>,
) -> Result<Vec<u8>, RdataTextError> {
    let text = words.joined(field)?;
    parse_base64(&text).ok_or_else(|| RdataTextError::Form {
        field,
        word: excerpt(&text),
        expected: "base64",
    })
}

/// Parses base64 with padding.
pub(super) fn parse_base64(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

/// Formats octets in base64 with padding.
pub(super) fn format_base64(octets: &[u8]) -> String {
    STANDARD.encode(octets)
}

/// Parses base32hex without padding; its unused bits must be zero.
pub(super) fn parse_base32(text: &str) -> Option<Vec<u8>> {
    let (mut octets, mut bits, mut count) = (Vec::new(), 0_u32, 0);
    for digit in text.bytes() {
        let digit = digit.to_ascii_uppercase();
        let value = BASE32HEX.iter().position(|known| *known == digit)?;
        bits = bits << 5 | u32::try_from(value).ok()?;
        count += 5;
        if count >= 8 {
            count -= 8;
            octets.push(u8::try_from(bits >> count).ok()?);
            bits &= (1 << count) - 1;
        }
    }
    (bits == 0 && count < 5).then_some(octets)
}

/// Formats octets in base32hex without padding.
pub(super) fn format_base32(octets: &[u8]) -> String {
    let mut text = String::with_capacity(octets.len() * 8 / 5 + 1);
    let (mut bits, mut count) = (0_usize, 0);
    for &octet in octets {
        bits = (bits << 8 | usize::from(octet)) & 0xfff;
        count += 8;
        while count >= 5 {
            count -= 5;
            text.push(char::from(BASE32HEX[bits >> count & 31]));
        }
    }
    if count > 0 {
        text.push(char::from(BASE32HEX[bits << (5 - count) & 31]));
    }
    text
}
