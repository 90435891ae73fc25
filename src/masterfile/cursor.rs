//! Splits a text into entries, and entries into words (RFC 1035 section 5.1).
//!
//! For each entry: [`Cursor::begin_entry`], [`Cursor::next`] until `None` or an error, and
//! [`Cursor::end_entry`].

use super::error::{ErrorAt, MasterFileErrorKind};
use crate::zonefile::{RdataTextError, Word, split_word};

/// A word and its position.
#[derive(Clone, Copy, Debug)]
pub(super) struct Token<'a> {
    pub(super) word: Word<'a>,
    /// The offset of the word in octets, or of its opening quote.
    pub(super) at: usize,
}

/// A position in a text.
pub(super) struct Cursor<'a> {
    text: &'a str,
    at: usize,
    /// The number of open parentheses.
    depth: usize,
    /// The offset of the outermost open parenthesis.
    opened_at: usize,
    /// Whether the cursor is at the end of the entry.
    is_at_end: bool,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self {
            text,
            at: 0,
            depth: 0,
            opened_at: 0,
            is_at_end: false,
        }
    }

    /// Begins the next entry, which may be an empty line. Returns whether the entry starts with a
    /// blank; `None` at the end of the text.
    pub(super) fn begin_entry(&mut self) -> Option<bool> {
        self.is_at_end = false;
        self.depth = 0;
        let first = self.text.as_bytes().get(self.at)?;
        Some(matches!(first, b' ' | b'\t'))
    }

    /// Returns the offset of the cursor in octets.
    pub(super) fn offset(&self) -> usize {
        self.at
    }

    /// Returns the next word of the entry, split by [`split_word`] with `has_params`; `None` at the
    /// end of the entry.
    pub(super) fn next(&mut self, has_params: bool) -> Result<Option<Token<'a>>, ErrorAt> {
        let octets = self.text.as_bytes();
        while !self.is_at_end {
            let Some(&octet) = octets.get(self.at) else {
                self.is_at_end = true;
                break;
            };
            match octet {
                b'\n' if self.depth == 0 => self.is_at_end = true,
                b' ' | b'\t' | b'\r' | b'\n' => self.at += 1,
                b';' => self.at = self.line_end(),
                b'(' => {
                    if self.depth == 0 {
                        self.opened_at = self.at;
                    }
                    self.depth += 1;
                    self.at += 1;
                }
                b')' => {
                    let depth = self.depth.checked_sub(1);
                    self.depth = depth.ok_or_else(|| self.error(RdataTextError::Parenthesis))?;
                    self.at += 1;
                }
                _ => {
                    let at = self.at;
                    let split = split_word(&self.text[at..], has_params);
                    let (word, length) = split.map_err(|error| self.error(error))?;
                    self.at += length;
                    return Ok(Some(Token { word, at }));
                }
            }
        }
        if self.depth > 0 {
            let kind = MasterFileErrorKind::Data(RdataTextError::Parenthesis);
            let at = self.opened_at;
            return Err(ErrorAt { at, kind });
        }
        Ok(None)
    }

    /// Skips the line break at the end of the entry, and after an error the rest of the entry.
    pub(super) fn end_entry(&mut self, is_error: bool) {
        while is_error && matches!(self.next(false), Ok(Some(_))) {}
        self.at = (self.line_end() + 1).min(self.text.len());
    }

    fn line_end(&self) -> usize {
        let rest = &self.text.as_bytes()[self.at..];
        let length = rest.iter().position(|&octet| octet == b'\n');
        self.at + length.unwrap_or(rest.len())
    }

    fn error(&self, error: RdataTextError) -> ErrorAt {
        ErrorAt {
            at: self.at,
            kind: MasterFileErrorKind::Data(error),
        }
    }
}
