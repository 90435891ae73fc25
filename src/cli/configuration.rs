//! From the configuration file to the settings of the layers below.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::output::Message;
use crate::config::{self, Config, KeySettings, ProvisionSettings};
use crate::deliver::{
    self, Catalog, Engine, Pool, Primary, Provisioning, Route, Routes, StateStore,
};
use crate::provision::powerdns::{PowerDns, PowerDnsSettings};
use crate::provision::rndc::{Rndc, RndcSettings};
use crate::provision::{self, ProvisionError, Provisioner};

/// Where the configuration is looked for.
pub(super) const CONFIG_PATH: &str = "/etc/nsbridge/nsbridge.toml";

/// All that a command needs of the configuration.
pub(super) struct Setup {
    /// The file with the queue and the memory; of no meaning with a server of the command line.
    pub(super) queue_path: PathBuf,
    /// A server of the command line, in place of a configuration: nothing is kept.
    pub(super) is_direct: bool,
    /// How long a run may take.
    pub(super) deadline: Duration,
    pub(super) routes: Routes,
    /// Every primary by its name, also those that no route leads to.
    pub(super) primaries: BTreeMap<String, Rc<Primary>>,
    pub(super) policy: deliver::Policy,
    /// The name of this installation.
    pub(super) instance: String,
    /// Every key by its name in the configuration.
    pub(super) keys: BTreeMap<String, KeySettings>,
}

impl Setup {
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

/// Reads the configuration and the key files that it names.
///
/// # Errors
/// A message that says what is wrong where, with its remedy.
pub(super) fn load(path: &Path) -> Result<Setup, Message> {
    let config = Config::load(path, &host_name())
        .map_err(|error| Message::nothing_attempted(&error.to_string(), error.hint()))?;
    let primaries: BTreeMap<String, Rc<Primary>> = config
        .primaries
        .iter()
        .map(|(name, settings)| {
            let primary = primary(name, settings, &config.instance)?;
            Ok((name.clone(), Rc::new(primary)))
        })
        .collect::<Result<_, ProvisionError>>()
        .map_err(|error| {
            let cause = format!("`{}`: {error}", path.display());
            Message::nothing_attempted(&cause, error.hint())
        })?;
    let routes = config.routes.iter().map(|route| Route {
        suffix: route.suffix.clone(),
        primary: Rc::clone(&primaries[route.primary.as_str()]),
    });
    let routes = Routes::new(routes.collect());
    Ok(Setup {
        routes,
        primaries,
        queue_path: config.queue.path,
        is_direct: false,
        deadline: config.queue.deadline,
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
    let provisioning = match &settings.provision {
        None => None,
        Some(ProvisionSettings::Rndc(rndc)) => {
            let rndc = Rndc::new(RndcSettings {
                control: rndc.control.clone(),
                control_key: rndc.control_key.clone(),
                view: rndc.view.clone(),
                instance: instance.into(),
                way: rndc.way.clone(),
                update_key: settings.key.clone(),
                transfer_key: settings.transfer_key.clone(),
                clock: now,
            })?;
            Some(Provisioning::Provisioner(Provisioner::Rndc(Box::new(rndc))))
        }
        Some(ProvisionSettings::PowerDns(powerdns)) => {
            let powerdns = PowerDns::new(PowerDnsSettings {
                endpoint: powerdns.endpoint.clone(),
                path: powerdns.path.clone(),
                api_key: powerdns.api_key.clone(),
                instance: instance.into(),
                update_key: settings.key.name().clone(),
                transfer_key: settings.transfer_key.name().clone(),
            })?;
            Some(Provisioning::Provisioner(Provisioner::PowerDns(powerdns)))
        }
        Some(ProvisionSettings::Command(command)) => {
            let command = provision::Command::new(command.clone());
            Some(Provisioning::Provisioner(Provisioner::Command(command)))
        }
        Some(ProvisionSettings::Catalog { group }) => Some(Provisioning::Catalog {
            group: group.clone(),
        }),
    };
    Ok(Primary {
        name: name.into(),
        endpoint: settings.endpoint.clone(),
        key: settings.key.clone(),
        transfer_key: settings.transfer_key.clone(),
        nameservers: settings.nameservers.clone(),
        read: settings.read,
        provisioning,
        catalog: settings.catalog.as_ref().map(|catalog| {
            Catalog::new(catalog.name.clone(), catalog.key.clone(), instance.into())
        }),
        pool: Pool::new(settings.zones_in_flight),
    })
}

/// The name of this machine, as the kernel has it.
fn host_name() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let name = name.trim();
    if name.is_empty() {
        "localhost".into()
    } else {
        name.into()
    }
}

/// Seconds since 1970.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place that reads the clock"
)]
pub(super) fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}
