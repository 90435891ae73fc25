//! Words of presentation format (RFC 1035 section 5.1): cutting text into them, undoing escapes,
//! and writing them.
//!
//! Nothing is dropped in silence: a semicolon that would start a comment, a quote in the middle of
//! a word and a line break outside of parentheses are errors.

use std::fmt::Write as _;

use super::error::{RdataTextError, excerpt};
use crate::model::Name;

/// A word of the text.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Word<'a> {
    /// As it stands in the text, escapes included, the quotes around it not.
    pub text: &'a str,
    /// Whether it stands in quotes.
    pub quoted: bool,
}

/// The words of a text, read one after the other.
pub(super) struct Words<'a> {
    all: Vec<Word<'a>>,
    /// How many are taken.
    taken: usize,
    origin: Option<&'a Name>,
}

impl<'a> Words<'a> {
    /// Cuts text into words. With `pairs`, a value in quotes after `=` belongs to its word
    /// (RFC 9460 section 2.1), quotes included.
    pub(super) fn cut(text: &'a str, pairs: bool) -> Result<Self, RdataTextError> {
        let mut words = Vec::new();
        let mut depth = 0_usize;
        let mut line_ended = false;
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            let tail = &rest[first.len_utf8()..];
            match first {
                ' ' | '\t' | '\r' => rest = tail,
                '\n' => {
                    line_ended |= depth == 0;
                    rest = tail;
                }
                _ if line_ended => return Err(RdataTextError::LineBreak),
                '(' => {
                    depth += 1;
                    rest = tail;
                }
                ')' => {
                    depth = depth.checked_sub(1).ok_or(RdataTextError::Parenthesis)?;
                    rest = tail;
                }
                ';' => return Err(RdataTextError::Comment),
                _ => {
                    let (word, octets) = cut_word(rest, pairs)?;
                    words.push(word);
                    rest = &rest[octets..];
                }
            }
        }
        if depth > 0 {
            return Err(RdataTextError::Parenthesis);
        }
        Ok(Self::of(words, None))
    }

    /// Words that were cut before, in which names are relative to `origin`.
    pub(super) fn of(words: Vec<Word<'a>>, origin: Option<&'a Name>) -> Self {
        Self {
            all: words,
            taken: 0,
            origin,
        }
    }

    /// What names are relative to; none where they are absolute.
    pub(super) fn origin(&self) -> Option<&'a Name> {
        self.origin
    }

    /// How many words were taken.
    pub(super) fn taken(&self) -> usize {
        self.taken
    }

    /// The next word, whatever it is.
    pub(super) fn next(&mut self) -> Option<Word<'a>> {
        let word = self.peek()?;
        self.taken += 1;
        Some(word)
    }

    /// The next word without taking it.
    pub(super) fn peek(&self) -> Option<Word<'a>> {
        self.all.get(self.taken).copied()
    }

    /// The next word, for a field that must be there.
    pub(super) fn need(&mut self, field: &'static str) -> Result<Word<'a>, RdataTextError> {
        self.next().ok_or(RdataTextError::Missing { field })
    }

    /// The next word, for a field that must be there and has no quotes.
    pub(super) fn bare(&mut self, field: &'static str) -> Result<&'a str, RdataTextError> {
        let word = self.need(field)?;
        if word.quoted {
            let word = excerpt(word.text);
            return Err(RdataTextError::Form {
                field,
                word,
                expected: "written without quotes",
            });
        }
        Ok(word.text)
    }

    /// All remaining words put together, for hexadecimal and base64 digits.
    pub(super) fn joined(&mut self, field: &'static str) -> Result<String, RdataTextError> {
        let mut all = self.bare(field)?.to_owned();
        while self.peek().is_some() {
            all.push_str(self.bare(field)?);
        }
        Ok(all)
    }
}

/// The word at the front of a text, and how many octets it takes with its quotes. With `pairs`, a value in
/// quotes after `=` belongs to its word (RFC 9460 section 2.1).
///
/// # Errors
/// [`RdataTextError`] for a quote that is not closed, or that stands inside a word.
pub fn cut_word(text: &str, pairs: bool) -> Result<(Word<'_>, usize), RdataTextError> {
    if let Some(tail) = text.strip_prefix('"') {
        let end = quoted_end(tail)?;
        let text = &tail[..end];
        let word = Word { text, quoted: true };
        return Ok((word, end + 2));
    }
    let end = word_end(text, pairs)?;
    let text = &text[..end];
    let word = Word {
        text,
        quoted: false,
    };
    Ok((word, end))
}

/// Where a string in quotes ends, from behind its first quote.
fn quoted_end(text: &str) -> Result<usize, RdataTextError> {
    let mut escaped = false;
    for (at, character) in text.char_indices() {
        match character {
            '\n' => return Err(RdataTextError::OpenQuote),
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return Ok(at),
            _ => {}
        }
    }
    Err(RdataTextError::OpenQuote)
}

/// Where an unquoted word ends.
fn word_end(text: &str, pairs: bool) -> Result<usize, RdataTextError> {
    let mut escaped = false;
    for (at, character) in text.char_indices() {
        match character {
            '\n' => return Ok(at),
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' if pairs && text[..at].find('=') == Some(at - 1) => {
                return Ok(at + 1 + quoted_end(&text[at + 1..])? + 1);
            }
            '"' => return Err(RdataTextError::StrayQuote),
            ' ' | '\t' | '\r' | '(' | ')' | ';' => return Ok(at),
            _ => {}
        }
    }
    Ok(text.len())
}

/// The octets that a word stands for: `\DDD` is an octet in decimal, `\X` is X.
pub(super) fn unescape(field: &'static str, text: &str) -> Result<Vec<u8>, RdataTextError> {
    let bad = || RdataTextError::Escape {
        field,
        word: excerpt(text),
    };
    let mut octets = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        rest = tail;
        if first != b'\\' {
            octets.push(first);
            continue;
        }
        match rest {
            [digit, ..] if digit.is_ascii_digit() => {
                let (digits, tail) = rest.split_at_checked(3).ok_or_else(bad)?;
                let value = digits.iter().try_fold(0_u16, |value, digit| {
                    digit
                        .is_ascii_digit()
                        .then(|| value * 10 + u16::from(digit - b'0'))
                });
                let value = value.and_then(|value| u8::try_from(value).ok());
                octets.push(value.ok_or_else(bad)?);
                rest = tail;
            }
            [octet, tail @ ..] => {
                octets.push(*octet);
                rest = tail;
            }
            [] => return Err(bad()),
        }
    }
    Ok(octets)
}

/// Octets as a string in quotes that every parser reads back as the same octets.
pub(super) fn quote(octets: &[u8]) -> String {
    let mut text = String::with_capacity(octets.len() + 2);
    text.push('"');
    for &octet in octets {
        match octet {
            b'"' | b'\\' => {
                text.push('\\');
                text.push(char::from(octet));
            }
            0x20..=0x7e => text.push(char::from(octet)),
            _ => write!(text, "\\{octet:03}").expect("a String takes every write"),
        }
    }
    text.push('"');
    text
}
