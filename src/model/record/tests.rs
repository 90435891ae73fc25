//! Records: canonical data, sets and their differences.

use super::*;

fn record(owner: &str, rtype: RecordType, ttl: u32, rdata: &[u8]) -> Record {
    let rdata = Rdata::from_wire(rtype, rdata).unwrap();
    Record {
        owner: owner.parse().unwrap(),
        rtype,
        ttl,
        rdata,
    }
}

#[test]
fn names_inside_data_become_lower_case_and_other_octets_stay() {
    let mx = Rdata::from_wire(RecordType::MX, b"\x41\x42\x02MX\x01A\0").unwrap();
    assert_eq!(mx.as_wire(), b"\x41\x42\x02mx\x01a\0");
    let naptr = Rdata::from_wire(RecordType(35), b"\0\x01\0\x02\x01U\x01S\0\x01B\0").unwrap();
    assert_eq!(naptr.as_wire(), b"\0\x01\0\x02\x01U\x01S\0\x01b\0");
    let txt = Rdata::from_wire(RecordType::TXT, b"\x02Ab").unwrap();
    assert_eq!(txt.as_wire(), b"\x02Ab");
    assert_eq!(
        Rdata::from_wire(RecordType::MX, b"\0"),
        Err(RdataError::Short)
    );
    assert_eq!(
        Rdata::from_wire(RecordType::NS, b"\xc0\x0c"),
        Err(RdataError::Name(NameError::BadWire))
    );
}

#[test]
fn sets_have_one_ttl_and_no_duplicates() {
    let sets = RrSets::from_records([
        record("b.example.", RecordType::A, 900, &[1, 1, 1, 1]),
        record("B.EXAMPLE.", RecordType::A, 60, &[2, 2, 2, 2]),
        record("b.example.", RecordType::A, 300, &[1, 1, 1, 1]),
        record("a.example.", RecordType::TXT, 5, b"\x02ab\x01c"),
        record("a.example.", RecordType::TXT, 5, b"\x03abc"),
    ]);
    assert_eq!(sets.as_slice().len(), 2);
    let a = sets
        .get(&"b.example.".parse().unwrap(), RecordType::A)
        .unwrap();
    assert_eq!((a.ttl, a.rdatas.len()), (60, 2));
    assert_eq!(sets.record_count(), 3);
    let txt = &sets.at(&"a.example.".parse().unwrap())[0];
    assert!(txt.contains(&Rdata::from_canonical(*b"\x01a\x02bc")));
    assert!(!txt.contains(&Rdata::from_canonical(*b"\x01a\x02bd")));
}

#[test]
fn a_difference_compares_owner_type_and_content() {
    let sets = |records: &[(&str, RecordType, &[u8])]| {
        let records = records
            .iter()
            .map(|(owner, rtype, rdata)| record(owner, *rtype, 1, rdata));
        RrSets::from_records(records)
    };
    let mine = sets(&[
        ("a.example.", RecordType::A, &[1, 1, 1, 1]),
        ("a.example.", RecordType::TXT, b"\x02ab"),
        ("b.example.", RecordType::A, &[1, 1, 1, 1]),
        ("b.example.", RecordType::A, &[2, 2, 2, 2]),
        ("d.example.", RecordType::A, &[3, 3, 3, 3]),
    ]);
    let theirs = sets(&[
        ("0.example.", RecordType::A, &[1, 1, 1, 1]),
        ("A.example.", RecordType::TXT, b"\x01a\x01b"),
        ("b.example.", RecordType::A, &[2, 2, 2, 2]),
        ("c.example.", RecordType::A, &[3, 3, 3, 3]),
    ]);
    let left = sets(&[
        ("a.example.", RecordType::A, &[1, 1, 1, 1]),
        ("b.example.", RecordType::A, &[1, 1, 1, 1]),
        ("d.example.", RecordType::A, &[3, 3, 3, 3]),
    ]);
    assert_eq!(mine.minus(&theirs), left);
    assert!(mine.minus(&mine).is_empty());
}
