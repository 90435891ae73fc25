//! Values that the tables of the primaries and routes refer to.

use std::collections::BTreeMap;
use std::path::Path;

use super::error::{ConfigError, quoted};
use super::reader::Text;
use super::settings::KeySettings;
use crate::wire::Key;

/// The directory of the configuration, and its keys by their names.
pub(super) struct References<'a> {
    pub(super) directory: &'a Path,
    pub(super) keys: BTreeMap<String, KeySettings>,
}

impl References<'_> {
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
