//! Reads foreign JSON one level at a time and without copies.
//!
//! `serde_json` checks the grammar once, for the whole payload. Each value is then a slice of the
//! input and is parsed only when it is needed. Therefore a value of the wrong shape invalidates
//! only itself, deep nesting uses no stack, the last of several equal keys counts, and a number
//! keeps all its digits.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use serde::Deserializer as _;
use serde::de::{DeserializeSeed, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::problem::{Fault, ProblemKind, Shape};

/// Calls `each` with the index and the text of each element of the array `text`.
///
/// # Errors
/// An error if `text` is no JSON array; `each` has then been called for the elements before it.
pub(super) fn elements<'a>(
    text: &'a str,
    each: impl FnMut(usize, &'a str),
) -> Result<(), serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    deserializer.deserialize_seq(Each(each))?;
    deserializer.end()
}

struct Each<F>(F);

impl<'de, F: FnMut(usize, &'de str)> Visitor<'de> for Each<F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut elements: A) -> Result<(), A::Error> {
        let mut index = 0;
        while let Some(element) = elements.next_element::<&RawValue>()? {
            (self.0)(index, element.get());
            index += 1;
        }
        Ok(())
    }
}

/// Returns the members of the object `text` that have these names, as text; ignores the others.
///
/// # Errors
/// [`ProblemKind::WrongShape`] if `text` is no object, and [`ProblemKind::BadString`] if a key is
/// no text.
pub(super) fn members<'a, const N: usize>(
    text: &'a str,
    names: [&'static str; N],
) -> Result<[Option<&'a str>; N], ProblemKind> {
    if !text.starts_with('{') {
        return Err(wrong_shape(Shape::Object, text));
    }
    let mut deserializer = serde_json::Deserializer::from_str(text);
    // The grammar has been checked; only an escape in a key can still be invalid.
    let found = deserializer.deserialize_map(Members(names));
    found.map_err(|_| ProblemKind::BadString)
}

#[derive(Clone, Copy)]
struct Members<const N: usize>([&'static str; N]);

impl<'de, const N: usize> DeserializeSeed<'de> for Members<N> {
    type Value = [Option<&'de str>; N];

    fn deserialize<D: serde::Deserializer<'de>>(self, object: D) -> Result<Self::Value, D::Error> {
        object.deserialize_map(self)
    }
}

impl<'de, const N: usize> Visitor<'de> for Members<N> {
    type Value = [Option<&'de str>; N];

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = [None; N];
        while let Some(index) = map.next_key_seed(Key(&self.0))? {
            if let Some(index) = index {
                found[index] = Some(map.next_value::<&RawValue>()?.get());
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found)
    }
}

/// Reads a key as its index in these names, or `None` if it is not among them.
struct Key<'n>(&'n [&'static str]);

impl<'de> DeserializeSeed<'de> for Key<'_> {
    type Value = Option<usize>;

    fn deserialize<D: serde::Deserializer<'de>>(self, key: D) -> Result<Self::Value, D::Error> {
        key.deserialize_str(self)
    }
}

impl Visitor<'_> for Key<'_> {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<Self::Value, E> {
        Ok(self.0.iter().position(|name| *name == key))
    }
}

/// The keys of a record.
pub(super) const RECORD_KEYS: [&str; 5] = ["host", "type", "opt", "value", "ttl"];

/// The members of a record with these keys, as text.
pub(super) type RecordMembers<'a> = [Option<&'a str>; RECORD_KEYS.len()];

/// A command with a zone, in the shape in which Plesk writes it.
pub(super) struct ZoneCommand<'a> {
    pub(super) command: &'a str,
    /// The members `name` and `soa` of `zone`.
    pub(super) zone: [Option<&'a str>; 2],
    /// The records in the member `rr` of `zone`.
    pub(super) rr: Vec<RecordMembers<'a>>,
}

/// Parses a command with a zone in one pass; `None` if its shape is unusual. The records are most
/// of the text of a large zone, and reading level by level would scan them once for each level.
pub(super) fn zone_command(text: &str) -> Option<ZoneCommand<'_>> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let command = Nested(["command", "zone"], Zone);
    let ([command, _], zone) = deserializer.deserialize_map(command).ok()?;
    let ([name, soa, _], rr) = zone?;
    Some(ZoneCommand {
        command: command?,
        zone: [name, soa],
        rr: rr?,
    })
}

/// Visits an object with these keys: the seed reads the value of the last key, the values of the
/// other keys are returned as text, and members with other keys are ignored.
struct Nested<S, const K: usize>([&'static str; K], S);

impl<'de, S: DeserializeSeed<'de> + Copy, const K: usize> Visitor<'de> for Nested<S, K> {
    type Value = ([Option<&'de str>; K], Option<S::Value>);

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let (mut found, mut last) = ([None; K], None);
        while let Some(index) = map.next_key_seed(Key(&self.0))? {
            match index {
                Some(index) if index + 1 == K => last = Some(map.next_value_seed(self.1)?),
                Some(index) => found[index] = Some(map.next_value::<&RawValue>()?.get()),
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok((found, last))
    }
}

/// The member `zone` of a command.
#[derive(Clone, Copy)]
struct Zone;

impl<'de> DeserializeSeed<'de> for Zone {
    type Value = ([Option<&'de str>; 3], Option<Vec<RecordMembers<'de>>>);

    fn deserialize<D: serde::Deserializer<'de>>(self, zone: D) -> Result<Self::Value, D::Error> {
        zone.deserialize_map(Nested(["name", "soa", "rr"], Records))
    }
}

/// The records of a zone, all of them objects.
#[derive(Clone, Copy)]
struct Records;

impl<'de> DeserializeSeed<'de> for Records {
    type Value = Vec<RecordMembers<'de>>;

    fn deserialize<D: serde::Deserializer<'de>>(self, array: D) -> Result<Self::Value, D::Error> {
        array.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Records {
    type Value = Vec<RecordMembers<'de>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of objects")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut records: A) -> Result<Self::Value, A::Error> {
        let mut all = Vec::new();
        while let Some(record) = records.next_element_seed(Members(RECORD_KEYS))? {
            all.push(record);
        }
        Ok(all)
    }
}

/// Returns the text of the member `key`, a string or number; `None` if it is missing or null.
///
/// # Errors
/// [`ProblemKind::WrongShape`] if it is neither, and [`ProblemKind::BadString`].
pub(super) fn optional<'a>(
    key: &'static str,
    member: Option<&'a str>,
) -> Result<Option<Cow<'a, str>>, Fault> {
    scalar(member).map_err(|kind| kind.at(key, member.unwrap_or_default()))
}

/// Returns the text of the member `key`, a string or number that must be present.
///
/// # Errors
/// Those of [`optional`], and [`ProblemKind::Missing`].
pub(super) fn required<'a>(
    key: &'static str,
    member: Option<&'a str>,
) -> Result<Cow<'a, str>, Fault> {
    optional(key, member)?.ok_or_else(|| ProblemKind::Missing { key }.at(key, ""))
}

/// Returns the whole number from 0 to `max` in the member `key`, a number or a string of digits;
/// `None` if it is missing, null or empty.
///
/// # Errors
/// Those of [`optional`], and [`ProblemKind::BadNumber`].
pub(super) fn number(
    key: &'static str,
    member: Option<&str>,
    max: u32,
) -> Result<Option<u32>, Fault> {
    let text = optional(key, member)?.unwrap_or_default();
    let digits = text.trim_ascii();
    if digits.is_empty() {
        return Ok(None);
    }
    match parse_digits(digits) {
        Some(number) if number <= max => Ok(Some(number)),
        _ => Err(ProblemKind::BadNumber { max }.at(key, &text)),
    }
}

/// Parses a number of digits only; leading zeros are allowed.
pub(super) fn parse_digits<N: FromStr>(text: &str) -> Option<N> {
    let is_digits = text.bytes().all(|octet| octet.is_ascii_digit());
    text.parse().ok().filter(|_| is_digits)
}

fn scalar(text: Option<&str>) -> Result<Option<Cow<'_, str>>, ProblemKind> {
    let Some(text) = text.filter(|text| !is_null(text)) else {
        return Ok(None);
    };
    if let Some(inner) = text.strip_prefix('"') {
        // In JSON a string ends with a quote.
        let inner = inner.strip_suffix('"').ok_or(ProblemKind::BadString)?;
        return if inner.contains('\\') {
            let decoded: Result<String, _> = serde_json::from_str(text);
            decoded
                .map(|text| Some(Cow::Owned(text)))
                .map_err(|_| ProblemKind::BadString)
        } else {
            Ok(Some(Cow::Borrowed(inner)))
        };
    }
    if shape(text) == Shape::Number {
        Ok(Some(Cow::Borrowed(text)))
    } else {
        Err(wrong_shape(Shape::Text, text))
    }
}

/// Returns whether the value is null.
pub(super) fn is_null(text: &str) -> bool {
    shape(text) == Shape::Null
}

/// Returns the shape of the JSON value `text`, which its first octet determines.
pub(super) fn shape(text: &str) -> Shape {
    match text.as_bytes().first() {
        Some(b'{') => Shape::Object,
        Some(b'[') => Shape::Array,
        Some(b'"') => Shape::Text,
        Some(b't' | b'f') => Shape::Boolean,
        Some(b'-' | b'0'..=b'9') => Shape::Number,
        _ => Shape::Null,
    }
}

/// Returns the problem that `text` is not of the expected shape.
pub(super) fn wrong_shape(expected: Shape, text: &str) -> ProblemKind {
    ProblemKind::WrongShape {
        expected,
        found: shape(text),
    }
}
