//! `nsbridge catalog`: upgrades catalogs, and says which machine delivers for the instance.

use std::collections::BTreeMap;
use std::path::Path;
use std::rc::Rc;

use serde_json::json;

use super::configuration::{self, Setup};
use super::message::{Abort, Message};
use super::output::{Output, count};
use super::report;
use super::runtime::block_on;
use super::status::Status;
use super::store::with_store;
use crate::deliver::{Primary, Renewal};
use crate::diagnostic::{case, command};
use crate::queue::{Access, StoreThread};

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
    /// Makes this machine the one that delivers for its instance.
    ///
    /// Needed if NB-INSTANCE-CLONED says that another machine does, or that this queue file is an older copy. Writes an
    /// epoch of this queue file to the catalog. Another machine of the instance then changes nothing on the primary. Jobs
    /// that came since go on; those that waited before are held, since newer contents may be in place. For the same reason,
    /// `audit` and `resync` have nothing of before: have all zones delivered again.
    TakeOver {
        /// The primary that keeps the catalog. By default, all that keep one.
        #[arg(long, value_name = "NAME")]
        primary: Option<String>,
    },
}

/// Runs the command.
pub(super) fn run(command: &Command, config: &Path, output: &mut Output) -> Result<Status, Abort> {
    let setup = configuration::load(config)?;
    match command {
        Command::Upgrade { primary } => {
            let help = "nsbridge catalog upgrade --help";
            upgrade(&chosen(primary.as_deref(), help, &setup)?, &setup, output)
        }
        Command::TakeOver { primary } => {
            let help = "nsbridge catalog take-over --help";
            let chosen = chosen(primary.as_deref(), help, &setup)?;
            Ok(take_over(&chosen, &setup, output))
        }
    }
}

/// Returns the primary that the operator names, or all.
fn chosen<'a>(
    primary: Option<&str>,
    help: &str,
    setup: &'a Setup,
) -> Result<Vec<&'a Rc<Primary>>, Abort> {
    check_primary(primary, setup, help)?;
    let is_chosen = |it: &&Rc<Primary>| primary.is_none_or(|name| *name == it.name);
    Ok(setup.primaries.values().filter(is_chosen).collect())
}

/// Writes an epoch of this queue file to the catalogs, and releases the jobs.
fn take_over(chosen: &[&Rc<Primary>], setup: &Setup, output: &mut Output) -> Status {
    let work = async |store_thread: &StoreThread, output: &mut Output| {
        let engine = setup.engine(store_thread.store());
        let mut status = Status::Done;
        for primary in chosen {
            let Some(catalog) = primary.catalog_zone() else {
                continue;
            };
            let renewal = Renewal::TakeOver;
            let renewed = engine.renew_epoch(primary, renewal, setup.deadline).await;
            let gave_way = match renewed {
                Ok(gave_way) => gave_way,
                Err(failure) => {
                    let subject = catalog.to_string();
                    status.or_worse(report::fail(&subject, Some(primary), &failure, output));
                    continue;
                }
            };
            let now = (setup.policy.clock)();
            let since = gave_way.as_ref().map(|it| it.made_at().unwrap_or(now));
            if let Some(since) = since {
                let jobs = store_thread.jobs();
                jobs.take_over(&primary.name, since, now).await?;
            }
            let (name, endpoint) = (&primary.name, &primary.endpoint);
            let (result, text) = match since {
                Some(_) => ("taken-over", "taken over from another machine"),
                None => ("unchanged", "no other machine had taken it"),
            };
            let instance = &setup.instance;
            let line = format!("{catalog}: instance `{instance}`: {text} on {name} ({endpoint})");
            let entry = json!({
                "subject": catalog.to_string(), "result": result, "primary": name,
                "address": endpoint.to_string(), "instance": instance, "since": since,
            });
            output.result(&line, entry);
        }
        Ok(status)
    };
    with_store(setup, Access::ReadWrite, output, work)
}

fn upgrade(chosen: &[&Rc<Primary>], setup: &Setup, output: &mut Output) -> Result<Status, Abort> {
    let mut status = Status::Done;
    for primary in chosen {
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
