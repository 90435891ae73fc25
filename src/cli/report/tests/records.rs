//! Records of many types, each with the longest usual data.

use super::super::*;
use crate::deliver::LeftOut;
use crate::diagnostic::Diagnostic;
use crate::model::{Name, Presence, Rdata, RecordType, RrSet};
use crate::plan::{Action, Change, Part};
use crate::zonefile::{parse_rdata, parse_type};

/// The type and the data of each record.
const RECORDS: [(&str, &str); 20] = [
    ("A", "198.51.100.200"),
    ("AAAA", "2001:db8:1234:5678:9abc:def0:1234:5678"),
    (
        "CAA",
        "128 issuewild \"ca.example.net; accounturi=https://ca.example.net/1\"",
    ),
    ("CNAME", "www.host.example.net."),
    ("DNAME", "www.host.example.net."),
    (
        "DS",
        "65535 13 2 0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF",
    ),
    (
        "HTTPS",
        "65535 svc.example.net. alpn=\"h2,h3\" port=8443 ipv6hint=2001:db8::1",
    ),
    ("LOC", "42 21 54.000 N 71 6 18.000 W -24.00m 30m 10000m 10m"),
    ("MX", "65535 mail.host.example.net."),
    (
        "NAPTR",
        "65535 65535 \"S\" \"SIPS+D2T\" \"\" _sips._tcp.example.net.",
    ),
    ("NS", "ns1.host.example.net."),
    ("NSEC3PARAM", "1 0 65535 0123456789ABCDEF"),
    (
        "OPENPGPKEY",
        "mQINBGRxyzABEADKx1a2b3c4d5e6f7g8h9i0mQINBGRxyzABEADKx1a2b3c4d5e6",
    ),
    ("PTR", "www.host.example.net."),
    ("SRV", "65535 65535 65535 sip.host.example.net."),
    (
        "SSHFP",
        "4 2 0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF",
    ),
    (
        "SVCB",
        "65535 svc.example.net. alpn=\"h2,h3\" port=8443 ipv6hint=2001:db8::1",
    ),
    (
        "TLSA",
        "3 1 1 0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF",
    ),
    (
        "TXT",
        "\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"",
    ),
    ("TYPE65280", "\\# 16 0123456789ABCDEF0123456789ABCDEF"),
];

/// Returns the owner name, the type and the data of each record.
pub(super) fn records() -> impl Iterator<Item = (Name, RecordType, Rdata)> {
    RECORDS.iter().map(|(rtype, text)| {
        let owner = "example.com.".parse().expect("a name");
        let rtype = parse_type(rtype).expect("a type");
        let rdata = parse_rdata(rtype, text).expect("data of the type");
        (owner, rtype, rdata)
    })
}

/// How many values a set has that a message names by its first one.
const VALUES: usize = 1000;

/// Returns a diagnostic for each record, in its words: of one record, of the first values of a set, and of the first
/// changes at a name. One that names no record stays as it is.
pub(super) fn with_records(diagnostic: &Diagnostic) -> Vec<Diagnostic> {
    let text = diagnostic.entry.text;
    let names = |placeholder: &str| text.contains(&format!("{{owner}} {placeholder}"));
    let words: Vec<Diagnostic> = if names("{rtype} {values}") {
        records()
            .flat_map(|it| [set_of(it.clone(), 1), set_of(it, VALUES)])
            .collect()
    } else if names("{rtype} {rdata}") {
        records().map(record_of).collect()
    } else if names("{records}") {
        let actions = [Action::Add { ttl: 3600 }, Action::Remove];
        let of = |action| {
            records().flat_map(move |it| {
                [1, 2, 3, VALUES].map(|count| changes_of(it.clone(), action, count))
            })
        };
        actions.into_iter().flat_map(of).collect()
    } else {
        return vec![diagnostic.clone()];
    };
    // Removals of addresses have a code of their own.
    let is_of_other = |it: &Diagnostic| names("{records}") && it.entry != diagnostic.entry;
    let words = words.into_iter().filter(|it| !is_of_other(it));
    let worded = words.map(|words| {
        let mut diagnostic = diagnostic.clone();
        diagnostic.data.extend(words.data);
        diagnostic
    });
    worded.collect()
}

/// Returns the words for a set of records.
fn set_of((owner, rtype, rdata): (Name, RecordType, Rdata), count: usize) -> Diagnostic {
    let rdatas = vec![rdata; count];
    let set = RrSet {
        owner,
        rtype,
        ttl: 3600,
        rdatas,
    };
    LeftOut::Protected(set).diagnostic()
}

/// Returns the words for a record.
fn record_of((owner, rtype, rdata): (Name, RecordType, Rdata)) -> Diagnostic {
    let presence = Presence::Present;
    LeftOut::Ignored {
        presence,
        owner,
        rtype,
        rdata,
    }
    .diagnostic()
}

/// Returns the words for changes at a name.
fn changes_of(
    (owner, rtype, rdata): (Name, RecordType, Rdata),
    action: Action,
    count: usize,
) -> Diagnostic {
    let part = Part::whole(&owner);
    let change = Change {
        owner,
        rtype,
        rdata,
        action,
    };
    let (changes, failure) = (vec![change; count], Box::new(Failure::ZoneAbsent));
    LeftOut::Refused {
        part,
        changes,
        failure,
    }
    .diagnostic()
}
