//! Reads files of TSIG keys: the output of tsig-keygen(8), and `key` statements as in named.conf.
//!
//! Errors name the file and the line, and never quote a word of the line: a misplaced word may be
//! the secret.

#[cfg(test)]
mod tests;

use std::io;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::secretfile::{self, SecretFileError};
use crate::model::{Name, NameError, Secret};
use crate::wire::{Algorithm, AlgorithmError, Key, KeyError};

/// A reason why a key file gives no key.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// The file could not be read.
    #[error(transparent)]
    File(#[from] SecretFileError),
    /// The file is no text.
    #[error("`{}` is not a text file", path.display())]
    NotText {
        /// The file.
        path: PathBuf,
    },
    /// The file holds no key.
    #[error("`{}` holds no key", path.display())]
    NoKey {
        /// The file.
        path: PathBuf,
    },
    /// The file holds several keys, and none has the wanted name.
    #[error("`{}` holds several keys and none is named `{wanted}`: {}", path.display(), joined(names))]
    Ambiguous {
        /// The file.
        path: PathBuf,
        /// The wanted name.
        wanted: String,
        /// The names of the keys.
        names: Vec<Name>,
    },
    /// A line is invalid.
    #[error("{}:{line}: {problem}", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The problem in the line.
        #[source]
        problem: KeyProblem,
    },
}

/// A problem in a line of a key file.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum KeyProblem {
    /// Another word or mark than expected.
    #[error("expected {0}")]
    Expected(&'static str),
    /// A quotation mark or a `/*` is never closed.
    #[error("{0} is never closed")]
    Unclosed(&'static str),
    /// A key has the option twice.
    #[error("`{0}` stands twice in this key")]
    Twice(&'static str),
    /// A key ends without the option.
    #[error("key `{key}` has no `{option}`")]
    Without {
        /// The key.
        key: Name,
        /// The option.
        option: &'static str,
    },
    /// An earlier key has this name.
    #[error("key `{0}` stands twice in this file")]
    KeyTwice(Name),
    /// The key's name is no domain name.
    #[error("the key's name is no domain name: {0}")]
    Name(NameError),
    /// No algorithm has this name.
    #[error("unknown algorithm")]
    Algorithm,
    /// The algorithm's MAC cannot be truncated to this length.
    #[error("the algorithm's bits, the number at its end, are out of its range")]
    Bits,
    /// The secret is no base64.
    #[error("the secret is not base64")]
    Base64,
    /// The secret has no octets.
    #[error("the secret is empty")]
    EmptySecret,
}

impl KeyFileError {
    /// Returns what the operator can do about it, if there is advice.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::File(SecretFileError::Read { path, source })
                if source.kind() == io::ErrorKind::NotFound =>
            {
                Some(format!(
                    "copy the key file there that the primary includes, or make one: `(umask 077; tsig-keygen NAME > {})`",
                    path.display()
                ))
            }
            Self::File(error) => error.hint(),
            Self::NotText { .. } | Self::NoKey { .. } => Some(
                "`tsig-keygen NAME` prints what belongs in this file".to_owned(),
            ),
            Self::Ambiguous { .. } => Some(
                "name the table under `[keys]` as the key is named, or keep one key in the file"
                    .to_owned(),
            ),
            Self::Line { problem, .. } => match problem {
                KeyProblem::Algorithm | KeyProblem::Bits => Some(
                    "hmac-sha256 and hmac-sha512 are usual; hmac-md5, hmac-sha1, hmac-sha224, hmac-sha384 and truncated ones such as hmac-sha256-128 work too".to_owned(),
                ),
                KeyProblem::Base64 => Some(
                    "copy the secret again, whole and without line breaks".to_owned(),
                ),
                KeyProblem::Expected(_)
                | KeyProblem::Unclosed(_)
                | KeyProblem::Twice(_)
                | KeyProblem::Without { .. }
                | KeyProblem::KeyTwice(_)
                | KeyProblem::Name(_)
                | KeyProblem::EmptySecret => Some(
                    "a key is written `key \"NAME\" { algorithm hmac-sha256; secret \"BASE64\"; };`, as tsig-keygen prints it; nothing else may stand in the file".to_owned(),
                ),
            },
        }
    }
}

/// Reads the keys of a file that only its owner can read, in the order of the file; at least one.
///
/// # Errors
/// [`KeyFileError`].
pub fn read(path: &Path) -> Result<Vec<Key>, KeyFileError> {
    parse(&secretfile::read(path)?, path)
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

/// Parses the keys in the text of a file, in its order; at least one. `path` is for errors only.
///
/// # Errors
/// [`KeyFileError`], but never [`KeyFileError::File`].
pub fn parse(text: &Secret<Vec<u8>>, path: &Path) -> Result<Vec<Key>, KeyFileError> {
    let text = std::str::from_utf8(text.expose()).map_err(|_| KeyFileError::NotText {
        path: path.to_owned(),
    })?;
    let mut reader = Reader {
        rest: text,
        line: 1,
    };
    let keys = reader.keys().map_err(|problem| KeyFileError::Line {
        path: path.to_owned(),
        line: reader.line,
        problem,
    })?;
    if keys.is_empty() {
        return Err(KeyFileError::NoKey {
            path: path.to_owned(),
        });
    }
    Ok(keys)
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

impl<'a> Reader<'a> {
    fn keys(&mut self) -> Result<Vec<Key>, KeyProblem> {
        let mut keys: Vec<Key> = Vec::new();
        while let Some(token) = self.token()? {
            if token != Token::Word("key") {
                return Err(KeyProblem::Expected("a `key` statement"));
            }
            let key = self.key()?;
            if keys.iter().any(|other| other.name() == key.name()) {
                return Err(KeyProblem::KeyTwice(key.name().clone()));
            }
            keys.push(key);
        }
        Ok(keys)
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
        let text = self.word("the secret")?;
        let octets = BASE64.decode(text).map_err(|_| KeyProblem::Base64)?;
        if octets.is_empty() {
            return Err(KeyProblem::EmptySecret);
        }
        Ok(Secret::new(octets))
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
            let end = inside.find(['"', '\n']).unwrap_or(inside.len());
            if !inside[end..].starts_with('"') {
                return Err(KeyProblem::Unclosed("a quotation mark"));
            }
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
