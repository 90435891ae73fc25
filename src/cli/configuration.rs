//! Loads the configuration file, and builds the settings of the lower layers from it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::json;
use tokio::time::Instant;

use super::message::{Abort, Message};
use super::output::{Output, count};
use super::status::Status;
use crate::config::{self, Config, KeySettings, ProvisionSettings, ServeSettings};
use crate::deliver::{
    self, Catalog, Engine, Pool, Primary, Provisioning, Purpose, Reading, Route, Routes,
    SigningKeys, StateStore,
};
use crate::diagnostic::set_command;
use crate::model::{Name, Trust};
use crate::permission::quoted;
use crate::provision::powerdns::{PowerDns, PowerDnsSettings};
use crate::provision::rndc::{Rndc, RndcSettings};
use crate::provision::{self, ProvisionError, Provisioner};
use crate::transport::EXCHANGE_TIME_MAX;
use crate::wire::{Key, KeyList};

/// The default path of the configuration.
pub(super) const CONFIG_PATH: &str = "/etc/nsbridge/nsbridge.toml";

/// The parts of the configuration that commands need.
pub(super) struct Setup {
    /// The configuration file.
    pub(super) path: PathBuf,
    /// The time of the last change of that file, in seconds since 1970.
    pub(super) changed_at: u64,
    /// The file with the queue and the state; unused if `is_direct`.
    pub(super) queue_path: PathBuf,
    /// The server is one of the command line, and nothing is kept in a file.
    pub(super) is_direct: bool,
    /// The time limit of a run.
    pub(super) time_limit: Duration,
    /// The end of the time limit, which begins with the setup.
    pub(super) deadline: Instant,
    pub(super) routes: Routes,
    /// All primaries by name, with or without a route.
    pub(super) primaries: BTreeMap<String, Rc<Primary>>,
    pub(super) policy: deliver::Policy,
    pub(super) serve: ServeSettings,
    /// For how many days it is kept what was done and what was removed.
    pub(super) history_days: u32,
    /// The name of this instance.
    pub(super) instance: String,
    /// All keys by their names in the configuration.
    pub(super) keys: BTreeMap<String, KeySettings>,
}

impl Setup {
    /// Grants a further step of the run the whole time limit.
    pub(super) fn restart_time(&mut self) {
        self.deadline = Instant::now() + self.time_limit;
    }

    /// Returns the engine with the state in a store.
    pub(super) fn engine<'a>(&'a self, store: &'a dyn StateStore) -> Engine<'a> {
        Engine {
            routes: &self.routes,
            store,
            policy: &self.policy,
            overlay: None,
        }
    }
}

/// Lets hints name a configuration file at another place than the usual one.
fn name_in_hints(path: &Path) {
    if path != Path::new(CONFIG_PATH) {
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        set_command(format!("nsbridge --config {}", quoted(&path)));
    }
}

/// Loads the configuration and the key files that it names.
///
/// # Errors
/// A message with the place of the error and its remedy.
pub(super) fn load(path: &Path) -> Result<Setup, Message> {
    name_in_hints(path);
    let config = Config::load(path, &host_name())
        .map_err(|error| Message::of(&error).and_nothing_attempted())?;
    let mut primaries = BTreeMap::new();
    for (name, settings) in &config.primaries {
        let routes = config.routes.iter().filter(|route| route.primary == *name);
        let keys = routes.flat_map(|route| {
            let own = (route.suffix.clone(), None);
            let others = route.keys.iter();
            let others = others.map(|(suffix, keys)| (suffix.clone(), Some(keys.clone())));
            // The keys of the route come last: of equal suffixes the last counts.
            std::iter::once(own).chain(others)
        });
        let creator = Creator {
            instance: &config.instance,
            exchange_time_max: EXCHANGE_TIME_MAX.max(config.queue.deadline),
        };
        let primary = primary(name, settings, keys, &creator).map_err(|error| {
            Message::of(&error)
                .about(format!("`{}`", path.display()))
                .and_nothing_attempted()
        })?;
        primaries.insert(name.clone(), Rc::new(primary));
    }
    let routes = config.routes.iter().map(|route| Route {
        suffix: route.suffix.clone(),
        primary: Rc::clone(&primaries[&route.primary]),
    });
    let all = primaries.values().cloned().collect();
    let routes = Routes::new(routes.collect(), all);
    Ok(Setup {
        routes,
        primaries,
        path: path.to_owned(),
        changed_at: changed_at(path),
        queue_path: config.queue.path,
        history_days: config.queue.history_days,
        is_direct: false,
        time_limit: config.queue.deadline,
        deadline: Instant::now() + config.queue.deadline,
        policy: deliver::Policy {
            foreign: config.policy.foreign_records,
            keep: config.policy.keep,
            deny_zones: config.policy.deny_zones,
            deny_zones_except: config.policy.deny_zones_except,
            empty_zone: config.policy.empty_zone,
            unowned_zones: config.policy.unowned_zones,
            allow_zones: config.policy.allow_zones,
            challenge_zones: config.policy.challenge_zones,
            removes_any_challenge: false,
            trust: Trust::Operator,
            awaited_zone: false,
            purpose: Purpose::Change,
            reading: Reading::IfChanged,
            removals_percent_max: config.policy.removals_percent_max,
            deletions_per_hour_max: Some(config.policy.deletions_per_hour_max),
            creates_signed_anew: false,
            ptr: config.ptr,
            clock: now,
        },
        serve: config.serve,
        instance: config.instance,
        keys: config.keys,
    })
}

/// `nsbridge config check`: loads the configuration and the files that it names, and says what it holds.
pub(super) fn check(path: &Path, output: &mut Output) -> Result<Status, Abort> {
    let setup = load(path)?;
    let (primaries, keys) = (setup.primaries.len(), setup.keys.len());
    let parts = [
        format!("instance `{}`", setup.instance),
        format!(
            "{primaries} {}",
            if primaries == 1 {
                "primary"
            } else {
                "primaries"
            }
        ),
        count(keys, "key"),
    ];
    let line = format!("{}: valid, {}", path.display(), parts.join(", "));
    let entry = json!({
        "subject": path.display().to_string(), "result": "valid", "instance": setup.instance,
        "primaries": setup.primaries.keys().collect::<Vec<_>>(), "keys": setup.keys.keys().collect::<Vec<_>>(),
    });
    output.result(&line, entry);
    Ok(Status::Done)
}

/// What provisioners get from tables other than their own.
struct Creator<'a> {
    instance: &'a str,
    /// The longest wait for one answer. A server that needs more has it by a longer deadline.
    exchange_time_max: Duration,
}

fn primary(
    name: &str,
    settings: &config::PrimarySettings,
    keys_below: impl Iterator<Item = (Name, Option<Vec<Key>>)>,
    creator: &Creator<'_>,
) -> Result<Primary, ProvisionError> {
    let provision = settings.provision.as_ref();
    let catalog = settings.catalog.as_ref();
    let keys = signing_keys(settings, settings.keys.clone());
    Ok(Primary {
        name: name.into(),
        endpoint: settings.endpoint.clone(),
        query_endpoint: settings.query_endpoint.clone(),
        transfer_endpoint: settings.transfer_endpoint.clone(),
        keys_below: keys_below
            .map(|(suffix, own)| {
                let own = own.map(|own| signing_keys(settings, own));
                (suffix, own.unwrap_or_else(|| keys.clone()))
            })
            .collect(),
        nameservers: settings.nameservers.clone(),
        abilities: settings.abilities.clone(),
        provisioning: provision
            .map(|provision| provisioning(provision, settings, &keys, creator))
            .transpose()?,
        catalog: catalog.map(|catalog| {
            Catalog::new(
                catalog.name.clone(),
                key_list(catalog.keys.clone()),
                creator.instance.into(),
            )
        }),
        pool: Pool::new(settings.zones_in_flight),
        keys,
    })
}

/// Returns the keys of zones whose updates these keys sign.
fn signing_keys(settings: &config::PrimarySettings, update: Vec<Key>) -> SigningKeys {
    let transfer = settings.transfer_keys.as_ref().unwrap_or(&update).clone();
    SigningKeys {
        transfer: key_list(transfer),
        update: key_list(update),
    }
}

fn key_list(keys: Vec<Key>) -> KeyList {
    KeyList::new(keys).expect("the configuration refuses an empty list")
}

fn provisioning(
    provision: &ProvisionSettings,
    settings: &config::PrimarySettings,
    keys: &SigningKeys,
    creator: &Creator<'_>,
) -> Result<Provisioning, ProvisionError> {
    let &Creator {
        instance,
        exchange_time_max,
    } = creator;
    Ok(Provisioning::Provisioner(match provision {
        ProvisionSettings::Rndc(rndc) => Provisioner::Rndc(Box::new(Rndc::new(RndcSettings {
            control: rndc.control.clone(),
            host: settings.endpoint.host.clone(),
            control_keys: key_list(rndc.control_keys.clone()),
            view: rndc.view.clone(),
            instance: instance.into(),
            way: rndc.way.clone(),
            update_keys: keys.update.clone(),
            transfer_keys: keys.transfer.clone(),
            clock: now,
            exchange_time_max,
        })?)),
        ProvisionSettings::PowerDns(powerdns) => {
            Provisioner::PowerDns(PowerDns::new(PowerDnsSettings {
                endpoint: powerdns.endpoint.clone(),
                path: powerdns.path.clone(),
                api_key: powerdns.api_key.clone(),
                instance: instance.into(),
                update_keys: names(&keys.update),
                transfer_keys: names(&keys.transfer),
                exchange_time_max,
            })?)
        }
        ProvisionSettings::Command(command) => {
            Provisioner::Command(provision::Command::new(command.clone()))
        }
        ProvisionSettings::Catalog { group } => {
            let group = group.clone();
            return Ok(Provisioning::Catalog { group });
        }
    }))
}

fn names(keys: &KeyList) -> Vec<Name> {
    keys.keys().iter().map(|key| key.name().clone()).collect()
}

/// Returns the name of this machine in the kernel.
fn host_name() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    match name.trim() {
        "" => "localhost".into(),
        name => name.into(),
    }
}

/// Returns the Unix time in seconds.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place that reads the clock"
)]
pub(super) fn now() -> u64 {
    seconds(SystemTime::now())
}

fn changed_at(path: &Path) -> u64 {
    let changed = path.metadata().and_then(|file| file.modified());
    changed.map_or(0, seconds)
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}
