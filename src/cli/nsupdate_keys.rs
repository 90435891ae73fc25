//! The key of `nsbridge nsupdate`: on the command line, in a file, or the session key of a BIND here.
//!
//! Where nsupdate says that it cannot read a key and goes on unsigned, this ends: an update that was
//! meant to be signed is never sent unsigned.

use std::io;
use std::path::Path;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::nsupdate_options::Options;
use crate::config::keypair::PairedKey;
use crate::config::{keyfile, keypair};
use crate::model::Secret;
use crate::nsupdate::Signer;
use crate::script::parse_key_algorithm;
use crate::wire::{Algorithm, Hash, Key};

/// Where BIND leaves a key for this machine.
const SESSION_KEY_FILE: &str = "/run/named/session.key";

/// The key that the options name, and the lines that `say` shall say about it; an error is the last
/// line of all.
pub(super) fn read(options: &Options, say: &mut dyn FnMut(&str)) -> Result<Option<Signer>, String> {
    let debug = options.debug > 0;
    if let Some(text) = &options.key_text {
        return of_text(text, debug, say).map(|key| Some(Signer::Shared(key)));
    }
    if options.localhost_only {
        let file = options.key_file.as_deref().unwrap_or(SESSION_KEY_FILE);
        let key = of_statement(Path::new(file));
        return key
            .map(|key| Some(Signer::Shared(key)))
            .map_err(|reason| format!("can't read key from {file}: {reason}\n"));
    }
    let Some(file) = &options.key_file else {
        return Ok(None);
    };
    if debug {
        say("Creating key...");
    }
    let path = Path::new(file);
    let stem = keypair::stem(path);
    let with = |end: &str| format!("{}.{end}", stem.display());
    let read = if let Ok(private) = std::fs::read_to_string(with("private")) {
        let public = std::fs::read_to_string(with("key")).ok();
        match keypair::parse(&Secret::new(private), public.as_deref(), &stem) {
            Ok(PairedKey::Shared(key)) => {
                say("Use of K* file pairs for HMAC is deprecated");
                Ok(Signer::Shared(key))
            }
            Ok(PairedKey::Private(key)) => Ok(Signer::Private(Arc::from(key))),
            Err(error) => Err(error.to_string()),
        }
    } else {
        let key = of_statement(path).map_err(str::to_owned);
        if key.is_ok() && debug {
            for line in ["Creating key...", "namefromtext", "keycreate"] {
                say(line);
            }
        }
        key.map(Signer::Shared)
    };
    read.map(Some).map_err(|reason| {
        format!(
            "could not read key from {}.{{private,key}}: {reason}",
            stem.display()
        )
    })
}

/// `[ALGORITHM:]NAME:SECRET`
fn of_text(text: &str, debug: bool, say: &mut dyn FnMut(&str)) -> Result<Key, String> {
    if debug {
        say("Creating key...");
    }
    let form = || "key option must specify [hmac:]keyname:secret".to_owned();
    let (first, rest) = text.split_once(':').ok_or_else(form)?;
    let (algorithm, name, secret) = match rest.split_once(':') {
        Some((name, secret)) => (Some(first), name, secret),
        None => (None, first, rest),
    };
    if first.is_empty() || name.is_empty() || secret.is_empty() {
        return Err(form());
    }
    let algorithm = match algorithm {
        Some(text) => parse_key_algorithm(text).map_err(|error| error.to_string())?,
        None => Algorithm::new(Hash::Md5),
    };
    if debug {
        say("namefromtext");
    }
    let parsed = name.parse();
    let parsed = parsed.map_err(|_| format!("could not create key from {name}: bad name"))?;
    let bad = || format!("could not create key from {name}: bad base64 encoding");
    let octets = Secret::new(BASE64.decode(secret).map_err(|_| bad())?);
    if debug {
        say("keycreate");
    }
    Key::new(parsed, algorithm, octets).map_err(|_| bad())
}

/// The first key of a file with `key` statements.
fn of_statement(path: &Path) -> Result<Key, &'static str> {
    let text = std::fs::read(path).map_err(|error| file_words(&error))?;
    let keys = keyfile::parse(&Secret::new(text), path);
    let mut keys = keys.map_err(|_| "unexpected token")?.into_iter();
    keys.next().ok_or("not found")
}

/// Why a file cannot be read, in BIND's words.
#[expect(clippy::wildcard_enum_match_arm, reason = "the enum of std is open")]
pub(super) fn file_words(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::NotFound => "file not found",
        io::ErrorKind::PermissionDenied => "permission denied",
        io::ErrorKind::IsADirectory => "invalid file",
        _ => "unexpected error",
    }
}
