//! The pages of the catalogue: one for each code, for `nsbridge explain` and `docs/messages.md`.

use std::fmt;

use super::entry::{Class, Entry, Software};
use super::{
    check, command, config, file, key, left_out, listing, masterfile, ownership, payload, powerdns,
    program, provision, ptr, queue, rndc, run, transport, version, zone,
};

/// The parts of the catalogue, each with its heading.
const PARTS: &[(&str, &[&Entry])] = &[
    ("The connection to a server", transport::ENTRIES),
    ("Keys and signatures", key::ENTRIES),
    ("Reading and changing a zone", zone::ENTRIES),
    ("Records that are left out of a zone", left_out::ENTRIES),
    ("Instances and catalogs", ownership::ENTRIES),
    ("PTR records and CNAME records", ptr::ENTRIES),
    ("Zones over BIND's control channel", rndc::ENTRIES),
    ("Zones over PowerDNS's API", powerdns::ENTRIES),
    ("Zones by a program", program::ENTRIES),
    ("The run", run::ENTRIES),
    ("The queue", queue::ENTRIES),
    ("Failures that another version has noted", version::ENTRIES),
    ("Commands, and the worker", command::ENTRIES),
    ("`nsbridge check`", check::ENTRIES),
    ("What a check does not try of new zones", provision::ENTRIES),
    ("Plesk's payload", payload::ENTRIES),
    ("Master files", masterfile::ENTRIES),
    ("Folders of master files", listing::ENTRIES),
    ("The configuration and key files", config::ENTRIES),
    ("Files and their permissions", file::ENTRIES),
];

/// Returns all entries.
pub(crate) fn all() -> impl Iterator<Item = &'static Entry> {
    PARTS
        .iter()
        .flat_map(|(_, entries)| entries.iter().copied())
}

/// Returns the entries whose codes messages show.
pub fn codes() -> impl Iterator<Item = &'static Entry> {
    all().filter(|entry| entry.is_code())
}

/// Returns the entry with this code, in any letter case, also without `NB-`.
pub fn find(code: &str) -> Option<&'static Entry> {
    let code = code.to_ascii_uppercase();
    let code = code.strip_prefix("NB-").unwrap_or(&code);
    all().find(|entry| entry.code.strip_prefix("NB-") == Some(code))
}

/// The page of an entry, in Markdown.
struct Page(&'static Entry);

impl fmt::Display for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(entry) = self;
        writeln!(f, "### {}\n\n> {}\n", entry.code, entry.text)?;
        if !entry.page.is_empty() {
            writeln!(f, "{}", entry.page)?;
        }
        if let Some(next) = next(entry.class) {
            writeln!(f, "**{next}**")?;
        }
        if !entry.hints.is_empty() {
            writeln!(f)?;
        }
        for (software, hint) in entry.hints {
            let on = match software {
                Software::Bind => " (BIND)",
                Software::PowerDns => " (PowerDNS)",
                Software::Knot => " (Knot)",
                Software::Unknown => "",
            };
            writeln!(f, "* Do{on}: {hint}")?;
        }
        Ok(())
    }
}

/// Returns the page of an entry, in Markdown.
pub fn page(entry: &'static Entry) -> String {
    Page(entry).to_string()
}

/// The head of all pages.
const HEAD: &str = "\
# Messages

Each failure and each remark has a stable code, which stands in the message, in JSON (`code`) and in the queue.
`nsbridge explain CODE` prints its page. In a text, `{…}` stands for what differs.

This file is made by `nsbridge explain --all`.
";

/// Returns all pages, in parts: `docs/messages.md`.
pub fn pages() -> String {
    let mut pages = vec![HEAD.to_owned()];
    for (heading, entries) in PARTS {
        pages.push(format!("## {heading}\n"));
        let codes = entries.iter().filter(|entry| entry.is_code());
        pages.extend(codes.map(|entry| page(entry)));
    }
    pages.join("\n")
}

/// Returns what becomes of a change.
fn next(class: Class) -> Option<&'static str> {
    match class {
        Class::Transient => Some("Kept in the queue and tried again (75)."),
        Class::Unkept => {
            Some("Not kept in the queue: what does not arrive at once must be sent again (75).")
        }
        Class::Permanent => {
            Some("Held in the queue until `nsbridge queue retry` or a newer call about it (69).")
        }
        Class::Input => Some(
            "Left out, a master file as a whole; everything else of the input is carried out (65).",
        ),
        Class::Setup => Some("Nothing was attempted (78; 64 for the command line)."),
        Class::Remark | Class::Context => None,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn codes_are_words_in_capitals_and_each_is_there_once() {
        let mut codes = BTreeSet::new();
        for entry in all() {
            let words = entry.code.strip_prefix("NB-").unwrap_or_default();
            let is_word = |it: &str| !it.is_empty() && it.bytes().all(|it| it.is_ascii_uppercase());
            assert!(words.split('-').all(is_word), "{}", entry.code);
            assert!(codes.insert(entry.code), "{} is there twice", entry.code);
        }
    }

    #[test]
    fn each_entry_says_what_it_means_and_the_hint_of_the_software_at_hand_comes_first() {
        for entry in all() {
            let (code, is_context) = (entry.code, entry.class == Class::Context);
            assert_eq!(entry.page.is_empty(), is_context, "{code}: its page");
            assert!(
                !entry.text.ends_with('.'),
                "{code}: its text is no line of a log"
            );
            let software = entry.hints.iter().map(|(software, _)| *software);
            let mut ranks: Vec<_> = software.map(|software| software as u8).collect();
            let listed = ranks.len();
            ranks.sort_unstable();
            ranks.dedup();
            assert_eq!(
                ranks.len(),
                listed,
                "{code}: two hints for one kind of server"
            );
        }
    }

    /// Codes without a hint, each with the reason.
    const WITHOUT_HINT: &[(&str, &str)] = &[
        ("NB-API-UNREACHABLE", CAUSE),
        (
            "NB-CONNECTION-UNUSABLE",
            "the next attempt opens another connection",
        ),
        ("NB-CONTROL-WITHOUT-RANDOM", KERNEL),
        ("NB-DELIVERED-ELSEWHERE", WELL),
        ("NB-FILE-FORBIDDEN", CAUSE),
        ("NB-MASTER-FILE-SIGNED", WELL),
        (
            "NB-NAME-KEPT",
            "the operator has said so, by the option in the text",
        ),
        ("NB-NO-ADDRESS-USABLE", CAUSE),
        ("NB-NO-RANDOM-NUMBERS", KERNEL),
        ("NB-OVERTAKEN", WELL),
        ("NB-PAYLOAD-NO-PREFERENCE", "Plesk's form sends one"),
        ("NB-PAYLOAD-NO-RECORDS", WELL),
        ("NB-PRIMARY-BACK", WELL),
        (
            "NB-PROGRAM-BUSY",
            "the program tries later; the text ends with its words",
        ),
        (
            "NB-PROGRAM-LOST",
            "the next attempt starts the program again",
        ),
        ("NB-PTR-ZONE-UNREAD", CAUSE),
        ("NB-QUEUE-FORBIDDEN", CAUSE),
        ("NB-REPLACED", WELL),
    ];
    const CAUSE: &str = "the hint of the cause is shown";
    const KERNEL: &str = "the kernel gives random numbers on each healthy machine";
    const WELL: &str = "all is as it must be";

    #[test]
    fn an_entry_without_a_hint_has_a_reason() {
        let is_code = |entry: &&Entry| entry.is_code() && entry.hints.is_empty();
        let mut without: Vec<_> = all().filter(is_code).map(|entry| entry.code).collect();
        without.sort_unstable();
        let listed: Vec<_> = WITHOUT_HINT.iter().map(|(code, _)| *code).collect();
        assert_eq!(without, listed);
        for (code, reason) in WITHOUT_HINT {
            let shows_cause = find(code).unwrap().text.contains("{cause}");
            let needs_cause = *reason == CAUSE && *code != "NB-NO-ADDRESS-USABLE";
            assert!(shows_cause || !needs_cause, "{code}: it has no cause");
        }
    }

    #[test]
    fn texts_and_hints_are_short() {
        let listing = include_str!("../../testenv/codes-that-list-data");
        assert!(listing.lines().count() <= 10, "too many codes list data");
        for code in listing.lines() {
            assert!(find(code).is_some(), "{code} is no code");
        }
        for entry in all().filter(|entry| !listing.lines().any(|code| code == entry.code)) {
            let text = entry.text.chars().count();
            assert!(
                text <= 120,
                "{}: its text has {text} characters",
                entry.code
            );
            for (software, hint) in entry.hints {
                let hint = hint.chars().count();
                assert!(
                    hint <= 130,
                    "{}, {software:?}: its hint has {hint} characters",
                    entry.code
                );
            }
        }
    }

    #[test]
    fn a_code_is_found_however_it_is_typed() {
        for code in [
            "NB-TLS-EXPIRED",
            "nb-tls-expired",
            "TLS-EXPIRED",
            "tls-expired",
        ] {
            assert_eq!(find(code).map(|entry| entry.code), Some("NB-TLS-EXPIRED"));
        }
        for code in ["", "NB-", "NB-NB-TLS-EXPIRED", "NB-TLS"] {
            let found = find(code).map(|entry| entry.code);
            assert!(found.is_none() || code == "NB-TLS", "{code}: {found:?}");
        }
    }
}
