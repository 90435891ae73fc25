//! Entries made records: owners, TTLs, classes and types, and the directives between them.

use std::io;

use super::cursor::{Cursor, Token};
use super::error::{Fault, MasterFileError, MasterFileErrorKind as Kind, excerpt, placed};
use super::generate::{Range, STEPS_MAX, expand};
use super::source::{ERRORS_MAX, FILE_OCTETS_MAX, INCLUDE_DEPTH_MAX, RECORDS_MAX, Source, text_of};
use crate::model::{Name, Rdata, RdataError, Record, RecordType, Soa, TTL_MAX, ZoneName};
use crate::zonefile::{
    RdataTextError, Word, can_be_empty, format_type, has_service_params, parse_period, parse_type,
    read_rdata,
};

/// What was read so far, and what the next entry means by it.
pub(super) struct Reader<'z, I> {
    zone: &'z ZoneName,
    include: I,
    origin: Name,
    /// The owner that a line without one means.
    owner: Option<Name>,
    /// What `$TTL` says, or else the minimum of an SOA without a TTL, as BIND takes it.
    default_ttl: Option<u32>,
    /// The TTL that was stated last (RFC 1035 section 5.1).
    stated_ttl: Option<u32>,
    octets: usize,
    records: Vec<Record>,
    soa: Option<Rdata>,
    errors: Vec<MasterFileError>,
    /// Nothing more is read.
    is_stopped: bool,
}

/// What stands before the data of a record.
struct Head {
    ttl: Option<u32>,
    rtype: RecordType,
}

impl<'z, I: FnMut(&str, &str) -> io::Result<Source>> Reader<'z, I> {
    pub(super) fn new(zone: &'z ZoneName, include: I) -> Self {
        Self {
            zone,
            include,
            origin: zone.apex().clone(),
            owner: None,
            default_ttl: None,
            stated_ttl: None,
            octets: 0,
            records: Vec::new(),
            soa: None,
            errors: Vec::new(),
            is_stopped: false,
        }
    }

    /// Reads a file with all that it includes.
    pub(super) fn read(&mut self, source: &Source) {
        self.read_file(source, 0);
    }

    /// The records, or what is wrong.
    pub(super) fn finish(self) -> Result<Vec<Record>, Vec<MasterFileError>> {
        if self.errors.is_empty() {
            Ok(self.records)
        } else {
            Err(self.errors)
        }
    }

    fn read_file(&mut self, source: &Source, depth: usize) {
        if let Err(kind) = self.count(source.octets.len()) {
            return self.error(Fault { at: 0, kind }, &source.name, "");
        }
        let text = text_of(&source.octets);
        let mut cursor = Cursor::new(&text);
        while !self.is_stopped
            && let Some(is_blank) = cursor.begin()
        {
            let read = self.read_entry(&mut cursor, is_blank, &source.name, depth);
            cursor.end(read.is_err());
            if let Err(fault) = read {
                self.error(fault, &source.name, &text);
            }
        }
    }

    /// Counts text that is read, or that a `$GENERATE` stands for.
    fn count(&mut self, octets: usize) -> Result<(), Kind> {
        self.octets = self.octets.saturating_add(octets);
        let limit = FILE_OCTETS_MAX;
        if self.octets > limit {
            return Err(Kind::TooLarge { limit });
        }
        Ok(())
    }

    fn error(&mut self, fault: Fault, file: &str, text: &str) {
        self.is_stopped |= fault.kind.ends_reading() || self.errors.len() + 1 == ERRORS_MAX;
        self.errors.push(placed(fault, file, text));
    }

    fn read_entry(
        &mut self,
        cursor: &mut Cursor<'_>,
        is_blank: bool,
        file: &str,
        depth: usize,
    ) -> Result<(), Fault> {
        let Some(mut token) = cursor.next(false)? else {
            return Ok(());
        };
        if !is_blank {
            if token.word.text.starts_with('$') && !token.word.quoted {
                return self.read_directive(token, cursor, file, depth);
            }
            self.owner = Some(self.name(token)?);
            token = cursor
                .next(false)?
                .ok_or_else(|| fault(cursor.offset(), Kind::NoType))?;
        }
        let start = token.at;
        let head = read_head(token, cursor)?;
        let rdata = self.read_data(head.rtype, cursor)?;
        let owner = self.owner.clone();
        let owner = owner.ok_or_else(|| fault(start, Kind::NoOwner))?;
        let ttl = self
            .ttl(&head, &rdata)
            .ok_or_else(|| fault(start, Kind::NoTtl))?;
        if head.ttl.is_some() {
            self.stated_ttl = head.ttl;
        }
        let record = Record {
            owner,
            rtype: head.rtype,
            ttl,
            rdata,
        };
        self.add(record).map_err(|kind| fault(start, kind))
    }

    /// The data, to the end of the entry.
    fn read_data(&self, rtype: RecordType, cursor: &mut Cursor<'_>) -> Result<Rdata, Fault> {
        let pairs = has_service_params(rtype);
        let mut words: Vec<Word<'_>> = Vec::new();
        let mut places = Vec::new();
        while let Some(token) = cursor.next(pairs)? {
            words.push(token.word);
            places.push(token.at);
        }
        let read = read_rdata(rtype, words, &self.origin).map_err(|(index, error)| {
            let at = places.get(index).copied();
            fault(at.unwrap_or(cursor.offset()), error.into())
        });
        // `\# 0`: the form is right, and no server takes it.
        if read.as_ref().is_ok_and(|it| it.as_wire().is_empty()) && !can_be_empty(rtype) {
            let error = RdataTextError::from(RdataError::Short);
            return Err(fault(cursor.offset(), error.into()));
        }
        read
    }

    /// The TTL of a record: its own, the default, or that of the record before; an SOA has its minimum in
    /// place of a default, for itself and for all that follow (BIND does so).
    fn ttl(&mut self, head: &Head, rdata: &Rdata) -> Option<u32> {
        let minimum = || {
            let soa = (head.rtype == RecordType::SOA).then(|| Soa::from_rdata(rdata).ok())??;
            Some(soa.minimum.min(TTL_MAX))
        };
        let known = head.ttl.or(self.default_ttl).or(self.stated_ttl);
        known.or_else(|| {
            self.default_ttl = minimum();
            self.default_ttl
        })
    }

    fn name(&self, token: Token<'_>) -> Result<Name, Fault> {
        Name::relative(token.word.text, &self.origin).map_err(|source| {
            let word = excerpt(token.word.text);
            fault(token.at, Kind::BadName { word, source })
        })
    }

    fn add(&mut self, record: Record) -> Result<(), Kind> {
        let apex = self.zone.apex();
        if !record.owner.is_at_or_below(apex) {
            return Err(Kind::OutOfZone {
                owner: record.owner,
                zone: self.zone.clone(),
            });
        }
        let is_apex = record.owner == *apex;
        if record.rtype == RecordType::SOA {
            if !is_apex {
                let owner = record.owner;
                return Err(Kind::SoaBelowApex { owner });
            }
            match &self.soa {
                // What dig prints of a transfer ends with the SOA that it began with.
                Some(soa) if *soa == record.rdata => return Ok(()),
                Some(_) => return Err(Kind::SecondSoa),
                None => self.soa = Some(record.rdata.clone()),
            }
        }
        if record.rtype == RecordType::DS && is_apex {
            return Err(Kind::DsAtApex);
        }
        if self.records.len() == RECORDS_MAX {
            let limit = RECORDS_MAX;
            return Err(Kind::TooManyRecords { limit });
        }
        self.records.push(record);
        Ok(())
    }

    fn read_directive<'a>(
        &mut self,
        word: Token<'a>,
        cursor: &mut Cursor<'a>,
        file: &str,
        depth: usize,
    ) -> Result<(), Fault> {
        let is = |directive: &str| word.word.text.eq_ignore_ascii_case(directive);
        if is("$ORIGIN") {
            let token = need(cursor, "$ORIGIN", "a name")?;
            over(cursor, "$ORIGIN")?;
            self.origin = self.name(token)?;
            return Ok(());
        }
        if is("$TTL") {
            let token = need(cursor, "$TTL", "a period")?;
            over(cursor, "$TTL")?;
            self.default_ttl = Some(read_ttl(token)?);
            return Ok(());
        }
        if is("$INCLUDE") {
            return self.include(cursor, file, depth);
        }
        if is("$GENERATE") {
            return self.generate(cursor);
        }
        let text = excerpt(word.word.text);
        Err(fault(word.at, Kind::UnknownDirective { word: text }))
    }

    /// Reads another file; the origin and the owner are then what they were before (RFC 1035 section 5.1).
    fn include(&mut self, cursor: &mut Cursor<'_>, file: &str, depth: usize) -> Result<(), Fault> {
        let token = need(cursor, "$INCLUDE", "a file")?;
        let origin = cursor.next(false)?;
        let origin = origin.map(|origin| self.name(origin)).transpose()?;
        over(cursor, "$INCLUDE")?;
        if depth == INCLUDE_DEPTH_MAX {
            let limit = INCLUDE_DEPTH_MAX;
            return Err(fault(token.at, Kind::IncludeTooDeep { limit }));
        }
        let name = token.word.text;
        let source = (self.include)(name, file).map_err(|source| {
            let name = excerpt(name);
            fault(token.at, Kind::Include { name, source })
        })?;
        let before = (self.origin.clone(), self.owner.clone());
        if let Some(origin) = origin {
            self.origin = origin;
        }
        self.read_file(&source, depth + 1);
        (self.origin, self.owner) = before;
        Ok(())
    }

    /// Makes a record for each number of a range.
    fn generate(&mut self, cursor: &mut Cursor<'_>) -> Result<(), Fault> {
        const DIRECTIVE: &str = "$GENERATE";
        let range_token = need(cursor, DIRECTIVE, "a range")?;
        let owner = need(cursor, DIRECTIVE, "an owner")?;
        let first = need(cursor, DIRECTIVE, "a type")?;
        let head = read_head(first, cursor)?;
        let data = need(cursor, DIRECTIVE, "data")?;
        over(cursor, DIRECTIVE)?;
        let text = range_token.word.text;
        let range = Range::parse(text).ok_or_else(|| {
            let word = excerpt(text);
            fault(range_token.at, Kind::BadRange { word })
        })?;
        let steps = range.steps();
        if steps > STEPS_MAX {
            return Err(fault(range_token.at, Kind::LongRange { steps }));
        }
        let pattern = data.word.text.replace("\\\"", "\"");
        let pattern = if data.word.quoted {
            &pattern
        } else {
            data.word.text
        };
        if head.ttl.is_some() {
            self.stated_ttl = head.ttl;
        }
        for number in range.numbers() {
            let owner_text = expanded(owner, owner.word.text, number)?;
            let name = Name::relative(&owner_text, &self.origin).map_err(|source| {
                let word = excerpt(&owner_text);
                fault(owner.at, Kind::BadName { word, source })
            })?;
            let text = expanded(data, pattern, number)?;
            self.count(owner_text.len() + text.len())
                .map_err(|kind| fault(range_token.at, kind))?;
            let rdata = self.read_data(head.rtype, &mut Cursor::new(&text));
            let rdata = rdata.map_err(|found| fault(data.at, found.kind))?;
            let ttl = self.ttl(&head, &rdata);
            let ttl = ttl.ok_or_else(|| fault(first.at, Kind::NoTtl))?;
            let record = Record {
                owner: name,
                rtype: head.rtype,
                ttl,
                rdata,
            };
            self.add(record).map_err(|kind| fault(owner.at, kind))?;
        }
        Ok(())
    }
}

/// The TTL and the class, in either order and each only where it is given, and the type.
fn read_head<'a>(first: Token<'a>, cursor: &mut Cursor<'a>) -> Result<Head, Fault> {
    let (mut ttl, mut has_class) = (None, false);
    let mut token = first;
    loop {
        let text = token.word.text;
        if !has_class && let Some(is_served) = class(text) {
            if !is_served {
                let word = excerpt(text);
                return Err(fault(token.at, Kind::OtherClass { word }));
            }
            has_class = true;
        } else if ttl.is_none() && text.starts_with(|first: char| first.is_ascii_digit()) {
            ttl = Some(read_ttl(token)?);
        } else {
            break;
        }
        let next = cursor.next(false)?;
        token = next.ok_or_else(|| fault(cursor.offset(), Kind::NoType))?;
    }
    let text = token.word.text;
    let rtype = parse_type(text).filter(|_| !token.word.quoted);
    let rtype = rtype.ok_or_else(|| {
        let word = excerpt(text);
        fault(token.at, Kind::UnknownType { word })
    })?;
    if is_meta(rtype) {
        let rtype = format_type(rtype);
        return Err(fault(token.at, Kind::MetaType { rtype }));
    }
    Ok(Head { ttl, rtype })
}

fn fault(at: usize, kind: Kind) -> Fault {
    Fault { at, kind }
}

/// The next word of a directive that needs one.
fn need<'a>(
    cursor: &mut Cursor<'a>,
    directive: &'static str,
    needed: &'static str,
) -> Result<Token<'a>, Fault> {
    let token = cursor.next(false)?;
    token.ok_or_else(|| {
        let kind = Kind::DirectiveShort { directive, needed };
        fault(cursor.offset(), kind)
    })
}

/// The end of a directive.
fn over(cursor: &mut Cursor<'_>, directive: &'static str) -> Result<(), Fault> {
    match cursor.next(false)? {
        None => Ok(()),
        Some(token) => {
            let word = excerpt(token.word.text);
            Err(fault(token.at, Kind::DirectiveLong { directive, word }))
        }
    }
}

fn expanded(token: Token<'_>, pattern: &str, number: u32) -> Result<String, Fault> {
    expand(pattern, number).ok_or_else(|| {
        let word = excerpt(token.word.text);
        fault(token.at, Kind::BadPattern { word })
    })
}

fn read_ttl(token: Token<'_>) -> Result<u32, Fault> {
    let text = token.word.text;
    let ttl = parse_period(text).filter(|ttl| *ttl <= TTL_MAX);
    ttl.ok_or_else(|| {
        let word = excerpt(text);
        fault(token.at, Kind::BadTtl { word })
    })
}

/// Whether a class is the one that is served; none where the text is no class.
fn class(text: &str) -> Option<bool> {
    let is = |word: &str| text.eq_ignore_ascii_case(word);
    if is("IN") {
        return Some(true);
    }
    if is("CH") || is("CHAOS") || is("HS") || is("HESIOD") || is("CS") {
        return Some(false);
    }
    let (prefix, digits) = text.split_at_checked(5)?;
    let is_number = !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit());
    // RFC 3597 section 5.
    (prefix.eq_ignore_ascii_case("CLASS") && is_number).then(|| digits.parse() == Ok(1_u16))
}

/// Whether there can be no record of a type: questions, OPT and the like (RFC 6895 section 3.1).
fn is_meta(rtype: RecordType) -> bool {
    matches!(rtype.0, 0 | 41 | 128..=255)
}
