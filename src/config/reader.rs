//! Strict reading of TOML tables: every key is known, every value has its type, and whatever is
//! wrong has its line and column.

use std::ops::RangeInclusive;
use std::path::Path;

use toml::de::{DeTable, DeValue};

use super::error::{ConfigError, Place, quoted};
use crate::model;

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

/// A table whose keys are all valid.
pub(super) struct Table<'a> {
    source: Source<'a>,
    /// As it is written: "[queue]".
    name: String,
    start: usize,
    entries: &'a DeTable<'a>,
}

/// A string of the file.
pub(super) struct Text<'a> {
    pub(super) value: &'a str,
    pub(super) key: String,
    pub(super) place: Place,
}

impl Source<'_> {
    /// The line and column of an octet.
    pub(super) fn place(&self, octet: usize) -> Place {
        let before = self.text.get(..octet).unwrap_or(self.text);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        Place {
            path: self.path.to_owned(),
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
        }
    }
}

impl<'a> Table<'a> {
    /// The whole file as a table.
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
        // In the order of the file, so that the first mistake is the one that is named.
        let mut found: Vec<_> = entries.keys().collect();
        found.sort_by_key(|key| key.span().start);
        for key in found {
            let place = source.place(key.span().start);
            let key = key.get_ref().as_ref();
            if !keys.valid.contains(&key) {
                return Err(ConfigError::UnknownKey {
                    place,
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

    /// Where the table starts.
    pub(super) fn place(&self) -> Place {
        self.source.place(self.start)
    }

    /// Where a key of the table stands.
    pub(super) fn place_of(&self, key: &str) -> Option<Place> {
        let (key, _) = self.entries.get_key_value(key)?;
        Some(self.source.place(key.span().start))
    }

    /// What a key that must be there gives.
    pub(super) fn need<T>(&self, key: &'static str, value: Option<T>) -> Result<T, ConfigError> {
        value.ok_or_else(|| ConfigError::Missing {
            place: self.place(),
            table: self.name.clone(),
            key,
        })
    }

    /// A table of this table.
    pub(super) fn table(&self, key: &str, keys: Keys) -> Result<Option<Self>, ConfigError> {
        let Some((found, value)) = self.entries.get_key_value(key) else {
            return Ok(None);
        };
        let entries = self.as_table(key, value)?;
        let name = self.path_of(key);
        Self::open(self.source, name, found.span().start, entries, keys).map(Some)
    }

    /// The tables under a key by names that the file gives: `[primaries.NAME]`.
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
                self.path_of(&path),
                found.span().start,
                entries,
                keys,
            )?;
            tables.push((name.to_owned(), table));
        }
        Ok(tables)
    }

    /// An array of tables: `[[routes]]`.
    pub(super) fn tables(&self, key: &str, keys: Keys) -> Result<Option<Vec<Self>>, ConfigError> {
        let Some(value) = self.entries.get(key) else {
            return Ok(None);
        };
        let items = value.get_ref().as_array();
        let items = items.ok_or_else(|| self.wrong(key, "an array of tables", value))?;
        let open = |item| {
            let entries = self.as_table(key, item)?;
            let start = item.span().start;
            Self::open(self.source, format!("[[{key}]]"), start, entries, keys)
        };
        items.iter().map(open).collect::<Result<_, _>>().map(Some)
    }

    /// A string.
    pub(super) fn text(&self, key: &str) -> Result<Option<Text<'a>>, ConfigError> {
        let value = self.entries.get(key);
        value
            .map(|value| self.as_text(key, "a string", value))
            .transpose()
    }

    /// An array of strings; empty where the key is not there.
    pub(super) fn texts(&self, key: &str) -> Result<Vec<Text<'a>>, ConfigError> {
        const EXPECTED: &str = "an array of strings";
        let Some(value) = self.entries.get(key) else {
            return Ok(Vec::new());
        };
        let items = value.get_ref().as_array();
        let items = items.ok_or_else(|| self.wrong(key, EXPECTED, value))?;
        items
            .iter()
            .map(|item| self.as_text(key, EXPECTED, item))
            .collect()
    }

    /// A whole number of a range.
    pub(super) fn number(
        &self,
        key: &str,
        allowed: RangeInclusive<u32>,
    ) -> Result<Option<u32>, ConfigError> {
        let Some(value) = self.entries.get(key) else {
            return Ok(None);
        };
        let integer = value.get_ref().as_integer();
        let integer = integer.ok_or_else(|| self.wrong(key, "a whole number", value))?;
        u32::from_str_radix(integer.as_str(), integer.radix())
            .ok()
            .filter(|number| allowed.contains(number))
            .map(Some)
            .ok_or_else(|| ConfigError::BadValue {
                place: self.source.place(value.span().start),
                key: key.to_owned(),
                value: integer.to_string(),
                allowed: if allowed.start() == allowed.end() {
                    allowed.start().to_string()
                } else {
                    format!("{} to {}", allowed.start(), allowed.end())
                },
            })
    }

    fn as_table(
        &self,
        key: &str,
        value: &'a toml::Spanned<DeValue<'a>>,
    ) -> Result<&'a DeTable<'a>, ConfigError> {
        let table = value.get_ref().as_table();
        table.ok_or_else(|| self.wrong(key, "a table", value))
    }

    fn as_text(
        &self,
        key: &str,
        expected: &'static str,
        value: &'a toml::Spanned<DeValue<'a>>,
    ) -> Result<Text<'a>, ConfigError> {
        let text = value.get_ref().as_str();
        Ok(Text {
            value: text.ok_or_else(|| self.wrong(key, expected, value))?,
            key: key.to_owned(),
            place: self.source.place(value.span().start),
        })
    }

    fn wrong(
        &self,
        key: &str,
        expected: &'static str,
        value: &toml::Spanned<DeValue<'_>>,
    ) -> ConfigError {
        ConfigError::WrongType {
            place: self.source.place(value.span().start),
            key: key.to_owned(),
            expected,
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

    /// How a table of this table is written.
    fn path_of(&self, key: &str) -> String {
        match self.name.strip_suffix(']') {
            Some(parent) => format!("{parent}.{key}]"),
            None => format!("[{key}]"),
        }
    }
}

impl Text<'_> {
    /// What the string means; none where it means nothing.
    pub(super) fn read<T>(
        &self,
        allowed: &str,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T, ConfigError> {
        read(self.value).ok_or_else(|| self.bad(allowed.to_owned()))
    }

    /// The choice that the string names.
    pub(super) fn choice<T: Copy>(&self, choices: &[(&str, T)]) -> Result<T, ConfigError> {
        let found = choices.iter().find(|(name, _)| *name == self.value);
        found.map(|(_, choice)| *choice).ok_or_else(|| {
            let names: Vec<_> = choices.iter().map(|(name, _)| name).collect();
            self.bad(quoted(&names))
        })
    }

    /// That the string is not allowed, and what is.
    pub(super) fn bad(&self, allowed: String) -> ConfigError {
        ConfigError::BadValue {
            place: self.place.clone(),
            key: self.key.clone(),
            value: shortened(self.value),
            allowed,
        }
    }
}

/// A value on one line of a message.
fn shortened(text: &str) -> String {
    const CHARACTERS_MAX: usize = 60;
    model::excerpt(text, CHARACTERS_MAX)
}

/// The valid key that takes the fewest edits, if they are few for its length.
fn nearest(key: &str, valid: &'static [&'static str]) -> Option<&'static str> {
    let (edits, nearest) = valid
        .iter()
        .map(|&candidate| (edits(key, candidate), candidate))
        .min()?;
    (edits <= nearest.len().div_ceil(3)).then_some(nearest)
}

/// How many characters have to be inserted, deleted or replaced (Levenshtein).
fn edits(from: &str, to: &str) -> usize {
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
