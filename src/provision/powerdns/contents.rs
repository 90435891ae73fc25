//! The request body that creates a zone: its first contents and the keys that may transfer it.

use serde::Serialize;

use crate::model::{InitialZone, Name, RecordType, RrSet};
use crate::zonefile::{format_rdata, format_type};

/// The first contents of a new zone. It starts as a secondary zone without a primary, which serves
/// its contents and refuses every update, signed or not.
pub(super) struct FirstContents<'a> {
    pub(super) zone: &'a InitialZone,
    /// Whether the body has all records, or only the SOA and the apex NS.
    pub(super) is_full: bool,
    /// The keys that may transfer the zone; the server must know them.
    pub(super) keys: &'a [Name],
    /// The account of an unfinished zone, which names this instance.
    pub(super) account: &'a str,
}

#[derive(Serialize)]
struct NewZone<'a> {
    name: String,
    kind: &'a str,
    masters: [&'a str; 0],
    account: &'a str,
    /// Empty, so that the server keeps the serial.
    soa_edit_api: &'a str,
    master_tsig_key_ids: Vec<String>,
    rrsets: Vec<NewSet>,
}

#[derive(Serialize)]
struct NewSet {
    name: String,
    #[serde(rename = "type")]
    rtype: String,
    ttl: u32,
    records: Vec<NewRecord>,
}

#[derive(Serialize)]
struct NewRecord {
    content: String,
    disabled: bool,
}

impl FirstContents<'_> {
    pub(super) fn to_json(&self) -> String {
        let apex = self.zone.name.apex();
        let soa = RrSet {
            owner: apex.clone(),
            rtype: RecordType::SOA,
            ttl: self.zone.soa_ttl,
            rdatas: vec![self.zone.soa.to_rdata()],
        };
        let sets = self
            .zone
            .records
            .iter()
            .filter(|set| self.is_full || set.rtype == RecordType::NS && set.owner == *apex);
        let zone = NewZone {
            name: canonical(apex),
            kind: "Slave",
            masters: [],
            account: self.account,
            soa_edit_api: "",
            master_tsig_key_ids: self.keys.iter().map(canonical).collect(),
            rrsets: std::iter::once(&soa).chain(sets).map(new_set).collect(),
        };
        serde_json::to_string(&zone).expect("strings and numbers become JSON")
    }
}

fn new_set(set: &RrSet) -> NewSet {
    let content = |rdata| format_rdata(set.rtype, rdata);
    NewSet {
        name: canonical(&set.owner),
        rtype: format_type(set.rtype),
        ttl: set.ttl,
        records: set
            .rdatas
            .iter()
            .map(|rdata| NewRecord {
                content: content(rdata),
                disabled: false,
            })
            .collect(),
    }
}

/// Formats a name as the API expects it: lower case, with the final dot.
pub(super) fn canonical(name: &Name) -> String {
    name.to_lowercase().to_string()
}
