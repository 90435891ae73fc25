//! One zone of a payload: its name, its SOA and its records.

use super::command::{Payload, Verb};
use super::consistency::{Given, settle};
use super::json::{
    ZoneCommand, elements, is_null, members, number, optional, required, shape, wrong_shape,
};
use super::name::{parse_mailbox, parse_name};
use super::problem::{Fault, NoteKind, ProblemKind, Shape};
use super::record::parse_record;
use crate::model::{
    DesiredSoa, DesiredZone, Intent, Name, RrSets, Serial, TTL_MAX, ZoneName, ZoneSource,
};

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
        let records = match shape(rr) {
            Shape::Array => {
                let mut all = Vec::new();
                // The grammar was checked at the root.
                elements(rr, |_, record| all.push(record))
                    .map_err(|_| ProblemKind::BadString)
                    .map(|()| Records::Array(all))
            }
            Shape::Object => Ok(Records::One(rr)),
            Shape::Text | Shape::Boolean | Shape::Number | Shape::Null => {
                Err(wrong_shape(Shape::Array, rr))
            }
        };
        let records = records.and_then(Records::limited);
        match records {
            Ok(records) => self.desire(place, verb, name, soa, records),
            Err(kind) => self.problem(place, Some(&name), kind.at("zone.rr", rr)),
        }
        Ok(())
    }

    /// The same, where the command was taken apart in one go.
    ///
    /// # Errors
    /// Where not even its name is known.
    pub(super) fn read_ordinary_zone(
        &mut self,
        place: &str,
        verb: Verb,
        command: ZoneCommand<'_>,
    ) -> Result<(), Fault> {
        let [name, soa] = command.zone;
        let name = zone_name(name)?;
        self.desire(place, verb, name, soa, Records::Array(command.rr));
        Ok(())
    }

    fn desire(
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

    /// The records of `rr`; what is wrong with one of them is reported and the record left out.
    fn read_records(
        &mut self,
        place: &str,
        zone: &ZoneName,
        ttl: u32,
        records: Records<'_>,
    ) -> RrSets {
        let mut given = Vec::new();
        let (mut faults, mut notes) = (Vec::new(), Vec::new());
        let (texts, is_array) = match records {
            Records::Array(texts) => (texts, true),
            Records::One(text) => (vec![text], false),
        };
        for (index, text) in texts.into_iter().enumerate() {
            match parse_record(text, zone, ttl) {
                Ok(Some((record, note))) => {
                    given.push(Given { index, record });
                    notes.extend(note.map(|kind| (index, kind)));
                }
                Ok(None) => {}
                Err(fault) => faults.push((index, fault)),
            }
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
        RrSets::from_records(given.into_iter().map(|given| given.record))
    }
}

/// The records of a zone as they stand in `rr`.
enum Records<'a> {
    Array(Vec<&'a str>),
    /// One object in place of an array.
    One(&'a str),
}

impl Records<'_> {
    /// The same, if they are not too many.
    fn limited(self) -> Result<Self, ProblemKind> {
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
