//! A transfer of `example.`: messages, each after its length in two octets, as over TCP. Under a key nothing
//! that somebody else sends becomes a zone, and the same messages signed do; a zone that comes out is in order,
//! and sent on it comes out again.

#![no_main]

use libfuzzer_sys::fuzz_target;
use nsbridge::model::{CurrentZone, InitialZone, Name, RecordType, ZoneName};
use nsbridge::wire::{
    Key, MessageDump, Request, ResponseSigner, TransferError, TransferReader, encode_query,
    encode_transfer, sign_request, tsig_octets,
};
use nsbridge_fuzz::{NOW, key};

/// As long as a message may be before it is signed.
const OCTETS_MAX: usize = 65_535;

fuzz_target!(|octets: &[u8]| {
    let messages = cut(octets);
    let Some(id) = messages.first().and_then(|first| first.first_chunk()) else {
        return;
    };
    let id = u16::from_be_bytes(*id);
    let apex: Name = "example.".parse().expect("a name");
    let stage = Stage::new(ZoneName::new(&apex), id);
    assert!(stage.read(&messages, true).is_err());
    let read = stage.read(&messages, false);
    let is_signed = |message: &&[u8]| MessageDump::read(message).is_ok_and(|it| it.tsig.is_some());
    if !messages
        .iter()
        .any(|message| is_signed(&message.as_slice()))
        && let Some(signed) = stage.signed(messages)
    {
        assert_eq!(stage.read(&signed, true).ok(), read.as_ref().ok().cloned());
    }
    if let Ok(zone) = read {
        check(&stage, zone);
    }
});

/// The messages; what is left of the last one where octets are missing.
fn cut(mut octets: &[u8]) -> Vec<Vec<u8>> {
    let mut messages = Vec::new();
    while let Some((length, rest)) = octets.split_first_chunk() {
        let length = usize::from(u16::from_be_bytes(*length));
        let (message, rest) = rest.split_at(length.min(rest.len()));
        messages.push(message.to_vec());
        octets = rest;
    }
    messages
}

fn check(stage: &Stage, zone: CurrentZone) {
    let sets = zone.records.as_slice();
    assert!(
        sets.iter()
            .all(|set| set.owner.is_at_or_below(zone.name.apex()))
    );
    assert!(sets.iter().all(|set| set.rtype != RecordType::SOA));
    let in_order = sets.is_sorted_by(|a, b| (&a.owner, a.rtype) < (&b.owner, b.rtype));
    assert!(in_order, "{sets:?}");
    let initial = InitialZone {
        name: zone.name.clone(),
        soa: zone.soa.clone(),
        soa_ttl: zone.soa_ttl,
        records: zone.records.clone(),
    };
    let octets_max = OCTETS_MAX - tsig_octets(&stage.key);
    let messages = encode_transfer(&initial, &stage.request, octets_max);
    if let Some(messages) = stage.signed(messages) {
        assert_eq!(stage.read(&messages, true), Ok(zone));
    }
}

/// One request for the zone.
struct Stage {
    zone: ZoneName,
    key: Key,
    request: Request,
}

impl Stage {
    fn new(zone: ZoneName, id: u16) -> Self {
        let key = key();
        let (name, rtype) = (zone.apex().clone(), RecordType::AXFR);
        let mut query = encode_query(&name, rtype, id);
        let mac = sign_request(&mut query, &key, NOW).expect("a short query");
        let request = Request {
            id,
            name,
            rtype,
            mac,
        };
        Self { zone, key, request }
    }

    fn read(&self, messages: &[Vec<u8>], signed: bool) -> Result<CurrentZone, TransferError> {
        let key = signed.then(|| (self.key.clone(), self.request.mac.clone()));
        let mut reader = TransferReader::new(&self.zone, self.request.id, key);
        for message in messages {
            reader.push(message, NOW)?;
        }
        reader.finish()
    }

    /// The messages as the server that has the key signs them; none where one has no room for that.
    fn signed(&self, mut messages: Vec<Vec<u8>>) -> Option<Vec<Vec<u8>>> {
        let mut signer = ResponseSigner::new(&self.key, &self.request.mac);
        for message in &mut messages {
            signer.sign(message, NOW).ok()?;
        }
        Some(messages)
    }
}
