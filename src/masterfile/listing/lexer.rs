//! The words of a configuration of BIND. An included file is read as if its text stood in place of the statement, as BIND
//! does it.

use std::path::PathBuf;

use super::error::{NamedConfError, Problem};

/// How many files may include each other in a row.
const INCLUDE_DEPTH_MAX: usize = 50;
/// The most octets of all files of a configuration: more than a million zones.
pub const CONFIGURATION_OCTETS_MAX: usize = 256 << 20;

/// A file and its contents.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Opened {
    /// Its path.
    pub path: PathBuf,
    /// Its contents.
    pub octets: Vec<u8>,
}

/// A word or a mark.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Token {
    /// A word, quoted or bare.
    Word(String),
    /// `{`, `}` or `;`.
    Mark(u8),
    /// The end of the last file.
    End,
}

/// A file that is being read.
struct Text {
    file: Opened,
    at: usize,
    line: usize,
    /// How many files include each other down to this one.
    depth: usize,
}

/// The files that are being read, and those after them; the last one is read next.
pub(super) struct Lexer {
    texts: Vec<Text>,
    octets: usize,
}

impl Lexer {
    pub(super) fn new(file: Opened) -> Result<Self, NamedConfError> {
        let mut lexer = Self {
            texts: Vec::new(),
            octets: 0,
        };
        lexer.push(vec![file], 0)?;
        Ok(lexer)
    }

    /// Reads these files next, in their order.
    pub(super) fn include(&mut self, files: Vec<Opened>) -> Result<(), NamedConfError> {
        // Files of a pattern that are not read yet include nothing.
        let depth = self.texts.last().map_or(0, |text| text.depth) + 1;
        if depth > INCLUDE_DEPTH_MAX {
            return Err(self.wrong(Problem::TooDeep));
        }
        self.push(files, depth)
    }

    fn push(&mut self, files: Vec<Opened>, depth: usize) -> Result<(), NamedConfError> {
        self.octets += files.iter().map(|file| file.octets.len()).sum::<usize>();
        let is_too_large = self.octets > CONFIGURATION_OCTETS_MAX;
        let texts = files.into_iter().map(|file| Text {
            file,
            at: 0,
            line: 1,
            depth,
        });
        self.texts.extend(texts.rev());
        if is_too_large {
            return Err(self.wrong(Problem::TooLarge));
        }
        Ok(())
    }

    /// Returns the error of a problem at the last word.
    pub(super) fn wrong(&self, problem: Problem) -> NamedConfError {
        let (file, line) = self.place();
        NamedConfError::Line {
            file,
            line,
            problem,
        }
    }

    /// Returns the file and the line of the last word.
    pub(super) fn place(&self) -> (String, usize) {
        let text = self.texts.last();
        text.map_or_else(Default::default, |text| {
            (text.file.path.display().to_string(), text.line)
        })
    }

    /// Reads the next word or mark.
    pub(super) fn token(&mut self) -> Result<Token, NamedConfError> {
        loop {
            self.skip()?;
            let is_last = self.texts.len() == 1;
            let Some(text) = self.texts.last_mut() else {
                return Ok(Token::End);
            };
            match text.peek(0) {
                // The place of an error at the end is that of the last file.
                None if is_last => return Ok(Token::End),
                None => drop(self.texts.pop()),
                Some(mark @ (b'{' | b'}' | b';')) => {
                    text.at += 1;
                    return Ok(Token::Mark(mark));
                }
                Some(b'"') => return self.quoted().map(Token::Word),
                Some(_) => return Ok(Token::Word(self.bare())),
            }
        }
    }

    /// Skips white space and comments of the three kinds, up to the end of the file.
    fn skip(&mut self) -> Result<(), NamedConfError> {
        while let Some(text) = self.texts.last_mut() {
            match text.peek(0) {
                Some(octet) if octet.is_ascii_whitespace() => text.next(),
                _ if text.comment().is_some() => self.skip_comment()?,
                _ => break,
            }
        }
        Ok(())
    }

    /// Skips the comment at the place.
    fn skip_comment(&mut self) -> Result<(), NamedConfError> {
        let Some(text) = self.texts.last_mut() else {
            return Ok(());
        };
        let rest = &text.file.octets[text.at..];
        let length = match text.comment() {
            Some(Comment::Block) => {
                let end = rest[2..].windows(2).position(|it| it == b"*/");
                end.map(|end| end + 4)
            }
            Some(Comment::Line) => {
                let end = rest.iter().position(|it| *it == b'\n');
                Some(end.unwrap_or(rest.len()))
            }
            None => Some(0),
        };
        let Some(length) = length else {
            return Err(self.wrong(Problem::Unclosed("/*")));
        };
        (0..length).for_each(|_| text.next());
        Ok(())
    }

    /// Reads a word up to white space, a comment, a mark or a quotation mark.
    fn bare(&mut self) -> String {
        let mut word = Vec::new();
        while let Some(text) = self.texts.last_mut() {
            match text.peek(0) {
                None | Some(b'{' | b'}' | b';' | b'"') => break,
                Some(octet) if octet.is_ascii_whitespace() || text.comment().is_some() => break,
                Some(octet) => {
                    word.push(octet);
                    text.next();
                }
            }
        }
        String::from_utf8_lossy(&word).into_owned()
    }

    /// Reads a quoted word. BIND: a backslash takes the meaning of a quotation mark only.
    fn quoted(&mut self) -> Result<String, NamedConfError> {
        let (file, line) = self.place();
        let (mut word, mut is_escaped, mut is_open) = (Vec::new(), false, false);
        while let Some(text) = self.texts.last_mut()
            && let Some(octet) = text.peek(0)
        {
            text.next();
            match octet {
                b'"' if !is_open => is_open = true,
                b'"' if is_escaped => {
                    word.pop();
                    word.push(octet);
                    is_escaped = false;
                }
                b'"' => return Ok(String::from_utf8_lossy(&word).into_owned()),
                _ => {
                    word.push(octet);
                    is_escaped = octet == b'\\' && !is_escaped;
                }
            }
        }
        let problem = Problem::Unclosed("\"");
        Err(NamedConfError::Line {
            file,
            line,
            problem,
        })
    }
}

/// The kind of a comment.
enum Comment {
    Block,
    Line,
}

impl Text {
    fn peek(&self, ahead: usize) -> Option<u8> {
        self.file.octets.get(self.at + ahead).copied()
    }

    fn next(&mut self) {
        self.line += usize::from(self.peek(0) == Some(b'\n'));
        self.at += 1;
    }

    /// Returns the kind of the comment that begins here, if one does.
    fn comment(&self) -> Option<Comment> {
        match (self.peek(0)?, self.peek(1)) {
            (b'#', _) | (b'/', Some(b'/')) => Some(Comment::Line),
            (b'/', Some(b'*')) => Some(Comment::Block),
            _ => None,
        }
    }
}
