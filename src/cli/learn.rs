//! `nsbridge check --write ZONE`: finds out anew what a primary takes in updates, and prints the lines for the
//! configuration.

use std::path::Path;
use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;

use super::configuration;
use super::message::{Abort, Message};
use super::output::Output;
use super::report;
use super::status::Status;
use super::store::with_store;
use crate::diagnostic::{case, check};
use crate::model::ZoneName;
use crate::plan::{Abilities, Apex, Prerequisites, RrSetUpdates};
use crate::queue::Access;

/// The time of the check: it waits some six times until a change is served.
const LEARN_TIME_MAX: Duration = Duration::from_secs(600);

/// Runs the check on the primary of a zone.
pub(super) fn run(zone: &ZoneName, config: &Path, output: &mut Output) -> Result<Status, Abort> {
    let setup = configuration::load(config)?;
    let learn = async |store_thread: &crate::queue::StoreThread, output: &mut Output| {
        let engine = setup.engine(store_thread.store());
        let deadline = Instant::now() + LEARN_TIME_MAX;
        let learnt = engine.learn_abilities(zone, deadline).await;
        let (primary, abilities) = report::routed(&zone.to_string(), learnt, output)?;
        let lines = lines(&abilities);
        let found = if lines.is_empty() {
            "takes all updates as they are sent: no line is needed".to_owned()
        } else {
            format!("these lines belong under [primaries.{}]:", primary.name)
        };
        let line = format!("{zone} on {} ({}): {found}", primary.name, primary.endpoint);
        let entry = json!({
            "subject": zone.to_string(), "result": "learnt", "primary": primary.name,
            "address": primary.endpoint.to_string(), "lines": lines,
        });
        output.result(&line, entry);
        for line in &lines {
            output.detail(line);
        }
        if abilities.visible_within > Abilities::default().visible_within {
            let remark = case!(check::CHECK_SERVED_LATE);
            output.message(&Message::of(&remark).about(format!("{zone} on {}", primary.name)));
        }
        Ok(Status::Done)
    };
    Ok(with_store(&setup, Access::ReadWrite, output, learn))
}

/// Returns the lines of the configuration for a primary that takes less than the default.
pub(super) fn lines(abilities: &Abilities) -> Vec<String> {
    let Abilities {
        shown: _,
        soa,
        soa_ttl: _,
        apex_ns,
        prerequisites,
        rrsets,
        changes_max,
        records_max: _,
        interval: _,
        ttl_min,
        ttl_max,
        visible_within,
        serials: _,
    } = abilities;
    let usual = Abilities::default();
    let prerequisites = match prerequisites {
        Prerequisites::Soa | Prerequisites::SoaMovedOn => None,
        Prerequisites::RrSets => Some("prerequisites = \"rrset\""),
        Prerequisites::Presence => Some("prerequisites = \"presence\""),
        Prerequisites::None => Some("prerequisites = \"none\""),
    };
    let words = [
        (*soa == Apex::Keep).then_some("soa = \"keep\""),
        (*apex_ns == Apex::Keep).then_some("apex-ns = \"keep\""),
        prerequisites,
        (*rrsets == RrSetUpdates::Whole).then_some("rrsets = \"whole\""),
    ];
    let numbers = [
        changes_max.map(|count| format!("changes-max = {count}")),
        (*ttl_min != usual.ttl_min).then(|| format!("ttl-min = {ttl_min}")),
        (*ttl_max != usual.ttl_max).then(|| format!("ttl-max = {ttl_max}")),
        (*visible_within != usual.visible_within)
            .then(|| format!("visible-within = {}", visible_within.as_secs())),
    ];
    let words = words.into_iter().flatten().map(str::to_owned);
    words.chain(numbers.into_iter().flatten()).collect()
}
