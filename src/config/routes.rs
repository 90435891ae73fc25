//! Reads `[[routes]]`: which primary serves which zones, and with which keys.

use std::collections::BTreeMap;

use super::error::{ConfigError, quoted};
use super::reader::{Keys, Table, Text};
use super::references::{References, key_texts};
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
        let texts = key_texts(&table, "key")?;
        if let (Some(key), Some(_)) = (texts.first(), &primary.provision) {
            // The keys are a part of how a zone is created.
            return Err(ConfigError::Excluded {
                position: key.position.clone(),
                key: key.key.clone(),
                other: "provision",
            });
        }
        let keys = keys(&texts, &suffix, references)?;
        routes.push(Route {
            suffix,
            primary: text.value.to_owned(),
            keys,
        });
    }
    Ok(routes)
}

/// Returns the keys with the suffix of the route, in their order. For an option with `{zone}`, returns the keys of all
/// zones at or below the suffix for which there is a table of keys.
fn keys(
    texts: &[Text<'_>],
    suffix: &Name,
    references: &References<'_>,
) -> Result<Vec<(Name, Vec<Key>)>, ConfigError> {
    let mut lists: BTreeMap<Name, Vec<Key>> = BTreeMap::new();
    for text in texts.iter().filter(|text| text.value.contains(ZONE)) {
        let zones = zones(text, suffix, references);
        if zones.is_empty() {
            let example = text.value.replacen(ZONE, "example.com", 1);
            let allowed = format!(
                "{ZONE} where a table [keys.\"{example}\"] is for a zone at or below `{suffix}`"
            );
            return Err(text.bad_value(allowed));
        }
        for zone in zones.into_keys() {
            lists.entry(zone).or_default();
        }
    }
    if texts.iter().any(|text| !text.value.contains(ZONE)) {
        lists.entry(suffix.clone()).or_default();
    }
    for text in texts {
        if text.value.contains(ZONE) {
            for (zone, key) in zones(text, suffix, references) {
                lists.entry(zone).or_default().push(key);
            }
        } else {
            let key = references.key(text)?;
            for list in lists.values_mut() {
                list.push(key.clone());
            }
        }
    }
    Ok(lists.into_iter().collect())
}

/// Returns the keys of an option with `{zone}`, by their zones at or below the suffix.
fn zones(text: &Text<'_>, suffix: &Name, references: &References<'_>) -> BTreeMap<Name, Key> {
    let (before, after) = text.value.split_once(ZONE).unwrap_or_default();
    let zone = |name: &str| -> Option<Name> {
        let zone = name.strip_prefix(before)?.strip_suffix(after)?;
        let zone: Name = zone.parse().ok()?;
        zone.is_at_or_below(suffix).then_some(zone)
    };
    let of_zone =
        |(name, settings): (&String, &KeySettings)| Some((zone(name)?, settings.key.clone()));
    references.keys.iter().filter_map(of_zone).collect()
}
