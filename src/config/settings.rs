//! What a configuration says, as types: everything in them is valid and every secret is read.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use crate::deliver::{EmptyZone, PtrSettings, Read, UnownedZones};
use crate::model::{ForeignRecords, Name, NamePattern, Secret};
use crate::plan::CatalogName;
use crate::provision::command::CommandSettings;
use crate::provision::rndc::Way;
use crate::transport::Endpoint;
use crate::wire::Key;

/// A whole configuration.
#[derive(Clone, Debug)]
pub struct Config {
    /// A name for this installation, which its zones bear.
    pub instance: String,
    /// The memory of what was delivered, and the time for a call.
    pub queue: QueueSettings,
    /// Every key by its name under `[keys]`, used or not.
    pub keys: BTreeMap<String, KeySettings>,
    /// Every primary by its name under `[primaries]`; at least one.
    pub primaries: BTreeMap<String, PrimarySettings>,
    /// Which primary serves which zone, in the order of the file; each suffix once.
    pub routes: Vec<Route>,
    /// What may be changed.
    pub policy: PolicySettings,
    /// PTR records.
    pub ptr: PtrSettings,
}

/// `[queue]`
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct QueueSettings {
    /// The file.
    pub path: PathBuf,
    /// How long `nsbridge plesk` may try before it gives up.
    pub deadline: Duration,
}

/// `[keys.NAME]`
#[derive(Clone, Debug)]
pub struct KeySettings {
    /// The file that it was read from.
    pub file: PathBuf,
    /// The key.
    pub key: Key,
}

/// `[primaries.NAME]`
#[derive(Clone, Debug)]
pub struct PrimarySettings {
    /// Where it listens, and TLS.
    pub endpoint: Endpoint,
    /// Signs updates and queries.
    pub key: Key,
    /// Signs transfers.
    pub transfer_key: Key,
    /// The apex NS records whatever the payload says; empty: as the payload says.
    pub nameservers: Vec<Name>,
    /// How its zones are read.
    pub read: Read,
    /// How many zones are worked on at a time.
    pub zones_in_flight: usize,
    /// How zones are made; none: they must exist.
    pub provision: Option<ProvisionSettings>,
    /// The catalog that it keeps.
    pub catalog: Option<CatalogSettings>,
}

/// `catalog` and `catalog-key` of `[primaries.NAME]`
#[derive(Clone, Debug)]
pub struct CatalogSettings {
    /// The catalog zone.
    pub name: CatalogName,
    /// Signs transfers and updates of it.
    pub key: Key,
}

/// `[primaries.NAME.provision]`
#[derive(Clone, Debug)]
pub enum ProvisionSettings {
    /// By BIND's control channel.
    Rndc(RndcProvision),
    /// By a program.
    Command(CommandSettings),
    /// By PowerDNS's HTTP API.
    PowerDns(PowerDnsProvision),
    /// By the primary itself, of the members of its catalog, which it has then.
    Catalog {
        /// The group that new members are in.
        group: Option<String>,
    },
}

/// `[primaries.NAME.provision]`, by rndc.
#[derive(Clone, Debug)]
pub struct RndcProvision {
    /// Host and port of BIND's control channel.
    pub control: (String, u16),
    /// Signs what is sent there.
    pub control_key: Key,
    /// The view, where named.conf has views.
    pub view: Option<String>,
    /// How a zone gets its first contents.
    pub way: Way,
}

/// `[primaries.NAME.provision]`, by powerdns.
#[derive(Clone, Debug)]
pub struct PowerDnsProvision {
    /// Host, port and TLS of the API.
    pub endpoint: Endpoint,
    /// What stands before `/api` in each path, without a slash at its end.
    pub path: String,
    /// The key of the API.
    pub api_key: Secret<String>,
}

/// `[[routes]]`
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Route {
    /// The zones at or below this name.
    pub suffix: Name,
    /// The primary's name, which is one of [`Config::primaries`].
    pub primary: String,
}

/// `[policy]`
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PolicySettings {
    /// What becomes of records that nsbridge never wrote.
    pub foreign_records: ForeignRecords,
    /// Names that are never touched.
    pub keep: Vec<NamePattern>,
    /// Zones at or below these names are left alone.
    pub deny_zones: Vec<Name>,
    /// What an update without any record means.
    pub empty_zone: EmptyZone,
    /// What becomes of a zone that was there before and belongs to no instance.
    pub unowned_zones: UnownedZones,
    /// How much of the records of a zone one update may remove, in percent; 100 is all. None where the file
    /// leaves it to what becomes of foreign records.
    pub removals_percent_max: Option<u32>,
}
