//! Types that hardly anybody uses: WKS (RFC 1035), NSAP (RFC 1706), NXT (RFC 2535), A6 (RFC 2874) and ATMA (ATM
//! Forum, af-saa-0069).

use super::digits;
use super::error::RdataTextError;
use super::numbers;
use super::octets::{Octets, form_error, read_ipv6, read_name, read_type_or_number};
use super::types::format_type;
use super::words::Words;
use crate::model::RecordType;

/// The largest number of bits of an IPv6 address.
const ADDRESS_BITS: u8 = 128;

const PROTOCOLS: [(&str, u8); 3] = [("icmp", 1), ("tcp", 6), ("udp", 17)];

/// The names of services that public zone files use (RFC 1700). BIND: the names in the machine's `/etc/services`.
const SERVICES: [(&str, u16); 31] = [
    ("tcpmux", 1),
    ("echo", 7),
    ("discard", 9),
    ("systat", 11),
    ("daytime", 13),
    ("netstat", 15),
    ("qotd", 17),
    ("chargen", 19),
    ("ftp-data", 20),
    ("ftp", 21),
    ("ssh", 22),
    ("telnet", 23),
    ("smtp", 25),
    ("time", 37),
    ("whois", 43),
    ("domain", 53),
    ("bootps", 67),
    ("bootpc", 68),
    ("tftp", 69),
    ("gopher", 70),
    ("finger", 79),
    ("http", 80),
    ("www", 80),
    ("kerberos", 88),
    ("pop3", 110),
    ("sunrpc", 111),
    ("auth", 113),
    ("nntp", 119),
    ("ntp", 123),
    ("imap2", 143),
    ("snmp", 161),
];

fn parse_named<T: Copy + TryFrom<u32>>(names: &[(&str, T)], word: &str) -> Option<T> {
    let known = names
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(word));
    let number = || numbers::parse(word.strip_prefix('+').unwrap_or(word));
    known.map_or_else(number, |(_, number)| Some(*number))
}

/// Reads the protocol and the ports of WKS, each as a number or a name.
pub(super) fn read_services(
    words: &mut Words<'_>,
    out: &mut Vec<u8>,
) -> Result<(), RdataTextError> {
    const PROTOCOL: &str = "protocol";
    const SERVICE: &str = "service";
    let word = words.unquoted(PROTOCOL)?;
    let expected = "`tcp`, `udp` or a number up to 255";
    let protocol = parse_named(&PROTOCOLS, word);
    out.push(protocol.ok_or_else(|| form_error(PROTOCOL, word, expected))?);
    let mut ports = Vec::new();
    while words.peek().is_some() {
        let word = words.unquoted(SERVICE)?;
        let expected = "a port up to 65535, or the name of a service such as `smtp`";
        let port = parse_named(&SERVICES, word);
        ports.push(port.ok_or_else(|| form_error(SERVICE, word, expected))?);
    }
    push_bits(&ports, out);
    Ok(())
}

/// Writes the fields that [`read_services`] reads, as numbers.
pub(super) fn print_services(octets: &mut Octets<'_>, out: &mut Vec<String>) -> Option<()> {
    out.push(octets.u8()?.to_string());
    out.extend(decode_bits(octets.rest())?.map(|port| port.to_string()));
    Some(())
}

/// Reads the octets of NSAP: hexadecimal after `0x`, with points anywhere.
pub(super) fn read_nsap(words: &mut Words<'_>, out: &mut Vec<u8>) -> Result<(), RdataTextError> {
    const FIELD: &str = "address";
    let word = words.unquoted(FIELD)?;
    let digits = word
        .strip_prefix("0x")
        .or_else(|| word.strip_prefix("0X"))
        .map(|digits| digits.replace('.', ""));
    let octets = digits.and_then(|digits| digits::parse_hex(&digits));
    let octets = octets.filter(|octets| !octets.is_empty()).ok_or_else(|| {
        form_error(
            FIELD,
            word,
            "`0x` and an even number of hexadecimal digits, with points anywhere",
        )
    })?;
    out.extend(octets);
    Ok(())
}

/// Writes the octets of NSAP, in lower case as BIND does.
pub(super) fn print_nsap(octets: &mut Octets<'_>) -> Option<String> {
    let digits = digits::format_hex(octets.some_rest()?);
    Some(format!("0x{}", digits.to_ascii_lowercase()))
}

/// Reads the types of NXT, from 1 to 127, as a bit map without windows (RFC 2535 section 5.2).
pub(super) fn read_types(words: &mut Words<'_>, out: &mut Vec<u8>) -> Result<(), RdataTextError> {
    const FIELD: &str = "type";
    let mut types = Vec::new();
    while let Some(word) = words.peek() {
        let rtype = read_type_or_number(FIELD, words)?;
        if !(1..=127).contains(&rtype.0) {
            let expected = "a record type from 1 to 127";
            return Err(form_error(FIELD, word.text, expected));
        }
        types.push(rtype.0);
    }
    push_bits(&types, out);
    Ok(())
}

/// Writes the types of NXT. BIND: one without a mnemonic is a number alone.
pub(super) fn print_types(octets: &mut Octets<'_>, out: &mut Vec<String>) -> Option<()> {
    let map = octets.rest();
    if map.len() > 16 || map.first().is_some_and(|first| first & 0x80 != 0) {
        return None;
    }
    out.extend(decode_bits(map)?.map(|code| {
        let name = format_type(RecordType(code));
        name.strip_prefix("TYPE")
            .map_or(name.clone(), str::to_owned)
    }));
    Some(())
}

/// Reads the length of the prefix of A6, the suffix unless all of the address is prefix, and the name of the prefix
/// unless there is none.
pub(super) fn read_a6(words: &mut Words<'_>, out: &mut Vec<u8>) -> Result<(), RdataTextError> {
    const LENGTH: &str = "prefix length";
    let word = words.unquoted(LENGTH)?;
    let length: u8 = numbers::parse(word)
        .filter(|length| *length <= ADDRESS_BITS)
        .ok_or_else(|| form_error(LENGTH, word, "a number from 0 to 128"))?;
    out.push(length);
    if length < ADDRESS_BITS {
        let suffix = u128::from(read_ipv6("address suffix", words)?) & (u128::MAX >> length);
        out.extend_from_slice(&suffix.to_be_bytes()[usize::from(length / 8)..]);
    }
    if length > 0 {
        out.extend_from_slice(read_name("prefix name", words)?.as_wire());
    }
    Ok(())
}

/// Writes the fields of A6.
pub(super) fn print_a6(octets: &mut Octets<'_>, out: &mut Vec<String>) -> Option<()> {
    let length = octets.u8().filter(|length| *length <= ADDRESS_BITS)?;
    out.push(length.to_string());
    if length < ADDRESS_BITS {
        let mut suffix = [0; 16];
        let tail = &mut suffix[usize::from(length / 8)..];
        tail.copy_from_slice(octets.take(tail.len())?);
        out.push(std::net::Ipv6Addr::from(suffix).to_string());
    }
    if length > 0 {
        out.push(octets.name()?.to_string());
    }
    Some(())
}

/// Reads the address of ATMA: digits after `+` (E.164), or hexadecimal (an end system address). Points may stand
/// between digits.
pub(super) fn read_atma(words: &mut Words<'_>, out: &mut Vec<u8>) -> Result<(), RdataTextError> {
    const FIELD: &str = "address";
    let word = words.unquoted(FIELD)?;
    let read = match word.strip_prefix('+') {
        Some(number) => {
            let digits = number.replace('.', "");
            let is_number = digits.bytes().all(|digit| digit.is_ascii_digit());
            is_number.then(|| (1, digits.into_bytes()))
        }
        None => without_points(word).and_then(|digits| Some((0, digits::parse_hex(&digits)?))),
    };
    let (format, octets) = read
        .filter(|(_, octets)| !octets.is_empty())
        .ok_or_else(|| {
            form_error(
                FIELD,
                word,
                "digits after `+`, or an even number of hexadecimal digits",
            )
        })?;
    out.push(format);
    out.extend(octets);
    Ok(())
}

/// Removes the points, each of which stands alone between two digits.
fn without_points(word: &str) -> Option<String> {
    let groups: Vec<&str> = word.split('.').collect();
    (!groups.contains(&"")).then(|| groups.concat())
}

/// Writes the address of ATMA.
pub(super) fn print_atma(octets: &mut Octets<'_>) -> Option<String> {
    match octets.u8()? {
        0 => Some(digits::format_hex(octets.some_rest()?).to_ascii_lowercase()),
        1 => {
            let digits = octets.some_rest()?;
            let is_number = digits.iter().all(u8::is_ascii_digit);
            is_number.then(|| format!("+{}", String::from_utf8_lossy(digits)))
        }
        _ => None,
    }
}

/// Appends a bit map in which the bits of these numbers are set.
fn push_bits(numbers: &[u16], out: &mut Vec<u8>) {
    let octets = numbers
        .iter()
        .max()
        .map_or(0, |max| usize::from(max / 8) + 1);
    let start = out.len();
    out.resize(start + octets, 0);
    for number in numbers {
        out[start + usize::from(number / 8)] |= 0x80 >> (number % 8);
    }
}

/// Iterates over the numbers whose bits are set; `None` if the last octet has none.
fn decode_bits(map: &[u8]) -> Option<impl Iterator<Item = u16>> {
    let is_short = map.last() != Some(&0);
    let numbers = (0..=u16::MAX).take(map.len() * 8);
    let is_set = |number: &u16| map[usize::from(number / 8)] & (0x80 >> (number % 8)) != 0;
    is_short.then(|| numbers.filter(is_set))
}
