//! The body that makes a zone: its first contents and who may transfer it.

use serde::Serialize;

use crate::model::{InitialZone, Name, RecordType, RrSet};
use crate::zonefile::{format_rdata, format_type};

/// A new zone's first contents. It begins as a secondary zone of no primary, which serves what it
/// holds and takes no updates, signed or not, from anybody.
pub(super) struct Contents<'a> {
    pub(super) zone: &'a InitialZone,
    /// Whether all records are sent, or only the SOA and the name servers.
    pub(super) is_full: bool,
    /// The keys that may transfer it; the server must know them.
    pub(super) keys: &'a [Name],
    /// Who is making it.
    pub(super) account: &'a str,
}

#[derive(Serialize)]
struct NewZone<'a> {
    name: String,
    kind: &'a str,
    masters: [&'a str; 0],
    account: &'a str,
    /// Empty: the server keeps our serial.
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

impl Contents<'_> {
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

/// A name as the API takes it: lower case, with the final dot.
pub(super) fn canonical(name: &Name) -> String {
    name.to_lowercase().to_string()
}
