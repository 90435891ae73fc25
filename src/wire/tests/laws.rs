//! Laws of the decoders: no input makes them panic, and data survive encoding.

use proptest::prelude::*;

use super::vectors::{
    AXFR_REQUEST, BADTIME_ANSWER, NOW, TRANSFER_FIRST, TRANSFER_LAST, TRANSFER_MIDDLE, UPDATE,
    octets,
};
use super::{key, record, zone_name};
use crate::model::{Rdata, RecordType, fields};
use crate::wire::encode::put_record;
use crate::wire::frame::CLASS_IN;
use crate::wire::message::{Message, Section};
use crate::wire::{Expected, Opcode, TransferReader, encode_refusal, read_reply, read_request};

/// Feeds octets to every decoder.
fn decode(octets: &[u8]) {
    let request = read_request(&self::octets(AXFR_REQUEST), &key(), NOW).unwrap();
    let _ = read_request(octets, &key(), NOW);
    let _ = encode_refusal(octets);
    for opcode in [Opcode::Query, Opcode::Update] {
        for key in [None, Some((&key(), &request.mac))] {
            let _ = read_reply(
                octets,
                &Expected {
                    id: 0x1234,
                    opcode,
                    key,
                },
                NOW,
            );
        }
    }
    for key in [None, Some((key(), request.mac))] {
        let mut reader = TransferReader::new(&zone_name(), 0x1234, key);
        let _ = reader.push(octets, NOW);
        let mut reader = TransferReader::new(&zone_name(), 0x1234, None);
        let _ = reader.push(&self::octets(TRANSFER_FIRST), NOW);
        let _ = reader.push(octets, NOW);
        let _ = reader.finish();
    }
}

fn message() -> impl Strategy<Value = Vec<u8>> {
    prop::sample::select(vec![
        AXFR_REQUEST,
        BADTIME_ANSWER,
        TRANSFER_FIRST,
        TRANSFER_MIDDLE,
        TRANSFER_LAST,
        UPDATE,
    ])
    .prop_map(octets)
}

proptest! {
    #[test]
    fn arbitrary_octets_never_panic(octets in prop::collection::vec(any::<u8>(), 0..300)) {
        decode(&octets);
        // With a valid header in front, the octets reach the decoders of records.
        let header = [0x12, 0x34, 0x84, 0, 0, 1, 0, 2, 0, 0, 0, 1];
        decode(&[&header, octets.as_slice()].concat());
    }

    #[test]
    fn changed_messages_never_panic(
        mut message in message(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        length in any::<prop::sample::Index>(),
    ) {
        for (at, octet) in changes {
            let at = at.index(message.len());
            message[at] = octet;
        }
        decode(&message);
        message.truncate(length.index(message.len()));
        decode(&message);
    }

    #[test]
    fn data_that_fit_their_type_survive_encoding(
        rtype in prop_oneof![any::<u16>(), 0..66_u16],
        rdata in prop::collection::vec(prop_oneof![Just(0), 0..5_u8, any::<u8>()], 0..40),
    ) {
        let rtype = RecordType(rtype);
        prop_assume!(rtype != RecordType::TSIG);
        let Ok(canonical) = Rdata::from_wire(rtype, &rdata) else {
            prop_assert!(!fields(rtype).is_empty());
            return Ok(());
        };
        let expected = record("www.example.", rtype, 5, canonical.as_wire());
        let mut message = b"\0\x07\x84\0\0\0\0\x01\0\0\0\0".to_vec();
        put_record(&mut message, &expected.owner, rtype, CLASS_IN, 5, &rdata);
        let parsed = Message::parse(&message).unwrap();
        let decoded = parsed.records(Section::Answers).next().unwrap().decode();
        prop_assert_eq!(decoded, Ok(expected));
    }
}
