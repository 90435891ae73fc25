//! Reads TOML tables strictly: every key must be known, every value must have its type, and every
//! error has its line and column.

use std::ops::RangeInclusive;
use std::path::Path;

use toml::de::{DeTable, DeValue};

use super::error::{ConfigError, Position, quoted};
use super::template;
use crate::model;

/// The types of values, in messages.
const A_STRING: &str = "a string";
const STRINGS: &str = "an array of strings";
const A_NUMBER: &str = "a whole number";
const A_TABLE: &str = "a table";
const TABLES: &str = "an array of tables";

/// The text of a configuration file and its name.
#[derive(Clone, Copy)]
pub(super) struct Source<'a> {
    pub(super) path: &'a Path,
    pub(super) text: &'a str,
}

/// The keys that a table may have.
#[derive(Clone, Copy)]
pub(super) struct Keys {
    pub(super) valid: &'static [&'static str],
}

/// A table that has only valid keys.
pub(super) struct Table<'a> {
    source: Source<'a>,
    /// In the form of the file: "[queue]".
    name: String,
    start: usize,
    entries: &'a DeTable<'a>,
}

/// A string of the file.
pub(super) struct Text<'a> {
    pub(super) value: &'a str,
    pub(super) key: String,
    pub(super) position: Position,
}

impl Source<'_> {
    /// Returns the line and column of an octet.
    pub(super) fn position(&self, octet: usize) -> Position {
        let before = self.text.get(..octet).unwrap_or(self.text);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        Position {
            path: self.path.to_owned(),
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
        }
    }
}

impl<'a> Table<'a> {
    /// Opens the whole file as a table.
    pub(super) fn document(
        source: Source<'a>,
        entries: &'a DeTable<'a>,
        keys: Keys,
    ) -> Result<Self, ConfigError> {
        let name = "the top of the file".to_owned();
        Self::open(source, name, 0, entries, keys)
    }

    fn open(
        source: Source<'a>,
        name: String,
        start: usize,
        entries: &'a DeTable<'a>,
        keys: Keys,
    ) -> Result<Self, ConfigError> {
        // In the order of the file, so that the first mistake is reported.
        let mut found: Vec<_> = entries.keys().collect();
        found.sort_by_key(|key| key.span().start);
        for key in found {
            let position = source.position(key.span().start);
            let key = key.get_ref().as_ref();
            if !keys.valid.contains(&key) {
                return Err(ConfigError::UnknownKey {
                    position,
                    key: key.escape_debug().to_string(),
                    table: name,
                    nearest: nearest(key, keys.valid),
                    valid: keys.valid,
                });
            }
        }
        Ok(Self {
            source,
            name,
            start,
            entries,
        })
    }

    /// Returns the start of the table.
    pub(super) fn position(&self) -> Position {
        self.source.position(self.start)
    }

    /// Returns the position of a key; `None` if the table does not have it.
    pub(super) fn position_of(&self, key: &str) -> Option<Position> {
        let (key, _) = self.entries.get_key_value(key)?;
        Some(self.source.position(key.span().start))
    }

    /// Returns the value of a required key, or the error that it is missing.
    pub(super) fn require<T>(&self, key: &'static str, value: Option<T>) -> Result<T, ConfigError> {
        value.ok_or_else(|| ConfigError::Missing {
            position: self.position(),
            table: self.name.clone(),
            key,
        })
    }

    /// Opens a table within this table.
    pub(super) fn table(&self, key: &str, keys: Keys) -> Result<Option<Self>, ConfigError> {
        let Some((found, value)) = self.entries.get_key_value(key) else {
            return Ok(None);
        };
        let entries = self.as_table(key, value)?;
        let name = self.name_of(key);
        Self::open(self.source, name, found.span().start, entries, keys).map(Some)
    }

    /// Opens the tables under a key with names of the operator's choice: `[primaries.NAME]`.
    pub(super) fn named_tables(
        &self,
        key: &str,
        keys: Keys,
    ) -> Result<Vec<(String, Self)>, ConfigError> {
        let Some(value) = self.entries.get(key) else {
            return Ok(Vec::new());
        };
        let mut tables = Vec::new();
        for (found, value) in self.as_table(key, value)? {
            let name = found.get_ref().as_ref();
            let path = format!("{key}.{name}");
            let entries = self.as_table(&path, value)?;
            let table = Self::open(
                self.source,
                self.name_of(&path),
                found.span().start,
                entries,
                keys,
            )?;
            tables.push((name.to_owned(), table));
        }
        Ok(tables)
    }

    /// Opens an array of tables: `[[routes]]`.
    pub(super) fn tables(&self, key: &str, keys: Keys) -> Result<Option<Vec<Self>>, ConfigError> {
        let Some(value) = self.entries.get(key) else {
            return Ok(None);
        };
        let items = value.get_ref().as_array();
        let items = items.ok_or_else(|| self.wrong_type(key, TABLES, value))?;
        let open = |item| {
            let entries = self.as_table(key, item)?;
            let start = item.span().start;
            Self::open(self.source, format!("[[{key}]]"), start, entries, keys)
        };
        items.iter().map(open).collect::<Result<_, _>>().map(Some)
    }

    /// Reads a string.
    pub(super) fn text(&self, key: &str) -> Result<Option<Text<'a>>, ConfigError> {
        let value = self.entries.get(key);
        value
            .map(|value| self.as_text(key, A_STRING, value))
            .transpose()
    }

    /// Reads an array of strings; empty if the key is missing.
    pub(super) fn texts(&self, key: &str) -> Result<Vec<Text<'a>>, ConfigError> {
        let Some(value) = self.entries.get(key) else {
            return Ok(Vec::new());
        };
        let items = value.get_ref().as_array();
        let items = items.ok_or_else(|| self.wrong_type(key, STRINGS, value))?;
        items
            .iter()
            .map(|item| self.as_text(key, STRINGS, item))
            .collect()
    }

    /// Reads a string, or an array of strings; empty if the key is missing.
    pub(super) fn text_or_texts(&self, key: &str) -> Result<Vec<Text<'a>>, ConfigError> {
        match self.entries.get(key) {
            Some(value) if value.get_ref().as_array().is_some() => self.texts(key),
            Some(value) => Ok(vec![self.as_text(key, A_STRING, value)?]),
            None => Ok(Vec::new()),
        }
    }

    /// Reads a whole number in a range.
    pub(super) fn number(
        &self,
        key: &str,
        allowed: RangeInclusive<u32>,
    ) -> Result<Option<u32>, ConfigError> {
        let Some(value) = self.entries.get(key) else {
            return Ok(None);
        };
        let integer = value.get_ref().as_integer();
        let integer = integer.ok_or_else(|| self.wrong_type(key, A_NUMBER, value))?;
        u32::from_str_radix(integer.as_str(), integer.radix())
            .ok()
            .filter(|number| allowed.contains(number))
            .map(Some)
            .ok_or_else(|| ConfigError::BadValue {
                position: self.source.position(value.span().start),
                key: key.to_owned(),
                value: integer.to_string().into(),
                nearest: None,
                allowed: if allowed.start() == allowed.end() {
                    allowed.start().to_string()
                } else {
                    format!("a number from {} to {}", allowed.start(), allowed.end())
                },
            })
    }

    fn as_table(
        &self,
        key: &str,
        value: &'a toml::Spanned<DeValue<'a>>,
    ) -> Result<&'a DeTable<'a>, ConfigError> {
        let table = value.get_ref().as_table();
        table.ok_or_else(|| self.wrong_type(key, A_TABLE, value))
    }

    fn as_text(
        &self,
        key: &str,
        expected: &'static str,
        value: &'a toml::Spanned<DeValue<'a>>,
    ) -> Result<Text<'a>, ConfigError> {
        let text = value.get_ref().as_str();
        Ok(Text {
            value: text.ok_or_else(|| self.wrong_type(key, expected, value))?,
            key: key.to_owned(),
            position: self.source.position(value.span().start),
        })
    }

    fn wrong_type(
        &self,
        key: &str,
        expected: &'static str,
        value: &toml::Spanned<DeValue<'_>>,
    ) -> ConfigError {
        ConfigError::WrongType {
            position: self.source.position(value.span().start),
            key: key.to_owned(),
            expected,
            example: self.example(key, expected, value),
            found: match value.get_ref() {
                DeValue::String(_) => "a string",
                DeValue::Integer(_) => "a whole number",
                DeValue::Float(_) => "a fraction",
                DeValue::Boolean(_) => "true or false",
                DeValue::Datetime(_) => "a date",
                DeValue::Array(_) => "an array",
                DeValue::Table(_) => "a table",
            },
        }
    }

    /// Returns a line with a value of the expected type: the value that was found, if it has another form of that
    /// type, else that of the template.
    fn example(
        &self,
        key: &str,
        expected: &'static str,
        value: &toml::Spanned<DeValue<'_>>,
    ) -> String {
        let text = value.get_ref().as_str();
        match (expected, text) {
            (A_TABLE, _) => self.name_of(key),
            (TABLES, _) => format!("[[{key}]]"),
            (A_NUMBER, Some(text)) if text.parse::<u32>().is_ok() => format!("{key} = {text}"),
            (STRINGS, Some(text)) => format!("{key} = [\"{}\"]", shortened(text)),
            _ => template::example(key),
        }
    }

    /// Returns the name of a table within this table.
    fn name_of(&self, key: &str) -> String {
        match self.name.strip_suffix(']') {
            Some(parent) => format!("{parent}.{key}]"),
            None => format!("[{key}]"),
        }
    }
}

impl Text<'_> {
    /// Parses the string with `read`; if that gives `None`, `allowed` describes the valid values.
    pub(super) fn read<T>(
        &self,
        allowed: &str,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T, ConfigError> {
        read(self.value).ok_or_else(|| self.bad_value(allowed.to_owned()))
    }

    /// Returns the choice that the string names.
    pub(super) fn choice<T: Copy>(&self, choices: &[(&str, T)]) -> Result<T, ConfigError> {
        let found = choices.iter().find(|(name, _)| *name == self.value);
        found.map(|(_, choice)| *choice).ok_or_else(|| {
            let names: Vec<_> = choices.iter().map(|(name, _)| *name).collect();
            self.bad_choice(quoted(&names), &names)
        })
    }

    /// Returns the error that the string is none of these names, which `allowed` describes.
    pub(super) fn bad_choice(&self, allowed: String, names: &[&str]) -> ConfigError {
        self.bad(allowed, nearest(self.value, names).map(Box::from))
    }

    /// Returns the error that the string is not allowed; `allowed` describes the valid values.
    pub(super) fn bad_value(&self, allowed: String) -> ConfigError {
        self.bad(allowed, None)
    }

    fn bad(&self, allowed: String, nearest: Option<Box<str>>) -> ConfigError {
        ConfigError::BadValue {
            position: self.position.clone(),
            key: self.key.clone(),
            value: shortened(self.value).into(),
            nearest,
            allowed,
        }
    }
}

/// Shortens a value to a part of a line.
fn shortened(text: &str) -> String {
    const CHARACTERS_MAX: usize = 60;
    model::excerpt(text, CHARACTERS_MAX)
}

/// Returns the valid word with the smallest edit distance, if that is small for its length.
fn nearest<'a>(word: &str, valid: &[&'a str]) -> Option<&'a str> {
    let (distance, nearest) = valid
        .iter()
        .map(|&candidate| (edit_distance(word, candidate), candidate))
        .min()?;
    (distance <= nearest.len().div_ceil(3)).then_some(nearest)
}

/// Counts the characters to insert, delete or replace (Levenshtein distance).
fn edit_distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (index, from) in from.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = index + 1;
        for (column, &to) in to.iter().enumerate() {
            let replaced = diagonal + usize::from(from != to);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[to.len()]
}
