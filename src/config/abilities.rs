//! Reads what a primary shows, and what it takes in updates.

use std::time::Duration;

use super::error::ConfigError;
use super::reader::Table;
use crate::model::TTL_MAX;
use crate::plan::{Abilities, Apex, Prerequisites, RrSetUpdates, Shown};

/// The options of primaries that neither create zones nor keep a catalog: both need an SOA, NS records, prerequisites
/// and single values.
const OF_READY_ZONES: [&str; 4] = ["soa", "apex-ns", "prerequisites", "rrsets"];

/// The options that say what is to be asked, which is nothing with `read = "none"`.
const OF_ANSWERS: [&str; 4] = [
    "query-address",
    "transfer-address",
    "transfer-key",
    "visible-within",
];

/// Reads the options of a primary. `other` is the one by which it creates zones or keeps a catalog.
pub(super) fn read(
    table: &Table<'_>,
    other: Option<&'static str>,
) -> Result<Abilities, ConfigError> {
    for key in OF_READY_ZONES {
        if let (Some(other), Some(position)) = (other, table.position_of(key)) {
            let key = key.to_owned();
            return Err(ConfigError::Excluded {
                position,
                key,
                other,
            });
        }
    }
    let shown = match table.text("read")? {
        Some(text) => {
            let all = [Shown::Zones, Shown::RrSets, Shown::Nothing];
            let shown = text.choice(&all.map(|it| (it.word(), it)))?;
            if let (Shown::Nothing, Some(other)) = (shown, other) {
                let allowed =
                    format!("`transfer` or `memory`, since `{other}` needs answers to queries");
                return Err(text.bad_value(allowed));
            }
            shown
        }
        None => Shown::default(),
    };
    let asks = |key: &&&str| shown == Shown::Nothing && table.position_of(key).is_some();
    if let Some(key) = OF_ANSWERS.iter().find(asks)
        && let Some(position) = table.position_of(key)
    {
        let (key, other) = ((*key).to_owned(), "read = \"none\"");
        return Err(ConfigError::Excluded {
            position,
            key,
            other,
        });
    }
    let apex = |key| match table.text(key)? {
        Some(text) => text.choice(&[("set", Apex::Set), ("keep", Apex::Keep)]),
        None => Ok(Apex::Set),
    };
    let prerequisites = match table.text("prerequisites")? {
        Some(text) => text.choice(&[
            ("soa", Prerequisites::Soa),
            ("rrset", Prerequisites::RrSets),
            ("presence", Prerequisites::Presence),
            ("none", Prerequisites::None),
        ])?,
        None => Prerequisites::Soa,
    };
    let rrsets = match table.text("rrsets")? {
        Some(text) => text.choice(&[
            ("values", RrSetUpdates::ByValue),
            ("whole", RrSetUpdates::Whole),
        ])?,
        None => RrSetUpdates::ByValue,
    };
    // A change of an RRset as a whole takes at least two entries: its removal and an addition.
    let changes_least = match rrsets {
        RrSetUpdates::ByValue => 1,
        RrSetUpdates::Whole => 2,
    };
    let changes_max = table.number("changes-max", changes_least..=65_535)?;
    let ttl_min = table.number("ttl-min", 0..=TTL_MAX)?.unwrap_or(0);
    let ttl_max = table.number("ttl-max", ttl_min..=TTL_MAX)?;
    let visible_within = table.number("visible-within", 0..=86_400)?.unwrap_or(0);
    Ok(Abilities {
        shown,
        soa: match (shown, apex("soa")?) {
            (Shown::Zones | Shown::RrSets, soa) => soa,
            // The serial that a new one must be after is not known.
            (Shown::Nothing, _) => Apex::Keep,
        },
        apex_ns: apex("apex-ns")?,
        prerequisites,
        rrsets,
        changes_max: changes_max.map(|it| it as usize),
        ttl_min,
        ttl_max: ttl_max.unwrap_or(TTL_MAX),
        visible_within: Duration::from_secs(visible_within.into()),
        ..Abilities::default()
    })
}
