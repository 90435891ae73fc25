//! TSIG and control keys, made by the real `tsig-keygen`, each new for its test.

use std::fs::{self, OpenOptions, Permissions};
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::support::{process, record};

/// A key and its text as `named.conf`, `nsupdate -k` and nsbridge read it.
#[derive(Clone)]
pub(crate) struct Key {
    name: String,
    statement: String,
}

impl Key {
    /// A new hmac-sha256 key.
    pub(crate) fn new(name: &str) -> Self {
        Self::with_algorithm(name, "hmac-sha256")
    }

    /// A new key of any algorithm that `tsig-keygen` knows, such as `hmac-md5`.
    #[track_caller]
    pub(crate) fn with_algorithm(name: &str, algorithm: &str) -> Self {
        let statement = process::run_ok("tsig-keygen", &["-a", algorithm, name]);
        let secret = statement
            .split('"')
            .nth(3)
            .expect("tsig-keygen prints a quoted secret");
        record::learn_secret(name, secret);
        Self {
            name: name.to_owned(),
            statement,
        }
    }

    /// Another secret under the same name and algorithm: what a client with a stale key holds.
    pub(crate) fn with_other_secret(&self) -> Self {
        let algorithm = self
            .statement
            .split(['\t', ' ', ';', '\n'])
            .find(|w| w.starts_with("hmac"));
        Self::with_algorithm(
            &self.name,
            algorithm.expect("tsig-keygen prints the algorithm"),
        )
    }

    /// The same name and secret for another algorithm, such as `hmac-sha256-128`.
    #[track_caller]
    pub(crate) fn with_same_secret(&self, algorithm: &str) -> Self {
        let mut words: Vec<&str> = self.statement.split_inclusive([' ', ';']).collect();
        let old = words.iter().position(|word| word.starts_with("hmac"));
        let new = format!("{algorithm};");
        words[old.expect("tsig-keygen prints the algorithm")] = &new;
        Self {
            name: self.name.clone(),
            statement: words.concat(),
        }
    }

    /// The secret's octets.
    pub(crate) fn secret(&self) -> Vec<u8> {
        let text = self.statement.split('"').nth(3);
        STANDARD
            .decode(text.expect("a statement has a quoted secret"))
            .expect("tsig-keygen prints base64")
    }

    /// The key's name.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The `key` statement.
    pub(crate) fn statement(&self) -> &str {
        &self.statement
    }

    /// Writes it to `directory`, readable by its owner only.
    #[track_caller]
    pub(crate) fn write(&self, directory: &Path) -> PathBuf {
        let file = directory.join(format!("{}.key", self.name));
        let _ = fs::remove_file(&file);
        let written = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&file)
            .and_then(|mut opened| opened.write_all(self.statement.as_bytes()));
        written.unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        file
    }
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Key")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// Makes a file readable by its owner only.
pub(crate) fn restrict(file: &Path) {
    let permissions = Permissions::from_mode(0o600);
    fs::set_permissions(file, permissions).expect("a file of the run");
}
