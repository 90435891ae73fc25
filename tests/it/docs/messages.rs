//! `docs/messages.md` is what `nsbridge explain --all` prints, and each of its entries is reported somewhere.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use pretty_assertions::assert_eq;

use crate::support::bridge::Bridge;

#[test]
fn the_document_of_messages_is_what_the_program_prints() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/messages.md");
    let document = fs::read_to_string(&path).expect("the document is there");
    let bridge = Bridge::at(1, Path::new("/dev/null"));
    let run = bridge.run_bare(&[], &["explain", "--all"], "");
    run.assert_status(0).assert_stderr("");
    assert_eq!(
        run.stdout, document,
        "it is made anew by `nsbridge explain --all > docs/messages.md`"
    );
}

#[test]
fn each_entry_of_the_catalogue_is_reported_somewhere() {
    let sources = super::layers::sources();
    let (catalogue, code): (Vec<_>, Vec<_>) = sources
        .iter()
        .partition(|(file, _)| file.starts_with("diagnostic/"));
    let is_word = |octet: char| octet.is_ascii_uppercase() || octet == '_';
    let entries = catalogue.iter().flat_map(|(_, text)| text.lines());
    let entries = entries.filter_map(|line| line.strip_prefix("    ")?.strip_suffix(" {"));
    let entries: BTreeSet<&str> = entries.filter(|name| name.chars().all(is_word)).collect();
    let used: BTreeSet<&str> = code
        .iter()
        .chain(
            catalogue
                .iter()
                .filter(|(file, _)| *file == "diagnostic/stored.rs"),
        )
        .flat_map(|(_, text)| text.split(|octet: char| !is_word(octet)))
        .collect();
    let unused: Vec<_> = entries.difference(&used).collect();
    assert!(unused.is_empty(), "reported nowhere: {unused:?}");
    assert!(entries.len() > 100, "the catalogue was not read");
}
