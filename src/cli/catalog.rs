//! `nsbridge catalog`: upgrades catalogs.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::json;

use super::configuration::{self, Setup};
use super::message::{Abort, Message};
use super::output::{Output, count};
use super::report;
use super::runtime::block_on;
use super::status::Status;
use crate::diagnostic::{case, command};

/// Changes of catalogs as a whole.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Gives each zone of a catalog a claim, so that nsbridge finds its owner by its name.
    ///
    /// Needed once for a catalog that an earlier version of nsbridge wrote to, and after another program has
    /// listed zones. Zones that an installation has marked as its own get a claim of that installation, all
    /// others one of nobody. No secondary notices. Upgrade nsbridge on all installations that share the
    /// catalog before.
    Upgrade {
        /// The primary that keeps the catalog. By default, all that keep one.
        #[arg(long, value_name = "NAME")]
        primary: Option<String>,
    },
}

/// Runs the command.
pub(super) fn run(command: &Command, config: &Path, output: &mut Output) -> Result<Status, Abort> {
    let Command::Upgrade { primary } = command;
    upgrade(primary.as_deref(), config, output)
}

fn upgrade(primary: Option<&str>, config: &Path, output: &mut Output) -> Result<Status, Abort> {
    let setup = configuration::load(config)?;
    check_primary(primary, &setup, "nsbridge catalog upgrade --help")?;
    let mut status = Status::Done;
    let chosen = setup.primaries.values();
    for primary in chosen.filter(|it| primary.is_none_or(|name| *name == it.name)) {
        let Some(catalog) = &primary.catalog else {
            continue;
        };
        let zone = catalog.zone().to_string();
        let upgraded = primary.upgrade_catalog(setup.policy.clock, setup.deadline);
        match block_on(upgraded)? {
            Ok(claims) => {
                let claims = claims.unwrap_or_default();
                let line = format!(
                    "{zone}: {} on {} ({})",
                    describe(&claims),
                    primary.name,
                    primary.endpoint
                );
                let entry = json!({
                    "subject": zone, "result": "upgraded", "primary": primary.name,
                    "address": primary.endpoint.to_string(), "claims": claims,
                });
                output.result(&line, entry);
            }
            Err(failure) => {
                status.or_worse(report::fail(&zone, Some(primary), &failure, output));
            }
        }
    }
    Ok(status)
}

/// Refuses the name of a primary that the configuration does not have.
pub(super) fn check_primary(name: Option<&str>, setup: &Setup, help: &str) -> Result<(), Abort> {
    let Some(name) = name.filter(|name| !setup.primaries.contains_key(*name)) else {
        return Ok(());
    };
    let names: Vec<&String> = setup.primaries.keys().collect();
    let problem = format!("no primary `{name}`; there is {}", report::names(&names));
    let message = Message::of(&case!(command::USAGE, problem, help)).and_nothing_attempted();
    Err(Abort::new(Status::Usage, message))
}

/// Returns the numbers of new claims.
fn describe(claims: &BTreeMap<String, usize>) -> String {
    if claims.is_empty() {
        return "unchanged".into();
    }
    let parts = claims.iter().map(|(instance, number)| {
        let claims = count(*number, "claim");
        match instance.as_str() {
            "" => format!("{claims} of nobody"),
            instance => format!("{claims} of `{instance}`"),
        }
    });
    format!("upgraded, {}", parts.collect::<Vec<_>>().join(", "))
}
