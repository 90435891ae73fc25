//! What must never be seen, and what was seen.
//!
//! Every secret that a test makes is made known here, and everything that nsbridge says or stores is
//! searched for it at once. With `NSBRIDGE_TEST_RECORD` set to a directory, secrets and transcripts
//! are also written there, so that `testenv/test` can search everything that the whole suite printed.

use std::fmt::Write as _;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use aho_corasick::AhoCorasick;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The directory for secrets and transcripts.
const RECORD: &str = "NSBRIDGE_TEST_RECORD";

/// How many octets of a secret, printed as a list of numbers, count as having printed it.
const LISTED_OCTETS: usize = 8;

/// The secrets of this process in every form searched for.
static KNOWN: Mutex<Known> = Mutex::new(Known {
    full: Vec::new(),
    last: None,
});

/// How many forms are searched for in one pass. The suite makes thousands: one pass for each would take most of its
/// time, and one for all would be prepared anew with each key.
const FORMS_MAX: usize = 512;

/// Forms, in portions that are searched for together; only the last one grows.
struct Known {
    full: Vec<Arc<Portion>>,
    last: Option<Arc<Portion>>,
}

/// Forms of secrets, each with the name of its key.
struct Portion {
    forms: Vec<(String, String)>,
    search: AhoCorasick,
}

impl Known {
    fn add(&mut self, new: Vec<(String, String)>) {
        let last = self.last.take();
        let mut forms = last.map_or_else(Vec::new, |last| last.forms.clone());
        forms.extend(new);
        let search = AhoCorasick::new(forms.iter().map(|(_, form)| form));
        let search = search.expect("the forms are few and short");
        let portion = Arc::new(Portion { forms, search });
        if portion.forms.len() < FORMS_MAX {
            self.last = Some(portion);
        } else {
            self.full.push(portion);
        }
    }

    fn portions(&self) -> Vec<Arc<Portion>> {
        self.full.iter().chain(&self.last).cloned().collect()
    }
}

/// Makes a key's secret known: its base64 text, and the forms in which a careless program prints
/// the octets (hexadecimal, and a list of numbers as `{:?}` gives).
pub(crate) fn learn_secret(key: &str, base64_text: &str) {
    let octets = STANDARD
        .decode(base64_text)
        .expect("tsig-keygen prints base64");
    let hexadecimal = octets.iter().fold(String::new(), |mut text, octet| {
        let _ = write!(text, "{octet:02x}");
        text
    });
    let listed: Vec<String> = octets
        .iter()
        .take(LISTED_OCTETS)
        .map(ToString::to_string)
        .collect();
    let forms = [
        base64_text.trim_end_matches('=').to_owned(),
        hexadecimal.to_uppercase(),
        hexadecimal,
        listed.join(", "),
    ];
    if let Some(directory) = directory() {
        append(
            &directory.join("secrets"),
            &format!("{}\n", forms.join("\n")),
        );
    }
    let new = forms.map(|form| (key.to_owned(), form));
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    known.add(new.into());
}

/// Asserts that no known secret is in `content`; `place` says what it is.
#[track_caller]
pub(crate) fn assert_no_secret(place: &str, content: &[u8]) {
    let known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let portions = known.portions();
    drop(known);
    for portion in portions {
        if let Some(found) = portion.search.find(content) {
            let (key, _) = &portion.forms[found.pattern().as_usize()];
            // The message must not repeat what it complains about.
            panic!("the secret of key `{key}` is in {place}");
        }
    }
}

/// Asserts that no file below `directory` holds a known secret.
#[track_caller]
pub(crate) fn assert_no_secret_below(directory: &Path) {
    let Ok(entries) = fs::read_dir(directory) else {
        return;
    };
    for path in entries.flatten().map(|entry| entry.path()) {
        if path.is_dir() {
            assert_no_secret_below(&path);
        } else if let Ok(content) = fs::read(&path) {
            assert_no_secret(&path.display().to_string(), &content);
        }
    }
}

/// Keeps what one run of nsbridge said.
pub(crate) fn keep_transcript(arguments: &str, stdout: &[u8], stderr: &[u8]) {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    let Some(directory) = directory() else { return };
    let transcripts = directory.join("transcripts");
    fs::create_dir_all(&transcripts)
        .unwrap_or_else(|error| panic!("{}: {error}", transcripts.display()));
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let file = transcripts.join(format!("{}-{number}", std::process::id()));
    append(&file, &format!("$ nsbridge {arguments}\n"));
    append(&file, &String::from_utf8_lossy(stdout));
    append(&file, &String::from_utf8_lossy(stderr));
}

#[expect(
    clippy::disallowed_methods,
    reason = "the harness has no `cli` to read it"
)]
fn directory() -> Option<PathBuf> {
    std::env::var_os(RECORD).map(PathBuf::from)
}

fn append(file: &Path, text: &str) {
    let written = OpenOptions::new()
        .create(true)
        .append(true)
        .open(file)
        .and_then(|mut file| file.write_all(text.as_bytes()));
    written.unwrap_or_else(|error| panic!("{}: {error}", file.display()));
}
