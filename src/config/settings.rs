//! The settings that a configuration file gives. All values are valid, and all secrets are read.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::deliver::{EmptyZone, PtrSettings, UnownedZones};
use crate::model::{ForeignRecords, Name, NamePattern, Secret};
use crate::plan::{Abilities, CatalogName};
use crate::provision::command::CommandSettings;
use crate::provision::rndc::Way;
use crate::transport::Endpoint;
use crate::wire::Key;

/// A configuration.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    /// The name of this installation, with which its zones are marked.
    pub(crate) instance: String,
    pub(crate) queue: QueueSettings,
    pub(crate) serve: ServeSettings,
    /// All keys by their names under `[keys]`, used or not.
    pub(crate) keys: BTreeMap<String, KeySettings>,
    /// All primaries by their names under `[primaries]`; at least one.
    pub(crate) primaries: BTreeMap<String, PrimarySettings>,
    /// The routes in the order of the file; each suffix occurs once.
    pub(crate) routes: Vec<Route>,
    pub(crate) policy: PolicySettings,
    pub(crate) ptr: PtrSettings,
}

/// `[queue]`
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct QueueSettings {
    pub(crate) path: PathBuf,
    /// The time after which `nsbridge plesk` leaves the rest to the queue.
    pub(crate) deadline: Duration,
    /// For how many days it is kept what was done and what was removed.
    pub(crate) history_days: u32,
}

/// `[serve]`
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct ServeSettings {
    /// Where the worker answers `/metrics` and `/health`; `None` if it does not.
    pub(crate) listen: Option<SocketAddr>,
    /// The age of the oldest job that waits, in seconds, from which on `/health` reports a fault.
    pub(crate) oldest_job_seconds_max: u32,
    /// How often the worker audits the catalogs, in seconds; 0 if it does not.
    pub(crate) catalog_audit_seconds: u32,
    /// Within how many hours the worker audits each zone; 0 if it does not.
    pub(crate) zone_audit_hours: u32,
}

/// `[keys.NAME]`
#[derive(Clone, Debug)]
pub(crate) struct KeySettings {
    pub(crate) file: PathBuf,
    pub(crate) key: Key,
}

/// `[primaries.NAME]`
#[derive(Clone, Debug)]
pub(crate) struct PrimarySettings {
    /// Address, port and TLS settings.
    pub(crate) endpoint: Endpoint,
    /// The server that answers queries; `None` if the primary does.
    pub(crate) query_endpoint: Option<Endpoint>,
    /// The server that transfers come from; `None` if the primary sends them.
    pub(crate) transfer_endpoint: Option<Endpoint>,
    /// Sign updates and queries, tried in turn; at least one.
    pub(crate) keys: Vec<Key>,
    /// Sign transfers, tried in turn; `None` if the keys of the updates do.
    pub(crate) transfer_keys: Option<Vec<Key>>,
    /// The apex NS records of every zone, whatever the payload says; if empty, the payload decides.
    pub(crate) nameservers: Vec<Name>,
    /// What it shows, and what it takes in updates.
    pub(crate) abilities: Abilities,
    /// Most zones that are updated at a time.
    pub(crate) zones_in_flight: usize,
    /// The method that creates zones; `None` if they must exist.
    pub(crate) provision: Option<ProvisionSettings>,
    /// The catalog zone on this primary.
    pub(crate) catalog: Option<CatalogSettings>,
}

/// `catalog` and `catalog-key` of `[primaries.NAME]`
#[derive(Clone, Debug)]
pub(crate) struct CatalogSettings {
    pub(crate) name: CatalogName,
    /// Sign transfers and updates of the catalog zone, tried in turn; at least one.
    pub(crate) keys: Vec<Key>,
}

/// `[primaries.NAME.provision]`
#[derive(Clone, Debug)]
pub(crate) enum ProvisionSettings {
    /// BIND's control channel.
    Rndc(RndcProvision),
    /// A program of the operator's.
    Command(CommandSettings),
    /// PowerDNS's HTTP API.
    PowerDns(PowerDnsProvision),
    /// The primary itself, which creates a zone for each member of its catalog. The catalog is set.
    Catalog {
        /// The group of new members.
        group: Option<String>,
    },
}

/// `[primaries.NAME.provision]`, by rndc.
#[derive(Clone, Debug)]
pub(crate) struct RndcProvision {
    /// Host and port of BIND's control channel.
    pub(crate) control: (String, u16),
    /// Sign the requests to the control channel, tried in turn; at least one.
    pub(crate) control_keys: Vec<Key>,
    /// The view of the zones, if named.conf has views.
    pub(crate) view: Option<String>,
    /// The way in which a new zone gets its first contents.
    pub(crate) way: Way,
}

/// `[primaries.NAME.provision]`, by powerdns.
#[derive(Clone, Debug)]
pub(crate) struct PowerDnsProvision {
    /// Host, port and TLS settings of the API.
    pub(crate) endpoint: Endpoint,
    /// The part before `/api` in each path, without a final slash.
    pub(crate) path: String,
    pub(crate) api_key: Secret<String>,
}

/// `[[routes]]`
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Route {
    /// Covers the zones at or below this name.
    pub(crate) suffix: Name,
    /// The primary's name, a key of [`Config::primaries`].
    pub(crate) primary: String,
    /// Keys in place of those of the primary, tried in turn, each list with the suffix of its zones.
    pub(crate) keys: Vec<(Name, Vec<Key>)>,
}

/// `[policy]`
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct PolicySettings {
    /// Keeps or removes records that nsbridge never wrote.
    pub(crate) foreign_records: ForeignRecords,
    /// Owner names that are never changed.
    pub(crate) keep: Vec<NamePattern>,
    /// Zones at or below these names are never changed.
    pub(crate) deny_zones: Vec<Name>,
    /// Zones at or below these names are changed all the same, if no longer name denies them.
    pub(crate) deny_zones_except: Vec<Name>,
    /// Refuses or applies an update without records.
    pub(crate) empty_zone: EmptyZone,
    /// Adopts or refuses a zone that existed before and belongs to no instance.
    pub(crate) unowned_zones: UnownedZones,
    /// Suffixes below which panels may have zones that their names or the zones above refuse.
    pub(crate) allow_zones: Vec<Name>,
    /// Zones that CNAMEs may lead challenges into.
    pub(crate) challenge_zones: Vec<Name>,
    /// The share of the records of a zone that one update may remove, in percent; 100 is all.
    /// `None` if the default for `foreign_records` applies.
    pub(crate) removals_percent_max: Option<u32>,
    /// How many zones may be deleted or emptied within an hour.
    pub(crate) deletions_per_hour_max: u32,
}
