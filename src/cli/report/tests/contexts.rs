//! The contexts and the causes that the law of lengths holds messages with.

use super::super::*;
use super::lengths::{of, usual};
use crate::diagnostic::{
    Entry, check, codes, command, config, file, key, left_out, masterfile, ownership, payload,
    powerdns, ptr, queue, transport, zone,
};

/// Entries in which a cause stands, the inner one first.
type Chain = &'static [&'static Entry];

/// The failures of a connection that began well.
const BROKEN: Chain = &[
    &transport::ANSWER_TIMED_OUT,
    &transport::CONNECTION_CLOSED,
    &transport::CONNECTION_CUT,
    &transport::CONNECTION_FAILED,
    &transport::CONNECTION_UNUSABLE,
];

/// The failures to connect.
const UNCONNECTED: Chain = &[
    &transport::LOOKUP_FAILED,
    &transport::HOST_WITHOUT_ADDRESS,
    &transport::CONNECTION_REFUSED,
    &transport::NO_TCP,
    &transport::LOOKUP_TIMED_OUT,
    &transport::CONNECTION_TIMED_OUT,
    &transport::HANDSHAKE_TIMED_OUT,
    &transport::HANDSHAKE_BROKEN_OFF,
];

/// The failures of a handshake as with a server without TLS.
const WITHOUT_TLS: Chain = &[
    &transport::TLS_NOT_SPOKEN,
    &transport::HANDSHAKE_TIMED_OUT,
    &transport::HANDSHAKE_BROKEN_OFF,
];

/// What keeps a user out of a file.
const BARRIERS: Chain = &[
    &file::NOT_PERMITTED,
    &file::MODE_CLOSED,
    &file::DIRECTORY_CLOSED,
];

/// The answers to a challenge that expires.
const WITHOUT_ZONE: Chain = &[
    &ptr::ZONE_OF_NAME_ABSENT,
    &ptr::ZONE_OF_NAME_UNKNOWN,
    &key::UNSIGNED_REFUSAL,
    &key::UNSIGNED_ERROR,
    &key::UPDATES_UNSUPPORTED,
];

/// The reasons for which a primary refuses a part of a zone, also alone.
const REFUSALS: Chain = &[&zone::UPDATE_REFUSED, &zone::SERVER_FAILURE];

/// The causes of the entries whose texts end with that of a cause of a few.
const CAUSES: &[(&Entry, Chain)] = &[
    (&zone::TRANSFER_CUT, BROKEN),
    (&zone::RESPONSE_LOST, BROKEN),
    (&zone::PRIMARY_OVERLOADED, BROKEN),
    (&queue::PRIMARY_SILENT, UNCONNECTED),
    (&queue::PRIMARY_SILENT, BROKEN),
    (
        &powerdns::API_CONNECTION_REFUSED,
        &[&transport::CONNECTION_REFUSED],
    ),
    (&powerdns::API_WITHOUT_TLS, WITHOUT_TLS),
    (&file::FILE_FORBIDDEN, BARRIERS),
    (&left_out::NAME_REFUSED, REFUSALS),
    (&left_out::REMOVAL_REFUSED, REFUSALS),
    (&ptr::CHALLENGE_EXPIRED, WITHOUT_ZONE),
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
];

/// The entries whose cause may be any failure of an exchange with the primary.
const OF_EXCHANGE: Chain = &[
    &command::PTR_ZONE_UNREAD,
    &check::CHECK_ZONE_NOT_REMOVED,
    &check::CHECK_NAME_NOT_REMOVED,
];

/// The failures of an exchange that began well, which can be about a zone or about the catalog of the primary.
const EXCHANGE: Chain = &[
    &zone::TRANSFER_CUT,
    &zone::TRANSFER_INVALID,
    &zone::TRANSFER_UNSIGNED,
    &zone::TRANSFER_OUTRUN,
    &zone::TRANSFER_RECORD,
    &zone::TRANSFER_TOO_LARGE,
    &zone::TRANSFER_DENIED,
    &zone::TRANSFER_BY_UDP,
    &zone::TRANSFERS_EXHAUSTED,
    &zone::ANSWER_TRUNCATED,
    &zone::QUESTION_REFUSED,
    &zone::QUERIES_UNSUPPORTED,
    &zone::NOTHING_SHOWN,
    &zone::PRIMARY_OVERLOADED,
    &zone::UPDATES_EXHAUSTED,
    &zone::UPDATES_LIMITED,
    &zone::PREREQUISITES_REFUSED,
    &zone::SOA_UNREADABLE,
    &zone::ZONE_FROZEN,
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

/// The failures of an exchange that have words of their own if they are about the catalog.
const EXCHANGE_OF_ZONE: Chain = &[
    &zone::TRANSFER_REFUSED,
    &zone::UPDATE_REFUSED,
    &zone::ZONE_ABSENT,
    &zone::ZONE_NOT_LOADED,
    &key::KEY_UNKNOWN,
    &key::UNSIGNED_REFUSAL,
];

/// What makes a catalog unusable.
const BROKEN_CATALOG: Chain = &[
    &ownership::CATALOG_WITHOUT_VERSION,
    &ownership::CATALOG_VERSIONS,
    &ownership::CATALOG_VERSION_UNKNOWN,
    &ownership::CATALOG_NODE_AMBIGUOUS,
];

/// The reasons to leave a record out of a zone.
const CONFLICTS: Chain = &[
    &left_out::CNAME_AT_APEX,
    &left_out::CNAME_BESIDE_DESIRED,
    &left_out::BESIDE_CNAME,
    &left_out::CNAME_BESIDE_FOREIGN,
    &left_out::BESIDE_FOREIGN_CNAME,
    &left_out::FOREIGN_VALUE,
    &left_out::SECOND_VALUE,
    &left_out::DS_WITHOUT_NS,
    &payload::PAYLOAD_CNAME_BESIDE_OTHER,
    &payload::PAYLOAD_BESIDE_CNAME,
    &payload::PAYLOAD_SECOND_CNAME,
    &payload::PAYLOAD_DS_WITHOUT_DELEGATION,
];

/// The failures of a creation over PowerDNS's API that has begun.
const UNFINISHED: Chain = &[
    &powerdns::API_CONNECTION_REFUSED,
    &powerdns::API_LOST,
    &powerdns::API_TIMED_OUT,
    &powerdns::API_ANSWER_TOO_LONG,
    &powerdns::API_KEY_REFUSED,
    &powerdns::API_FORBIDDEN,
    &powerdns::API_OTHER_SERVICE,
    &powerdns::API_REDIRECTED,
    &powerdns::API_PROXY_FAILED,
    &powerdns::POWERDNS_KEY_UNKNOWN,
    &powerdns::POWERDNS_REFUSED,
    &powerdns::POWERDNS_FAILED,
];

/// Returns the diagnostics of an entry as messages show them: with each cause, and in each context.
pub(super) fn diagnostics(entry: &'static Entry) -> Vec<Diagnostic> {
    let causes = causes(entry);
    let alone = || vec![of(entry, usual)];
    let with_causes = causes.iter().map(|cause| of(entry, usual).because(cause));
    let inner: Vec<Diagnostic> = match causes.len() {
        0 => alone(),
        _ => with_causes.collect(),
    };
    let chains = contexts(entry).into_iter();
    let within = chains.flat_map(|chain| inner.iter().map(|it| wrapped(it.clone(), chain)));
    let mut all: Vec<Diagnostic> = within.collect();
    all.extend(inner);
    all
}

/// Returns a diagnostic within contexts, the inner one first.
fn wrapped(diagnostic: Diagnostic, chain: Chain) -> Diagnostic {
    let mut wrapped = diagnostic;
    for context in chain {
        wrapped = of(context, usual).because(&wrapped);
    }
    wrapped
}

/// Returns the causes of an entry.
fn causes(entry: &'static Entry) -> Vec<Diagnostic> {
    let of_few = CAUSES.iter().filter(|(of, _)| *of == entry);
    let of_few = of_few.flat_map(|(_, causes)| causes.iter().copied());
    let mut causes: Vec<Diagnostic> = of_few
        .map(|cause| {
            // A failure of TLS names the server.
            let contexts: Chain = if is_of_tls(cause) {
                &[&transport::TLS]
            } else {
                &[]
            };
            wrapped(of(cause, usual), contexts)
        })
        .collect();
    if *entry == ptr::CHALLENGE_EXPIRED {
        let behind = causes.clone().into_iter();
        causes.extend(behind.map(|it| wrapped(it, &[&ptr::BEHIND_CNAME])));
    }
    if OF_EXCHANGE.contains(&entry) {
        let failures = [
            EXCHANGE,
            EXCHANGE_OF_ZONE,
            UNCONNECTED,
            BROKEN,
            BROKEN_CATALOG,
        ];
        let failures = failures.into_iter().flatten().copied();
        let of_catalog = codes().filter(|it| {
            is_of_tls(it) || it.code.starts_with("NB-CATALOG-") && it.class != Class::Remark
        });
        causes.extend(failures.chain(of_catalog).flat_map(diagnostics));
        // The name is that of a record of the zone, and a connection that fails is of no zone.
        let is_of_zone = *entry == check::CHECK_NAME_NOT_REMOVED;
        let is_of_connection = |it: &Diagnostic| {
            let inner = it.cause.as_ref().map(|it| it.entry);
            inner.is_some_and(|it| *it == transport::TLS || is_of_connection(it))
        };
        causes.retain(|it| *it.entry != ownership::CATALOG || !is_of_zone && !is_of_connection(it));
    }
    causes
}

/// Returns whether an entry is about a handshake of TLS.
fn is_of_tls(entry: &Entry) -> bool {
    entry.code.starts_with("NB-TLS-") && entry.class == Class::Transient
}

/// Returns whether an entry is about a connection.
fn is_of_connection(entry: &Entry) -> bool {
    [BROKEN, UNCONNECTED]
        .into_iter()
        .flatten()
        .any(|it| *it == entry)
}

/// Returns the contexts that an entry is shown in, each time the inner one first.
fn contexts(entry: &'static Entry) -> Vec<Chain> {
    let (code, class) = (entry.code, entry.class);
    let begins = |words: &[&str]| words.iter().any(|it| code.starts_with(&format!("NB-{it}")));
    if is_of_tls(entry) {
        vec![&[&transport::TLS, &ownership::CATALOG]]
    } else if is_of_connection(entry) || EXCHANGE.contains(&entry) {
        vec![&[&ownership::CATALOG]]
    } else if BROKEN_CATALOG.contains(&entry) {
        vec![&[&ownership::CATALOG_BROKEN]]
    } else if CONFLICTS.contains(&entry) {
        vec![&[&left_out::RECORDS_LEFT_OUT]]
    } else if UNFINISHED.contains(&entry) {
        vec![
            &[&powerdns::POWERDNS_ZONE_ROLLED_BACK],
            &[&powerdns::POWERDNS_ZONE_UNFINISHED],
        ]
    } else if is_of_line(entry) {
        vec![&[&masterfile::MASTER_FILE_AT]]
    } else if *entry == payload::PAYLOAD_TTL {
        vec![&[&payload::PAYLOAD_TTL_OF]]
    } else if is_of_payload(entry) && class == Class::Input {
        vec![&[&payload::PAYLOAD_PART], &[&payload::PAYLOAD_PLACE]]
    } else if is_of_payload(entry) {
        vec![&[&payload::PAYLOAD_NOTE]]
    } else if begins(&["KEY-FILE-", "FILE-", "SECRET-FILE-", "TLS-FILE-"]) {
        vec![&[&config::CONFIG_FILE], &[&config::CONFIG_AT]]
    } else if begins(&["KEY-"]) && class == Class::Setup {
        vec![
            &[&config::KEY_FILE_LINE, &config::CONFIG_FILE],
            &[&config::KEY_FILE_LINE, &config::CONFIG_AT],
        ]
    } else if begins(&["TLS-"]) {
        vec![&[&config::CONFIG_AT]]
    } else {
        Vec::new()
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
