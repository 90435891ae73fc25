//! Reads the key of `nsbridge nsupdate`: from the command line, from a file, or the session key of
//! the BIND on this machine.
//!
//! If nsupdate cannot read a key, it reports that and goes on without signatures. This program ends:
//! it never sends an update without the signature that the operator asked for.

use std::io;
use std::path::Path;
use std::sync::Arc;

use super::nsupdate_options::Options;
use super::output::say;
use crate::config::keyfile::KeyFileError;
use crate::config::keypair::PairedKey;
use crate::config::{SecretFileError, Unreadable, keyfile, keypair};
use crate::model::Secret;
use crate::nsupdate::{Signer, Stream};
use crate::script::parse_key_algorithm;
use crate::wire::{Algorithm, Hash, Key, parse_secret};

/// The file in which BIND leaves a key for this machine.
const SESSION_KEY_FILE: &str = "/run/named/session.key";

/// Reads the key that the options name. The error is the last line of the run.
pub(super) fn read(options: &Options) -> Result<Option<Signer>, String> {
    let debug = |step: &str| {
        if options.debug > 0 {
            say(Stream::Error, &format!("{step}\n"));
        }
    };
    if let Some(text) = &options.key_text {
        return parse(text, debug).map(|key| Some(Signer::Shared(key)));
    }
    if options.localhost_only {
        let file = options.key_file.as_deref().unwrap_or(SESSION_KEY_FILE);
        let key = read_statement(Path::new(file));
        let key = key.map_err(|reason| format!("can't read key from {file}: {reason}\n"))?;
        return Ok(Some(Signer::Shared(key)));
    }
    let Some(file) = &options.key_file else {
        return Ok(None);
    };
    debug("Creating key...");
    let stem = keypair::stem(Path::new(file));
    let signer = match std::fs::read_to_string(format!("{}.private", stem.display())) {
        Ok(private) => read_pair(private, &stem),
        Err(_) => read_statement(Path::new(file))
            .map_err(str::to_owned)
            .map(|key| {
                for step in ["Creating key...", "namefromtext", "keycreate"] {
                    debug(step);
                }
                Signer::Shared(key)
            }),
    };
    let stem = stem.display();
    signer
        .map(Some)
        .map_err(|reason| format!("could not read key from {stem}.{{private,key}}: {reason}"))
}

/// Reads a key of dnssec-keygen, of which `private` is the text of one file.
fn read_pair(private: String, stem: &Path) -> Result<Signer, String> {
    let public = std::fs::read_to_string(format!("{}.key", stem.display())).ok();
    match keypair::parse(&Secret::new(private), public.as_deref(), stem) {
        Ok(PairedKey::Shared(key)) => {
            let text = "Use of K* file pairs for HMAC is deprecated\n";
            say(Stream::Error, text);
            Ok(Signer::Shared(key))
        }
        Ok(PairedKey::Private(key)) => Ok(Signer::Private(Arc::from(key))),
        Err(error) => Err(error.to_string()),
    }
}

/// Parses `[ALGORITHM:]NAME:SECRET`.
fn parse(text: &str, debug: impl Fn(&str)) -> Result<Key, String> {
    debug("Creating key...");
    let words: Vec<&str> = text.splitn(3, ':').collect();
    let (algorithm, name, secret) = match words[..] {
        [algorithm, name, secret] => (Some(algorithm), name, secret),
        [name, secret] => (None, name, secret),
        _ => (None, "", ""),
    };
    if name.is_empty() || secret.is_empty() || algorithm == Some("") {
        return Err("key option must specify [hmac:]keyname:secret".to_owned());
    }
    let algorithm = match algorithm {
        Some(text) => parse_key_algorithm(text).map_err(|error| error.to_string())?,
        None => Algorithm::new(Hash::Md5),
    };
    debug("namefromtext");
    let bad = |what: &str| format!("could not create key from {name}: {what}");
    let parsed = name.parse().map_err(|_| bad("bad name"))?;
    let secret = parse_secret(secret).ok_or_else(|| bad("bad base64 encoding"))?;
    debug("keycreate");
    Key::new(parsed, algorithm, secret).map_err(|_| bad("bad base64 encoding"))
}

/// Reads the first key of a file with `key` statements, or of a file that it includes.
fn read_statement(path: &Path) -> Result<Key, &'static str> {
    let text = std::fs::read(path).map_err(|error| file_words(&error))?;
    let open = |path: &Path| {
        let text = std::fs::read(path).map(Secret::new);
        text.map_err(|error| {
            KeyFileError::File(SecretFileError::Read(Unreadable::new(path, error)))
        })
    };
    let keys = keyfile::parse(&Secret::new(text), path, &open);
    let mut keys = keys.map_err(|_| "unexpected token")?.into_iter();
    keys.next().ok_or("not found")
}

/// Returns the reason why a file cannot be read, in BIND's wording.
#[expect(clippy::wildcard_enum_match_arm, reason = "the enum of std is open")]
pub(super) fn file_words(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::NotFound => "file not found",
        io::ErrorKind::PermissionDenied => "permission denied",
        io::ErrorKind::IsADirectory => "invalid file",
        _ => "unexpected error",
    }
}
