//! Errors of a configuration, with their positions.

use std::fmt;
use std::io;
use std::path::PathBuf;

use super::keyfile::KeyFileError;
use super::secretfile::SecretFileError;
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
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConfigError {
    #[error("cannot read `{}`: {source}", path.display())]
    Read { path: PathBuf, source: io::Error },
    /// The file is longer than any configuration.
    #[error("`{}` is longer than {limit} octets", path.display())]
    TooLong {
        path: PathBuf,
        /// In octets.
        limit: u64,
    },
    /// The file is not TOML.
    #[error("{position}: {message}")]
    Syntax {
        position: Position,
        /// The message of the TOML parser, which quotes nothing of the file.
        message: String,
    },
    #[error("{position}: unknown key `{key}` in {table}")]
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
    #[error("{position}: `{key}` must be {expected}, not {found}")]
    WrongType {
        position: Position,
        key: String,
        expected: &'static str,
        found: &'static str,
    },
    #[error("{position}: `{value}` cannot be `{key}`: allowed is {allowed}")]
    BadValue {
        position: Position,
        key: String,
        /// Shortened for the message.
        value: String,
        allowed: String,
    },
    /// A required key is missing.
    #[error("{position}: {table} needs `{key}`")]
    Missing {
        /// The start of the table.
        position: Position,
        table: String,
        key: &'static str,
    },
    /// A key has no effect beside the values of the others.
    #[error("{position}: `{key}` is for {needs}")]
    NotApplicable {
        position: Position,
        key: String,
        /// The setting that the key applies to.
        needs: &'static str,
    },
    /// No key could be read from a key file.
    #[error("{position}: {source}")]
    KeyFile {
        position: Position,
        source: KeyFileError,
    },
    /// A file with a private key or an API key could not be read.
    #[error("{position}: {source}")]
    SecretFile {
        position: Position,
        source: SecretFileError,
    },
    /// Another file could not be read.
    #[error("{position}: cannot read `{}`: {source}", path.display())]
    File {
        position: Position,
        path: PathBuf,
        source: io::Error,
    },
    /// A file does not hold an API key.
    #[error("{position}: `{}` does not hold one line of visible ASCII characters", path.display())]
    NoApiKey { position: Position, path: PathBuf },
    /// The file of a program is not executable.
    #[error("{position}: `{}` is not an executable file", path.display())]
    NotExecutable { position: Position, path: PathBuf },
    /// Every user of the machine can change a program.
    #[error("{position}: everybody can write to the program `{}`", path.display())]
    WritableProgram { position: Position, path: PathBuf },
    /// The TLS options do not fit together.
    #[error("{position}: {source}")]
    Tls {
        /// The start of the table with these options.
        position: Position,
        source: TlsError,
    },
}

impl ConfigError {
    /// Returns what the operator can do about it, if there is advice.
    pub(crate) fn hint(&self) -> Option<String> {
        match self {
            Self::Read { path, source } if source.kind() == io::ErrorKind::NotFound => {
                Some(format!(
                    "write one: `nsbridge config template > {}`, or name another by `--config`",
                    path.display()
                ))
            }
            Self::UnknownKey {
                nearest: Some(key), ..
            } => Some(format!("the nearest valid key is `{key}`")),
            Self::UnknownKey {
                nearest: None,
                valid,
                ..
            } => Some(format!("valid keys here are {}", quoted(valid))),
            Self::KeyFile { source, .. } => source.hint(),
            Self::SecretFile { source, .. } => source.hint(),
            Self::NoApiKey { path, .. } => Some(format!(
                "write the value of `api-key` in pdns.conf, and nothing else, to `{}`",
                path.display()
            )),
            Self::NotExecutable { path, .. } => {
                Some(format!("run `chmod a+rx {}`", path.display()))
            }
            Self::WritableProgram { path, .. } => {
                Some(format!("run `chmod o-w {}`", path.display()))
            }
            Self::Tls { source, .. } => source.hint(),
            Self::Read { .. }
            | Self::TooLong { .. }
            | Self::Syntax { .. }
            | Self::WrongType { .. }
            | Self::BadValue { .. }
            | Self::Missing { .. }
            | Self::NotApplicable { .. }
            | Self::File { .. } => None,
        }
    }
}

/// Joins words to a list for a message: "`a`, `b` or `c`".
pub(super) fn quoted(words: &[impl AsRef<str>]) -> String {
    let words: Vec<String> = words
        .iter()
        .map(|word| format!("`{}`", word.as_ref()))
        .collect();
    match words.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => words.concat(),
    }
}
