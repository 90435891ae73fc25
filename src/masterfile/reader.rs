//! Reads the entries of a master file: records with their owner names, TTLs, classes and types, and
//! directives.

use std::io;

use super::cursor::{Cursor, Token};
use super::error::{ErrorAt, MasterFileError, MasterFileErrorKind as Kind, excerpt, locate};
use super::generate::{Range, STEPS_MAX, expand};
use super::source::{ERRORS_MAX, FILE_OCTETS_MAX, INCLUDE_DEPTH_MAX, RECORDS_MAX, Source, decode};
use crate::model::{Name, Rdata, Record, RecordType, Soa, TTL_MAX, ZoneName};
use crate::zonefile::{
    RdataTextError, Word, format_type, has_service_params, parse_date, parse_period, parse_type,
    read_rdata,
};

/// The records so far, and the state on which the next entry depends.
pub(super) struct Reader<'z, I> {
    zone: &'z ZoneName,
    include: I,
    origin: Name,
    /// The owner name of a line without one.
    owner: Option<Name>,
    /// The TTL of `$TTL`. BIND: without `$TTL`, the minimum of an SOA that has no TTL.
    default_ttl: Option<u32>,
    /// The last TTL that a record stated (RFC 1035 section 5.1).
    stated_ttl: Option<u32>,
    /// The octets of the text that was read or generated so far.
    octets: usize,
    records: Vec<Record>,
    soa: Option<Rdata>,
    errors: Vec<MasterFileError>,
    is_stopped: bool,
}

/// The fields between the owner name and the data of a record.
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

    /// Reads a file with the files that it includes.
    pub(super) fn read(&mut self, source: &Source) {
        self.read_file(source, 0);
    }

    /// Returns the records, or the errors if there are any.
    pub(super) fn finish(self) -> Result<Vec<Record>, Vec<MasterFileError>> {
        if self.errors.is_empty() {
            Ok(self.records)
        } else {
            Err(self.errors)
        }
    }

    fn read_file(&mut self, source: &Source, depth: usize) {
        if let Err(kind) = self.count_octets(source.octets.len()) {
            return self.add_error(error_at(0, kind), &source.name, "");
        }
        let text = decode(&source.octets);
        let mut cursor = Cursor::new(&text);
        while !self.is_stopped
            && let Some(is_blank) = cursor.begin_entry()
        {
            let read = self.read_entry(&mut cursor, is_blank, &source.name, depth);
            cursor.end_entry(read.is_err());
            if let Err(error) = read {
                self.add_error(error, &source.name, &text);
            }
        }
    }

    /// Counts text that was read or generated, and checks the limit.
    fn count_octets(&mut self, octets: usize) -> Result<(), Kind> {
        self.octets = self.octets.saturating_add(octets);
        let limit = FILE_OCTETS_MAX;
        if self.octets > limit {
            return Err(Kind::TooLarge { limit });
        }
        Ok(())
    }

    fn add_error(&mut self, error: ErrorAt, file: &str, text: &str) {
        self.is_stopped |= error.kind.ends_reading() || self.errors.len() + 1 == ERRORS_MAX;
        self.errors.push(locate(error, file, text));
    }

    fn read_entry(
        &mut self,
        cursor: &mut Cursor<'_>,
        is_blank: bool,
        file: &str,
        depth: usize,
    ) -> Result<(), ErrorAt> {
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
                .ok_or_else(|| error_at(cursor.offset(), Kind::NoType))?;
        }
        let start = token.at;
        let head = read_head(token, cursor)?;
        let rdata = self.read_data(head.rtype, cursor)?;
        let owner = self.owner.clone();
        let owner = owner.ok_or_else(|| error_at(start, Kind::NoOwner))?;
        let ttl = self
            .ttl(&head, &rdata)
            .ok_or_else(|| error_at(start, Kind::NoTtl))?;
        if head.ttl.is_some() {
            self.stated_ttl = head.ttl;
        }
        let record = Record {
            owner,
            rtype: head.rtype,
            ttl,
            rdata,
        };
        self.add(record).map_err(|kind| error_at(start, kind))
    }

    /// Reads the data up to the end of the entry.
    fn read_data(&self, rtype: RecordType, cursor: &mut Cursor<'_>) -> Result<Rdata, ErrorAt> {
        let has_params = has_service_params(rtype);
        let mut words: Vec<Word<'_>> = Vec::new();
        let mut offsets = Vec::new();
        while let Some(token) = cursor.next(has_params)? {
            words.push(token.word);
            offsets.push(token.at);
        }
        read_rdata(rtype, words, &self.origin).map_err(|(index, error)| {
            let at = offsets.get(index).copied();
            error_at(at.unwrap_or(cursor.offset()), Kind::Data(error))
        })
    }

    /// Returns the TTL of a record: its own, the default, or the last stated one. BIND: if there is
    /// none, the minimum of an SOA becomes the default, for the SOA and the records after it.
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

    fn name(&self, token: Token<'_>) -> Result<Name, ErrorAt> {
        Name::relative(token.word.text, &self.origin).map_err(|source| {
            let word = excerpt(token.word.text);
            error_at(token.at, Kind::BadName { word, source })
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
                // `dig` prints the SOA at both ends of a transfer.
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
    ) -> Result<(), ErrorAt> {
        let is = |directive: &str| word.word.text.eq_ignore_ascii_case(directive);
        if is("$ORIGIN") {
            let token = required_word(cursor, "$ORIGIN", "a name")?;
            expect_end(cursor, "$ORIGIN")?;
            self.origin = self.name(token)?;
            return Ok(());
        }
        if is("$TTL") {
            let token = required_word(cursor, "$TTL", "a period")?;
            expect_end(cursor, "$TTL")?;
            self.default_ttl = Some(read_ttl(token)?);
            return Ok(());
        }
        // BIND: the time of a dump, which counts only for the records of a cache.
        if is("$DATE") {
            let token = required_word(cursor, "$DATE", "a time")?;
            expect_end(cursor, "$DATE")?;
            return match parse_date(token.word.text) {
                Some(_) => Ok(()),
                None => Err(bad_date(token)),
            };
        }
        if is("$INCLUDE") {
            return self.include(cursor, file, depth);
        }
        if is("$GENERATE") {
            return self.generate(cursor);
        }
        let text = excerpt(word.word.text);
        Err(error_at(word.at, Kind::UnknownDirective { word: text }))
    }

    /// Reads another file, and then restores the origin and the owner name (RFC 1035 section 5.1).
    fn include(
        &mut self,
        cursor: &mut Cursor<'_>,
        file: &str,
        depth: usize,
    ) -> Result<(), ErrorAt> {
        let token = required_word(cursor, "$INCLUDE", "a file")?;
        let origin = cursor.next(false)?;
        let origin = origin.map(|origin| self.name(origin)).transpose()?;
        expect_end(cursor, "$INCLUDE")?;
        if depth == INCLUDE_DEPTH_MAX {
            let limit = INCLUDE_DEPTH_MAX;
            return Err(error_at(token.at, Kind::IncludeTooDeep { limit }));
        }
        let name = token.word.text;
        let source = (self.include)(name, file).map_err(|source| {
            let name = excerpt(name);
            error_at(token.at, Kind::Include { name, source })
        })?;
        let before = (self.origin.clone(), self.owner.clone());
        if let Some(origin) = origin {
            self.origin = origin;
        }
        self.read_file(&source, depth + 1);
        (self.origin, self.owner) = before;
        Ok(())
    }

    /// Adds a record for each number of a range.
    fn generate(&mut self, cursor: &mut Cursor<'_>) -> Result<(), ErrorAt> {
        const DIRECTIVE: &str = "$GENERATE";
        let range_token = required_word(cursor, DIRECTIVE, "a range")?;
        let owner = required_word(cursor, DIRECTIVE, "an owner")?;
        let first = required_word(cursor, DIRECTIVE, "a type")?;
        let head = read_head(first, cursor)?;
        let data = required_word(cursor, DIRECTIVE, "data")?;
        expect_end(cursor, DIRECTIVE)?;
        let text = range_token.word.text;
        let range = Range::parse(text).ok_or_else(|| {
            let word = excerpt(text);
            error_at(range_token.at, Kind::BadRange { word })
        })?;
        let steps = range.steps();
        if steps > STEPS_MAX {
            return Err(error_at(range_token.at, Kind::LongRange { steps }));
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
                error_at(owner.at, Kind::BadName { word, source })
            })?;
            let text = expanded(data, pattern, number)?;
            self.count_octets(owner_text.len() + text.len())
                .map_err(|kind| error_at(range_token.at, kind))?;
            let rdata = self.read_data(head.rtype, &mut Cursor::new(&text));
            let rdata = rdata.map_err(|error| error_at(data.at, error.kind))?;
            let ttl = self.ttl(&head, &rdata);
            let ttl = ttl.ok_or_else(|| error_at(first.at, Kind::NoTtl))?;
            let record = Record {
                owner: name,
                rtype: head.rtype,
                ttl,
                rdata,
            };
            self.add(record).map_err(|kind| error_at(owner.at, kind))?;
        }
        Ok(())
    }
}

/// Reads the optional TTL and class in either order, and the type.
fn read_head<'a>(first: Token<'a>, cursor: &mut Cursor<'a>) -> Result<Head, ErrorAt> {
    let (mut ttl, mut has_class) = (None, false);
    let mut token = first;
    loop {
        let text = token.word.text;
        if !has_class && let Some(is_in) = parse_class(text) {
            if !is_in {
                let word = excerpt(text);
                return Err(error_at(token.at, Kind::OtherClass { word }));
            }
            has_class = true;
        } else if ttl.is_none() && text.starts_with(|first: char| first.is_ascii_digit()) {
            ttl = Some(read_ttl(token)?);
        } else {
            break;
        }
        let next = cursor.next(false)?;
        token = next.ok_or_else(|| error_at(cursor.offset(), Kind::NoType))?;
    }
    let text = token.word.text;
    let rtype = parse_type(text).filter(|_| !token.word.quoted);
    let rtype = rtype.ok_or_else(|| {
        let word = excerpt(text);
        error_at(token.at, Kind::UnknownType { word })
    })?;
    if is_meta(rtype) {
        let rtype = format_type(rtype);
        return Err(error_at(token.at, Kind::MetaType { rtype }));
    }
    Ok(Head { ttl, rtype })
}

fn error_at(at: usize, kind: Kind) -> ErrorAt {
    ErrorAt { at, kind }
}

/// Returns the next word of a directive, which must have one.
fn required_word<'a>(
    cursor: &mut Cursor<'a>,
    directive: &'static str,
    needed: &'static str,
) -> Result<Token<'a>, ErrorAt> {
    let token = cursor.next(false)?;
    token.ok_or_else(|| {
        let kind = Kind::DirectiveShort { directive, needed };
        error_at(cursor.offset(), kind)
    })
}

/// Checks that a directive ends here.
fn expect_end(cursor: &mut Cursor<'_>, directive: &'static str) -> Result<(), ErrorAt> {
    match cursor.next(false)? {
        None => Ok(()),
        Some(token) => {
            let word = excerpt(token.word.text);
            Err(error_at(token.at, Kind::DirectiveLong { directive, word }))
        }
    }
}

fn expanded(token: Token<'_>, pattern: &str, number: u32) -> Result<String, ErrorAt> {
    expand(pattern, number).ok_or_else(|| {
        let word = excerpt(token.word.text);
        error_at(token.at, Kind::BadPattern { word })
    })
}

fn bad_date(token: Token<'_>) -> ErrorAt {
    let error = RdataTextError::Form {
        field: "time",
        word: excerpt(token.word.text),
        expected: "fourteen digits, such as `20260131235959`",
    };
    error_at(token.at, Kind::Data(error))
}

fn read_ttl(token: Token<'_>) -> Result<u32, ErrorAt> {
    let text = token.word.text;
    let ttl = parse_period(text).filter(|ttl| *ttl <= TTL_MAX);
    ttl.ok_or_else(|| {
        let word = excerpt(text);
        error_at(token.at, Kind::BadTtl { word })
    })
}

/// Returns whether a class is IN; `None` if the text is not a class.
fn parse_class(text: &str) -> Option<bool> {
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

/// Returns whether no zone can have records of a type, such as OPT and query types (RFC 6895
/// section 3.1). BIND: nor MD and MF, which are obsolete (RFC 1123 section 6.1.3.5).
fn is_meta(rtype: RecordType) -> bool {
    matches!(rtype.0, 0 | 3 | 4 | 41 | 128..=255)
}
