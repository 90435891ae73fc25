//! Loads the configuration file, and builds the settings of the lower layers from it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

use super::output::Message;
use crate::config::{self, Config, KeySettings, ProvisionSettings};
use crate::deliver::{
    self, Catalog, Engine, Pool, Primary, Provisioning, Route, Routes, StateStore,
};
use crate::provision::powerdns::{PowerDns, PowerDnsSettings};
use crate::provision::rndc::{Rndc, RndcSettings};
use crate::provision::{self, ProvisionError, Provisioner};

/// The default path of the configuration.
pub(super) const CONFIG_PATH: &str = "/etc/nsbridge/nsbridge.toml";

/// The parts of the configuration that commands need.
pub(super) struct Setup {
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

/// Loads the configuration and the key files that it names.
///
/// # Errors
/// A message with the place of the error and its remedy.
pub(super) fn load(path: &Path) -> Result<Setup, Message> {
    let config = Config::load(path, &host_name())
        .map_err(|error| Message::nothing_attempted(&error.to_string(), error.hint()))?;
    let mut primaries = BTreeMap::new();
    for (name, settings) in &config.primaries {
        let primary = primary(name, settings, &config.instance).map_err(|error| {
            let cause = format!("`{}`: {error}", path.display());
            Message::nothing_attempted(&cause, error.hint())
        })?;
        primaries.insert(name.clone(), Rc::new(primary));
    }
    let routes = config.routes.iter().map(|route| Route {
        suffix: route.suffix.clone(),
        primary: Rc::clone(&primaries[&route.primary]),
    });
    let routes = Routes::new(routes.collect());
    Ok(Setup {
        routes,
        primaries,
        queue_path: config.queue.path,
        is_direct: false,
        time_limit: config.queue.deadline,
        deadline: Instant::now() + config.queue.deadline,
        policy: deliver::Policy {
            foreign: config.policy.foreign_records,
            keep: config.policy.keep,
            deny_zones: config.policy.deny_zones,
            empty_zone: config.policy.empty_zone,
            unowned_zones: config.policy.unowned_zones,
            removals_percent_max: config.policy.removals_percent_max,
            ptr: config.ptr,
            clock: now,
        },
        instance: config.instance,
        keys: config.keys,
    })
}

fn primary(
    name: &str,
    settings: &config::PrimarySettings,
    instance: &str,
) -> Result<Primary, ProvisionError> {
    let provision = settings.provision.as_ref();
    let catalog = settings.catalog.as_ref();
    Ok(Primary {
        name: name.into(),
        endpoint: settings.endpoint.clone(),
        key: settings.key.clone(),
        transfer_key: settings.transfer_key.clone(),
        nameservers: settings.nameservers.clone(),
        read: settings.read,
        provisioning: provision
            .map(|provision| provisioning(provision, settings, instance))
            .transpose()?,
        catalog: catalog.map(|catalog| {
            Catalog::new(catalog.name.clone(), catalog.key.clone(), instance.into())
        }),
        pool: Pool::new(settings.zones_in_flight),
    })
}

fn provisioning(
    provision: &ProvisionSettings,
    settings: &config::PrimarySettings,
    instance: &str,
) -> Result<Provisioning, ProvisionError> {
    Ok(Provisioning::Provisioner(match provision {
        ProvisionSettings::Rndc(rndc) => Provisioner::Rndc(Box::new(Rndc::new(RndcSettings {
            control: rndc.control.clone(),
            control_key: rndc.control_key.clone(),
            view: rndc.view.clone(),
            instance: instance.into(),
            way: rndc.way.clone(),
            update_key: settings.key.clone(),
            transfer_key: settings.transfer_key.clone(),
            clock: now,
        })?)),
        ProvisionSettings::PowerDns(powerdns) => {
            Provisioner::PowerDns(PowerDns::new(PowerDnsSettings {
                endpoint: powerdns.endpoint.clone(),
                path: powerdns.path.clone(),
                api_key: powerdns.api_key.clone(),
                instance: instance.into(),
                update_key: settings.key.name().clone(),
                transfer_key: settings.transfer_key.name().clone(),
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
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}
