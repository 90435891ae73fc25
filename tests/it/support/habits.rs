//! What a primary does with an UPDATE by RFC 2136 section 3, and what services do otherwise.

use std::ops::RangeInclusive;
use std::time::Duration;

use crate::support::message::Entry;

pub(crate) const FORMERR: u8 = 1;
pub(crate) const NXDOMAIN: u8 = 3;
pub(crate) const NOTIMP: u8 = 4;
pub(crate) const REFUSED: u8 = 5;
pub(crate) const YXDOMAIN: u8 = 6;
pub(crate) const YXRRSET: u8 = 7;
pub(crate) const NXRRSET: u8 = 8;
pub(crate) const NOTAUTH: u8 = 9;
pub(crate) const NOTZONE: u8 = 10;

pub(crate) const NS: u16 = 2;
pub(crate) const CNAME: u16 = 5;
pub(crate) const SOA: u16 = 6;
pub(crate) const PTR: u16 = 12;
pub(crate) const SRV: u16 = 33;
pub(crate) const CAA: u16 = 257;
const ANY: u16 = 255;

const CLASS_IN: u16 = 1;
const CLASS_NONE: u16 = 254;
const CLASS_ANY: u16 = 255;

/// The code of a query that gets no answer at all.
pub(crate) const SILENT: u8 = u8::MAX;

/// What a service does otherwise than RFC 2136; the default is nothing.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a habit by itself")]
pub(crate) struct Habits {
    /// UPDATEs of the SOA.
    pub(crate) soa: Apex,
    /// UPDATEs of the NS records at the apex.
    pub(crate) apex_ns: Apex,
    pub(crate) prerequisites: Prerequisites,
    /// The code with which queries are refused; they are answered at the address for them.
    pub(crate) no_queries: Option<u8>,
    pub(crate) transfers: Transfers,
    /// The algorithm of its keys, as `tsig-keygen` names it.
    pub(crate) algorithm: &'static str,
    /// Each zone has a key of its own, whose name ends in that of the zone.
    pub(crate) has_key_of_zone: bool,
    /// An addition takes away what the RRset had before the message.
    pub(crate) replaces: bool,
    /// The most changes of a message, the SOA not counted; more are refused.
    pub(crate) changes_max: usize,
    /// The most records in the prerequisites and changes of a message; more are refused.
    pub(crate) records_max: usize,
    /// How long a change is not seen by queries and transfers.
    pub(crate) shown_after: Duration,
    /// The most UPDATEs in a time; more are refused.
    pub(crate) updates_max: Option<(usize, Duration)>,
    /// UPDATEs that are refused, by their numbers from 1 on.
    pub(crate) updates_refused: RangeInclusive<usize>,
    /// How far each UPDATE moves the serial on, which no SOA sets then.
    pub(crate) own_serial_step: Option<u32>,
    /// TTLs; others are set to the nearest.
    pub(crate) ttls: RangeInclusive<u32>,
    /// It takes UPDATEs, and answers queries there, by UDP alone.
    pub(crate) is_by_udp: bool,
    /// How many responses to UPDATEs are lost, from the first one on.
    pub(crate) lost_responses: usize,
    /// No message may remove all records of a name.
    pub(crate) refuses_removed_names: bool,
    /// Refusals of UPDATEs bear no signature.
    pub(crate) refuses_unsigned: bool,
    /// The version that it tells.
    pub(crate) version: Option<&'static str>,
    /// A message with such a change is a FORMERR as a whole.
    pub(crate) refused_types: Vec<u16>,
}

/// What becomes of changes of records at an apex.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Apex {
    Changed,
    Refused,
    /// NOERROR, and nothing changes.
    Kept,
}

/// What prerequisites come to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Prerequisites {
    /// They are checked.
    Checked,
    /// A message with any is answered so.
    Refused(u8),
    /// The value of an SOA or a CNAME is never right.
    SoaFails(u8),
    /// No value is ever right.
    ValuesFail(u8),
    /// A value is right if the RRset has it among others.
    AmongOthers,
}

/// Where zones are transferred from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Transfers {
    Here,
    /// At another address, with another key.
    Elsewhere,
    Nowhere,
}

impl Default for Habits {
    fn default() -> Self {
        Self {
            soa: Apex::Changed,
            apex_ns: Apex::Changed,
            prerequisites: Prerequisites::Checked,
            no_queries: None,
            transfers: Transfers::Here,
            algorithm: "hmac-sha256",
            has_key_of_zone: false,
            replaces: false,
            changes_max: usize::MAX,
            records_max: usize::MAX,
            shown_after: Duration::ZERO,
            updates_max: None,
            updates_refused: 0..=0,
            own_serial_step: None,
            ttls: 0..=u32::MAX,
            is_by_udp: false,
            lost_responses: 0,
            refuses_removed_names: false,
            refuses_unsigned: false,
            version: None,
            refused_types: Vec::new(),
        }
    }
}

impl Habits {
    /// Checks prerequisites by RFC 2136 section 3.2.
    pub(super) fn check(&self, records: &[Entry], prerequisites: &[Entry]) -> Result<(), u8> {
        if let Prerequisites::Refused(rcode) = self.prerequisites
            && !prerequisites.is_empty()
        {
            return Err(rcode);
        }
        for entry in prerequisites {
            let matching = records.iter().filter(|it| {
                it.owner == entry.owner && (entry.rtype == ANY || it.rtype == entry.rtype)
            });
            let matching: Vec<&Entry> = matching.collect();
            let (absent, present) = match entry.rtype {
                ANY => (NXDOMAIN, YXDOMAIN),
                _ => (NXRRSET, YXRRSET),
            };
            match entry.class {
                CLASS_ANY if matching.is_empty() => return Err(absent),
                CLASS_NONE if !matching.is_empty() => return Err(present),
                CLASS_IN => self.check_value(entry, &matching, prerequisites)?,
                _ => {}
            }
        }
        Ok(())
    }

    fn check_value(&self, entry: &Entry, there: &[&Entry], all: &[Entry]) -> Result<(), u8> {
        let is_there = there.iter().any(|it| it.rdata == entry.rdata);
        let required = all
            .iter()
            .filter(|it| it.owner == entry.owner && it.rtype == entry.rtype);
        let is_whole = is_there && required.count() == there.len();
        let failure = match self.prerequisites {
            Prerequisites::SoaFails(rcode) if [SOA, CNAME].contains(&entry.rtype) => Some(rcode),
            Prerequisites::ValuesFail(rcode) => Some(rcode),
            Prerequisites::AmongOthers => (!is_there).then_some(NXRRSET),
            Prerequisites::Checked | Prerequisites::Refused(_) | Prerequisites::SoaFails(_) => {
                (!is_whole).then_some(NXRRSET)
            }
        };
        failure.map_or(Ok(()), Err)
    }

    /// Looks through the changes of a message before any is made.
    pub(super) fn admit(
        &self,
        zone: &str,
        prerequisites: usize,
        changes: &[Entry],
    ) -> Result<(), u8> {
        let is_soa = |entry: &&Entry| entry.rtype == SOA;
        let soas = changes.iter().filter(is_soa).count();
        for entry in changes {
            let is_apex_ns = entry.owner == zone && entry.rtype == NS;
            if !is_at_or_below(&entry.owner, zone) {
                return Err(NOTZONE);
            }
            if self.refused_types.contains(&entry.rtype) {
                return Err(FORMERR);
            }
            if entry.rtype == ANY && self.refuses_removed_names
                || entry.rtype == SOA && self.soa == Apex::Refused
                || is_apex_ns && self.apex_ns == Apex::Refused
            {
                return Err(REFUSED);
            }
        }
        let is_too_long = changes.len() - soas > self.changes_max
            || prerequisites + changes.len() > self.records_max;
        if is_too_long { Err(REFUSED) } else { Ok(()) }
    }

    /// Makes changes by RFC 2136 section 3.4.2; a change that makes no sense is ignored.
    pub(super) fn apply(&self, zone: &str, records: &mut Vec<Entry>, changes: Vec<Entry>) {
        let before = records.clone();
        let mut replaced = Vec::new();
        for entry in changes {
            let is_apex_ns = entry.owner == zone && entry.rtype == NS;
            if entry.rtype == SOA && (self.soa == Apex::Kept || self.own_serial_step.is_some())
                || is_apex_ns && self.apex_ns == Apex::Kept
            {
                continue;
            }
            match entry.class {
                CLASS_IN => self.add(records, entry, &mut replaced),
                CLASS_ANY => {
                    let stays = |it: &Entry| it.owner == zone && [SOA, NS].contains(&it.rtype);
                    let is_meant = |it: &Entry| {
                        it.owner == entry.owner && [it.rtype, ANY].contains(&entry.rtype)
                    };
                    records.retain(|it| !is_meant(it) || stays(it));
                }
                _ => {
                    let of_set = |it: &&Entry| it.owner == entry.owner && it.rtype == entry.rtype;
                    let is_last_ns = is_apex_ns && records.iter().filter(of_set).count() == 1;
                    if entry.rtype != SOA && !is_last_ns {
                        records.retain(|it| !of_set(&it) || it.rdata != entry.rdata);
                    }
                }
            }
        }
        let serial = |records: &[Entry]| records.iter().find(|it| it.rtype == SOA).map(serial);
        let step = self.own_serial_step.unwrap_or(1);
        if (*records != before || self.own_serial_step.is_some())
            && serial(records) == serial(&before)
            && let Some(soa) = records.iter_mut().find(|it| it.rtype == SOA)
        {
            let at = soa.rdata.len() - 20;
            let next = self::serial(soa).wrapping_add(step).to_be_bytes();
            soa.rdata[at..at + 4].copy_from_slice(&next);
        }
    }

    fn add(&self, records: &mut Vec<Entry>, mut entry: Entry, replaced: &mut Vec<(String, u16)>) {
        let of_set = |it: &Entry| it.owner == entry.owner && it.rtype == entry.rtype;
        let at_name = records.iter().filter(|it| it.owner == entry.owner);
        if at_name
            .clone()
            .any(|it| (it.rtype == CNAME) != (entry.rtype == CNAME))
        {
            return;
        }
        if entry.rtype == SOA {
            let present = records.iter().find(|it| of_set(it)).map_or(0, serial);
            if serial(&entry).wrapping_sub(present).wrapping_sub(1) >= 1 << 31 {
                return;
            }
        }
        let set = (entry.owner.clone(), entry.rtype);
        let is_first = self.replaces && !replaced.contains(&set);
        if is_first || [SOA, CNAME].contains(&entry.rtype) {
            records.retain(|it| !of_set(it));
        }
        replaced.push(set);
        entry.ttl = entry.ttl.clamp(*self.ttls.start(), *self.ttls.end());
        records.retain(|it| !of_set(it) || it.rdata != entry.rdata);
        for other in records.iter_mut().filter(|it| of_set(it)) {
            other.ttl = entry.ttl;
        }
        records.push(entry);
    }
}

fn serial(soa: &Entry) -> u32 {
    let at = soa.rdata.len() - 20;
    u32::from_be_bytes(soa.rdata[at..at + 4].try_into().expect("four octets"))
}

pub(crate) fn is_at_or_below(name: &str, zone: &str) -> bool {
    name == zone || name.ends_with(&format!(".{zone}"))
}
