//! Tests of `wire`, against messages of another library and against its own encoders.

mod builder;
mod key_list;
mod laws;
mod replies;
mod signing;
mod transfers;
mod vectors;

use super::{Algorithm, Key};
use crate::model::{
    InitialZone, Name, Rdata, Record, RecordType, RrSets, Secret, Serial, Soa, ZoneName,
};

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn zone_name() -> ZoneName {
    ZoneName::new(&name("example."))
}

/// Returns the key of the vectors with this algorithm.
fn key_with(algorithm: &str) -> Key {
    let algorithm: Algorithm = algorithm.parse().unwrap();
    let secret = Secret::new((0..32).collect());
    Key::new(name("Key.Example."), algorithm, secret).unwrap()
}

/// Returns the key of the vectors.
fn key() -> Key {
    key_with("hmac-sha256")
}

fn record(owner: &str, rtype: RecordType, ttl: u32, rdata: &[u8]) -> Record {
    Record {
        owner: name(owner),
        rtype,
        ttl,
        rdata: Rdata::from_wire(rtype, rdata).unwrap(),
    }
}

/// Returns the zone `example.` with one NS record and this number of addresses.
fn zone_of(addresses: u16) -> InitialZone {
    let ns = record(
        "example.",
        RecordType::NS,
        3600,
        name("ns1.example.").as_wire(),
    );
    let addresses = (0..addresses).map(|number| {
        let [high, low] = number.to_be_bytes();
        let owner = format!("host-{number:05}.example.");
        record(&owner, RecordType::A, 300, &[192, 0, high, low])
    });
    InitialZone {
        name: zone_name(),
        soa: Soa {
            mname: name("ns1.example."),
            rname: name("hostmaster.example."),
            serial: Serial(7),
            refresh: 1,
            retry: 2,
            expire: 3,
            minimum: 4,
        },
        soa_ttl: 3600,
        records: RrSets::from_records(std::iter::once(ns).chain(addresses)),
    }
}
