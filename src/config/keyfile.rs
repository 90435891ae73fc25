//! Reads files of TSIG keys: the output of tsig-keygen(8), and `key` statements as in named.conf.
//!
//! Errors name the file and the line, and never quote a word of the line: a misplaced word may be
//! the secret.

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use super::secretfile::{self, SecretFileError};
use crate::diagnostic::{Diagnose, Diagnostic, case, config as entries, displayed};
use crate::model::{Name, NameError, Secret};
use crate::permission;
use crate::wire::{Algorithm, AlgorithmError, Key, KeyError, parse_secret};

/// How many files may include each other in a row.
const INCLUDE_DEPTH_MAX: usize = 10;

/// A reason why a key file gives no key.
#[derive(Debug)]
pub enum KeyFileError {
    /// The file could not be read.
    File(SecretFileError),
    /// The file is no text.
    NotText {
        /// The file.
        path: PathBuf,
    },
    /// The file holds no key.
    NoKey {
        /// The file.
        path: PathBuf,
    },
    /// The file holds several keys, and none has the wanted name.
    Ambiguous {
        /// The file.
        path: PathBuf,
        /// The wanted name.
        wanted: String,
        /// The names of the keys.
        names: Vec<Name>,
    },
    /// A line is invalid.
    Line {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The problem in the line.
        problem: KeyProblem,
    },
}

/// A problem in a line of a key file.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum KeyProblem {
    /// Another word or mark than expected.
    Expected(&'static str),
    /// A quotation mark or a `/*` is never closed.
    Unclosed(&'static str),
    /// A key has the option twice.
    Twice(&'static str),
    /// A key ends without the option.
    Without {
        /// The key.
        key: Name,
        /// The option.
        option: &'static str,
    },
    /// An earlier key has this name.
    KeyTwice(Name),
    /// The key's name is no domain name.
    Name(NameError),
    /// No algorithm has this name.
    Algorithm,
    /// The algorithm's MAC cannot be truncated to this length.
    Bits,
    /// The secret is no base64.
    Base64,
    /// The secret has no octets.
    EmptySecret,
}

displayed!(KeyFileError, KeyProblem);

impl Diagnose for KeyFileError {
    fn diagnostic(&self) -> Diagnostic {
        match self {
            Self::File(SecretFileError::Read(unreadable)) if unreadable.is_missing() => {
                let path = &unreadable.path;
                let (name, quoted) = (key_name(path), permission::quoted(path));
                let directory = permission::quoted(permission::directory_of(path));
                let path = path.display();
                case!(entries::KEY_FILE_MISSING, path, name, quoted, directory)
            }
            Self::File(error) => error.diagnostic(),
            Self::NotText { path } => case!(entries::KEY_FILE_NOT_TEXT, path = path.display()),
            Self::NoKey { path } => {
                let (name, quoted) = (key_name(path), permission::quoted(path));
                case!(entries::KEY_FILE_EMPTY, path = path.display(), name, quoted)
            }
            Self::Ambiguous {
                path,
                wanted,
                names,
            } => {
                let (path, names) = (path.display(), joined(names));
                case!(entries::KEY_FILE_AMBIGUOUS, path, wanted, names)
            }
            Self::Line {
                path,
                line,
                problem,
            } => case!(entries::KEY_FILE_LINE, path = path.display(), line).because(problem),
        }
    }
}

/// Returns a name for the key that a file is to hold: that of the file without its extension.
fn key_name(path: &Path) -> String {
    let stem = path.file_stem().and_then(|stem| stem.to_str());
    let is_plain = |octet: u8| octet.is_ascii_alphanumeric() || b"-_.".contains(&octet);
    let plain = stem.filter(|stem| !stem.starts_with('-') && stem.bytes().all(is_plain));
    plain.unwrap_or("nsbridge").to_owned()
}

impl Diagnose for KeyProblem {
    fn diagnostic(&self) -> Diagnostic {
        match self {
            Self::Expected(expected) => case!(entries::KEY_WORD_EXPECTED, expected),
            Self::Unclosed(mark) => case!(entries::KEY_UNCLOSED, mark),
            Self::Twice(option) => case!(entries::KEY_OPTION_TWICE, option),
            Self::Without { key, option } => case!(entries::KEY_OPTION_MISSING, key, option),
            Self::KeyTwice(key) => case!(entries::KEY_TWICE, key),
            Self::Name(source) => case!(entries::KEY_NAME_INVALID, source),
            Self::Algorithm => case!(entries::KEY_ALGORITHM_UNKNOWN),
            Self::Bits => case!(entries::KEY_BITS_INVALID),
            Self::Base64 => case!(entries::KEY_SECRET_INVALID),
            Self::EmptySecret => case!(entries::KEY_SECRET_EMPTY),
        }
    }
}

/// Reads the keys of a file that only its owner can read, in the order of the file; at least one.
///
/// # Errors
/// [`KeyFileError`].
pub fn read(path: &Path) -> Result<Vec<Key>, KeyFileError> {
    parse(&open(path)?, path, &open)
}

fn open(path: &Path) -> Result<Secret<Vec<u8>>, KeyFileError> {
    secretfile::read(path).map_err(KeyFileError::File)
}

/// Reads the key with the wanted name from a file, or its only key whatever its name.
///
/// # Errors
/// [`KeyFileError`].
pub fn read_key(path: &Path, wanted: &str) -> Result<Key, KeyFileError> {
    let mut keys = read(path)?;
    let name = wanted.parse::<Name>().ok();
    if let Some(index) = keys
        .iter()
        .position(|key| Some(key.name()) == name.as_ref())
    {
        return Ok(keys.swap_remove(index));
    }
    match (keys.pop(), keys.is_empty()) {
        (Some(only), true) => Ok(only),
        (last, _) => Err(KeyFileError::Ambiguous {
            path: path.to_owned(),
            wanted: wanted.to_owned(),
            names: keys
                .iter()
                .chain(&last)
                .map(|key| key.name().clone())
                .collect(),
        }),
    }
}

/// Reads a file that another one includes.
type Open<'a> = &'a dyn Fn(&Path) -> Result<Secret<Vec<u8>>, KeyFileError>;

/// Parses the keys in the text of a file and of those that it includes, in their order; at least one. `path` is for
/// errors only.
///
/// # Errors
/// [`KeyFileError`]; [`KeyFileError::File`] only from `open`.
pub fn parse(
    text: &Secret<Vec<u8>>,
    path: &Path,
    open: Open<'_>,
) -> Result<Vec<Key>, KeyFileError> {
    let mut keys = Vec::new();
    add_keys(&mut keys, text, path, open, INCLUDE_DEPTH_MAX)?;
    if keys.is_empty() {
        return Err(KeyFileError::NoKey {
            path: path.to_owned(),
        });
    }
    Ok(keys)
}

/// Adds the keys in the text of a file, which may include others to this depth.
fn add_keys(
    keys: &mut Vec<Key>,
    text: &Secret<Vec<u8>>,
    path: &Path,
    open: Open<'_>,
    depth: usize,
) -> Result<(), KeyFileError> {
    let text = std::str::from_utf8(text.expose()).map_err(|_| KeyFileError::NotText {
        path: path.to_owned(),
    })?;
    let mut reader = Reader {
        rest: text,
        line: 1,
    };
    let wrong = |line, problem| KeyFileError::Line {
        path: path.to_owned(),
        line,
        problem,
    };
    loop {
        let statement = reader.statement();
        match statement.map_err(|problem| wrong(reader.line, problem))? {
            None => return Ok(()),
            Some(Statement::Include(_)) if depth == 0 => {
                let problem = KeyProblem::Expected("a file that is not included by itself");
                return Err(wrong(reader.line, problem));
            }
            Some(Statement::Include(file)) => {
                add_keys(keys, &open(file)?, file, open, depth - 1)?;
            }
            Some(Statement::Key(key)) => {
                if keys.iter().any(|other| other.name() == key.name()) {
                    let problem = KeyProblem::KeyTwice(key.name().clone());
                    return Err(wrong(reader.line, problem));
                }
                keys.push(key);
            }
        }
    }
}

#[derive(Clone, Copy, Eq, PartialEq)]
enum Token<'a> {
    /// A word, quoted or bare.
    Word(&'a str),
    /// `{`, `}` or `;`.
    Mark(char),
}

/// The rest of the text, and the line of the last token.
struct Reader<'a> {
    rest: &'a str,
    line: usize,
}

/// A statement of a file with keys.
enum Statement<'a> {
    Key(Key),
    /// `include "FILE";`. named: the name is relative to the working directory.
    Include(&'a Path),
}

impl<'a> Reader<'a> {
    /// Reads the next statement; `None` at the end.
    fn statement(&mut self) -> Result<Option<Statement<'a>>, KeyProblem> {
        match self.token()? {
            None => Ok(None),
            Some(Token::Word("key")) => self.key().map(|key| Some(Statement::Key(key))),
            Some(Token::Word("include")) => {
                let file = self.word("the file to include")?;
                self.mark(';', "`;` after the file to include")?;
                Ok(Some(Statement::Include(Path::new(file))))
            }
            Some(Token::Word(_) | Token::Mark(_)) => Err(KeyProblem::Expected("a `key` statement")),
        }
    }

    /// Parses `NAME { OPTION; … };`.
    fn key(&mut self) -> Result<Key, KeyProblem> {
        let name: Name = self
            .word("the key's name")?
            .parse()
            .map_err(KeyProblem::Name)?;
        self.mark('{', "`{` after the key's name")?;
        let (mut algorithm, mut secret) = (None, None);
        loop {
            match self.token()? {
                Some(Token::Mark('}')) => break,
                Some(Token::Word("algorithm")) if algorithm.is_none() => {
                    algorithm = Some(self.algorithm()?);
                }
                Some(Token::Word("secret")) if secret.is_none() => secret = Some(self.secret()?),
                Some(Token::Word("algorithm")) => return Err(KeyProblem::Twice("algorithm")),
                Some(Token::Word("secret")) => return Err(KeyProblem::Twice("secret")),
                Some(Token::Word(_) | Token::Mark(_)) | None => {
                    return Err(KeyProblem::Expected("`algorithm`, `secret` or `}`"));
                }
            }
            self.mark(';', "`;` after the option's value")?;
        }
        let without = |option| KeyProblem::Without {
            key: name.clone(),
            option,
        };
        let algorithm = algorithm.ok_or_else(|| without("algorithm"))?;
        let secret = secret.ok_or_else(|| without("secret"))?;
        self.mark(';', "`;` after the key's `}`")?;
        Key::new(name, algorithm, secret)
            .map_err(|KeyError::EmptySecret { .. }| KeyProblem::EmptySecret)
    }

    fn algorithm(&mut self) -> Result<Algorithm, KeyProblem> {
        // The error leaves the word out: if the options are mixed up, it is the secret.
        self.word("the algorithm's name")?
            .parse()
            .map_err(|error| match error {
                AlgorithmError::Unknown(_) => KeyProblem::Algorithm,
                AlgorithmError::Bits { .. } => KeyProblem::Bits,
            })
    }

    fn secret(&mut self) -> Result<Secret<Vec<u8>>, KeyProblem> {
        let octets = parse_secret(self.word("the secret")?).ok_or(KeyProblem::Base64)?;
        if octets.expose().is_empty() {
            return Err(KeyProblem::EmptySecret);
        }
        Ok(octets)
    }

    fn word(&mut self, expected: &'static str) -> Result<&'a str, KeyProblem> {
        match self.token()? {
            Some(Token::Word(word)) => Ok(word),
            Some(Token::Mark(_)) | None => Err(KeyProblem::Expected(expected)),
        }
    }

    fn mark(&mut self, mark: char, expected: &'static str) -> Result<(), KeyProblem> {
        if self.token()? == Some(Token::Mark(mark)) {
            Ok(())
        } else {
            Err(KeyProblem::Expected(expected))
        }
    }

    /// Reads the next token after white space and comments; `None` at the end.
    fn token(&mut self) -> Result<Option<Token<'a>>, KeyProblem> {
        self.skip()?;
        let Some(first) = self.rest.chars().next() else {
            return Ok(None);
        };
        if matches!(first, '{' | '}' | ';') {
            self.take(1);
            return Ok(Some(Token::Mark(first)));
        }
        if first == '"' {
            let inside = &self.rest[1..];
            let end = inside.find('"');
            let end = end.ok_or(KeyProblem::Unclosed("a quotation mark"))?;
            self.take(end + 2);
            return Ok(Some(Token::Word(&inside[..end])));
        }
        let ends = |c: char| c.is_whitespace() || matches!(c, '{' | '}' | ';' | '"');
        let end = self.rest.find(ends).unwrap_or(self.rest.len());
        Ok(Some(Token::Word(self.take(end))))
    }

    fn skip(&mut self) -> Result<(), KeyProblem> {
        loop {
            let blank = self.rest.len() - self.rest.trim_start().len();
            self.take(blank);
            if self.rest.starts_with('#') || self.rest.starts_with("//") {
                self.take(self.rest.find('\n').unwrap_or(self.rest.len()));
            } else if let Some(comment) = self.rest.strip_prefix("/*") {
                let end = comment
                    .find("*/")
                    .ok_or(KeyProblem::Unclosed("a comment"))?;
                self.take(end + "/**/".len());
            } else {
                return Ok(());
            }
        }
    }

    /// Takes this number of octets and counts their lines.
    fn take(&mut self, octets: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at(octets);
        self.line += taken.matches('\n').count();
        self.rest = rest;
        taken
    }
}

fn joined(names: &[Name]) -> String {
    let texts: Vec<String> = names.iter().map(Name::to_text_without_dot).collect();
    texts.join(", ")
}
