//! Intents as JSON text, as the file has them.
//!
//! Names and addresses are text, RDATA is base64 of the canonical wire form: exact for every type. So is the one text of
//! all records of a zone, which may have 500,000 of them.
//! A later version may add only optional keys, so that it can read the jobs of an earlier one.

use std::net::IpAddr;

use base64::Engine as _;
use base64::display::Base64Display;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::de::Error as _;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Error;

use super::packed::{pack, unpack};
use crate::model::{
    AbsentZone, DesiredSoa, DesiredZone, Intent, Name, Presence, PtrIntent, Rdata, RecordIntent,
    RecordType, Rejected, RrSet, RrSets, Serial, Trust, ZoneName, ZoneSource,
};

/// An intent with records of type `R`: [`Records`] to write it, [`StoredRecords`] to read it.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Stored<R> {
    Zone {
        name: String,
        soa: StoredSoa,
        records: R,
        /// Only for a zone from a master file.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        prunes: Option<bool>,
        /// Owner names and types, as far as they could be read.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        rejected: Vec<(Option<String>, Option<u16>)>,
        /// Whether an operator asks for it, and no panel.
        #[serde(default, skip_serializing_if = "is_false")]
        trusted: bool,
    },
    Gone {
        name: String,
        #[serde(default, skip_serializing_if = "is_false")]
        trusted: bool,
    },
    /// A zone that must go from a primary, because it has moved to another one.
    Moved {
        name: String,
        /// The name of the primary.
        from: String,
        #[serde(default, skip_serializing_if = "is_false")]
        trusted: bool,
    },
    Ptr {
        address: IpAddr,
        hostname: String,
        present: bool,
        wanted: Vec<String>,
    },
    Record {
        owner: String,
        #[serde(rename = "type")]
        rtype: u16,
        rdata: String,
        ttl: Option<u32>,
        present: bool,
        #[serde(rename = "follows_aliases")]
        follows_cnames: bool,
        /// Whether a panel asks for it, and no operator.
        #[serde(default, skip_serializing_if = "is_false")]
        by_panel: bool,
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

/// The records of a zone as they are written, packed.
struct Records(Vec<u8>);

impl Serialize for Records {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&Base64Display::new(&self.0, &BASE64))
    }
}

/// The records of a zone as they are read.
#[derive(Deserialize)]
#[serde(untagged)]
enum StoredRecords {
    Packed(String),
    /// As earlier versions wrote them.
    Sets(Vec<StoredSet>),
}

/// Returns the text of an intent.
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
            records: Records(pack(&zone.records, zone.name.apex())),
            prunes: match zone.source {
                ZoneSource::Call => None,
                ZoneSource::File { prunes } => Some(prunes),
            },
            rejected: zone.rejected.as_slice().iter().map(to_stored).collect(),
            trusted: zone.trust == Trust::Operator,
        },
        Intent::ZoneAbsent(zone) => {
            let (name, trusted) = (zone.name.to_string(), zone.trust == Trust::Operator);
            match zone.moved_from.clone() {
                Some(from) => Stored::Moved {
                    name,
                    from,
                    trusted,
                },
                None => Stored::Gone { name, trusted },
            }
        }
        Intent::Ptr(ptr) => Stored::Ptr {
            address: ptr.address,
            hostname: ptr.hostname.to_string(),
            present: ptr.presence == Presence::Present,
            wanted: ptr.wanted.iter().map(Name::to_string).collect(),
        },
        Intent::Record(record) => Stored::Record {
            owner: record.owner.to_string(),
            rtype: record.rtype.0,
            rdata: BASE64.encode(record.rdata.as_wire()),
            ttl: record.ttl,
            present: record.presence == Presence::Present,
            follows_cnames: record.follows_cnames,
            by_panel: record.trust == Trust::Panel,
        },
    };
    serde_json::to_string(&stored).expect("strings and numbers are always JSON")
}

/// Parses the text that [`to_text`] has returned.
pub(super) fn from_text(text: &str) -> serde_json::Result<Intent> {
    let stored: Stored<StoredRecords> = serde_json::from_str(text)?;
    Ok(match stored {
        Stored::Zone {
            name,
            soa,
            records,
            prunes,
            rejected,
            trusted,
        } => {
            let name = ZoneName::new(&parse_name(&name)?);
            Intent::Zone(DesiredZone {
                soa: DesiredSoa {
                    mname: soa.mname.as_deref().map(parse_name).transpose()?,
                    rname: soa.rname.as_deref().map(parse_name).transpose()?,
                    serial: soa.serial.map(Serial),
                    refresh: soa.refresh,
                    retry: soa.retry,
                    expire: soa.expire,
                    minimum: soa.minimum,
                    ttl: soa.ttl,
                },
                records: parse_records(records, name.apex())?,
                rejected: rejected
                    .into_iter()
                    .map(parse_rejected)
                    .collect::<Result<_, _>>()?,
                source: prunes.map_or(ZoneSource::Call, |prunes| ZoneSource::File { prunes }),
                trust: trust(trusted),
                name,
            })
        }
        Stored::Gone { name, trusted } => Intent::ZoneAbsent(AbsentZone {
            name: ZoneName::new(&parse_name(&name)?),
            trust: trust(trusted),
            moved_from: None,
        }),
        Stored::Moved {
            name,
            from,
            trusted,
        } => Intent::ZoneAbsent(AbsentZone {
            name: ZoneName::new(&parse_name(&name)?),
            trust: trust(trusted),
            moved_from: Some(from),
        }),
        Stored::Ptr {
            address,
            hostname,
            present,
            wanted,
        } => Intent::Ptr(PtrIntent {
            address,
            hostname: parse_name(&hostname)?,
            presence: presence(present),
            wanted: wanted
                .iter()
                .map(|name| parse_name(name))
                .collect::<Result<_, _>>()?,
        }),
        Stored::Record {
            owner,
            rtype,
            rdata,
            ttl,
            present,
            follows_cnames,
            by_panel,
        } => Intent::Record(RecordIntent {
            owner: parse_name(&owner)?,
            rtype: RecordType(rtype),
            rdata: parse_rdata(&rdata)?,
            ttl,
            presence: presence(present),
            follows_cnames,
            trust: trust(!by_panel),
        }),
    })
}

fn parse_records(records: StoredRecords, apex: &Name) -> serde_json::Result<RrSets> {
    let sets = match records {
        StoredRecords::Packed(text) => {
            let octets = BASE64.decode(text).map_err(Error::custom)?;
            let records = unpack(&octets, apex);
            return records.ok_or_else(|| Error::custom("the records are not whole"));
        }
        StoredRecords::Sets(sets) => sets,
    };
    let sets = sets.into_iter().map(|set| {
        let rdatas = set.rdata.iter().map(parse_rdata);
        Ok(RrSet {
            owner: parse_name(&set.owner)?,
            rtype: RecordType(set.rtype),
            ttl: set.ttl,
            rdatas: rdatas.collect::<Result<_, _>>()?,
        })
    });
    Ok(RrSets::from_sets(sets.collect::<Result<Vec<_>, _>>()?))
}

fn to_stored(rejected: &Rejected) -> (Option<String>, Option<u16>) {
    let owner = rejected.owner.as_ref().map(Name::to_string);
    (owner, rejected.rtype.map(|rtype| rtype.0))
}

fn parse_rejected((owner, rtype): (Option<String>, Option<u16>)) -> serde_json::Result<Rejected> {
    Ok(Rejected {
        owner: owner.as_deref().map(parse_name).transpose()?,
        rtype: rtype.map(RecordType),
    })
}

fn parse_name(text: &str) -> serde_json::Result<Name> {
    text.parse().map_err(Error::custom)
}

fn parse_rdata(text: &String) -> serde_json::Result<Rdata> {
    let octets = BASE64.decode(text).map_err(Error::custom)?;
    Ok(Rdata::from_canonical(octets))
}

fn trust(trusted: bool) -> Trust {
    if trusted {
        Trust::Operator
    } else {
        Trust::Panel
    }
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn is_false(is: &bool) -> bool {
    !is
}

fn presence(present: bool) -> Presence {
    if present {
        Presence::Present
    } else {
        Presence::Absent
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::RejectedRecords;

    #[track_caller]
    fn comes_back(intent: &Intent) {
        let text = to_text(intent);
        assert_eq!(&from_text(&text).unwrap(), intent, "{text}");
    }

    #[test]
    fn records_of_earlier_versions_are_read_too() {
        let soa = r#"{"mname":null,"rname":null,"serial":7,"refresh":1,"retry":2,"expire":3,"minimum":4,"ttl":5}"#;
        let [objects, arrays, now] = [
            r#"[{"owner":"a.example.","type":1,"ttl":300,"rdata":["wAACAQ==","wAACAg=="]}]"#,
            r#"[["a.example.",1,300,["wAACAQ==","wAACAg=="]]]"#,
            r#""AWHAAawCBMAAAgEBYcABrAIEwAACAg==""#,
        ]
        .map(|records| {
            let text =
                format!(r#"{{"zone":{{"name":"example.","soa":{soa},"records":{records}}}}}"#);
            from_text(&text).unwrap()
        });
        assert_eq!(objects, now);
        assert_eq!(arrays, now);
        assert!(to_text(&now).contains(r#""records":"AWHAAawCBMAAAgEBYcABrAIEwAACAg==""#));
    }

    #[test]
    fn a_stored_intent_comes_back_to_the_last_octet() {
        let record = |owner: &str, rtype, rdata: &[u8]| crate::model::Record {
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
            rejected: [
                (Some("a.example."), Some(RecordType(65280))),
                (Some("A.example."), None),
                (None, Some(RecordType::A)),
                (None, None),
            ]
            .map(|(owner, rtype)| Rejected {
                owner: owner.map(|owner| owner.parse().unwrap()),
                rtype,
            })
            .into_iter()
            .collect(),
            source: ZoneSource::Call,
            trust: Trust::Panel,
        }));
        for source in [false, true].map(|prunes| ZoneSource::File { prunes }) {
            comes_back(&Intent::Zone(DesiredZone {
                name: ZoneName::new(&"example.".parse().unwrap()),
                soa: DesiredSoa::default(),
                records: RrSets::default(),
                rejected: RejectedRecords::default(),
                source,
                trust: Trust::Operator,
            }));
        }
        for (trust, from) in [(Trust::Panel, None), (Trust::Operator, Some("old"))] {
            comes_back(&Intent::ZoneAbsent(AbsentZone {
                name: ZoneName::new(&Name::root()),
                trust,
                moved_from: from.map(str::to_owned),
            }));
        }
        for presence in [Presence::Present, Presence::Absent] {
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
                ttl: (presence == Presence::Absent).then_some(5),
                presence,
                follows_cnames: presence == Presence::Absent,
                trust: match presence {
                    Presence::Present => Trust::Panel,
                    Presence::Absent => Trust::Operator,
                },
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
            r#"{"zone":{"name":"a.","soa":{},"records":"?"}}"#,
            r#"{"zone":{"name":"a.","soa":{},"records":"AWHA"}}"#,
        ] {
            assert!(from_text(text).is_err(), "{text}");
        }
    }
}
