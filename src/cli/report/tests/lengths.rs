//! The law of lengths: no message of the catalogue has more than 200 characters on its line of a log.
//!
//! `testenv/test` holds the messages that a run prints to it; here it holds for each code, with the longest usual data.

use super::super::*;
use super::subjects::{behind_cname, check_line, commands, messages_about, primary};
use crate::diagnostic::{
    Entry, Software, check, codes, command, config, file, key, left_out, masterfile, ownership,
    payload, powerdns, ptr, queue, transport, zone,
};
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

/// The failures of a connection that began well.
const BROKEN: &[&Entry] = &[
    &transport::ANSWER_TIMED_OUT,
    &transport::CONNECTION_CLOSED,
    &transport::CONNECTION_CUT,
    &transport::CONNECTION_FAILED,
    &transport::CONNECTION_UNUSABLE,
];

/// The failures to connect.
const UNCONNECTED: &[&Entry] = &[
    &transport::LOOKUP_FAILED,
    &transport::HOST_WITHOUT_ADDRESS,
    &transport::CONNECTION_REFUSED,
    &transport::LOOKUP_TIMED_OUT,
    &transport::CONNECTION_TIMED_OUT,
    &transport::HANDSHAKE_TIMED_OUT,
    &transport::HANDSHAKE_BROKEN_OFF,
];

/// What keeps a user out of a file.
const BARRIERS: &[&Entry] = &[
    &file::NOT_PERMITTED,
    &file::MODE_CLOSED,
    &file::DIRECTORY_CLOSED,
];

/// The causes of the entries whose texts end with that of a cause.
const CAUSES: &[(&Entry, &[&Entry])] = &[
    (&zone::TRANSFER_CUT, BROKEN),
    (&zone::RESPONSE_LOST, BROKEN),
    (&zone::PRIMARY_OVERLOADED, BROKEN),
    (&queue::PRIMARY_SILENT, UNCONNECTED),
    (&queue::PRIMARY_SILENT, BROKEN),
    (
        &powerdns::API_CONNECTION_REFUSED,
        &[&transport::CONNECTION_REFUSED],
    ),
    (&powerdns::API_WITHOUT_TLS, &[&transport::TLS_NOT_SPOKEN]),
    (&file::FILE_FORBIDDEN, BARRIERS),
    (&left_out::REMOVAL_REFUSED, &[&zone::UPDATE_REFUSED]),
    (&ptr::CHALLENGE_EXPIRED, &[&ptr::ZONE_OF_NAME_ABSENT]),
    (
        &ownership::CATALOG_REFUSED,
        &[&zone::TRANSFER_REFUSED, &zone::UPDATE_REFUSED],
    ),
    (
        &ownership::CATALOG_KEY_REFUSED,
        &[&key::KEY_UNKNOWN, &key::UNSIGNED_REFUSAL],
    ),
    (&ownership::CATALOG_ABSENT, &[&zone::ZONE_ABSENT]),
    (&ownership::CATALOG_NOT_LOADED, &[&zone::ZONE_NOT_LOADED]),
    (
        &command::PTR_ZONE_UNREAD,
        &[&zone::TRANSFER_REFUSED, &zone::TRANSFER_DENIED],
    ),
    (&check::CHECK_ZONE_NOT_REMOVED, &[&zone::UPDATE_REFUSED]),
    (&check::CHECK_NAME_NOT_REMOVED, &[&zone::UPDATE_REFUSED]),
];

/// The failures of a connection or a transfer, which the catalog of a primary can have, too.
const OF_CATALOG: &[&Entry] = &[
    &zone::TRANSFER_CUT,
    &zone::TRANSFER_INVALID,
    &zone::TRANSFER_UNSIGNED,
    &zone::TRANSFER_OUTRUN,
    &zone::TRANSFER_RECORD,
    &zone::TRANSFER_TOO_LARGE,
    &zone::TRANSFER_DENIED,
    &zone::TRANSFERS_EXHAUSTED,
    &zone::PRIMARY_OVERLOADED,
    &zone::UPDATES_EXHAUSTED,
    &zone::SOA_UNREADABLE,
    &zone::ZONE_HIDDEN,
    &zone::RESPONSE_LOST,
    &zone::SERVER_FAILURE,
    &zone::ZONE_CHANGED_MEANWHILE,
    &key::KEY_SECRET_DIFFERS,
    &key::CLOCKS_DIFFER,
    &key::MAC_TRUNCATED,
    &key::UPDATES_UNSUPPORTED,
    &key::UNSIGNED_ERROR,
    &key::RESPONSE_FORGED,
    &key::RESPONSE_TIME,
    &key::RESPONSE_MALFORMED,
];

/// What makes a catalog unusable.
const BROKEN_CATALOG: &[&Entry] = &[
    &ownership::CATALOG_WITHOUT_VERSION,
    &ownership::CATALOG_VERSIONS,
    &ownership::CATALOG_VERSION_UNKNOWN,
    &ownership::CATALOG_NODE_AMBIGUOUS,
];

/// The reasons to leave a record out of a zone.
const CONFLICTS: &[&Entry] = &[
    &left_out::CNAME_AT_APEX,
    &left_out::CNAME_BESIDE_DESIRED,
    &left_out::BESIDE_CNAME,
    &left_out::CNAME_BESIDE_FOREIGN,
    &left_out::BESIDE_FOREIGN_CNAME,
    &left_out::FOREIGN_VALUE,
    &left_out::SECOND_VALUE,
    &left_out::DS_WITHOUT_NS,
];

/// The failures of a creation over PowerDNS's API that has begun.
const UNFINISHED: &[&Entry] = &[
    &powerdns::API_LOST,
    &powerdns::API_TIMED_OUT,
    &powerdns::API_PROXY_FAILED,
    &powerdns::POWERDNS_KEY_UNKNOWN,
    &powerdns::POWERDNS_REFUSED,
    &powerdns::POWERDNS_FAILED,
];

#[test]
fn no_message_of_the_catalogue_is_too_long() {
    let listing = include_str!("../../../../testenv/codes-that-list-data");
    let mut long = Vec::new();
    let listed = |entry: &&Entry| listing.lines().any(|code| code == entry.code);
    for entry in codes().filter(|entry| !listed(entry)) {
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

/// Returns the messages of a code, as they stand in a log: alone, with each cause, and in each context, each about
/// each subject and for every kind of server.
fn messages(entry: &'static Entry) -> Vec<String> {
    let causes = CAUSES.iter().filter(|(of, _)| *of == entry);
    let causes = causes.flat_map(|(_, causes)| causes.iter().copied());
    let with_causes = causes.map(|cause| of(entry, usual).because(&of(cause, usual)));
    let mut diagnostics: Vec<_> = with_causes.collect();
    if diagnostics.is_empty() {
        diagnostics.push(of(entry, usual));
    }
    for diagnostic in &mut diagnostics {
        for context in contexts(entry) {
            *diagnostic = of(context, usual).because(diagnostic);
        }
    }
    diagnostics.push(of(entry, longest));
    let (commands, primary) = (commands(), primary());
    let mut lines = Vec::new();
    for diagnostic in diagnostics {
        for software in SERVERS {
            let diagnostic = diagnostic.clone().at(software);
            lines.extend(messages_about(&diagnostic, &commands, &primary));
            if matches!(diagnostic.class(), Class::Transient | Class::Permanent) {
                lines.push(check_line(&diagnostic));
                lines.extend(behind_cname(&diagnostic, &commands, &primary));
            }
        }
    }
    lines
}

/// Returns the contexts that an entry is shown in, the inner one first.
fn contexts(entry: &'static Entry) -> &'static [&'static Entry] {
    let (code, class) = (entry.code, entry.class);
    let begins = |words: &[&str]| words.iter().any(|it| code.starts_with(&format!("NB-{it}")));
    let is_of_connection = BROKEN.contains(&entry) || UNCONNECTED.contains(&entry);
    if begins(&["TLS-"]) && class == Class::Transient {
        &[&transport::TLS, &ownership::CATALOG]
    } else if is_of_connection || OF_CATALOG.contains(&entry) {
        &[&ownership::CATALOG]
    } else if BROKEN_CATALOG.contains(&entry) {
        &[&ownership::CATALOG_BROKEN]
    } else if CONFLICTS.contains(&entry) {
        &[&left_out::RECORDS_LEFT_OUT]
    } else if UNFINISHED.contains(&entry) {
        &[&powerdns::POWERDNS_ZONE_ROLLED_BACK]
    } else if is_of_line(entry) {
        &[&masterfile::MASTER_FILE_AT]
    } else if is_of_payload(entry) && class == Class::Input {
        &[&payload::PAYLOAD_PART]
    } else if is_of_payload(entry) {
        &[&payload::PAYLOAD_NOTE]
    } else if begins(&["KEY-FILE-", "FILE-", "SECRET-FILE-", "TLS-FILE-"]) {
        &[&config::CONFIG_FILE]
    } else if begins(&["KEY-"]) && class == Class::Setup {
        &[&config::KEY_FILE_LINE, &config::CONFIG_FILE]
    } else if begins(&["TLS-"]) {
        &[&config::CONFIG_AT]
    } else {
        &[]
    }
}

/// Returns whether an entry is about a line of a master file.
fn is_of_line(entry: &Entry) -> bool {
    let is_of_records = [
        &masterfile::MASTER_FILE_TARGET,
        &masterfile::MASTER_FILE_TOO_LARGE_TO_SEND,
    ];
    let is_error = entry.class == Class::Input && !is_of_records.contains(&entry);
    is_error && entry.code.starts_with("NB-MASTER-FILE-")
}

/// Returns whether an entry is about a part of a payload.
pub(super) fn is_of_payload(entry: &Entry) -> bool {
    let is_of_all = [
        &payload::PAYLOAD_NOT_JSON,
        &payload::PAYLOAD_TOO_LARGE,
        &payload::PAYLOAD_TOO_MANY_COMMANDS,
    ];
    entry.code.starts_with("NB-PAYLOAD-") && !is_of_all.contains(&entry)
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
