//! Intents as JSON text, as the file keeps them.
//!
//! Names and addresses are text, RDATA is base64 of the canonical wire form: exact for every type. A key
//! that a later version adds must be optional, so that the jobs of an earlier one stay readable.

use std::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Serialize};

use crate::model::{
    DesiredSoa, DesiredZone, Intent, Name, NameError, Presence, PtrIntent, Rdata, Record,
    RecordType, RrSets, Serial, ZoneName,
};

/// Why a job's text is no intent.
#[derive(Debug, thiserror::Error)]
pub(super) enum StoredError {
    /// It is not the JSON that is written.
    #[error("{0}")]
    Json(#[from] serde_json::Error),
    /// A name in it is none.
    #[error("{0}")]
    Name(#[from] NameError),
    /// RDATA in it is not base64.
    #[error("{0}")]
    Base64(#[from] base64::DecodeError),
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Stored {
    Zone {
        name: String,
        soa: StoredSoa,
        records: Vec<StoredSet>,
    },
    Gone {
        name: String,
    },
    Ptr {
        address: IpAddr,
        hostname: String,
        present: bool,
        wanted: Vec<String>,
    },
}

#[derive(Serialize, Deserialize)]
struct StoredSoa {
    mname: Option<String>,
    rname: Option<String>,
    serial: Option<u32>,
    refresh: Option<u32>,
    retry: Option<u32>,
    expire: Option<u32>,
    minimum: Option<u32>,
    ttl: Option<u32>,
}

#[derive(Serialize, Deserialize)]
struct StoredSet {
    owner: String,
    #[serde(rename = "type")]
    rtype: u16,
    ttl: u32,
    rdata: Vec<String>,
}

/// The text of an intent.
pub(super) fn to_text(intent: &Intent) -> String {
    let stored = match intent {
        Intent::Zone(zone) => Stored::Zone {
            name: zone.name.to_string(),
            soa: StoredSoa {
                mname: zone.soa.mname.as_ref().map(Name::to_string),
                rname: zone.soa.rname.as_ref().map(Name::to_string),
                serial: zone.soa.serial.map(|serial| serial.0),
                refresh: zone.soa.refresh,
                retry: zone.soa.retry,
                expire: zone.soa.expire,
                minimum: zone.soa.minimum,
                ttl: zone.soa.ttl,
            },
            records: zone
                .records
                .iter()
                .map(|set| StoredSet {
                    owner: set.owner.to_string(),
                    rtype: set.rtype.0,
                    ttl: set.ttl,
                    rdata: set
                        .rdatas
                        .iter()
                        .map(|rdata| BASE64.encode(rdata.as_wire()))
                        .collect(),
                })
                .collect(),
        },
        Intent::ZoneGone(name) => Stored::Gone {
            name: name.to_string(),
        },
        Intent::Ptr(ptr) => Stored::Ptr {
            address: ptr.address,
            hostname: ptr.hostname.to_string(),
            present: ptr.presence == Presence::Present,
            wanted: ptr.wanted.iter().map(Name::to_string).collect(),
        },
    };
    serde_json::to_string(&stored).expect("strings and numbers are always JSON")
}

/// The intent of a text.
///
/// # Errors
/// [`StoredError`] where [`to_text`] has not written it.
pub(super) fn from_text(text: &str) -> Result<Intent, StoredError> {
    Ok(match serde_json::from_str(text)? {
        Stored::Zone { name, soa, records } => {
            let mut all = Vec::new();
            for set in records {
                let owner: Name = set.owner.parse()?;
                for rdata in set.rdata {
                    all.push(Record {
                        owner: owner.clone(),
                        rtype: RecordType(set.rtype),
                        ttl: set.ttl,
                        rdata: Rdata::from_canonical(BASE64.decode(rdata)?),
                    });
                }
            }
            let name_of = |text: Option<String>| text.map(|text| text.parse()).transpose();
            Intent::Zone(DesiredZone {
                name: ZoneName::new(&name.parse()?),
                soa: DesiredSoa {
                    mname: name_of(soa.mname)?,
                    rname: name_of(soa.rname)?,
                    serial: soa.serial.map(Serial),
                    refresh: soa.refresh,
                    retry: soa.retry,
                    expire: soa.expire,
                    minimum: soa.minimum,
                    ttl: soa.ttl,
                },
                records: RrSets::from_records(all),
            })
        }
        Stored::Gone { name } => Intent::ZoneGone(ZoneName::new(&name.parse()?)),
        Stored::Ptr {
            address,
            hostname,
            present,
            wanted,
        } => Intent::Ptr(PtrIntent {
            address,
            hostname: hostname.parse()?,
            presence: if present {
                Presence::Present
            } else {
                Presence::Gone
            },
            wanted: wanted
                .iter()
                .map(|name| name.parse())
                .collect::<Result<_, NameError>>()?,
        }),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn comes_back(intent: &Intent) {
        let text = to_text(intent);
        assert_eq!(&from_text(&text).unwrap(), intent, "{text}");
    }

    #[test]
    fn what_is_stored_comes_back_to_the_last_octet() {
        let record = |owner: &str, rtype, rdata: &[u8]| Record {
            owner: owner.parse().unwrap(),
            rtype: RecordType(rtype),
            ttl: 300,
            rdata: Rdata::from_canonical(rdata),
        };
        let records = RrSets::from_records([
            record(r"A\.b\000\034\255.example.", 1, &[192, 0, 2, 1]),
            record(r"A\.b\000\034\255.example.", 1, &[192, 0, 2, 2]),
            record("*.Example.", 65280, &[]),
            record("example.", 16, &[3, 0, 255, 34]),
        ]);
        comes_back(&Intent::Zone(DesiredZone {
            name: ZoneName::new(&"example.".parse().unwrap()),
            soa: DesiredSoa {
                mname: Some("ns1.example.".parse().unwrap()),
                rname: Some(r"a\.b.example.".parse().unwrap()),
                serial: Some(Serial(u32::MAX)),
                refresh: Some(1),
                retry: Some(2),
                expire: Some(3),
                minimum: Some(4),
                ttl: Some(5),
            },
            records,
        }));
        comes_back(&Intent::Zone(DesiredZone {
            name: ZoneName::new(&"example.".parse().unwrap()),
            soa: DesiredSoa::default(),
            records: RrSets::default(),
        }));
        comes_back(&Intent::ZoneGone(ZoneName::new(&Name::root())));
        for presence in [Presence::Present, Presence::Gone] {
            let hosts = ["a.example.".parse().unwrap(), "b.example.".parse().unwrap()];
            comes_back(&Intent::Ptr(PtrIntent {
                address: "2001:db8::1".parse().unwrap(),
                hostname: "a.example.".parse().unwrap(),
                presence,
                wanted: hosts.into(),
            }));
        }
    }

    #[test]
    fn what_was_not_written_here_is_an_error() {
        for text in [
            "",
            "{}",
            r#"{"gone":{"name":"a..b."}}"#,
            r#"{"zone":{"name":"a.","soa":{},"records":[{"owner":"a.","type":1,"ttl":1,"rdata":["?"]}]}}"#,
        ] {
            assert!(from_text(text).is_err(), "{text}");
        }
    }
}
