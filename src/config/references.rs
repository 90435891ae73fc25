//! Values that the tables of the primaries and routes refer to.

use std::collections::BTreeMap;
use std::path::Path;

use super::error::{ConfigError, quoted};
use super::reader::{Table, Text};
use super::settings::KeySettings;
use crate::wire::Key;

/// The directory of the configuration, and its keys by their names.
pub(super) struct References<'a> {
    pub(super) directory: &'a Path,
    pub(super) keys: BTreeMap<String, KeySettings>,
}

impl References<'_> {
    /// Reads an option that names a key, or keys to try in turn. `None` if it is not set.
    pub(super) fn keys(
        &self,
        table: &Table<'_>,
        option: &str,
    ) -> Result<Option<Vec<Key>>, ConfigError> {
        let texts = key_texts(table, option)?;
        let keys: Vec<Key> = texts
            .iter()
            .map(|it| self.key(it))
            .collect::<Result<_, _>>()?;
        Ok(Some(keys).filter(|keys| !keys.is_empty()))
    }

    /// Returns the key that an option names.
    pub(super) fn key(&self, text: &Text<'_>) -> Result<Key, ConfigError> {
        let found = self.keys.get(text.value);
        found.map(|found| found.key.clone()).ok_or_else(|| {
            let names: Vec<&str> = self.keys.keys().map(String::as_str).collect();
            let allowed = if names.is_empty() {
                "the name of a table [keys.NAME]; there is none".to_owned()
            } else {
                format!("a name under [keys]: {}", quoted(&names))
            };
            text.bad_choice(allowed, &names)
        })
    }
}

/// Reads the names of keys to try in turn, each once; empty if the option is not set.
pub(super) fn key_texts<'a>(table: &Table<'a>, option: &str) -> Result<Vec<Text<'a>>, ConfigError> {
    let texts = table.text_or_texts(option)?;
    if let (true, Some(position)) = (texts.is_empty(), table.position_of(option)) {
        return Err(ConfigError::BadValue {
            position,
            key: option.to_owned(),
            value: "[]".into(),
            nearest: None,
            allowed: "a name under [keys], or names to try in turn".to_owned(),
        });
    }
    for (index, text) in texts.iter().enumerate() {
        if texts[..index].iter().any(|it| it.value == text.value) {
            return Err(text.bad_value("a key that the list does not name before".to_owned()));
        }
    }
    Ok(texts)
}
