//! Tests of `resolv.conf` and of messages as text.

use pretty_assertions::assert_eq;

use super::{Families, read_resolvers, show};
use crate::model::RecordType;
use crate::wire::{Class, UpdateBuilder, WireRecord};

#[test]
fn resolvers_are_read_and_default_to_loopback() {
    let text = "search test\nnameserver 192.0.2.1 # one\nnameserver 2001:db8::1\nnameserver x\n";
    let read = |text, families| -> Vec<String> {
        let found = read_resolvers(text, 53, families);
        found.iter().map(ToString::to_string).collect()
    };
    let both = ["192.0.2.1:53", "[2001:db8::1]:53"];
    assert_eq!(read(text, Families::Both), both);
    assert_eq!(read(text, Families::Six), both[1..]);
    assert_eq!(read("", Families::Both), ["[::1]:53", "127.0.0.1:53"]);
    assert_eq!(read("options x", Families::Four), ["127.0.0.1:53"]);
}

#[test]
fn a_pending_update_is_shown_in_nsupdates_columns() {
    let record = |owner: &str, ttl, class, rtype, rdata: &[u8]| WireRecord {
        owner: owner.parse().unwrap(),
        rtype,
        class,
        ttl,
        rdata: rdata.to_vec(),
    };
    let long = "long-name-that-is-quite-long.example.com";
    let builder = UpdateBuilder {
        zone: Some(("example.com".parse().unwrap(), Class::IN)),
        prerequisites: vec![record(
            "a.example.com",
            0,
            Class::NONE,
            RecordType::ANY,
            &[],
        )],
        updates: vec![
            record(
                "X.Example.com",
                5,
                Class::IN,
                RecordType::MX,
                b"\0\x0a\x04Mail\0",
            ),
            record(long, 0, Class::ANY, RecordType::TXT, &[]),
        ],
        lease: None,
        extended_errors: false,
    };
    let expected = "\
;; ->>HEADER<<- opcode: UPDATE, status: NOERROR, id:      0
;; flags:; ZONE: 0, PREREQ: 0, UPDATE: 0, ADDITIONAL: 0
;; ZONE SECTION:
;example.com.\t\t\tIN\tSOA

;; PREREQUISITE SECTION:
a.example.com.\t\t0\tNONE\tANY\t

;; UPDATE SECTION:
X.Example.com.\t\t5\tIN\tMX\t10 Mail.
long-name-that-is-quite-long.example.com. 0 ANY\tTXT 

";
    assert_eq!(show::pending(&builder), expected);
}
