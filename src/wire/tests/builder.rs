//! UPDATEs of any shape, and messages taken apart again.

use pretty_assertions::assert_eq;

use crate::model::{Name, RecordType};
use crate::wire::{
    Class, EncodeError, Lease, MessageDump, Rcode, UpdateBuilder, WireRecord, encode_soa_query,
};

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn entry(owner: &str, class: Class, rtype: RecordType, rdata: &[u8]) -> WireRecord {
    WireRecord {
        owner: name(owner),
        rtype,
        class,
        ttl: 60,
        rdata: rdata.to_vec(),
    }
}

fn draft() -> UpdateBuilder {
    UpdateBuilder {
        zone: Some((name("example.com"), Class::CH)),
        prerequisites: vec![
            entry("a.example.com", Class::NONE, RecordType::ANY, &[]),
            entry("a.example.com", Class::CH, RecordType::MX, b"\0\x0a\x01M\0"),
        ],
        updates: vec![
            entry("B.Example.com", Class::CH, RecordType::TXT, b"\x01x"),
            entry("b.Example.com", Class::ANY, RecordType::MX, &[]),
            entry(".", Class::NONE, RecordType(65_280), &[]),
        ],
        lease: None,
        extended_errors: false,
    }
}

#[test]
fn what_a_draft_says_stands_in_its_message() {
    let draft = draft();
    let listing = MessageDump::read(&draft.encode(77).unwrap()).unwrap();
    assert_eq!(
        (listing.id, listing.opcode, listing.rcode),
        (77, 5, Rcode::NOERROR)
    );
    assert_eq!(
        listing.question,
        Some((name("example.com"), Class::CH, RecordType::SOA))
    );
    assert_eq!(listing.answers, draft.prerequisites);
    assert_eq!(listing.authorities, draft.updates);
    assert_eq!(listing.counts, [1, 2, 3, 0]);
    assert!(listing.flags.is_empty() && listing.tsig.is_none());
    // Names compare without case, but each owner keeps its own.
    let spelt = |at: usize| listing.authorities[at].owner.to_string();
    assert_eq!([spelt(0), spelt(1)], ["B.Example.com.", "b.Example.com."]);
}

#[test]
fn owners_are_compressed_and_a_message_that_is_too_long_is_an_error() {
    let mut draft = draft();
    let short = draft.encode(1).unwrap().len();
    draft
        .updates
        .push(entry("a.example.com", Class::CH, RecordType::TXT, &[0]));
    // A pointer in place of the name, ten octets, and the data.
    assert_eq!(draft.encode(1).unwrap().len(), short + 2 + 10 + 1);
    for index in 0..2000 {
        let owner = format!("host{index}.example.com");
        draft
            .updates
            .push(entry(&owner, Class::CH, RecordType::TXT, &[0; 4]));
    }
    // Past the reach of pointers, names are whole or point to those in reach.
    let listing = MessageDump::read(&draft.encode(1).unwrap()).unwrap();
    assert_eq!(listing.authorities, draft.updates);
    for _ in 0..3000 {
        draft
            .updates
            .push(entry("a.example.com", Class::CH, RecordType::TXT, &[0; 40]));
    }
    assert!(matches!(draft.encode(1), Err(EncodeError::TooLong { .. })));
}

#[test]
fn a_lease_is_an_option_of_four_or_eight_octets() {
    let mut draft = draft();
    let end = |draft: &UpdateBuilder, octets: usize| {
        let message = draft.encode(1).unwrap();
        message[message.len() - octets..].to_vec()
    };
    draft.lease = Some(Lease {
        seconds: 30,
        key_seconds: None,
    });
    assert_eq!(
        end(&draft, 19),
        b"\0\0\x29\x04\xd0\0\0\0\0\0\x08\0\x02\0\x04\0\0\0\x1e"
    );
    draft.lease = Some(Lease {
        seconds: 30,
        key_seconds: Some(60),
    });
    assert_eq!(end(&draft, 14), b"\0\x0c\0\x02\0\x08\0\0\0\x1e\0\0\0\x3c");
}

#[test]
fn a_query_for_an_soa_asks_for_recursion_where_it_shall() {
    for (recursive, flags) in [(true, vec!["rd"]), (false, vec![])] {
        let query = encode_soa_query(&name("a.test"), Class::IN, 5, recursive);
        let listing = MessageDump::read(&query).unwrap();
        assert_eq!((listing.opcode, listing.flags), (0, flags));
        assert_eq!(
            listing.question,
            Some((name("a.test"), Class::IN, RecordType::SOA))
        );
    }
    assert!(MessageDump::read(b"no message").is_err());
}
