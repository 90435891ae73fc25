//! What a master file is read from, and how much of it.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Most octets of a master file, with all that it includes: some 1,500,000 short records.
pub const FILE_OCTETS_MAX: usize = 64 << 20;
/// Most records: as many as a zone may have that a panel sends.
pub const RECORDS_MAX: usize = 500_000;
/// Most files that include one another: deep enough for any order, and an end for those that include
/// themselves.
pub const INCLUDE_DEPTH_MAX: usize = 10;
/// Most errors that are told: who has so many has given the wrong file.
pub const ERRORS_MAX: usize = 20;

/// A file's octets, with the name that errors call it by.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Source {
    /// Its name.
    pub name: String,
    /// What is in it.
    pub octets: Vec<u8>,
}

/// The text of a file: octets that are no UTF-8 in the form of RFC 1035, `\DDD`. A byte order mark in
/// front is left out.
pub(super) fn text_of(octets: &[u8]) -> Cow<'_, str> {
    let octets = octets.strip_prefix(b"\xef\xbb\xbf").unwrap_or(octets);
    if let Ok(text) = std::str::from_utf8(octets) {
        return Cow::Borrowed(text);
    }
    let mut text = String::with_capacity(octets.len() + octets.len() / 8);
    for chunk in octets.utf8_chunks() {
        text.push_str(chunk.valid());
        for octet in chunk.invalid() {
            let backslashes = text.bytes().rev().take_while(|&octet| octet == b'\\');
            // Behind a backslash of its own it is escaped already.
            let prefix = if backslashes.count() % 2 == 0 {
                "\\"
            } else {
                ""
            };
            write!(text, "{prefix}{octet:03}").expect("a String takes every write");
        }
    }
    Cow::Owned(text)
}
