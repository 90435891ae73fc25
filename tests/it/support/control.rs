//! BIND's control channel as the library drives it, without the program.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use nsbridge::model::{
    InitialZone, Rdata, Record, RecordType, RrSets, Secret, Serial, Soa, ZoneName,
};
use nsbridge::provision::rndc::{Rndc, RndcError, RndcSettings, Way};
use nsbridge::provision::{Created, Deleted, RemovalScope};
use nsbridge::wire::Key as SigningKey;
use tokio::time::Instant;

use crate::support::keys::Key;
use crate::support::named::Named;

/// As long as the program gives a delivery.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

#[expect(clippy::disallowed_methods, reason = "a test is its own command line")]
pub(crate) fn clock() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.expect("the clock is after 1970").as_secs()
}

pub(crate) fn signing_key(key: &Key) -> SigningKey {
    parse_key(key.statement())
}

pub(crate) fn control_key(named: &Named) -> SigningKey {
    parse_key(&std::fs::read_to_string(named.control_key_file()).unwrap())
}

/// What `tsig-keygen` prints.
fn parse_key(statement: &str) -> SigningKey {
    let field = |index| statement.split('"').nth(index).unwrap();
    let algorithm = statement.split("algorithm ").nth(1).unwrap();
    let algorithm = algorithm.split(';').next().unwrap().parse().unwrap();
    let secret = base64::engine::general_purpose::STANDARD.decode(field(3));
    let secret = Secret::new(secret.unwrap());
    SigningKey::new(field(1).parse().unwrap(), algorithm, secret).unwrap()
}

pub(crate) const ANYWHERE: Way = Way::Seed { listen: None };

pub(crate) fn settings_of(named: &Named, way: Way) -> RndcSettings {
    RndcSettings {
        control: ("127.0.0.1".to_owned(), named.control_port()),
        host: "127.0.0.1".to_owned(),
        control_keys: control_key(named).into(),
        view: None,
        instance: "plesk01".to_owned(),
        way,
        update_keys: signing_key(named.key()).into(),
        transfer_keys: signing_key(named.key()).into(),
        clock,
        exchange_time_max: PATIENCE,
    }
}

pub(crate) fn rndc(named: &Named, way: Way) -> Arc<Rndc> {
    Arc::new(Rndc::new(settings_of(named, way)).unwrap())
}

pub(crate) fn zone_name(text: &str) -> ZoneName {
    ZoneName::new(&text.parse().unwrap())
}

/// A zone with an NS outside and `hosts` addresses.
pub(crate) fn zone(name: &str, hosts: u16) -> InitialZone {
    let name = zone_name(name);
    let record = |owner, rtype, rdata| Record {
        owner,
        rtype,
        ttl: 300,
        rdata,
    };
    let ns = Rdata::from_name(&"ns1.provider.test".parse().unwrap());
    let mut records = vec![record(name.apex().clone(), RecordType::NS, ns)];
    for host in 0..hosts {
        let owner = name.apex().child(format!("h_{host}").as_bytes()).unwrap();
        let [high, low] = host.to_be_bytes();
        let address = Rdata::from_canonical([192, 0, high, low]);
        records.push(record(owner, RecordType::A, address));
    }
    InitialZone {
        soa: Soa {
            mname: "ns1.provider.test".parse().unwrap(),
            rname: "hostmaster.provider.test".parse().unwrap(),
            serial: Serial(2_026_112_301),
            refresh: 3600,
            retry: 600,
            expire: 86400,
            minimum: 300,
        },
        name,
        soa_ttl: 300,
        records: RrSets::from_records(records),
    }
}

pub(crate) fn run<T>(work: impl Future<Output = T>) -> T {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_all().build().unwrap().block_on(work)
}

pub(crate) async fn create_async(
    rndc: &Rndc,
    zone: &InitialZone,
    time: Duration,
) -> Result<Created, RndcError> {
    rndc.create(zone, Instant::now() + time).await
}

pub(crate) fn create(rndc: &Rndc, zone: &InitialZone) -> Result<Created, RndcError> {
    run(create_async(rndc, zone, PATIENCE))
}

pub(crate) fn delete(rndc: &Rndc, zone: &str) -> Result<Deleted, RndcError> {
    let claim = RemovalScope::Recorded;
    run(rndc.delete(&zone_name(zone), claim, Instant::now() + PATIENCE))
}

pub(crate) fn is_there(named: &Named, zone: &str) -> bool {
    named.rndc(&["showzone", zone]).status == Some(0)
}
