//! One zone of a payload: its name, its SOA and its records.

use super::command::{Payload, Verb};
use super::consistency::{Given, settle};
use super::json::{elements, is_null, members, number, optional, required, shape, wrong_shape};
use super::name::{parse_mailbox, parse_name};
use super::problem::{Fault, NoteKind, ProblemKind, Shape};
use super::record::parse_record;
use crate::model::{DesiredSoa, DesiredZone, Intent, Name, RrSets, Serial, TTL_MAX, ZoneName};

/// Most records in a zone: the plan holds them in memory several times over.
pub const ZONE_RECORDS_MAX: usize = 500_000;
/// The TTL of records where neither they nor the SOA give one, in seconds: a day.
const DEFAULT_TTL_SECONDS: u32 = 86_400;

impl Payload {
    /// A command about a zone that shall look like this.
    ///
    /// # Errors
    /// Where not even its name is known.
    pub(super) fn read_zone(
        &mut self,
        place: &str,
        verb: Verb,
        zone: Option<&str>,
    ) -> Result<(), Fault> {
        let [name, soa, rr] = zone_members(zone, ["name", "soa", "rr"])?;
        let name = zone_name(name)?;
        let Some(rr) = rr.filter(|rr| !is_null(rr)) else {
            self.note(place, Some(&name), NoteKind::NoRecords);
            return Ok(());
        };
        let soa = self.read_soa(place, &name, soa);
        let ttl = soa.ttl.unwrap_or(DEFAULT_TTL_SECONDS);
        match self.read_records(place, &name, ttl, rr) {
            Ok(records) => {
                let desired = DesiredZone { name, soa, records };
                self.command(place, verb, Intent::Zone(desired));
            }
            Err(kind) => self.problem(place, Some(&name), kind.at("zone.rr", rr)),
        }
        Ok(())
    }

    /// A command about a zone that shall be gone.
    ///
    /// # Errors
    /// Where its name is not known.
    pub(super) fn read_gone(&mut self, place: &str, zone: Option<&str>) -> Result<(), Fault> {
        let [name] = zone_members(zone, ["name"])?;
        self.command(place, Verb::Delete, Intent::ZoneGone(zone_name(name)?));
        Ok(())
    }

    /// The fields of the SOA; one that is missing or wrong is not given.
    fn read_soa(&mut self, place: &str, zone: &ZoneName, soa: Option<&str>) -> DesiredSoa {
        let Some(text) = soa.filter(|soa| !is_null(soa)) else {
            return DesiredSoa::default();
        };
        let place = &format!("{place}.zone.soa");
        let keys = [
            "email", "ttl", "refresh", "retry", "expire", "minimum", "serial",
        ];
        let [email, ttl, refresh, retry, expire, minimum, serial] = match members(text, keys) {
            Ok(found) => found,
            Err(kind) => {
                self.problem(place, Some(zone), kind.of(text));
                return DesiredSoa::default();
            }
        };
        let mut seconds = |key, member| {
            let seconds = number(key, member, TTL_MAX);
            self.or_problem(place, zone, seconds)
        };
        DesiredSoa {
            mname: None,
            ttl: seconds("ttl", ttl),
            refresh: seconds("refresh", refresh),
            retry: seconds("retry", retry),
            expire: seconds("expire", expire),
            minimum: seconds("minimum", minimum),
            serial: self
                .or_problem(place, zone, number("serial", serial, u32::MAX))
                .map(Serial),
            rname: self.or_problem(place, zone, mailbox(email)),
        }
    }

    fn or_problem<T>(
        &mut self,
        place: &str,
        zone: &ZoneName,
        value: Result<Option<T>, Fault>,
    ) -> Option<T> {
        value.unwrap_or_else(|fault| {
            self.problem(place, Some(zone), fault);
            None
        })
    }

    /// The records of `rr`, an array of them or a single one; what is wrong with one of them is
    /// reported and the record left out.
    ///
    /// # Errors
    /// What is wrong with `rr` as a whole; then nothing is reported.
    fn read_records(
        &mut self,
        place: &str,
        zone: &ZoneName,
        ttl: u32,
        rr: &str,
    ) -> Result<RrSets, ProblemKind> {
        let mut records = 0;
        let mut given = Vec::new();
        let (mut faults, mut notes) = (Vec::new(), Vec::new());
        let mut read = |index: usize, text| {
            records = index + 1;
            if records > ZONE_RECORDS_MAX {
                return;
            }
            match parse_record(text, zone, ttl) {
                Ok(Some((record, note))) => {
                    given.push(Given { index, record });
                    notes.extend(note.map(|kind| (index, kind)));
                }
                Ok(None) => {}
                Err(fault) => faults.push((index, fault)),
            }
        };
        let is_array = shape(rr) == Shape::Array;
        if is_array {
            // The grammar was checked at the root.
            elements(rr, read).map_err(|_| ProblemKind::BadString)?;
        } else if shape(rr) == Shape::Object {
            read(0, rr);
        } else {
            return Err(wrong_shape(Shape::Array, rr));
        }
        if records > ZONE_RECORDS_MAX {
            return Err(ProblemKind::TooManyRecords {
                records,
                limit: ZONE_RECORDS_MAX,
            });
        }

        settle(&mut given, zone, &mut faults, &mut notes);
        let place_of = |index: usize| {
            if is_array {
                format!("{place}.zone.rr[{index}]")
            } else {
                format!("{place}.zone.rr")
            }
        };
        faults.sort_by_key(|(index, _)| *index);
        for (index, fault) in faults {
            self.problem(&place_of(index), Some(zone), fault);
        }
        notes.sort_by_key(|(index, _)| *index);
        for (index, kind) in notes {
            self.note(&place_of(index), Some(zone), kind);
        }
        Ok(RrSets::from_records(
            given.into_iter().map(|given| given.record),
        ))
    }
}

fn zone_members<'a, const N: usize>(
    zone: Option<&'a str>,
    keys: [&'static str; N],
) -> Result<[Option<&'a str>; N], Fault> {
    let zone = zone
        .filter(|zone| !is_null(zone))
        .ok_or_else(|| ProblemKind::Missing { key: "zone" }.at("zone", ""))?;
    members(zone, keys).map_err(|kind| kind.at("zone", zone))
}

fn zone_name(member: Option<&str>) -> Result<ZoneName, Fault> {
    let wrong = |mut fault: Fault| {
        fault.key = Some("zone.name");
        fault
    };
    let text = required("name", member).map_err(wrong)?;
    let apex = parse_name(&text)
        .map_err(|error| ProblemKind::BadZoneName(error).at("zone.name", &text))?;
    if apex.is_root() {
        return Err(ProblemKind::RootZone.at("zone.name", &text));
    }
    Ok(ZoneName::new(&apex))
}

fn mailbox(member: Option<&str>) -> Result<Option<Name>, Fault> {
    let text = optional("email", member)?.unwrap_or_default();
    if text.trim_ascii().is_empty() {
        return Ok(None);
    }
    let name = parse_mailbox(&text);
    name.map(Some)
        .map_err(|error| ProblemKind::BadMailbox(error).at("email", &text))
}
