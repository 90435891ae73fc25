//! Tests of UPDATE messages and of the responses to requests.

use super::vectors::{AXFR_REQUEST, BADTIME_ANSWER, NOW, UPDATE, octets};
use super::{key, key_with, name, record, zone_name, zone_of};
use crate::model::{Rdata, RecordType, ZoneName};
use crate::plan::{Batch, Prerequisite, Update};
use crate::wire::{
    EncodeError, Expected, ExtendedError, Forgery, Key, MESSAGE_OCTETS_MAX, MalformedReason,
    Opcode, Rcode, Reply, RequestMac, Response, ResponseSigner, encode_query, encode_refusal,
    encode_soa_response, encode_update, read_reply, read_request, sign_request,
};

fn batch_of_every_kind() -> Batch {
    let rdata = |octets: &[u8]| Rdata::from_canonical(octets);
    Batch {
        zone: zone_name(),
        prerequisites: vec![
            Prerequisite::Exists {
                owner: name("a.example."),
                rtype: RecordType::A,
            },
            Prerequisite::Absent {
                owner: name("b.example."),
                rtype: RecordType::TXT,
            },
            Prerequisite::Equals {
                owner: name("c.example."),
                rtype: RecordType::A,
                rdata: rdata(&[192, 0, 2, 9]),
            },
            Prerequisite::NameInUse {
                owner: name("d.example."),
            },
            Prerequisite::NameNotInUse {
                owner: name("e.example."),
            },
        ],
        updates: vec![
            Update::Add {
                owner: name("www.example."),
                rtype: RecordType::MX,
                ttl: 300,
                rdata: rdata(b"\0\x0a\x04mail\x07example\0"),
            },
            Update::Remove {
                owner: name("x.example."),
                rtype: RecordType::A,
                rdata: rdata(&[192, 0, 2, 7]),
            },
            Update::RemoveSet {
                owner: name("y.example."),
                rtype: RecordType::TXT,
            },
            Update::RemoveName {
                owner: name("z.example."),
            },
        ],
    }
}

#[test]
fn an_update_has_the_octets_of_another_library() {
    assert_eq!(
        encode_update(&batch_of_every_kind(), 0x4321).unwrap(),
        octets(UPDATE)
    );
}

#[test]
fn an_update_that_does_not_fit_is_an_error_and_never_truncated() {
    let mut batch = batch_of_every_kind();
    let room = MESSAGE_OCTETS_MAX - batch.octets();
    let add = |octets: usize| Update::Add {
        owner: name("."),
        rtype: RecordType(65280),
        ttl: 1,
        rdata: Rdata::from_canonical(vec![0; octets]),
    };
    batch.updates.push(add(room - 11));
    assert_eq!(encode_update(&batch, 1).unwrap().len(), MESSAGE_OCTETS_MAX);
    batch.updates.pop();
    batch.updates.push(add(room - 10));
    let octets = MESSAGE_OCTETS_MAX + 1;
    assert_eq!(
        encode_update(&batch, 1),
        Err(EncodeError::TooLong { octets })
    );
}

/// Returns the contents of a reply; panics if it is not authentic.
fn authentic(reply: Reply) -> Response {
    let text = reply.to_string();
    let Reply::Authentic(response) = reply else {
        panic!("{text}");
    };
    response
}

/// The key and the MAC of a signed SOA query, and its response.
struct Exchange {
    key: Key,
    mac: RequestMac,
    answer: Vec<u8>,
}

impl Exchange {
    /// Builds an exchange with the unsigned response of `wire`'s own responder.
    fn new(algorithm: &str) -> Self {
        let key = key_with(algorithm);
        let mut query = encode_query(&name("example."), RecordType::SOA, 7);
        let mac = sign_request(&mut query, &key, NOW).unwrap();
        let request = read_request(&query, &key, NOW).unwrap();
        let answer = encode_soa_response(&zone_of(0), &request);
        Self { key, mac, answer }
    }

    fn signed(mut self) -> Self {
        let mut signer = ResponseSigner::new(&self.key, &self.mac);
        signer.sign(&mut self.answer, NOW).unwrap();
        self
    }

    fn read(&self, octets: &[u8], now: u64) -> Reply {
        let key = Some((&self.key, &self.mac));
        let expected = Expected {
            id: 7,
            opcode: Opcode::Query,
            key,
        };
        read_reply(octets, &expected, now)
    }
}

#[test]
fn a_response_signed_with_any_algorithm_is_authentic() {
    for algorithm in [
        "hmac-md5",
        "hmac-md5-80",
        "hmac-sha1",
        "hmac-sha1-80",
        "hmac-sha224",
        "hmac-sha224-112",
        "hmac-sha256",
        "hmac-sha256-128",
        "hmac-sha384",
        "hmac-sha384-192",
        "hmac-sha512",
        "hmac-sha512-256",
    ] {
        let exchange = Exchange::new(algorithm).signed();
        let soa = zone_of(0).soa.to_rdata();
        let response = authentic(exchange.read(&exchange.answer, NOW));
        assert_eq!(response.answers[0].rdata, soa, "{algorithm}");
    }
}

#[test]
fn a_signed_response_with_a_changed_octet_is_not_authentic() {
    let exchange = Exchange::new("hmac-sha256").signed();
    let intact = exchange.read(&exchange.answer, NOW);
    assert!(matches!(intact, Reply::Authentic(_)));
    // The MAC does not cover the case of the TSIG's two names, which has no meaning.
    let names = "key.example.hmac-sha256.".len() + 1;
    let mut same = 0;
    for at in 0..exchange.answer.len() {
        for change in 1..=255 {
            let mut changed = exchange.answer.clone();
            changed[at] ^= change;
            if let Reply::Authentic(response) = exchange.read(&changed, NOW) {
                let is_letter = exchange.answer[at].is_ascii_alphabetic();
                assert!(
                    change == 0x20 && is_letter,
                    "octet {at} changed by {change}"
                );
                assert_eq!(Reply::Authentic(response), intact);
                same += 1;
            }
        }
        let cut = exchange.read(&exchange.answer[..at], NOW);
        assert!(!matches!(cut, Reply::Authentic(_)), "cut at {at}: {cut}");
    }
    assert!(same < names, "{same} changes were not noticed");
    let mut longer = exchange.answer.clone();
    longer.push(0);
    let trailing = MalformedReason::TrailingOctets { octets: 1 };
    assert_eq!(exchange.read(&longer, NOW), Reply::Malformed(trailing));
}

#[test]
fn a_response_to_another_request_is_forged() {
    let (exchange, other) = (Exchange::new("hmac-sha256").signed(), {
        let mut query = encode_query(&name("example."), RecordType::A, 7);
        sign_request(&mut query, &key(), NOW).unwrap()
    });
    let key = Some((&exchange.key, &other));
    let expected = Expected {
        id: 7,
        opcode: Opcode::Query,
        key,
    };
    let reply = read_reply(&exchange.answer, &expected, NOW);
    assert_eq!(reply, Reply::Forged(Forgery::Mac));
    let time = Forgery::Time {
        offset_seconds: 301,
        fudge_seconds: 300,
    };
    assert_eq!(
        exchange.read(&exchange.answer, NOW - 301),
        Reply::Forged(time)
    );
    let offset = |now| authentic(exchange.read(&exchange.answer, now)).offset_seconds;
    assert_eq!(offset(NOW - 300), Some(300));
    assert_eq!(offset(NOW + 7), Some(-7));
    let expected = Expected {
        id: 8,
        opcode: Opcode::Query,
        key,
    };
    let id = MalformedReason::Id {
        found: 7,
        expected: 8,
    };
    assert_eq!(
        read_reply(&exchange.answer, &expected, NOW),
        Reply::Malformed(id)
    );
    let expected = Expected {
        id: 7,
        opcode: Opcode::Update,
        key,
    };
    let opcode = MalformedReason::Opcode {
        found: 0,
        expected: 5,
    };
    assert_eq!(
        read_reply(&exchange.answer, &expected, NOW),
        Reply::Malformed(opcode)
    );
}

#[test]
fn an_unsigned_response_to_a_signed_request_is_never_success() {
    let exchange = Exchange::new("hmac-sha256");
    let success = exchange.read(&exchange.answer, NOW);
    assert_eq!(success, Reply::Unsigned(Rcode::NOERROR));
    let refusal = encode_refusal(&encode_query(&name("example."), RecordType::SOA, 7)).unwrap();
    assert_eq!(
        exchange.read(&refusal, NOW),
        Reply::Unsigned(Rcode::REFUSED)
    );
    let without_key = Expected {
        id: 7,
        opcode: Opcode::Query,
        key: None,
    };
    let response = authentic(read_reply(&exchange.answer, &without_key, NOW));
    assert_eq!(response.answers.len(), 1);
}

/// Returns a response to an UPDATE with id 7. Its TSIG has an error and no MAC, as BIND sends it.
fn answer_with_tsig_error(error: u8) -> Vec<u8> {
    let mut answer = b"\0\x07\xa8\x09\0\0\0\0\0\0\0\x01".to_vec();
    answer.extend_from_slice(b"\x03key\x07example\0\0\xfa\0\xff\0\0\0\0\0\x1d\x0bhmac-sha256\0");
    answer.extend_from_slice(b"\0\0\0\0\0\0\x01\x2c\0\0\0\x07\0");
    answer.extend_from_slice(&[error, 0, 0]);
    answer
}

#[test]
fn each_tsig_error_of_a_server_is_a_reply_of_its_own() {
    let exchange = Exchange::new("hmac-sha256");
    let key = Some((&exchange.key, &exchange.mac));
    let expected = Expected {
        id: 7,
        opcode: Opcode::Update,
        key,
    };
    let read = |error| read_reply(&answer_with_tsig_error(error), &expected, NOW);
    assert_eq!(read(16), Reply::BadSig);
    assert_eq!(read(17), Reply::BadKey);
    assert_eq!(read(22), Reply::BadTrunc);
    assert_eq!(read(23), Reply::Malformed(MalformedReason::TsigError(23)));
    let no_mac = Forgery::MacLength {
        octets: 0,
        expected: 32,
    };
    assert_eq!(read(0), Reply::Forged(no_mac));
    let now = i64::try_from(NOW).unwrap();
    assert_eq!(
        read(18),
        Reply::BadTime {
            offset_seconds: -now,
            verified: false
        }
    );

    let request = read_request(&octets(AXFR_REQUEST), &key_with("hmac-sha256"), NOW).unwrap();
    let key = Some((&exchange.key, &request.mac));
    let expected = Expected {
        id: 0x1234,
        opcode: Opcode::Query,
        key,
    };
    let answer = octets(BADTIME_ANSWER);
    assert_eq!(
        read_reply(&answer, &expected, NOW),
        Reply::BadTime {
            offset_seconds: 1000,
            verified: true
        }
    );
    let mut changed = answer;
    *changed.last_mut().unwrap() ^= 1;
    assert_eq!(
        read_reply(&changed, &expected, NOW),
        Reply::BadTime {
            offset_seconds: 1001,
            verified: false
        }
    );
}

#[test]
fn a_tsig_that_is_not_the_last_record_is_refused() {
    let exchange = Exchange::new("hmac-sha256").signed();
    let mut answer = exchange.answer.clone();
    answer[11] = 2;
    answer.extend_from_slice(b"\0\0\x01\0\x01\0\0\0\0\0\0");
    let not_last = Reply::Malformed(MalformedReason::TsigNotLast);
    assert_eq!(exchange.read(&answer, NOW), not_last);
    // The TSIG is the last record, but in the answer section; the additional section is empty.
    let mut answer = exchange.answer.clone();
    (answer[7], answer[11]) = (2, 0);
    assert_eq!(exchange.read(&answer, NOW), not_last);
}

fn read_plain(octets: &[u8], opcode: Opcode) -> Reply {
    read_reply(
        octets,
        &Expected {
            id: 7,
            opcode,
            key: None,
        },
        NOW,
    )
}

#[test]
fn responses_without_question_and_with_extended_errors_are_read() {
    // REFUSED with an OPT: option 10 (a cookie), then option 15 with code 18 and a text.
    let mut answer = b"\0\x07\x84\x05\0\0\0\0\0\0\0\x01".to_vec();
    answer.extend_from_slice(b"\0\0\x29\x04\xd0\0\0\0\0\0\x0e");
    answer.extend_from_slice(b"\0\x0a\0\x02\xff\xff\0\x0f\0\x04\0\x12no");
    let expected = Response {
        rcode: Rcode::REFUSED,
        authoritative: true,
        truncated: false,
        answers: vec![],
        authorities: vec![],
        extended_error: Some(ExtendedError {
            code: 18,
            text: "no".to_owned(),
        }),
        offset_seconds: None,
    };
    let reply = read_plain(&answer, Opcode::Query);
    assert_eq!(reply, Reply::Authentic(expected));
    assert_eq!(reply.to_string(), "REFUSED (extended error 18: no)");
    // The OPT holds the upper bits of the rcode: 1 << 4 and 5.
    answer[17] = 1;
    let response = authentic(read_plain(&answer, Opcode::Query));
    assert_eq!(response.rcode, Rcode(21));
}

#[test]
fn records_of_an_update_in_its_response_are_ignored() {
    let mut answer = encode_update(&batch_of_every_kind(), 7).unwrap();
    answer[2] |= 0x80;
    answer[3] |= 8;
    let response = authentic(read_plain(&answer, Opcode::Update));
    assert_eq!(response.rcode, Rcode::NXRRSET);
}

/// Returns the response to a query with one record. Its owner name `example.` is at octet 12.
fn answer_with(rtype: u8, rdata: &[u8]) -> Vec<u8> {
    let mut answer = b"\0\x07\x84\0\0\0\0\x01\0\0\0\0\x07Example\0\0".to_vec();
    answer.extend_from_slice(&[
        rtype,
        0,
        1,
        0,
        0,
        1,
        44,
        0,
        u8::try_from(rdata.len()).unwrap(),
    ]);
    answer.extend_from_slice(rdata);
    answer
}

#[test]
fn names_in_data_are_decompressed_and_in_lower_case() {
    let decoded = |rtype: u8, rdata: &[u8]| {
        let reply = read_plain(&answer_with(rtype, rdata), Opcode::Query);
        if let Reply::Malformed(reason) = reply {
            return Err(reason);
        }
        Ok(authentic(reply).answers.remove(0))
    };
    let expect = |rtype: u8, rdata: &[u8], plain: &[u8]| {
        let expected = record("example.", RecordType(rtype.into()), 300, plain);
        assert_eq!(decoded(rtype, rdata), Ok(expected), "type {rtype}");
    };
    expect(2, b"\xc0\x0c", b"\x07example\0");
    expect(15, b"AB\x02MX\xc0\x0c", b"AB\x02mx\x07example\0");
    expect(33, b"ABCDEF\xc0\x0c", b"ABCDEF\x07example\0");
    expect(
        35,
        b"ABCD\x01U\x00\x02XY\xc0\x0c",
        b"ABCD\x01U\0\x02XY\x07example\0",
    );
    let numbers = [9; 20];
    let soa = [b"\xc0\x0c\x01H\xc0\x0c".as_slice(), &numbers].concat();
    let plain = [b"\x07example\0\x01h\x07example\0".as_slice(), &numbers].concat();
    expect(6, &soa, &plain);
    // Data without names, one with octets that look like a pointer, one empty.
    expect(16, b"\x02\xc0\x0c", b"\x02\xc0\x0c");
    expect(42, b"", b"");
    let owner = || name("example.");
    for (rtype, rdata) in [
        (2, b"\xc0\x1f".as_slice()), // points at itself
        (2, b"\xff\xff"),            // points past the end
        (2, b"\xc0\x0b"),            // points at the last octet of the header, a zero
        (2, b"\x01a\xc0\x08"),       // a label, then a pointer to the number of authorities
        (2, b""),                    // no name
        (15, b"A"),                  // ends inside a number
        (35, b"ABCD\xffU"),          // ends inside a string
        (2, b"\x01"),                // ends inside a label
        (2, b"\x80\x0c"),            // no kind of label
    ] {
        let refused = MalformedReason::Rdata {
            owner: owner(),
            rtype: RecordType(rtype.into()),
        };
        assert_eq!(
            decoded(rtype, rdata),
            Err(refused),
            "type {rtype}: {rdata:?}"
        );
    }
}

#[test]
fn the_longest_name_is_read_and_a_longer_one_is_not() {
    let label = [b"\x3f".as_slice(), &[b'a'; 63]].concat();
    let three = label.repeat(3);
    let longest = [&three, b"\x3d".as_slice(), &[b'b'; 61], b"\0"].concat();
    let message = |owner: &[u8]| {
        let fixed = b"\0\x01\0\x01\0\0\0\0\0\0".as_slice();
        [b"\0\x07\x84\0\0\0\0\x01\0\0\0\0".as_slice(), owner, fixed].concat()
    };
    let response = authentic(read_plain(&message(&longest), Opcode::Query));
    assert_eq!(response.answers[0].owner.as_wire(), longest);
    let zone = ZoneName::new(&response.answers[0].owner);
    let query = encode_query(zone.apex(), RecordType::SOA, 1);
    assert_eq!(query.len(), 12 + 255 + 4);
    let longer = [&three, b"\x3e".as_slice(), &[b'b'; 62], b"\0"].concat();
    let broken = Reply::Malformed(MalformedReason::Name { at: 12 });
    assert_eq!(read_plain(&message(&longer), Opcode::Query), broken);
}
