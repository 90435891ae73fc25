//! Intents as JSON text, as the file has them.
//!
//! Names and addresses are text, RDATA is base64 of the canonical wire form: exact for every type.
//! A later version may add only optional keys, so that it can read the jobs of an earlier one.

use std::fmt;
use std::net::IpAddr;

use base64::Engine as _;
use base64::display::Base64Display;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Serialize, Serializer};

use crate::model::{
    DesiredSoa, DesiredZone, Intent, Name, NameError, Presence, PtrIntent, Rdata, Record,
    RecordIntent, RecordType, RrSets, Serial, ZoneName, ZoneSource,
};

/// The reason why a job's text is not an intent.
#[derive(Debug, thiserror::Error)]
pub(super) enum StoredError {
    #[error("{0}")]
    Json(#[from] serde_json::Error),
    #[error("{0}")]
    Name(#[from] NameError),
    #[error("{0}")]
    Base64(#[from] base64::DecodeError),
}

/// An intent with names of type `N` and records of type `R`: owned to read it, borrowed to write
/// it, since a zone may have 500,000 records.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Stored<N, R> {
    Zone {
        name: N,
        soa: StoredSoa<N>,
        records: R,
        /// Only for a zone from a master file.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        prunes: Option<bool>,
    },
    Gone {
        name: N,
    },
    Ptr {
        address: IpAddr,
        hostname: N,
        present: bool,
        wanted: Vec<N>,
    },
    Record {
        owner: N,
        #[serde(rename = "type")]
        rtype: u16,
        rdata: String,
        ttl: Option<u32>,
        present: bool,
        #[serde(rename = "follows_aliases")]
        follows_cnames: bool,
    },
}

#[derive(Serialize, Deserialize)]
struct StoredSoa<N> {
    mname: Option<N>,
    rname: Option<N>,
    serial: Option<u32>,
    refresh: Option<u32>,
    retry: Option<u32>,
    expire: Option<u32>,
    minimum: Option<u32>,
    ttl: Option<u32>,
}

/// An RRset as it is read: from an array, or from an object with these keys, as earlier versions
/// wrote it.
#[derive(Deserialize)]
struct StoredSet {
    owner: String,
    #[serde(rename = "type")]
    rtype: u16,
    ttl: u32,
    rdata: Vec<String>,
}

/// An RRset as it is written: as an array, since keys would be most of a large zone's text.
#[derive(Serialize)]
struct StoringSet<'a>(Text<&'a Name>, u16, u32, List<&'a [Rdata]>);

/// A string with the `Display` form of a value.
struct Text<T>(T);

impl<T: fmt::Display> Serialize for Text<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// An array of the elements' stored forms.
struct List<T>(T);

impl Serialize for List<&RrSets> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(
            self.0
                .iter()
                .map(|set| StoringSet(Text(&set.owner), set.rtype.0, set.ttl, List(&set.rdatas))),
        )
    }
}

impl Serialize for List<&[Rdata]> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let rdatas = self.0.iter();
        serializer
            .collect_seq(rdatas.map(|rdata| Text(Base64Display::new(rdata.as_wire(), &BASE64))))
    }
}

/// Returns the text of an intent.
pub(super) fn to_text(intent: &Intent) -> String {
    let stored = match intent {
        Intent::Zone(zone) => Stored::Zone {
            name: Text(zone.name.apex()),
            soa: StoredSoa {
                mname: zone.soa.mname.as_ref().map(Text),
                rname: zone.soa.rname.as_ref().map(Text),
                serial: zone.soa.serial.map(|serial| serial.0),
                refresh: zone.soa.refresh,
                retry: zone.soa.retry,
                expire: zone.soa.expire,
                minimum: zone.soa.minimum,
                ttl: zone.soa.ttl,
            },
            records: List(&zone.records),
            prunes: match zone.source {
                ZoneSource::Call => None,
                ZoneSource::File { prunes } => Some(prunes),
            },
        },
        Intent::ZoneGone(zone) => Stored::Gone {
            name: Text(zone.apex()),
        },
        Intent::Ptr(ptr) => Stored::Ptr {
            address: ptr.address,
            hostname: Text(&ptr.hostname),
            present: ptr.presence == Presence::Present,
            wanted: ptr.wanted.iter().map(Text).collect(),
        },
        Intent::Record(record) => Stored::Record {
            owner: Text(&record.owner),
            rtype: record.rtype.0,
            rdata: BASE64.encode(record.rdata.as_wire()),
            ttl: record.ttl,
            present: record.presence == Presence::Present,
            follows_cnames: record.follows_cnames,
        },
    };
    serde_json::to_string(&stored).expect("strings and numbers are always JSON")
}

/// Parses the text that [`to_text`] has returned.
pub(super) fn from_text(text: &str) -> Result<Intent, StoredError> {
    let stored: Stored<String, Vec<StoredSet>> = serde_json::from_str(text)?;
    Ok(match stored {
        Stored::Zone {
            name,
            soa,
            records,
            prunes,
        } => {
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
                source: prunes.map_or(ZoneSource::Call, |prunes| ZoneSource::File { prunes }),
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
            presence: presence(present),
            wanted: wanted
                .iter()
                .map(|name| name.parse())
                .collect::<Result<_, NameError>>()?,
        }),
        Stored::Record {
            owner,
            rtype,
            rdata,
            ttl,
            present,
            follows_cnames,
        } => Intent::Record(RecordIntent {
            owner: owner.parse()?,
            rtype: RecordType(rtype),
            rdata: Rdata::from_canonical(BASE64.decode(rdata)?),
            ttl,
            presence: presence(present),
            follows_cnames,
        }),
    })
}

fn presence(present: bool) -> Presence {
    if present {
        Presence::Present
    } else {
        Presence::Gone
    }
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
    fn rrsets_of_earlier_versions_are_read_too() {
        let soa = r#"{"mname":null,"rname":null,"serial":7,"refresh":1,"retry":2,"expire":3,"minimum":4,"ttl":5}"#;
        let [earlier, now] = [
            r#"{"owner":"a.example.","type":1,"ttl":300,"rdata":["wAACAQ==","wAACAg=="]}"#,
            r#"["a.example.",1,300,["wAACAQ==","wAACAg=="]]"#,
        ]
        .map(|set| {
            let text = format!(r#"{{"zone":{{"name":"example.","soa":{soa},"records":[{set}]}}}}"#);
            from_text(&text).unwrap()
        });
        assert_eq!(earlier, now);
        assert!(to_text(&now).contains(r#"["a.example.",1,300,["wAACAQ==","wAACAg=="]]"#));
    }

    #[test]
    fn a_stored_intent_comes_back_to_the_last_octet() {
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
            source: ZoneSource::Call,
        }));
        for source in [false, true].map(|prunes| ZoneSource::File { prunes }) {
            comes_back(&Intent::Zone(DesiredZone {
                name: ZoneName::new(&"example.".parse().unwrap()),
                soa: DesiredSoa::default(),
                records: RrSets::default(),
                source,
            }));
        }
        comes_back(&Intent::ZoneGone(ZoneName::new(&Name::root())));
        for presence in [Presence::Present, Presence::Gone] {
            let hosts = ["a.example.".parse().unwrap(), "b.example.".parse().unwrap()];
            comes_back(&Intent::Ptr(PtrIntent {
                address: "2001:db8::1".parse().unwrap(),
                hostname: "a.example.".parse().unwrap(),
                presence,
                wanted: hosts.into(),
            }));
            comes_back(&Intent::Record(RecordIntent {
                owner: "A.example.".parse().unwrap(),
                rtype: RecordType(65280),
                rdata: Rdata::from_canonical([0, 255]),
                ttl: (presence == Presence::Gone).then_some(5),
                presence,
                follows_cnames: presence == Presence::Gone,
            }));
        }
    }

    #[test]
    fn another_text_is_an_error() {
        for text in [
            "",
            "{}",
            r#"{"gone":{"name":"a..b."}}"#,
            r#"{"zone":{"name":"a.","soa":{},"records":[["a.",1,1,["?"]]]}}"#,
        ] {
            assert!(from_text(text).is_err(), "{text}");
        }
    }
}
