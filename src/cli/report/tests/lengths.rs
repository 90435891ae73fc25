//! The law of lengths: no message of the catalogue has more than 200 characters on its line of a log.
//!
//! `testenv/test` holds the messages that a run prints to it; here it holds for each code, with the longest usual data.

use super::super::*;
use super::contexts::diagnostics;
use super::records::with_records;
use super::subjects::{behind_cname, check_lines, commands, messages_about, primary};
use crate::diagnostic::{Entry, Software, all, check, codes, config, file};
use crate::provision::{powerdns::Step as ApiStep, rndc};
use crate::transport::Step;

/// The most characters of a message.
const CHARACTERS_MAX: usize = 200;

/// The software that a primary may have.
const SERVERS: [Software; 4] = [
    Software::Bind,
    Software::PowerDns,
    Software::Knot,
    Software::Unknown,
];

#[test]
fn no_message_of_the_catalogue_is_too_long() {
    let mut long = Vec::new();
    for entry in codes().filter(|entry| !lists_data(entry)) {
        let messages = messages(entry).into_iter();
        let longest = messages.max_by_key(|message| characters(message));
        let longest = longest.expect("each code has a message");
        let number = characters(&longest);
        if number > CHARACTERS_MAX {
            long.push(format!("{number}: {longest}"));
        }
    }
    long.sort_unstable();
    assert!(
        long.is_empty(),
        "{} messages are too long:\n{}",
        long.len(),
        long.join("\n")
    );
}

#[test]
fn each_entry_with_a_cause_is_held_with_one() {
    let mut held: HashSet<&str> = [check::CHECK_ZONE_NOT_UPDATED.code].into();
    for diagnostic in codes().flat_map(diagnostics) {
        let mut outer = &diagnostic;
        while let Some(cause) = &outer.cause {
            held.insert(outer.entry.code);
            outer = cause;
        }
    }
    let with_cause = all().filter(|it| it.text.contains("{cause}") && !lists_data(it));
    let missing: Vec<_> = with_cause.filter(|it| !held.contains(it.code)).collect();
    assert!(missing.is_empty(), "held without a cause: {missing:?}");
}

#[test]
fn words_count_as_in_the_search_of_the_transcripts() {
    assert_eq!(characters("error: a b"), 10);
    assert_eq!(
        characters("`nsbridge --config /tmp/a/b/c/d.toml check`"),
        9 + 1 + 1 + 12 + 1 + 6
    );
    assert_eq!(
        characters("(ns1.example.com.:53), ratherlongword"),
        12 + 1 + 14
    );
    assert_eq!(characters(&"x".repeat(61)), 12);
}

/// Returns whether messages of a code have data of any length.
fn lists_data(entry: &Entry) -> bool {
    let listing = include_str!("../../../../testenv/codes-that-list-data");
    listing.lines().any(|code| code == entry.code)
}

/// Returns the messages of a code, as they stand in a log: alone, with each cause, and in each context, each about
/// each subject and for every kind of server.
fn messages(entry: &'static Entry) -> Vec<String> {
    let mut diagnostics = diagnostics(entry);
    diagnostics.push(of(entry, longest));
    let diagnostics = diagnostics.iter().flat_map(with_records);
    let (commands, primary) = (commands(), primary());
    let mut lines = Vec::new();
    for diagnostic in diagnostics {
        for software in SERVERS {
            let diagnostic = diagnostic.clone().at(software);
            lines.extend(messages_about(&diagnostic, &commands, &primary));
            if matches!(diagnostic.class(), Class::Transient | Class::Permanent) {
                lines.extend(check_lines(&diagnostic));
                lines.extend(behind_cname(&diagnostic, &commands, &primary));
            }
        }
    }
    lines
}

/// Returns the diagnostic of an entry, with the value that `value` gives each placeholder of a code.
pub(super) fn of(entry: &'static Entry, value: impl Fn(&str, &str) -> String) -> Diagnostic {
    let texts = entry.hints.iter().map(|(_, hint)| *hint);
    let names = texts.chain([entry.text]).flat_map(placeholders);
    let values = names.map(|name| (name.to_owned(), value(entry.code, name)));
    Diagnostic {
        entry,
        data: values.collect(),
        cause: None,
        software: Software::Unknown,
    }
}

/// Returns the names of the placeholders of a text; other pieces of it, too, which do no harm.
fn placeholders(text: &str) -> impl Iterator<Item = &str> {
    let pieces = text.split('{').skip(1);
    pieces.filter_map(|piece| piece.split_once('}').map(|(name, _)| name))
}

/// Returns whether a code is about the owner and the mode of a file.
fn is_of_access(code: &str) -> bool {
    let codes = [
        &file::NOT_PERMITTED,
        &file::MODE_CLOSED,
        &file::DIRECTORY_CLOSED,
        &file::SECRET_FILE_EXPOSED,
        &file::SECRET_FILE_EXPOSED_OWNER,
        &config::CONFIG_OPEN_PROGRAM,
    ];
    codes.iter().any(|entry| entry.code == code)
}

/// Returns a value as it is in most messages: a short number, or else the longest one.
pub(super) fn usual(code: &str, name: &str) -> String {
    let usual = match name {
        "line" | "column" | "number" => "100",
        "count" | "job" | "jobs" | "removed" | "seconds" | "steps" | "records" => "1000",
        "limit" | "max" | "octets" | "octets_max" | "taken" => "100000",
        "after" => "2.5 s",
        "times" => "10 times",
        "attempts" => "10",
        "owner" if is_of_access(code) => "psaadm",
        "rtype" => "CNAME",
        "user" => "psaadm",
        _ => return longest(code, name),
    };
    usual.to_owned()
}

/// Returns the longest value of a placeholder: that of our own words, or else 12 characters.
fn longest(code: &str, name: &str) -> String {
    let begins = |words: &[&str]| words.iter().any(|it| code.starts_with(&format!("NB-{it}")));
    match name {
        "step" if begins(&["CONTROL-"]) => rndc::Step::AwaitingOther.to_string(),
        "step" if begins(&["API-"]) => ApiStep::Reading.to_string(),
        "step" if begins(&["POWERDNS-"]) => "making the zone".to_owned(),
        "step" if begins(&["LOOKUP-"]) => Step::Resolve.to_string(),
        "step" if begins(&["CONNECTION-TIMED-OUT"]) => Step::Connect.to_string(),
        "step" if begins(&["HANDSHAKE-"]) => Step::Handshake.to_string(),
        "step" if begins(&["ANSWER-", "CONNECTION-"]) => Step::Receive.to_string(),
        "seen" if begins(&["CONTENTS-NOT-FETCHED"]) => rndc::Seen::Nothing.to_string(),
        "seen" if begins(&["CONTENTS-KEY-UNFIT"]) => rndc::Seen::OtherKey.to_string(),
        "seen" if begins(&["CONTENTS-FOR-STRANGER"]) => {
            rndc::Seen::Stranger([192, 0, 2, 1].into()).to_string()
        }
        "seen" => rndc::Seen::Answered.to_string(),
        "direction" => "ahead of".to_owned(),
        "how" => "closed".to_owned(),
        "rcode" => "SERVFAIL".to_owned(),
        "action" => "create".to_owned(),
        "mode" => "0640".to_owned(),
        "option" => "-n".to_owned(),
        "name" if begins(&["LIMIT-"]) => "KiB of memory".to_owned(),
        "fudge" | "port" => "65535".to_owned(),
        "percent_max" => "100".to_owned(),
        "status" if begins(&["API-", "POWERDNS-"]) => "100".to_owned(),
        "records" | "removed" => "1000000".to_owned(),
        "limit" | "least" | "octets" | "octets_max" => u32::MAX.to_string(),
        "rtype" => "NSEC3PARAM".to_owned(),
        // A record of a payload.
        "place" if begins(&["PAYLOAD-"]) => "example.com. OPENPGPKEY".to_owned(),
        "place" if begins(&["KEYS-"]) => "`template plesk` of named.conf".to_owned(),
        "owner" if is_of_access(code) => "12-character".to_owned(),
        "detail" | "output" => "; 12 letters".to_owned(),
        "address" | "answer" | "catalog" | "directory" | "from" | "host" | "owner" | "path"
        | "peer" | "position" | "certificate" | "place" | "program" | "quoted"
        | "quoted_certificate" | "quoted_key" | "server" | "target" | "zone" => {
            "example.com.".to_owned()
        }
        _ => "12-character".to_owned(),
    }
}

/// Counts the characters of a message as `testenv/test` does: a name, an address or a path has 12 at most, and so
/// has a word of more than 60.
fn characters(message: &str) -> usize {
    let words: Vec<_> = message.split_whitespace().collect();
    let counted = words.iter().map(|word| match word.chars().count() {
        _ if *word == "--config" => 0,
        61.. => 12,
        number @ 13.. if is_name(word) => number.min(12),
        number => number,
    });
    counted.sum::<usize>() + words.len() - 1
}

/// Returns whether a point, a colon or a slash stands between other characters of a word.
fn is_name(word: &str) -> bool {
    let word: Vec<_> = word.chars().collect();
    let is_mark = |it: char| matches!(it, '.' | ':' | '/');
    word.windows(3)
        .any(|it| !is_mark(it[0]) && is_mark(it[1]) && !is_mark(it[2]))
}
