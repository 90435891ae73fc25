//! A text taken apart into entries, and entries into words (RFC 1035 section 5.1).

use super::error::{Fault, MasterFileErrorKind};
use crate::zonefile::{RdataTextError, Word, split_word};

/// A word and where it begins.
#[derive(Clone, Copy, Debug)]
pub(super) struct Token<'a> {
    pub(super) word: Word<'a>,
    /// The offset in octets, of the quote where there is one.
    pub(super) at: usize,
}

/// A place in a text.
pub(super) struct Cursor<'a> {
    text: &'a str,
    at: usize,
    /// How many parentheses are open.
    depth: usize,
    /// Where the outermost of them stands.
    opened_at: usize,
    /// Whether the entry is over.
    is_over: bool,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self {
            text,
            at: 0,
            depth: 0,
            opened_at: 0,
            is_over: false,
        }
    }

    /// Goes on to the next entry, which may be an empty line, and says whether it begins with a blank;
    /// none at the end of the text.
    pub(super) fn begin(&mut self) -> Option<bool> {
        self.is_over = false;
        self.depth = 0;
        let first = self.text.as_bytes().get(self.at)?;
        Some(matches!(first, b' ' | b'\t'))
    }

    /// The offset that was reached: at the end of an entry, where it ends.
    pub(super) fn offset(&self) -> usize {
        self.at
    }

    /// The next word of the entry; none where it is over. With `pairs`, a value in quotes after `=` belongs
    /// to its word.
    pub(super) fn next(&mut self, pairs: bool) -> Result<Option<Token<'a>>, Fault> {
        let octets = self.text.as_bytes();
        while !self.is_over {
            let Some(&octet) = octets.get(self.at) else {
                self.is_over = true;
                break;
            };
            match octet {
                b'\n' if self.depth == 0 => self.is_over = true,
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
                    self.depth = depth.ok_or_else(|| self.fault(RdataTextError::Parenthesis))?;
                    self.at += 1;
                }
                _ => {
                    let at = self.at;
                    let cut = split_word(&self.text[at..], pairs);
                    let (word, length) = cut.map_err(|error| self.fault(error))?;
                    self.at += length;
                    return Ok(Some(Token { word, at }));
                }
            }
        }
        if self.depth > 0 {
            let kind = RdataTextError::Parenthesis.into();
            let at = self.opened_at;
            return Err(Fault { at, kind });
        }
        Ok(None)
    }

    /// Passes over the line break at the end of an entry, and after an error over the rest of the entry.
    pub(super) fn end(&mut self, is_error: bool) {
        while is_error && matches!(self.next(false), Ok(Some(_))) {}
        self.at = (self.line_end() + 1).min(self.text.len());
    }

    fn line_end(&self) -> usize {
        let rest = &self.text.as_bytes()[self.at..];
        let length = rest.iter().position(|&octet| octet == b'\n');
        self.at + length.unwrap_or(rest.len())
    }

    fn fault(&self, error: RdataTextError) -> Fault {
        Fault {
            at: self.at,
            kind: MasterFileErrorKind::Data(error),
        }
    }
}
