//! Fuzzes the reader of transfers. The input is a transfer of `example.`: messages, each after its
//! length in two octets, as over TCP. If the request is signed, the messages must become a zone
//! only if the key signs them too. The RRsets of a zone must be in order. A zone must survive
//! encoding as a transfer and reading.

#![no_main]

use libfuzzer_sys::fuzz_target;
use nsbridge::model::{CurrentZone, InitialZone, Name, RecordType, ZoneName};
use nsbridge::wire::{
    Key, MessageDump, Request, ResponseSigner, TransferError, TransferReader, encode_query,
    encode_transfer, sign_request, tsig_octets,
};
use nsbridge_fuzz::{NOW, key};

/// Most octets of a signed message.
const OCTETS_MAX: usize = 65_535;

fuzz_target!(|octets: &[u8]| {
    let messages = split(octets);
    let Some(id) = messages.first().and_then(|first| first.first_chunk()) else {
        return;
    };
    let id = u16::from_be_bytes(*id);
    let apex: Name = "example.".parse().expect("a name");
    let exchange = Exchange::new(ZoneName::new(&apex), id);
    assert!(exchange.read(&messages, true).is_err());
    let read = exchange.read(&messages, false);
    let is_signed = |message: &&[u8]| MessageDump::read(message).is_ok_and(|it| it.tsig.is_some());
    if !messages
        .iter()
        .any(|message| is_signed(&message.as_slice()))
        && let Some(signed) = exchange.signed(messages)
    {
        assert_eq!(
            exchange.read(&signed, true).ok(),
            read.as_ref().ok().cloned()
        );
    }
    if let Ok(zone) = read {
        check(&exchange, zone);
    }
});

/// Splits the input into messages; the last one may be cut short.
fn split(mut octets: &[u8]) -> Vec<Vec<u8>> {
    let mut messages = Vec::new();
    while let Some((length, rest)) = octets.split_first_chunk() {
        let length = usize::from(u16::from_be_bytes(*length));
        let (message, rest) = rest.split_at(length.min(rest.len()));
        messages.push(message.to_vec());
        octets = rest;
    }
    messages
}

fn check(exchange: &Exchange, zone: CurrentZone) {
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
    let octets_max = OCTETS_MAX - tsig_octets(&exchange.key);
    let messages = encode_transfer(&initial, &exchange.request, octets_max);
    if let Some(messages) = exchange.signed(messages) {
        assert_eq!(exchange.read(&messages, true), Ok(zone));
    }
}

/// The signed request for the zone.
struct Exchange {
    zone: ZoneName,
    key: Key,
    request: Request,
}

impl Exchange {
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

    /// Signs the messages as the server does; `None` if a signature does not fit.
    fn signed(&self, mut messages: Vec<Vec<u8>>) -> Option<Vec<Vec<u8>>> {
        let mut signer = ResponseSigner::new(&self.key, &self.request.mac);
        for message in &mut messages {
            signer.sign(message, NOW).ok()?;
        }
        Some(messages)
    }
}
