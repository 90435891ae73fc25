//! Divides a line into words at blanks, without regard to quotes or escapes. RDATA are not divided
//! here.

use std::borrow::Cow;
use std::fmt::Write as _;

/// The characters between two words.
const BLANKS: [char; 4] = [' ', '\t', '\r', '\n'];

/// The rest of a line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Words<'a>(&'a str);

impl<'a> Words<'a> {
    pub(super) fn of(line: &'a str) -> Self {
        Self(line)
    }

    /// Takes the next word; `None` at the end of the line.
    pub(super) fn next(&mut self) -> Option<&'a str> {
        let rest = self.0.trim_start_matches(BLANKS);
        let (word, after) = rest.split_at(rest.find(BLANKS).unwrap_or(rest.len()));
        self.0 = after;
        (!word.is_empty()).then_some(word)
    }

    /// Returns the rest without the blanks around it, but keeps a final blank that is escaped;
    /// `None` if the rest is empty.
    pub(super) fn rest(self) -> Option<&'a str> {
        let from = self.0.trim_start_matches(|c: char| c.is_ascii_whitespace());
        let rest = from.trim_end_matches(|c: char| c.is_ascii_whitespace());
        let backslashes = rest.len() - rest.trim_end_matches('\\').len();
        let rest = match backslashes % 2 {
            0 => rest,
            _ => from.get(..=rest.len()).unwrap_or(rest),
        };
        (!rest.is_empty()).then_some(rest)
    }
}

/// Converts a line to text and escapes every octet outside ASCII, so that names and strings keep it
/// whatever its encoding. A zero octet ends the line, as in C; so does a carriage return, as in
/// nsupdate.
pub(super) fn to_text(line: &[u8]) -> Cow<'_, str> {
    let start = line.iter().position(|octet| !b"\r\n".contains(octet));
    let line = &line[start.unwrap_or(line.len())..];
    let end = line.iter().position(|octet| b"\0\r\n".contains(octet));
    let line = &line[..end.unwrap_or(line.len())];
    if line.is_ascii() {
        return String::from_utf8_lossy(line);
    }
    let mut text = String::with_capacity(line.len() + 16);
    for &octet in line {
        if octet.is_ascii() {
            text.push(char::from(octet));
        } else {
            write!(text, "\\{octet:03}").expect("a String takes every write");
        }
    }
    Cow::Owned(text)
}
