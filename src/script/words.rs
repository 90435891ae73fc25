//! The words of a line: blanks between them, without quotes or escapes. Data are not cut into words
//! here.

use std::borrow::Cow;
use std::fmt::Write as _;

/// What stands between two words.
const BLANKS: [char; 4] = [' ', '\t', '\r', '\n'];

/// What is left of a line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Words<'a>(&'a str);

impl<'a> Words<'a> {
    pub(super) fn of(line: &'a str) -> Self {
        Self(line)
    }

    /// The next word; none at the end of the line.
    pub(super) fn next(&mut self) -> Option<&'a str> {
        let rest = self.0.trim_start_matches(BLANKS);
        let (word, after) = rest.split_at(rest.find(BLANKS).unwrap_or(rest.len()));
        self.0 = after;
        (!word.is_empty()).then_some(word)
    }

    /// All that is left, without the blanks around it; none where that is nothing.
    pub(super) fn rest(self) -> Option<&'a str> {
        let rest = self.0.trim_matches(|c: char| c.is_ascii_whitespace());
        (!rest.is_empty()).then_some(rest)
    }
}

/// A line as text in which every octet outside ASCII is escaped, so that names and strings keep it
/// whatever its encoding; a zero octet ends the line, as it does in C.
pub(super) fn to_text(line: &[u8]) -> Cow<'_, str> {
    let end = line.iter().position(|octet| *octet == 0);
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
