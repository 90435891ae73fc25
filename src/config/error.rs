//! Errors of a configuration, with their positions.

use std::fmt;
use std::path::PathBuf;

use super::keyfile::KeyFileError;
use super::secretfile::SecretFileError;
use super::template;
use super::unreadable::Unreadable;
use crate::diagnostic::{Diagnose, Diagnostic, case, config as entries, displayed};
use crate::permission::{self, OpenPlace, quoted as shell_word};
use crate::transport::TlsError;

/// A position in a file.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Position {
    pub(crate) path: PathBuf,
    /// Counted from 1.
    pub(crate) line: usize,
    /// In characters, counted from 1.
    pub(crate) column: usize,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.path.display(), self.line, self.column)
    }
}

/// An error for which a configuration is rejected.
#[derive(Debug)]
pub(crate) enum ConfigError {
    Read(Unreadable),
    /// The file is longer than any configuration.
    TooLong {
        path: PathBuf,
        /// In octets.
        limit: u64,
    },
    /// A file of certificates is longer than any.
    CertificatesTooLong {
        position: Position,
        key: String,
        path: PathBuf,
        /// In octets.
        limit: u64,
    },
    /// The file is not TOML.
    Syntax {
        position: Position,
        /// The message of the TOML parser, which quotes nothing of the file.
        message: String,
    },
    UnknownKey {
        position: Position,
        key: String,
        /// The table of the key, such as `[queue]`.
        table: String,
        /// The valid key with the most similar name, if one is similar.
        nearest: Option<&'static str>,
        /// The valid keys of the table.
        valid: &'static [&'static str],
    },
    WrongType {
        position: Position,
        key: String,
        expected: &'static str,
        found: &'static str,
        /// A line with a value of the right type.
        example: String,
    },
    BadValue {
        position: Position,
        key: String,
        /// Shortened for the message.
        value: Box<str>,
        /// The valid value with the most similar name, if one is similar.
        nearest: Option<Box<str>>,
        allowed: String,
    },
    /// A required key is missing.
    Missing {
        /// The start of the table.
        position: Position,
        table: String,
        key: &'static str,
    },
    /// A key has no effect beside the values of the others.
    NotApplicable {
        position: Position,
        key: String,
        /// The setting that the key applies to.
        needs: &'static str,
    },
    /// A key has no effect beside another one.
    Excluded {
        position: Position,
        key: String,
        other: &'static str,
    },
    /// No key could be read from a key file.
    KeyFile {
        position: Position,
        source: KeyFileError,
    },
    /// A file with a private key could not be read.
    SecretFile {
        position: Position,
        key: String,
        source: SecretFileError,
    },
    /// The file with the API key could not be read.
    ApiKeyFile {
        position: Position,
        source: SecretFileError,
    },
    /// Another file could not be read.
    File {
        position: Position,
        key: String,
        source: Unreadable,
    },
    /// A file does not hold an API key.
    NoApiKey {
        position: Position,
        path: PathBuf,
    },
    /// The file of a program is not executable.
    NotExecutable {
        position: Position,
        path: PathBuf,
    },
    /// Every user of the machine can change a program.
    WritableProgram {
        position: Position,
        path: PathBuf,
    },
    /// Users who are not root can change what root would run.
    OpenProgram {
        /// The program.
        program: PathBuf,
        /// What they may write to.
        place: OpenPlace,
    },
    /// The TLS options do not fit together.
    Tls {
        /// The option, or the start of the table with these options.
        position: Position,
        source: Box<TlsError>,
    },
}

displayed!(ConfigError);

impl Diagnose for ConfigError {
    #[expect(clippy::too_many_lines, reason = "a line or two for each error")]
    fn diagnostic(&self) -> Diagnostic {
        match self {
            Self::Read(unreadable) if unreadable.is_missing() => {
                let path = &unreadable.path;
                let directory = shell_word(permission::directory_of(path));
                let (path, quoted) = (path.display(), shell_word(path));
                case!(entries::CONFIG_MISSING, path, directory, quoted)
            }
            Self::Read(unreadable) => unreadable.diagnostic(),
            Self::TooLong { path, limit } => {
                case!(entries::CONFIG_TOO_LONG, path = path.display(), limit)
            }
            Self::CertificatesTooLong {
                position,
                key,
                path,
                limit,
            } => {
                let path = path.display();
                case!(
                    entries::CONFIG_CERTIFICATES_TOO_LONG,
                    position,
                    key,
                    path,
                    limit
                )
            }
            Self::Syntax { position, message } => case!(entries::CONFIG_SYNTAX, position, message),
            Self::UnknownKey {
                position,
                key,
                table,
                nearest: Some(nearest),
                ..
            } => case!(entries::CONFIG_MISSPELT_KEY, position, key, table, nearest),
            Self::UnknownKey {
                position,
                key,
                table,
                nearest: None,
                valid,
            } => {
                if let Some(home) = template::table_of(key) {
                    return case!(entries::CONFIG_MISPLACED_KEY, position, key, table, home);
                }
                let valid = quoted(valid);
                case!(entries::CONFIG_UNKNOWN_KEY, position, key, table, valid)
            }
            Self::WrongType {
                position,
                key,
                expected,
                found,
                example,
            } => case!(
                entries::CONFIG_WRONG_TYPE,
                position,
                key,
                expected,
                found,
                example
            ),
            Self::BadValue {
                position,
                key,
                value,
                nearest: Some(nearest),
                allowed,
            } => case!(
                entries::CONFIG_MISSPELT_VALUE,
                position,
                key,
                value,
                nearest,
                allowed
            ),
            Self::BadValue {
                position,
                key,
                value,
                nearest: None,
                allowed,
            } => case!(entries::CONFIG_BAD_VALUE, position, key, value, allowed),
            Self::Missing {
                position,
                table,
                key,
            } => {
                let example = template::example(key);
                case!(entries::CONFIG_KEY_MISSING, position, table, key, example)
            }
            Self::NotApplicable {
                position,
                key,
                needs,
            } => case!(entries::CONFIG_NOT_APPLICABLE, position, key, needs),
            Self::Excluded {
                position,
                key,
                other,
            } => case!(entries::CONFIG_EXCLUDED, position, key, other),
            Self::KeyFile { position, source } => at(position, source),
            Self::SecretFile {
                position,
                key,
                source: SecretFileError::Read(source),
            }
            | Self::File {
                position,
                key,
                source,
            } => case!(entries::CONFIG_FILE, position, key).because(source),
            Self::ApiKeyFile {
                position,
                source: SecretFileError::Read(unreadable),
            } if unreadable.is_missing() => {
                let path = &unreadable.path;
                let (path, quoted) = (path.display(), shell_word(path));
                case!(entries::CONFIG_API_KEY_MISSING, position, path, quoted)
            }
            Self::ApiKeyFile {
                position,
                source: SecretFileError::Read(source),
            } => case!(entries::CONFIG_FILE, position, key = "api-key-file").because(source),
            Self::SecretFile {
                position, source, ..
            }
            | Self::ApiKeyFile { position, source } => at(position, source),
            Self::NoApiKey { position, path } => {
                case!(entries::CONFIG_NO_API_KEY, position, path = path.display())
            }
            Self::NotExecutable { position, path } => {
                let (path, quoted) = (path.display(), shell_word(path));
                case!(entries::CONFIG_NOT_EXECUTABLE, position, path, quoted)
            }
            Self::WritableProgram { position, path } => {
                let (path, quoted) = (path.display(), shell_word(path));
                case!(entries::CONFIG_WRITABLE_PROGRAM, position, path, quoted)
            }
            Self::OpenProgram { program, place } => {
                let (place, owner, mode) = (&place.path, place.owner, place.mode);
                let quoted = permission::quoted(place);
                let (place, owner) = (place.display(), permission::name_of(owner));
                let (program, mode) = (program.display(), permission::octal(mode));
                case!(
                    entries::CONFIG_OPEN_PROGRAM,
                    program,
                    place,
                    owner,
                    mode,
                    quoted
                )
            }
            Self::Tls { position, source } => at(position, &**source),
        }
    }
}

/// Returns the diagnostic of a cause with its position.
fn at(position: &Position, cause: &impl Diagnose) -> Diagnostic {
    case!(entries::CONFIG_AT, position).because(cause)
}

/// Most words that a list in a message names.
const WORDS_MAX: usize = 16;

/// Joins words to a list for a message: "`a`, `b` or `c`".
pub(super) fn quoted(words: &[impl AsRef<str>]) -> String {
    let named = words.iter().take(WORDS_MAX);
    let mut named: Vec<String> = named.map(|word| format!("`{}`", word.as_ref())).collect();
    if words.len() > WORDS_MAX {
        named.push("…".to_owned());
    }
    match named.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => named.concat(),
    }
}
