//! Reads what a primary shows, and what it takes in updates.

use std::time::Duration;

use super::error::ConfigError;
use super::reader::Table;
use crate::model::TTL_MAX;
use crate::plan::{Abilities, Apex, Prerequisites, RrSetUpdates, Shown};

/// The options of primaries that neither create zones nor keep a catalog: both need an SOA, NS records, prerequisites
/// and single values.
const OF_READY_ZONES: [&str; 4] = ["soa", "apex-ns", "prerequisites", "rrsets"];

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
        Some(text) => text.choice(&[("transfer", Shown::Zones), ("memory", Shown::RrSets)])?,
        None => Shown::default(),
    };
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
        soa: apex("soa")?,
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
