//! Parses one zone of a payload: its name, its SOA and its records.

use super::command::{Payload, Verb};
use super::consistency::{IndexedRecord, remove_conflicts};
use super::json::{
    RECORD_KEYS, RecordMembers, ZoneCommand, elements, is_null, members, number, optional,
    parse_digits, required, shape, wrong_shape,
};
use super::name::{parse_mailbox, parse_name};
use super::problem::{Fault, NoteKind, ProblemKind, Shape, excerpt};
use super::record::{parse_record, record_name, rejected_record};
use crate::model::{
    AbsentZone, DesiredSoa, DesiredZone, Intent, Name, RejectedRecords, RrSets, Serial, TTL_MAX,
    Trust, ZoneName, ZoneSource,
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
                let mut records = Records::array(Vec::new());
                // `parse` has checked the grammar of the whole payload.
                elements(rr, |_, record| records.push(record))
                    .map_err(|_| ProblemKind::BadString)
                    .map(|()| records)
            }
            Shape::Object => {
                let mut records = Records::array(Vec::new());
                records.push(rr);
                let is_array = false;
                Ok(Records {
                    is_array,
                    ..records
                })
            }
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
        self.add_zone(place, verb, name, soa, Records::array(command.rr));
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
        if let Some(kind) = not_served(soa) {
            self.note(place, Some(&name), kind);
            return;
        }
        let soa = self.read_soa(place, &name, soa);
        let ttl = soa.ttl.unwrap_or(DEFAULT_TTL_SECONDS);
        let (records, rejected) = self.read_records(place, &name, ttl, records);
        self.command(
            place,
            verb,
            Intent::Zone(DesiredZone {
                name,
                soa,
                records,
                rejected,
                source: ZoneSource::Call,
                trust: Trust::Panel,
            }),
        );
    }

    /// Reads a `delete`.
    ///
    /// # Errors
    /// A fault if the zone's name is not known.
    pub(super) fn read_deletion(&mut self, place: &str, zone: Option<&str>) -> Result<(), Fault> {
        let [name] = zone_members(zone, ["name"])?;
        let zone = AbsentZone {
            name: zone_name(name)?,
            trust: Trust::Panel,
            moved_from: None,
        };
        self.command(place, Verb::Delete, Intent::ZoneAbsent(zone));
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

    /// Reads the records of `rr`; an invalid one is reported and rejected.
    fn read_records(
        &mut self,
        place: &str,
        zone: &ZoneName,
        ttl: u32,
        records: Records<'_>,
    ) -> (RrSets, RejectedRecords) {
        let Records {
            all,
            faults: unreadable,
            is_array,
        } = records;
        let mut valid = Vec::with_capacity(all.len());
        let (mut faults, mut ttl_faults, mut notes) = (Vec::new(), Vec::new(), Vec::new());
        let mut unreadable = unreadable.into_iter().peekable();
        for (index, members) in all.iter().enumerate() {
            if let Some(fault) = unreadable.next_if(|(at, _)| *at == index) {
                faults.push(fault);
                continue;
            }
            match parse_record(*members, zone, ttl) {
                Ok(Some(parsed)) => {
                    let record = parsed.record;
                    valid.push(IndexedRecord { index, record });
                    notes.extend(parsed.note.map(|kind| (index, kind)));
                    ttl_faults.extend(parsed.ttl_fault.map(|fault| (index, fault)));
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
        let rejected = faults.iter();
        let rejected = rejected.map(|(index, _)| rejected_record(all[*index], zone));
        let rejected = rejected.collect();
        faults.append(&mut ttl_faults);
        faults.sort_by_key(|(index, _)| *index);
        for (index, fault) in faults {
            self.problem(&place_of(index), Some(zone), fault);
            if let Some(problem) = self.problems.last_mut() {
                problem.record = record_name(all[index]);
            }
        }
        notes.sort_by_key(|(index, _)| *index);
        for (index, kind) in notes {
            self.note(&place_of(index), Some(zone), kind);
            if let Some(note) = self.notes.last_mut() {
                note.record = record_name(all[index]);
            }
        }
        let records = RrSets::from_records(valid.into_iter().map(|valid| valid.record));
        (records, rejected)
    }
}

/// The member `rr` of a zone.
struct Records<'a> {
    /// The members of each record; none of one that cannot be read.
    all: Vec<RecordMembers<'a>>,
    /// The faults of those that cannot be read, in the order of their indexes.
    faults: Vec<(usize, Fault)>,
    /// It is an array, not one object in place of it.
    is_array: bool,
}

impl<'a> Records<'a> {
    fn array(all: Vec<RecordMembers<'a>>) -> Self {
        Self {
            all,
            faults: Vec::new(),
            is_array: true,
        }
    }

    fn push(&mut self, text: &'a str) {
        let members = members(text, RECORD_KEYS).unwrap_or_else(|kind| {
            self.faults.push((self.all.len(), kind.of(text)));
            RecordMembers::default()
        });
        self.all.push(members);
    }

    /// Rejects the records if they are more than [`ZONE_RECORDS_MAX`].
    fn check_count(self) -> Result<Self, ProblemKind> {
        let records = self.all.len();
        if records > ZONE_RECORDS_MAX {
            let limit = ZONE_RECORDS_MAX;
            return Err(ProblemKind::TooManyRecords { records, limit });
        }
        Ok(self)
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

/// Returns why the SOA says that this server is not to serve the zone as its primary. `None` if it says no such thing.
fn not_served(soa: Option<&str>) -> Option<NoteKind> {
    let [rtype, status] = members(soa?, ["type", "status"]).ok()?;
    let text = |key, member: Option<&str>| match optional(key, member) {
        Ok(text) => text.unwrap_or_default().trim_ascii().to_owned(),
        Err(fault) => fault.text,
    };
    let rtype = text("type", rtype);
    if !rtype.is_empty() && !rtype.eq_ignore_ascii_case("master") {
        let rtype = excerpt(&rtype);
        return Some(NoteKind::NotMaster { rtype });
    }
    let status = text("status", status);
    if !status.is_empty() && parse_digits(&status) != Some(0_u32) {
        let status = excerpt(&status);
        return Some(NoteKind::SwitchedOff { status });
    }
    None
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
