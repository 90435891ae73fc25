//! A message: an answer, or a secondary's question. Nothing unsigned or signed by somebody else is authentic; the
//! same message signed by us is, and says the same; and what is in it can be sent again as it was.

#![no_main]

use libfuzzer_sys::fuzz_target;
use nsbridge::model::{Name, RecordType};
use nsbridge::wire::{
    Expected, Key, MessageDump, Opcode, Rcode, Reply, RequestMac, Response, ResponseSigner,
    UpdateBuilder, encode_query, encode_refusal, read_reply, read_request, sign_request,
};
use nsbridge_fuzz::{NOW, key};

/// What an answer over UDP may have without EDNS (RFC 1035 section 4.2.1).
const UDP_OCTETS: usize = 512;

fuzz_target!(|octets: &[u8]| {
    let key = key();
    let mut query = encode_query(&Name::root(), RecordType::SOA, 1);
    let mac = sign_request(&mut query, &key, NOW).expect("a short query");
    let listing = MessageDump::read(octets);
    if let Ok(listing) = &listing {
        check_listing(listing);
    }
    assert!(read_request(octets, &key, NOW).is_err());
    if let Some(refusal) = encode_refusal(octets) {
        assert!(refusal.len() <= UDP_OCTETS);
        let refusal = MessageDump::read(&refusal).expect("what is made can be read");
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

/// The message as the server that has the key signs it; none where it has no room for that.
fn with_signature(octets: &[u8], key: &Key, mac: &RequestMac) -> Option<Vec<u8>> {
    let mut octets = octets.to_vec();
    let signed = ResponseSigner::new(key, mac).sign(&mut octets, NOW);
    signed.is_ok().then_some(octets)
}

/// What a listing shows of an UPDATE is what makes the same UPDATE.
fn check_listing(listing: &MessageDump) {
    let draft = UpdateBuilder {
        zone: listing
            .question
            .as_ref()
            .map(|(name, class, _)| (name.clone(), *class)),
        prerequisites: listing.answers.clone(),
        updates: listing.authorities.clone(),
        ..UpdateBuilder::default()
    };
    // Out of compression it may be too long.
    let Ok(octets) = draft.encode(listing.id) else {
        return;
    };
    let again = MessageDump::read(&octets).expect("what is made can be read");
    assert_eq!(again.id, listing.id);
    assert_eq!(again.answers, listing.answers);
    assert_eq!(again.authorities, listing.authorities);
    let zone = |listing: &MessageDump| {
        let question = listing.question.clone();
        question.map(|(name, class, _)| (name, class))
    };
    assert_eq!(zone(&again), zone(listing));
}
