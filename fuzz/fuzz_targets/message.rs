//! Fuzzes the decoders of messages: a server's response, or a secondary's query. A message that is
//! unsigned, or signed with another key, must not be authentic. Signed with the key it must be
//! authentic, with the contents of the unsigned one. The records of a decoded message must survive
//! encoding and decoding.

#![no_main]

use libfuzzer_sys::fuzz_target;
use nsbridge::model::{Name, RecordType};
use nsbridge::wire::{
    Expected, Key, MessageDump, Opcode, Rcode, Reply, RequestMac, Response, ResponseSigner,
    UpdateBuilder, encode_query, encode_refusal, read_reply, read_request, sign_request,
};
use nsbridge_fuzz::{NOW, key};

/// Most octets of a response over UDP without EDNS (RFC 1035 section 4.2.1).
const UDP_OCTETS: usize = 512;

fuzz_target!(|octets: &[u8]| {
    let key = key();
    let mut query = encode_query(&Name::root(), RecordType::SOA, 1);
    let mac = sign_request(&mut query, &key, NOW).expect("a short query");
    if let Ok(dump) = MessageDump::read(octets) {
        check_dump(&dump);
    }
    assert!(read_request(octets, &key, NOW).is_err());
    if let Some(refusal) = encode_refusal(octets) {
        assert!(refusal.len() <= UDP_OCTETS);
        let refusal = MessageDump::read(&refusal).expect("an encoded message can be decoded");
        assert_eq!((refusal.rcode, refusal.tsig), (Rcode::REFUSED, None));
        assert_eq!(refusal.id.to_be_bytes(), octets[..2]);
    }
    let Some(id) = octets.first_chunk() else {
        return;
    };
    let id = u16::from_be_bytes(*id);
    for opcode in [Opcode::Query, Opcode::Update] {
        let signed = |octets: &[u8]| {
            let key = Some((&key, &mac));
            read_reply(octets, &Expected { id, opcode, key }, NOW)
        };
        match signed(octets) {
            Reply::Authentic(response) => panic!("{response:?}"),
            Reply::BadTime { verified, .. } => assert!(!verified),
            Reply::BadKey
            | Reply::BadSig
            | Reply::BadTrunc
            | Reply::Unsigned(_)
            | Reply::Forged(_)
            | Reply::Malformed(_) => {}
        }
        let expected = Expected {
            id,
            opcode,
            key: None,
        };
        let reply = read_reply(octets, &expected, NOW);
        if let Reply::Authentic(response) = reply
            && response.offset_seconds.is_none()
            && let Some(octets) = with_signature(octets, &key, &mac)
        {
            let offset_seconds = Some(0);
            let response = Response {
                offset_seconds,
                ..response
            };
            assert_eq!(signed(&octets), Reply::Authentic(response));
        }
    }
});

/// Signs a message as the server does; `None` if the signature does not fit.
fn with_signature(octets: &[u8], key: &Key, mac: &RequestMac) -> Option<Vec<u8>> {
    let mut octets = octets.to_vec();
    let signed = ResponseSigner::new(key, mac).sign(&mut octets, NOW);
    signed.is_ok().then_some(octets)
}

/// Checks that an UPDATE that is built from a dump and encoded decodes to an equal dump.
fn check_dump(dump: &MessageDump) {
    let builder = UpdateBuilder {
        zone: dump
            .question
            .as_ref()
            .map(|(name, class, _)| (name.clone(), *class)),
        prerequisites: dump.answers.clone(),
        updates: dump.authorities.clone(),
        ..UpdateBuilder::default()
    };
    // Without the compression of the data, the message may be too long.
    let Ok(octets) = builder.encode(dump.id) else {
        return;
    };
    let again = MessageDump::read(&octets).expect("an encoded message can be decoded");
    assert_eq!(again.id, dump.id);
    assert_eq!(again.answers, dump.answers);
    assert_eq!(again.authorities, dump.authorities);
    let zone = |dump: &MessageDump| {
        let question = dump.question.clone();
        question.map(|(name, class, _)| (name, class))
    };
    assert_eq!(zone(&again), zone(dump));
}
