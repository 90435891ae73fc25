//! Tests that a message dump shows what an update builder encoded.

use pretty_assertions::assert_eq;

use crate::model::{Name, RecordType};
use crate::wire::{
    Class, EncodeError, Lease, MessageDump, Rcode, UpdateBuilder, WireRecord, encode_soa_query,
};

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn record(owner: &str, class: Class, rtype: RecordType, rdata: &[u8]) -> WireRecord {
    WireRecord {
        owner: name(owner),
        rtype,
        class,
        ttl: 60,
        rdata: rdata.to_vec(),
    }
}

fn builder() -> UpdateBuilder {
    UpdateBuilder {
        zone: Some((name("example.com"), Class::CH)),
        prerequisites: vec![
            record("a.example.com", Class::NONE, RecordType::ANY, &[]),
            record("a.example.com", Class::CH, RecordType::MX, b"\0\x0a\x01M\0"),
        ],
        updates: vec![
            record("B.Example.com", Class::CH, RecordType::TXT, b"\x01x"),
            record("b.Example.com", Class::ANY, RecordType::MX, &[]),
            record(".", Class::NONE, RecordType(65_280), &[]),
        ],
        lease: None,
        extended_errors: false,
    }
}

#[test]
fn a_message_holds_every_record_of_its_update_builder() {
    let builder = builder();
    let dump = MessageDump::read(&builder.encode(77).unwrap()).unwrap();
    assert_eq!((dump.id, dump.opcode, dump.rcode), (77, 5, Rcode::NOERROR));
    assert_eq!(
        dump.question,
        Some((name("example.com"), Class::CH, RecordType::SOA))
    );
    assert_eq!(dump.answers, builder.prerequisites);
    assert_eq!(dump.authorities, builder.updates);
    assert_eq!(dump.counts, [1, 2, 3, 0]);
    assert!(dump.flags.is_empty() && dump.tsig.is_none());
    // Names compare without case, but each owner name keeps its spelling.
    let spelt = |at: usize| dump.authorities[at].owner.to_string();
    assert_eq!([spelt(0), spelt(1)], ["B.Example.com.", "b.Example.com."]);
}

#[test]
fn owner_names_are_compressed_and_a_message_that_is_too_long_is_an_error() {
    let mut builder = builder();
    let short = builder.encode(1).unwrap().len();
    builder
        .updates
        .push(record("a.example.com", Class::CH, RecordType::TXT, &[0]));
    // A pointer instead of the name, ten octets, and the data.
    assert_eq!(builder.encode(1).unwrap().len(), short + 2 + 10 + 1);
    for index in 0..2000 {
        let owner = format!("host{index}.example.com");
        builder
            .updates
            .push(record(&owner, Class::CH, RecordType::TXT, &[0; 4]));
    }
    // Names beyond the reach of pointers are whole, or they point to earlier names.
    let dump = MessageDump::read(&builder.encode(1).unwrap()).unwrap();
    assert_eq!(dump.authorities, builder.updates);
    for _ in 0..3000 {
        builder.updates.push(record(
            "a.example.com",
            Class::CH,
            RecordType::TXT,
            &[0; 40],
        ));
    }
    assert!(matches!(
        builder.encode(1),
        Err(EncodeError::TooLong { .. })
    ));
}

#[test]
fn a_lease_is_an_option_of_four_or_eight_octets() {
    let mut builder = builder();
    let end = |builder: &UpdateBuilder, octets: usize| {
        let message = builder.encode(1).unwrap();
        message[message.len() - octets..].to_vec()
    };
    builder.lease = Some(Lease {
        seconds: 30,
        key_seconds: None,
    });
    assert_eq!(
        end(&builder, 19),
        b"\0\0\x29\x04\xd0\0\0\0\0\0\x08\0\x02\0\x04\0\0\0\x1e"
    );
    builder.lease = Some(Lease {
        seconds: 30,
        key_seconds: Some(60),
    });
    assert_eq!(end(&builder, 14), b"\0\x0c\0\x02\0\x08\0\0\0\x1e\0\0\0\x3c");
}

#[test]
fn a_query_for_an_soa_has_the_flag_rd_if_it_is_recursive() {
    for (recursive, flags) in [(true, vec!["rd"]), (false, vec![])] {
        let query = encode_soa_query(&name("a.test"), Class::IN, 5, recursive);
        let dump = MessageDump::read(&query).unwrap();
        assert_eq!((dump.opcode, dump.flags), (0, flags));
        assert_eq!(
            dump.question,
            Some((name("a.test"), Class::IN, RecordType::SOA))
        );
    }
    assert!(MessageDump::read(b"no message").is_err());
}
