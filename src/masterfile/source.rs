//! The source of a master file, and the limits of reading it.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Maximum octets of a master file with the files that it includes: some 1,500,000 short records.
pub const FILE_OCTETS_MAX: usize = 64 << 20;
/// Maximum records of a file, which is also the maximum for a zone from a panel.
pub const RECORDS_MAX: usize = 500_000;
/// Maximum depth of included files: enough for any layout, and an end for a file that includes
/// itself.
pub(super) const INCLUDE_DEPTH_MAX: usize = 10;
/// Maximum errors reported of a file: a file with more is probably the wrong one.
pub const ERRORS_MAX: usize = 20;

/// The contents of a file.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Source {
    /// The name of the file in errors.
    pub name: String,
    /// The contents.
    pub octets: Vec<u8>,
}

/// Decodes the text of a file: drops a byte order mark at the start, and writes each octet outside
/// UTF-8 as an escape of RFC 1035, `\DDD`.
pub(super) fn decode(octets: &[u8]) -> Cow<'_, str> {
    let octets = octets.strip_prefix(b"\xef\xbb\xbf").unwrap_or(octets);
    if let Ok(text) = std::str::from_utf8(octets) {
        return Cow::Borrowed(text);
    }
    let mut text = String::with_capacity(octets.len() + octets.len() / 8);
    for chunk in octets.utf8_chunks() {
        text.push_str(chunk.valid());
        for octet in chunk.invalid() {
            let backslashes = text.bytes().rev().take_while(|&octet| octet == b'\\');
            // A backslash before the octet already starts the escape.
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
