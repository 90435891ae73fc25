//! Tests of transfers, scripted message by message.

use super::vectors::{AXFR_REQUEST, NOW, TRANSFER_FIRST, TRANSFER_LAST, TRANSFER_MIDDLE, octets};
use super::{key, name, record, zone_name, zone_of};
use crate::model::{CurrentZone, RecordType, RrSets, Serial};
use crate::wire::encode::put_record;
use crate::wire::frame::CLASS_IN;
use crate::wire::message::{Message, Section};
use crate::wire::{
    Forgery, MalformedReason, Progress, Rcode, Reply, Request, ResponseSigner, TransferError,
    TransferReader, encode_transfer, read_request,
};

fn request() -> Request {
    read_request(&octets(AXFR_REQUEST), &key(), NOW).unwrap()
}

fn reader(with_key: bool) -> TransferReader {
    let key = with_key.then(|| (key(), request().mac));
    TransferReader::new(&zone_name(), 0x1234, key)
}

/// Reads a transfer from all messages; returns the first error.
fn read(mut reader: TransferReader, messages: &[Vec<u8>]) -> Result<CurrentZone, TransferError> {
    for message in messages {
        reader.push(message, NOW)?;
    }
    reader.finish()
}

/// Returns a response with these records of class IN.
fn answer(records: &[(&str, u16, &[u8])]) -> Vec<u8> {
    let mut message = b"\x12\x34\x84\0\0\0\0\0\0\0\0\0".to_vec();
    message[7] = u8::try_from(records.len()).unwrap();
    for (owner, rtype, rdata) in records {
        put_record(
            &mut message,
            &name(owner),
            RecordType(*rtype),
            CLASS_IN,
            300,
            rdata,
        );
    }
    message
}

fn soa(serial: u8) -> Vec<u8> {
    let mut octets = b"\x03ns1\x07example\0\x01h\x07example\0".to_vec();
    octets.extend_from_slice(&[
        0, 0, 0, serial, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4,
    ]);
    octets
}

const A: (&str, u16, &[u8]) = ("www.example.", 1, &[192, 0, 2, 1]);

#[test]
fn a_transfer_of_another_library_with_an_unsigned_message_is_a_zone() {
    let messages = [TRANSFER_FIRST, TRANSFER_MIDDLE, TRANSFER_LAST].map(octets);
    let mut reader = reader(true);
    assert_eq!(reader.push(&messages[0], NOW), Ok(Progress::More));
    assert_eq!(reader.push(&messages[1], NOW), Ok(Progress::More));
    assert_eq!(reader.push(&messages[2], NOW), Ok(Progress::Complete));
    let zone = reader.finish().unwrap();
    assert_eq!((zone.soa.serial, zone.soa_ttl), (Serial(7), 3600));
    let expected = RrSets::from_records([
        record("example.", RecordType::NS, 3600, b"\x03ns1\x07example\0"),
        record("ns1.example.", RecordType::A, 300, &[192, 0, 2, 1]),
        record(
            "www.example.",
            RecordType::MX,
            300,
            b"\0\x0a\x04mail\x07example\0",
        ),
        record("zz.example.", RecordType::TXT, 60, b"\x03a b"),
    ]);
    assert_eq!(zone.records, expected);
}

#[test]
fn a_signed_transfer_with_a_changed_octet_never_gives_another_zone() {
    let messages = [TRANSFER_FIRST, TRANSFER_MIDDLE, TRANSFER_LAST].map(octets);
    let intact = read(reader(true), &messages).unwrap();
    let mut same = 0;
    for index in 0..messages.len() {
        for at in 0..messages[index].len() {
            for bit in 0..8 {
                let mut changed = messages.clone();
                changed[index][at] ^= 1 << bit;
                if let Ok(zone) = read(reader(true), &changed) {
                    assert_eq!(zone, intact, "message {index} octet {at} bit {bit}");
                    same += 1;
                }
            }
        }
    }
    // Only the case of letters in the names of two TSIGs may change.
    assert_eq!(same, 2 * "keyexamplehmacsha".len());
}

#[test]
fn a_transfer_of_the_responder_is_read_back_whole() {
    let zone = zone_of(1000);
    let mut signer = ResponseSigner::new(&key(), &request().mac);
    let mut messages = encode_transfer(&zone, &request(), 2000);
    for message in &mut messages {
        signer.sign(message, NOW).unwrap();
    }
    let read_back = read(reader(true), &messages).unwrap();
    assert_eq!((read_back.soa, read_back.soa_ttl), (zone.soa, zone.soa_ttl));
    assert_eq!(read_back.records, zone.records);

    let mut swapped = messages.clone();
    swapped.swap(3, 4);
    let forged = Err(TransferError::Forged(Forgery::Mac));
    assert_eq!(read(reader(true), &swapped), forged);
    let mut lacking = messages.clone();
    lacking.remove(5);
    assert_eq!(read(reader(true), &lacking), forged);
    messages.pop();
    let cut = read(reader(true), &messages);
    assert!(
        matches!(cut, Err(TransferError::CutShort { records: 900.. })),
        "{cut:?}"
    );
}

/// Returns a transfer with `count` unsigned messages between its signed first and last one.
fn with_unsigned(count: usize) -> Vec<Vec<u8>> {
    use hmac::{Hmac, KeyInit, Mac};
    let mut first = answer(&[("example.", 6, &soa(7))]);
    ResponseSigner::new(&key(), &request().mac)
        .sign(&mut first, NOW)
        .unwrap();
    let mac_at = first.len() - 6 - 32;
    // The digest by RFC 8945 section 5.3.1, computed without the code under test.
    let secret: Vec<u8> = (0..32).collect();
    let mut digest = Hmac::<sha2::Sha256>::new_from_slice(&secret).unwrap();
    digest.update(&[0, 32]);
    digest.update(&first[mac_at..mac_at + 32]);
    let middle = answer(&[A]);
    for _ in 0..count {
        digest.update(&middle);
    }
    let mut last = answer(&[("example.", 6, &soa(7))]);
    digest.update(&last);
    let timers = [&NOW.to_be_bytes()[2..], &300_u16.to_be_bytes()].concat();
    digest.update(&timers);
    let mac = digest.finalize().into_bytes();
    let mut data = b"\x0bhmac-sha256\0".to_vec();
    data.extend_from_slice(&timers);
    data.extend_from_slice(&[0, 32]);
    data.extend_from_slice(&mac);
    data.extend_from_slice(b"\x12\x34\0\0\0\0");
    put_record(&mut last, key().name(), RecordType::TSIG, 255, 0, &data);
    last[11] = 1;
    let mut messages = vec![middle; count + 2];
    messages[0] = first;
    messages[count + 1] = last;
    messages
}

#[test]
fn up_to_99_messages_in_a_row_may_be_unsigned() {
    assert!(read(reader(true), &with_unsigned(0)).is_ok());
    let zone = read(reader(true), &with_unsigned(99)).unwrap();
    assert_eq!(zone.records.record_count(), 1);
    let refused = Err(TransferError::TooManyUnsigned);
    assert_eq!(read(reader(true), &with_unsigned(100)), refused);
}

#[test]
fn the_first_and_the_last_message_must_be_signed() {
    let [first, middle, _] = [TRANSFER_FIRST, TRANSFER_MIDDLE, TRANSFER_LAST].map(octets);
    let end = answer(&[(
        "example.",
        6,
        Message::parse(&first)
            .unwrap()
            .records(Section::Answers)
            .next()
            .unwrap()
            .decode()
            .unwrap()
            .rdata
            .as_wire(),
    )]);
    let unsigned_end = read(reader(true), &[first, middle, end.clone()]);
    assert_eq!(unsigned_end, Err(TransferError::EndUnsigned));
    let unsigned_start = Err(TransferError::Denied(Reply::Unsigned(Rcode::NOERROR)));
    assert_eq!(read(reader(true), &[end]), unsigned_start);
}

#[test]
fn a_denied_transfer_reports_the_reply() {
    let refusal = crate::wire::encode_refusal(&octets(AXFR_REQUEST)).unwrap();
    let unsigned = Err(TransferError::Denied(Reply::Unsigned(Rcode::REFUSED)));
    assert_eq!(read(reader(true), std::slice::from_ref(&refusal)), unsigned);
    match read(reader(false), std::slice::from_ref(&refusal)) {
        Err(TransferError::Denied(Reply::Authentic(response))) => {
            assert_eq!(response.rcode, Rcode::REFUSED);
        }
        other => panic!("{other:?}"),
    }
    let start = answer(&[("example.", 6, &soa(7)), A]);
    let stopped = TransferError::Stopped {
        rcode: Rcode::REFUSED,
        records: 2,
    };
    assert_eq!(read(reader(false), &[start, refusal]), Err(stopped));
}

/// Reads records as one unsigned message.
fn read_records(records: &[(&str, u16, &[u8])]) -> Result<CurrentZone, TransferError> {
    read(reader(false), &[answer(records)])
}

#[test]
fn any_odd_record_is_an_error_and_never_a_short_zone() {
    let (seven, eight) = (soa(7), soa(8));
    let start = ("example.", 6, &*seven);
    assert_eq!(read_records(&[]), Err(TransferError::Empty));
    assert_eq!(
        read_records(&[start]),
        Err(TransferError::CutShort { records: 1 })
    );
    assert_eq!(
        read_records(&[start, A]),
        Err(TransferError::CutShort { records: 2 })
    );
    assert_eq!(
        read(reader(false), &[]),
        Err(TransferError::CutShort { records: 0 })
    );
    let not_soa = TransferError::Start {
        owner: name(A.0),
        rtype: RecordType::A,
    };
    assert_eq!(read_records(&[A, start]), Err(not_soa));
    let parent = TransferError::Start {
        owner: name("."),
        rtype: RecordType::SOA,
    };
    assert_eq!(read_records(&[(".", 6, &seven), start]), Err(parent));
    let other_end = TransferError::EndDiffers {
        first: Serial(7),
        last: Serial(8),
    };
    assert_eq!(
        read_records(&[start, A, ("example.", 6, &eight)]),
        Err(other_end)
    );
    let stray = TransferError::StraySoa {
        owner: name("www.example."),
    };
    assert_eq!(
        read_records(&[start, ("www.example.", 6, &seven)]),
        Err(stray)
    );
    assert_eq!(
        read_records(&[start, start, A]),
        Err(TransferError::AfterEnd)
    );
    let outside = TransferError::OutOfZone {
        owner: name("www.example.net."),
    };
    assert_eq!(
        read_records(&[start, ("www.example.net.", 1, A.2), start]),
        Err(outside)
    );
    let broken = MalformedReason::Rdata {
        owner: name("example."),
        rtype: RecordType::NS,
    };
    let broken = Err(TransferError::Malformed(broken));
    assert_eq!(read_records(&[start, ("example.", 2, b""), start]), broken);
}

#[test]
fn a_message_of_another_kind_is_an_error_and_never_a_short_zone() {
    let seven = soa(7);
    let start = ("example.", 6, &*seven);
    let mut chaos = answer(&[start, A, start]);
    let class_at = chaos.len() - (9 + 10 + seven.len()) - (10 + 4) + 3;
    chaos[class_at] = 3;
    let class = MalformedReason::Class {
        owner: name(A.0),
        class: 3,
    };
    assert_eq!(
        read(reader(false), &[chaos]),
        Err(TransferError::Malformed(class))
    );
    let mut truncated = answer(&[start, A, start]);
    truncated[2] |= 2;
    assert_eq!(
        read(reader(false), &[truncated]),
        Err(TransferError::Truncated)
    );
    let mut other_id = answer(&[A, start]);
    other_id[1] = 0x35;
    let id = MalformedReason::Id {
        found: 0x1235,
        expected: 0x1234,
    };
    let id = Err(TransferError::Malformed(id));
    assert_eq!(read(reader(false), &[answer(&[start]), other_id]), id);
}

#[test]
fn a_later_message_with_an_old_signature_or_the_flag_tc_is_an_error() {
    let [first, middle, last] = [TRANSFER_FIRST, TRANSFER_MIDDLE, TRANSFER_LAST].map(octets);
    let mut late = reader(true);
    late.push(&first, NOW).unwrap();
    late.push(&middle, NOW).unwrap();
    let offset = Forgery::Time {
        offset_seconds: -301,
        fudge_seconds: 300,
    };
    assert_eq!(
        late.push(&last, NOW + 301),
        Err(TransferError::Forged(offset))
    );

    let seven = soa(7);
    let mut truncated = answer(&[A, ("example.", 6, &*seven)]);
    truncated[2] |= 2;
    let messages = [answer(&[("example.", 6, &*seven)]), truncated];
    assert_eq!(
        read(reader(false), &messages),
        Err(TransferError::Truncated)
    );
}

#[test]
fn a_transfer_without_end_is_stopped() {
    let seven = soa(7);
    let start = answer(&[("example.", 6, &*seven)]);
    // The longest message, with its octets in a section that the reader ignores.
    let mut long = answer(&[]);
    long[9] = 1;
    put_record(
        &mut long,
        &name("."),
        RecordType(65280),
        CLASS_IN,
        0,
        &vec![0; 65_512],
    );
    let endless = |message: &[u8]| {
        let mut reader = reader(false);
        reader.push(&start, NOW).unwrap();
        loop {
            if let Err(error) = reader.push(message, NOW) {
                return error;
            }
        }
    };
    assert_eq!(endless(&long), TransferError::TooManyOctets);
    let mut many = answer(&[]);
    many[6..8].copy_from_slice(&2500_u16.to_be_bytes());
    for _ in 0..2500 {
        put_record(
            &mut many,
            &name("example."),
            RecordType(65280),
            CLASS_IN,
            0,
            &[],
        );
    }
    assert_eq!(endless(&many), TransferError::TooManyRecords);
}

#[test]
fn a_set_has_the_smallest_ttl_of_its_records() {
    let seven = soa(7);
    let start = ("example.", 6, &*seven);
    let mut message = answer(&[start, A, ("www.example.", 1, &[192, 0, 2, 2]), start]);
    let ttl_at = 12 + (9 + 10 + seven.len()) + (13 + 10 + 4) + 13 + 4;
    assert_eq!(message[ttl_at..ttl_at + 4], 300_u32.to_be_bytes());
    message[ttl_at..ttl_at + 4].copy_from_slice(&60_u32.to_be_bytes());
    let zone = read(reader(false), &[message]).unwrap();
    let set = zone.records.get(&name(A.0), RecordType::A).unwrap();
    assert_eq!((set.ttl, set.rdatas.len()), (60, 2));
}

#[test]
fn a_failed_or_complete_transfer_accepts_no_message() {
    let seven = soa(7);
    let start = ("example.", 6, &*seven);
    let mut failed = reader(false);
    assert!(failed.push(&answer(&[A]), NOW).is_err());
    let whole = answer(&[start, start]);
    assert_eq!(failed.push(&whole, NOW), Err(TransferError::AfterFailure));
    assert_eq!(failed.finish(), Err(TransferError::AfterFailure));
    let messages = [whole, answer(&[])];
    assert_eq!(read(reader(false), &messages), Err(TransferError::AfterEnd));
}

#[test]
fn data_of_any_kind_are_kept_as_they_are() {
    let seven = soa(7);
    let start = ("example.", 6, &*seven);
    let zone = read_records(&[
        start,
        ("example.", 42, b""),                      // APL without items
        ("example.", 65280, b""),                   // a private type, empty
        ("x.example.", 35, b"\0\0\0\0\x01-\0\0\0"), // NAPTR with unusual flags
        ("y.example.", 50, b"\xff\xff\0\0\0\0"),    // NSEC3 of an unknown algorithm
        ("y.example.", 48, b"\0\0\x01\0"),          // DNSKEY of an unknown protocol
        ("z.example.", 64001, b"\xc0\x0c"),         // an unknown type
        ("A.example.", 1, &[1, 2, 3, 4]),
        ("a.EXAMPLE.", 1, &[1, 2, 3, 3]),
        start,
    ])
    .unwrap();
    assert_eq!(zone.records.record_count(), 8);
    let empty = zone.records.get(&name("example."), RecordType(42)).unwrap();
    assert_eq!(empty.rdatas[0].as_wire(), b"");
    let a = zone
        .records
        .get(&name("a.example."), RecordType::A)
        .unwrap();
    assert_eq!(a.rdatas.len(), 2);
}

#[test]
fn types_and_owner_names_in_any_order_make_the_same_zone() {
    let seven = soa(7);
    let start = ("example.", 6, &*seven);
    let mut records = vec![start];
    for rtype in [28, 16, 1, 257, 65, 99] {
        records.push(("b.example.", rtype, b"\x01a".as_slice()));
    }
    records.push(("a.example.", 1, &[1]));
    records.push(("b.example.", 1, &[2]));
    records.push(start);
    let zone = read_records(&records).unwrap();
    let inside = &records[1..records.len() - 1];
    let expected = inside
        .iter()
        .map(|(owner, rtype, rdata)| record(owner, RecordType(*rtype), 300, rdata));
    assert_eq!(zone.records, RrSets::from_records(expected));
}
