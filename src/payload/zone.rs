//! Parses one zone of a payload: its name, its SOA and its records.

use super::command::{Payload, Verb};
use super::consistency::{IndexedRecord, remove_conflicts};
use super::json::{
    ZoneCommand, elements, is_null, members, number, optional, required, shape, wrong_shape,
};
use super::name::{parse_mailbox, parse_name};
use super::problem::{Fault, NoteKind, ProblemKind, Shape};
use super::record::parse_record;
use crate::model::{
    DesiredSoa, DesiredZone, Intent, Name, RrSets, Serial, TTL_MAX, ZoneName, ZoneSource,
};

/// Most records in a zone, because the plan holds each in memory several times.
pub const ZONE_RECORDS_MAX: usize = 500_000;
/// TTL of records if neither they nor the SOA give one, in seconds: a day.
const DEFAULT_TTL_SECONDS: u32 = 86_400;

impl Payload {
    /// Reads the zone of a `create` or `update`, level by level.
    ///
    /// # Errors
    /// A fault if not even the zone's name is known.
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
        let records = match shape(rr) {
            Shape::Array => {
                let mut all = Vec::new();
                // `parse` has checked the grammar of the whole payload.
                elements(rr, |_, record| all.push(record))
                    .map_err(|_| ProblemKind::BadString)
                    .map(|()| Records::Array(all))
            }
            Shape::Object => Ok(Records::One(rr)),
            Shape::Text | Shape::Boolean | Shape::Number | Shape::Null => {
                Err(wrong_shape(Shape::Array, rr))
            }
        };
        let records = records.and_then(Records::check_count);
        match records {
            Ok(records) => self.add_zone(place, verb, name, soa, records),
            Err(kind) => self.problem(place, Some(&name), kind.at("zone.rr", rr)),
        }
        Ok(())
    }

    /// Reads the zone of a `create` or `update` that was parsed in one pass.
    ///
    /// # Errors
    /// A fault if not even the zone's name is known.
    pub(super) fn read_ordinary_zone(
        &mut self,
        place: &str,
        verb: Verb,
        command: ZoneCommand<'_>,
    ) -> Result<(), Fault> {
        let [name, soa] = command.zone;
        let name = zone_name(name)?;
        self.add_zone(place, verb, name, soa, Records::Array(command.rr));
        Ok(())
    }

    fn add_zone(
        &mut self,
        place: &str,
        verb: Verb,
        name: ZoneName,
        soa: Option<&str>,
        records: Records<'_>,
    ) {
        let soa = self.read_soa(place, &name, soa);
        let ttl = soa.ttl.unwrap_or(DEFAULT_TTL_SECONDS);
        let records = self.read_records(place, &name, ttl, records);
        self.command(
            place,
            verb,
            Intent::Zone(DesiredZone {
                name,
                soa,
                records,
                source: ZoneSource::Call,
            }),
        );
    }

    /// Reads a `delete`.
    ///
    /// # Errors
    /// A fault if the zone's name is not known.
    pub(super) fn read_deletion(&mut self, place: &str, zone: Option<&str>) -> Result<(), Fault> {
        let [name] = zone_members(zone, ["name"])?;
        self.command(place, Verb::Delete, Intent::ZoneAbsent(zone_name(name)?));
        Ok(())
    }

    /// Reads the fields of the SOA. A field that is missing or invalid is `None`.
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

    /// Reads the records of `rr`; an invalid one is reported and skipped.
    fn read_records(
        &mut self,
        place: &str,
        zone: &ZoneName,
        ttl: u32,
        records: Records<'_>,
    ) -> RrSets {
        let mut valid = Vec::new();
        let (mut faults, mut notes) = (Vec::new(), Vec::new());
        let (texts, is_array) = match records {
            Records::Array(texts) => (texts, true),
            Records::One(text) => (vec![text], false),
        };
        for (index, text) in texts.into_iter().enumerate() {
            match parse_record(text, zone, ttl) {
                Ok(Some((record, note))) => {
                    valid.push(IndexedRecord { index, record });
                    notes.extend(note.map(|kind| (index, kind)));
                }
                Ok(None) => {}
                Err(fault) => faults.push((index, fault)),
            }
        }

        remove_conflicts(&mut valid, zone, &mut faults, &mut notes);
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
        RrSets::from_records(valid.into_iter().map(|valid| valid.record))
    }
}

/// The member `rr` of a zone.
enum Records<'a> {
    Array(Vec<&'a str>),
    /// One object instead of an array.
    One(&'a str),
}

impl Records<'_> {
    /// Rejects the records if they are more than [`ZONE_RECORDS_MAX`].
    fn check_count(self) -> Result<Self, ProblemKind> {
        match &self {
            Self::Array(texts) if texts.len() > ZONE_RECORDS_MAX => {
                Err(ProblemKind::TooManyRecords {
                    records: texts.len(),
                    limit: ZONE_RECORDS_MAX,
                })
            }
            Self::Array(_) | Self::One(_) => Ok(self),
        }
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
    let with_key = |mut fault: Fault| {
        fault.key = Some("zone.name");
        fault
    };
    let text = required("name", member).map_err(with_key)?;
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
