//! What is wrong with a configuration, and where.

use std::fmt;
use std::io;
use std::path::PathBuf;

use super::keyfile::KeyFileError;
use super::secretfile::SecretFileError;
use crate::transport::TlsError;

/// A place in a file.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Place {
    /// The file.
    pub path: PathBuf,
    /// The line, from 1.
    pub line: usize,
    /// The character in the line, from 1.
    pub column: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.path.display(), self.line, self.column)
    }
}

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read `{}`: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file is longer than any configuration.
    #[error("`{}` is longer than {limit} octets", path.display())]
    TooLong {
        /// The file.
        path: PathBuf,
        /// The limit.
        limit: u64,
    },
    /// The file is no TOML.
    #[error("{place}: {message}")]
    Syntax {
        /// Where.
        place: Place,
        /// What the TOML parser says; it quotes nothing of the file.
        message: String,
    },
    /// No option has this name.
    #[error("{place}: unknown key `{key}` in {table}")]
    UnknownKey {
        /// Where.
        place: Place,
        /// The key.
        key: String,
        /// The table it stands in, such as `[queue]`.
        table: String,
        /// The valid key that is nearest to it, if any is near.
        nearest: Option<&'static str>,
        /// All valid keys of the table.
        valid: &'static [&'static str],
    },
    /// The value is of another type.
    #[error("{place}: `{key}` must be {expected}, not {found}")]
    WrongType {
        /// Where.
        place: Place,
        /// The key.
        key: String,
        /// What it must be.
        expected: &'static str,
        /// What it is.
        found: &'static str,
    },
    /// The value is none of the allowed ones.
    #[error("{place}: `{value}` cannot be `{key}`: allowed is {allowed}")]
    BadValue {
        /// Where.
        place: Place,
        /// The key.
        key: String,
        /// The value, as it stands there.
        value: String,
        /// What is allowed.
        allowed: String,
    },
    /// A key that must be there is not.
    #[error("{place}: {table} needs `{key}`")]
    Missing {
        /// Where the table starts.
        place: Place,
        /// The table.
        table: String,
        /// The key.
        key: &'static str,
    },
    /// A key means nothing beside the others.
    #[error("{place}: `{key}` is for {needs}")]
    Useless {
        /// Where.
        place: Place,
        /// The key.
        key: String,
        /// What it is for.
        needs: &'static str,
    },
    /// A key file gives no key.
    #[error("{place}: {source}")]
    KeyFile {
        /// Where the file is named.
        place: Place,
        /// Why.
        source: KeyFileError,
    },
    /// A file of a private key was not read.
    #[error("{place}: {source}")]
    SecretFile {
        /// Where the file is named.
        place: Place,
        /// Why.
        source: SecretFileError,
    },
    /// Another file was not read.
    #[error("{place}: cannot read `{}`: {source}", path.display())]
    File {
        /// Where the file is named.
        place: Place,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file holds no key of an API.
    #[error("{place}: `{}` does not hold one line of visible ASCII characters", path.display())]
    NoApiKey {
        /// Where the file is named.
        place: Place,
        /// The file.
        path: PathBuf,
    },
    /// A file that shall be run is no program.
    #[error("{place}: `{}` is not an executable file", path.display())]
    NotExecutable {
        /// Where the file is named.
        place: Place,
        /// The file.
        path: PathBuf,
    },
    /// Anybody could change what a program does.
    #[error("{place}: everybody can write to the program `{}`", path.display())]
    WritableProgram {
        /// Where the file is named.
        place: Place,
        /// The file.
        path: PathBuf,
    },
    /// The TLS options do not fit together.
    #[error("{place}: {source}")]
    Tls {
        /// Where the primary starts.
        place: Place,
        /// Why.
        source: TlsError,
    },
}

impl ConfigError {
    /// What a person can do about it, where there is something to say.
    pub fn hint(&self) -> Option<String> {
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
            | Self::Useless { .. }
            | Self::File { .. } => None,
        }
    }
}

/// Words as a list for people: "`a`, `b` or `c`".
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
