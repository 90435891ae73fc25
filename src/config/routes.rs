//! Reads `[[routes]]`: which primary serves which zones, and with which keys.

use std::collections::BTreeMap;

use super::error::{ConfigError, quoted};
use super::reader::{Keys, Table, Text};
use super::references::References;
use super::settings::{KeySettings, PrimarySettings, Route};
use super::values::read_name;
use crate::model::Name;
use crate::wire::Key;

pub(super) const ROUTE: Keys = Keys {
    valid: &["suffix", "primary", "key"],
};

/// The placeholder for the name of a zone in `key`.
const ZONE: &str = "{zone}";

/// Reads all routes. The default is one of all zones to the only primary.
pub(super) fn read(
    document: &Table<'_>,
    primaries: &BTreeMap<String, PrimarySettings>,
    references: &References<'_>,
) -> Result<Vec<Route>, ConfigError> {
    let names: Vec<&str> = primaries.keys().map(String::as_str).collect();
    let Some(tables) = document.tables("routes", ROUTE)? else {
        let only = (names.len() == 1).then(|| Route {
            suffix: Name::root(),
            primary: names[0].to_owned(),
            keys: Vec::new(),
        });
        return Ok(vec![document.require("routes", only)?]);
    };
    let mut routes: Vec<Route> = Vec::new();
    for table in tables {
        let text = table.require("suffix", table.text("suffix")?)?;
        let suffix = read_name(&text)?;
        if routes.iter().any(|route| route.suffix == suffix) {
            return Err(text.bad_value("a suffix that no other route has".to_owned()));
        }
        let text = table.require("primary", table.text("primary")?)?;
        let Some(primary) = primaries.get(text.value) else {
            let allowed = format!("a name under [primaries]: {}", quoted(&names));
            return Err(text.bad_choice(allowed, &names));
        };
        let keys = match table.text("key")? {
            // The keys are a part of how a zone is created.
            Some(key) if primary.provision.is_some() => {
                return Err(ConfigError::Excluded {
                    position: key.position,
                    key: key.key,
                    other: "provision",
                });
            }
            Some(key) => keys(&key, &suffix, references)?,
            None => Vec::new(),
        };
        routes.push(Route {
            suffix,
            primary: text.value.to_owned(),
            keys,
        });
    }
    Ok(routes)
}

/// Returns the key with the suffix of the route. If the option has `{zone}`, returns the keys of all zones at or below
/// the suffix for which there is a table of keys.
fn keys(
    text: &Text<'_>,
    suffix: &Name,
    references: &References<'_>,
) -> Result<Vec<(Name, Key)>, ConfigError> {
    let Some((before, after)) = text.value.split_once(ZONE) else {
        return Ok(vec![(suffix.clone(), references.key(text)?)]);
    };
    let zone = |name: &str| -> Option<Name> {
        let zone = name.strip_prefix(before)?.strip_suffix(after)?;
        let zone: Name = zone.parse().ok()?;
        zone.is_at_or_below(suffix).then_some(zone)
    };
    let of_zone =
        |(name, settings): (&String, &KeySettings)| Some((zone(name)?, settings.key.clone()));
    let keys: Vec<_> = references.keys.iter().filter_map(of_zone).collect();
    if keys.is_empty() {
        let allowed = format!(
            "{ZONE} where a table [keys.\"{before}example.com{after}\"] is for a zone at or below `{suffix}`"
        );
        return Err(text.bad_value(allowed));
    }
    Ok(keys)
}
