//! Words of presentation format (RFC 1035 section 5.1): splits text into words, resolves their
//! escapes and quotes them.
//!
//! The module never drops text silently: a semicolon that would start a comment and a line break
//! outside parentheses are errors. BIND: a quote ends a word and begins the next one.

use std::fmt::Write as _;

use super::error::{RdataTextError, excerpt};
use crate::model::Name;

/// A word of presentation format.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Word<'a> {
    /// The text with its escapes and without the quotes around it.
    pub(crate) text: &'a str,
    pub(crate) quoted: bool,
}

/// A cursor over the words of a record's data.
pub(super) struct Words<'a> {
    all: Vec<Word<'a>>,
    /// The number of words before the cursor.
    taken: usize,
    origin: Option<&'a Name>,
}

impl<'a> Words<'a> {
    /// Splits text into words, as [`split_word`] does with `has_params`.
    pub(super) fn split(text: &'a str, has_params: bool) -> Result<Self, RdataTextError> {
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
                    let (word, octets) = split_word(rest, has_params)?;
                    words.push(word);
                    rest = &rest[octets..];
                }
            }
        }
        if depth > 0 {
            return Err(RdataTextError::Parenthesis);
        }
        Ok(Self::new(words, None))
    }

    /// Starts at the first of these words, in which names are relative to `origin`.
    pub(super) fn new(words: Vec<Word<'a>>, origin: Option<&'a Name>) -> Self {
        Self {
            all: words,
            taken: 0,
            origin,
        }
    }

    /// Returns the origin of relative names; `None` if all names are absolute.
    pub(super) fn origin(&self) -> Option<&'a Name> {
        self.origin
    }

    /// Counts the words before the cursor.
    pub(super) fn taken(&self) -> usize {
        self.taken
    }

    /// Takes the next word.
    pub(super) fn next(&mut self) -> Option<Word<'a>> {
        let word = self.peek()?;
        self.taken += 1;
        Some(word)
    }

    /// Returns the next word without taking it.
    pub(super) fn peek(&self) -> Option<Word<'a>> {
        self.all.get(self.taken).copied()
    }

    /// Iterates over the words after the cursor without taking them.
    pub(super) fn upcoming(&self) -> impl Iterator<Item = &Word<'a>> {
        self.all[self.taken..].iter()
    }

    /// Takes the next word, for a required field.
    pub(super) fn required(&mut self, field: &'static str) -> Result<Word<'a>, RdataTextError> {
        self.next().ok_or(RdataTextError::Missing { field })
    }

    /// Takes the next word, for a required field without quotes.
    pub(super) fn unquoted(&mut self, field: &'static str) -> Result<&'a str, RdataTextError> {
        let word = self.required(field)?;
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

    /// Takes the next word, for a required field in quotes.
    pub(super) fn quoted(&mut self, field: &'static str) -> Result<&'a str, RdataTextError> {
        let word = self.required(field)?;
        if word.quoted {
            return Ok(word.text);
        }
        let word = excerpt(word.text);
        Err(RdataTextError::Form {
            field,
            word,
            expected: "written in quotes",
        })
    }

    /// Joins all remaining words, for hexadecimal and base64 digits.
    pub(super) fn joined(&mut self, field: &'static str) -> Result<String, RdataTextError> {
        let mut all = self.unquoted(field)?.to_owned();
        while self.peek().is_some() {
            all.push_str(self.unquoted(field)?);
        }
        Ok(all)
    }
}

/// Returns the word at the start of a text, and its length in octets with its quotes. With
/// `has_params`, a quoted value after `=` and its quotes belong to the word (RFC 9460 section 2.1).
///
/// # Errors
/// [`RdataTextError`] if a quote is not closed.
pub(crate) fn split_word(
    text: &str,
    has_params: bool,
) -> Result<(Word<'_>, usize), RdataTextError> {
    if let Some(tail) = text.strip_prefix('"') {
        let end = quoted_end(tail)?;
        let text = &tail[..end];
        let word = Word { text, quoted: true };
        return Ok((word, end + 2));
    }
    let end = word_end(text, has_params)?;
    let text = &text[..end];
    let word = Word {
        text,
        quoted: false,
    };
    Ok((word, end))
}

/// Finds the closing quote of a string that starts after its opening quote.
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

/// Finds the end of an unquoted word.
fn word_end(text: &str, has_params: bool) -> Result<usize, RdataTextError> {
    let mut escaped = false;
    for (at, character) in text.char_indices() {
        match character {
            '\n' => return Ok(at),
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' if has_params && text[..at].find('=') == Some(at - 1) => {
                return Ok(at + 1 + quoted_end(&text[at + 1..])? + 1);
            }
            ' ' | '\t' | '\r' | '(' | ')' | ';' | '"' => return Ok(at),
            _ => {}
        }
    }
    Ok(text.len())
}

/// Resolves the escapes of a word: `\DDD` is an octet in decimal, `\X` is X.
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

/// Writes octets as a quoted string that every parser reads back as the same octets.
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
