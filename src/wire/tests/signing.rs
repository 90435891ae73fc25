//! Tests of keys, signatures and the responder.

use super::vectors::{AXFR_REQUEST, NOW, SOA_QUERY_MACS, octets};
use super::{key, key_with, name, zone_of};
use crate::model::{RecordType, Secret};
use crate::plan::HEADER_OCTETS;
use crate::wire::message::{Message, Section};
use crate::wire::{
    Algorithm, AlgorithmError, EncodeError, Forgery, Hash, Key, KeyError, MESSAGE_OCTETS_MAX,
    MalformedReason, RequestError, ResponseSigner, encode_query, encode_refusal,
    encode_soa_response, encode_transfer, read_request, sign_request, tsig_octets,
};

#[test]
fn algorithms_are_read_as_nsupdate_reads_them() {
    let read = |text: &str| text.parse::<Algorithm>();
    for (text, printed, octets) in [
        ("hmac-md5", "hmac-md5", 16),
        ("HMAC-MD5.SIG-ALG.REG.INT.", "hmac-md5", 16),
        ("hmac-md5-80", "hmac-md5-80", 10),
        ("hmac-sha1", "hmac-sha1", 20),
        ("Hmac-Sha256", "hmac-sha256", 32),
        ("hmac-sha256-128", "hmac-sha256-128", 16),
        ("hmac-sha384-192", "hmac-sha384-192", 24),
        ("hmac-sha512-257", "hmac-sha512-264", 33),
        ("hmac-sha512-512", "hmac-sha512", 64),
    ] {
        let algorithm = read(text).unwrap();
        assert_eq!(algorithm.to_string(), printed, "{text}");
        assert_eq!(algorithm.mac_octets(), octets, "{text}");
    }
    let md5 = read("hmac-md5").unwrap();
    assert_eq!(md5.name(), name("hmac-md5.sig-alg.reg.int."));
    assert_eq!(
        read("hmac-sha256-128").unwrap().name(),
        name("hmac-sha256.")
    );
    assert_eq!(
        read("hmac-sha1-72"),
        Err(AlgorithmError::Bits {
            label: "hmac-sha1",
            bits: 72,
            least: 80,
            most: 160
        })
    );
    assert!(matches!(
        read("hmac-sha256-120"),
        Err(AlgorithmError::Bits { least: 128, .. })
    ));
    assert!(matches!(
        read("hmac-sha256-264"),
        Err(AlgorithmError::Bits { most: 256, .. })
    ));
    for text in [
        "",
        "sha256",
        "hmac-sha3",
        "hmac-sha2560",
        "hmac-sha256-",
        "hmac-sha1-x",
    ] {
        assert_eq!(read(text), Err(AlgorithmError::Unknown(text.to_owned())));
    }
    let empty = Key::new(
        name("k."),
        Algorithm::new(Hash::Sha1),
        Secret::new(Vec::new()),
    );
    assert_eq!(empty, Err(KeyError::EmptySecret { name: name("k.") }));
}

#[test]
fn macs_equal_those_of_another_library() {
    for (algorithm, expected) in SOA_QUERY_MACS {
        let key = key_with(algorithm);
        let mut message = encode_query(&name("example."), RecordType::SOA, 0x1234);
        let unsigned = message.len();
        let mac = sign_request(&mut message, &key, NOW).unwrap();
        assert_eq!(message.len(), unsigned + tsig_octets(&key));
        let start = message.len() - 6 - octets(expected).len();
        assert_eq!(
            message[start..message.len() - 6],
            octets(expected),
            "{algorithm}"
        );
        assert_eq!(read_request(&message, &key, NOW).unwrap().mac, mac);
    }
    // The whole message is equal, but for the key's name: it is in lower case (RFC 8945 section 4.2).
    let mut message = encode_query(&name("example."), RecordType::AXFR, 0x1234);
    sign_request(&mut message, &key(), NOW).unwrap();
    let mut expected = octets(AXFR_REQUEST);
    let question = message.len() - tsig_octets(&key());
    let key_name = key().name().as_wire().to_vec();
    assert_ne!(expected, message);
    expected[question..question + key_name.len()].copy_from_slice(&key_name);
    assert_eq!(message, expected);
}

#[test]
fn a_truncated_mac_is_a_prefix_and_no_other_length_is_accepted() {
    let (whole, short) = (key(), key_with("hmac-sha256-128"));
    let mut message = encode_query(&name("example."), RecordType::SOA, 0x1234);
    let signed_whole = {
        let mut message = message.clone();
        sign_request(&mut message, &whole, NOW).unwrap();
        message
    };
    sign_request(&mut message, &short, NOW).unwrap();
    let mac_of = SOA_QUERY_MACS[3].1;
    assert_eq!(
        message[message.len() - 22..message.len() - 6],
        octets(mac_of)[..16]
    );
    assert!(read_request(&message, &short, NOW).is_ok());
    let other = |octets, expected| RequestError::Forged(Forgery::MacLength { octets, expected });
    assert_eq!(read_request(&message, &whole, NOW), Err(other(16, 32)));
    assert_eq!(read_request(&signed_whole, &short, NOW), Err(other(32, 16)));
}

#[test]
fn a_request_is_accepted_only_if_every_part_of_its_tsig_is_right() {
    let signed = octets(AXFR_REQUEST);
    let request = read_request(&signed, &key(), NOW).unwrap();
    assert_eq!((request.id, request.rtype), (0x1234, RecordType::AXFR));
    assert_eq!(request.name, name("example."));

    let secret = Secret::new(vec![1; 32]);
    let wrong = Key::new(key().name().clone(), key().algorithm(), secret.clone()).unwrap();
    assert_eq!(
        read_request(&signed, &wrong, NOW),
        Err(RequestError::Forged(Forgery::Mac))
    );
    let named = Key::new(name("other."), key().algorithm(), secret).unwrap();
    let forged = Forgery::Key(name("key.example."));
    assert_eq!(
        read_request(&signed, &named, NOW),
        Err(RequestError::Forged(forged))
    );
    let forged = Forgery::Algorithm(name("hmac-sha256."));
    let sha1 = key_with("hmac-sha1");
    assert_eq!(
        read_request(&signed, &sha1, NOW),
        Err(RequestError::Forged(forged))
    );
    assert!(read_request(&signed, &key(), NOW + 300).is_ok());
    let late = Forgery::Time {
        offset_seconds: -301,
        fudge_seconds: 300,
    };
    assert_eq!(
        read_request(&signed, &key(), NOW + 301),
        Err(RequestError::Forged(late))
    );

    let unsigned = encode_query(&name("example."), RecordType::AXFR, 1);
    assert_eq!(
        read_request(&unsigned, &key(), NOW),
        Err(RequestError::Unsigned)
    );
    let mut chaos = encode_query(&name("example."), RecordType::SOA, 1);
    let class_at = chaos.len() - 1;
    chaos[class_at] = 3;
    sign_request(&mut chaos, &key(), NOW).unwrap();
    assert_eq!(
        read_request(&chaos, &key(), NOW),
        Err(RequestError::Class(3))
    );
    let mut answer = signed.clone();
    answer[2] |= 0x80;
    let direction = MalformedReason::Direction {
        response_expected: false,
    };
    assert_eq!(
        read_request(&answer, &key(), NOW),
        Err(RequestError::Malformed(direction))
    );
}

#[test]
fn a_message_that_is_too_long_or_truncated_is_not_signed() {
    let room = MESSAGE_OCTETS_MAX - tsig_octets(&key());
    let mut message = vec![0; room + 1];
    let octets = MESSAGE_OCTETS_MAX + 1;
    let too_long = Err(EncodeError::TooLong { octets });
    assert_eq!(sign_request(&mut message, &key(), NOW), too_long);
    assert_eq!(message.len(), room + 1);
    message.pop();
    assert!(sign_request(&mut message, &key(), NOW).is_ok());
    assert_eq!(message.len(), MESSAGE_OCTETS_MAX);
    let mut cut = encode_query(&name("example."), RecordType::SOA, 1);
    cut[2] |= 0x02;
    assert_eq!(
        sign_request(&mut cut, &key(), NOW),
        Err(EncodeError::NotWhole)
    );
    let mut short = vec![0; HEADER_OCTETS - 1];
    assert_eq!(
        sign_request(&mut short, &key(), NOW),
        Err(EncodeError::NotWhole)
    );
}

#[test]
fn a_transfer_is_split_into_messages_that_hold_every_record_once() {
    let zone = zone_of(1000);
    let request = read_request(&octets(AXFR_REQUEST), &key(), NOW).unwrap();
    let answers = encode_transfer(&zone, &request, 4096);
    let mut signer = ResponseSigner::new(&key(), &request.mac);
    let mut owners = Vec::new();
    for mut answer in answers.clone() {
        assert!(answer.len() <= 4096);
        signer.sign(&mut answer, NOW).unwrap();
        let message = Message::parse(&answer).unwrap();
        assert!(message.tsig.is_some() && message.header.authoritative);
        let records = message.records(Section::Answers);
        owners.extend(records.map(|record| record.decode().unwrap().rtype));
    }
    assert!(answers.len() > 5, "{} messages", answers.len());
    assert_eq!(owners.len(), 1003);
    assert_eq!(
        (owners[0], owners[1002]),
        (RecordType::SOA, RecordType::SOA)
    );
    // A message holds at least one record, even without room for it.
    assert_eq!(encode_transfer(&zone, &request, 0).len(), 1003);
}

#[test]
fn soa_responses_and_refusals_repeat_the_question() {
    let mut query = encode_query(&name("Example."), RecordType::SOA, 9);
    let refusal = encode_refusal(&query).unwrap();
    let refused = Message::parse(&refusal).unwrap();
    assert_eq!((refused.header.id, refused.rcode()), (9, 5));
    assert_eq!(refused.question().unwrap().name.as_wire(), b"\x07Example\0");
    assert_eq!(encode_refusal(&refusal), None);
    assert_eq!(encode_refusal(b"short"), None);

    sign_request(&mut query, &key(), NOW).unwrap();
    let request = read_request(&query, &key(), NOW).unwrap();
    let zone = zone_of(0);
    let answer = encode_soa_response(&zone, &request);
    let message = Message::parse(&answer).unwrap();
    let records: Vec<_> = message.records(Section::Answers).collect();
    assert_eq!(records.len(), 1);
    assert_eq!(records[0].decode().unwrap().rdata, zone.soa.to_rdata());
    assert!(message.header.authoritative);
}
