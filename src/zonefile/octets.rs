//! Tools of all readers and printers of fields: a cursor over octets, and the plainest fields.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::error::{RdataTextError, excerpt};
use super::numbers;
use super::types::parse_type;
use super::words::Words;
use crate::model::{Name, NameError, RecordType};

/// Maximum octets of a character string (RFC 1035 section 3.3).
pub(super) const STRING_OCTETS_MAX: usize = 255;

/// A cursor over the octets of a record's data.
#[derive(Clone, Copy, Debug)]
pub(super) struct Octets<'a>(&'a [u8]);

impl<'a> Octets<'a> {
    pub(super) fn new(octets: &'a [u8]) -> Self {
        Self(octets)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (front, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(front)
    }

    pub(super) fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.0)
    }

    /// Takes all octets, of which there must be one.
    pub(super) fn some_rest(&mut self) -> Option<&'a [u8]> {
        Some(self.rest()).filter(|rest| !rest.is_empty())
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    pub(super) fn u8(&mut self) -> Option<u8> {
        self.array().map(u8::from_be_bytes)
    }

    pub(super) fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_be_bytes)
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }

    pub(super) fn ipv4(&mut self) -> Option<Ipv4Addr> {
        self.array::<4>().map(Ipv4Addr::from)
    }

    pub(super) fn ipv6(&mut self) -> Option<Ipv6Addr> {
        self.array::<16>().map(Ipv6Addr::from)
    }

    /// Takes a length octet and that many octets.
    pub(super) fn counted(&mut self) -> Option<&'a [u8]> {
        let count = self.u8()?;
        self.take(usize::from(count))
    }

    /// Takes an uncompressed name.
    pub(super) fn name(&mut self) -> Option<Name> {
        let mut end = 0;
        while *self.0.get(end)? != 0 {
            end += 1 + usize::from(self.0[end]);
        }
        Name::from_wire(self.take(end + 1)?).ok()
    }
}

/// Builds the error for a word that does not have the form of its field.
pub(super) fn form_error(
    field: &'static str,
    word: &str,
    expected: &'static str,
) -> RdataTextError {
    RdataTextError::Form {
        field,
        word: excerpt(word),
        expected,
    }
}

/// Reads a name, relative to the origin of the words. Without an origin, the name is absolute with
/// or without a final dot.
pub(super) fn read_name(
    field: &'static str,
    words: &mut Words<'_>,
) -> Result<Name, RdataTextError> {
    let word = words.unquoted(field)?;
    parse_name(field, word, words.origin())
}

/// Reads a name that may stand in quotes. BIND: the target of SVCB.
pub(super) fn read_target(
    field: &'static str,
    words: &mut Words<'_>,
) -> Result<Name, RdataTextError> {
    let word = words.required(field)?.text;
    parse_name(field, word, words.origin())
}

fn parse_name(
    field: &'static str,
    word: &str,
    origin: Option<&Name>,
) -> Result<Name, RdataTextError> {
    let name = match origin {
        Some(origin) => Name::relative(word, origin),
        None if word == "@" => return Err(RdataTextError::Origin { field }),
        None => word.parse(),
    };
    name.map_err(|source: NameError| RdataTextError::Name {
        field,
        word: excerpt(word),
        source,
    })
}

pub(super) fn read_ipv4(
    field: &'static str,
    words: &mut Words<'_>,
) -> Result<Ipv4Addr, RdataTextError> {
    let word = words.unquoted(field)?;
    word.parse()
        .map_err(|_| form_error(field, word, "an IPv4 address"))
}

pub(super) fn read_ipv6(
    field: &'static str,
    words: &mut Words<'_>,
) -> Result<Ipv6Addr, RdataTextError> {
    let word = words.unquoted(field)?;
    word.parse()
        .map_err(|_| form_error(field, word, "an IPv6 address"))
}

pub(super) fn read_type(
    field: &'static str,
    words: &mut Words<'_>,
) -> Result<RecordType, RdataTextError> {
    let word = words.unquoted(field)?;
    parse_type(word).ok_or_else(|| form_error(field, word, "a record type"))
}

/// Reads a type, which may be a number alone, as BIND reads that of a signature.
pub(super) fn read_type_or_number(
    field: &'static str,
    words: &mut Words<'_>,
) -> Result<RecordType, RdataTextError> {
    let word = words.unquoted(field)?;
    let number = || numbers::parse(word.strip_prefix('+').unwrap_or(word)).map(RecordType);
    let rtype = parse_type(word).or_else(number);
    rtype.ok_or_else(|| form_error(field, word, "a record type"))
}

/// Appends a length octet and the octets.
pub(super) fn push_counted(
    field: &'static str,
    octets: &[u8],
    out: &mut Vec<u8>,
) -> Result<(), RdataTextError> {
    let length = u8::try_from(octets.len()).map_err(|_| RdataTextError::TooLong {
        field,
        octets: octets.len(),
        max: STRING_OCTETS_MAX,
    })?;
    out.push(length);
    out.extend_from_slice(octets);
    Ok(())
}
