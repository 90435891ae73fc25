//! Turns the tables of the file into settings: names, defaults and limits of every option.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use toml::de::DeTable;

use super::error::ConfigError;
use super::reader::{Keys, Source, Table};
use super::references::References;

use super::settings::{
    CatalogSettings, Config, KeySettings, PolicySettings, PrimarySettings, ProvisionSettings,
    QueueSettings, ServeSettings,
};
use super::unreadable::Unreadable;
use super::values::{
    HOST_AND_PORT, read_host, read_hosts, read_instance, read_names, read_network, read_path,
};
use super::{abilities, keyfile, provision, routes, tls};
use crate::deliver::{EmptyZone, ExistingPtr, PtrSettings, UnownedZones, ZonesOfOthers};
use crate::model::{ForeignRecords, TTL_MAX};
use crate::permission;
use crate::plan::CatalogName;
use crate::transport::{Endpoint, Security};
use crate::wire::Key;

/// Longest configuration in octets: enough for some thousand primaries.
const CONFIG_OCTETS_MAX: u64 = 4 * 1024 * 1024;
/// Longest time in seconds for which Plesk may have to wait.
const DEADLINE_SECONDS_MAX: u32 = 3600;
/// Most zones at a time, because each takes a connection. BIND: 150 in all (`tcp-clients`).
const ZONES_IN_FLIGHT_MAX: u32 = 128;

const QUEUE_PATH: &str = "/var/lib/nsbridge/queue.db";
const DEADLINE_SECONDS: u32 = 20;
const OLDEST_JOB_SECONDS_MAX: u32 = 600;
/// Default of `history-days`, and the most of them.
const HISTORY_DAYS: u32 = 30;
const HISTORY_DAYS_MAX: u32 = 3_650;
/// Defaults of `catalog-audit-seconds` and `zone-audit-hours`.
const CATALOG_AUDIT_SECONDS: u32 = 600;
const ZONE_AUDIT_HOURS: u32 = 24;
const ZONES_IN_FLIGHT: u32 = 8;
/// Port of DNS over TCP (RFC 1035 section 4.2).
const TCP_PORT: u16 = 53;
/// Port of DNS over TLS (RFC 7858 section 3.1).
const TLS_PORT: u16 = 853;

const DOCUMENT: Keys = keys(&[
    "version",
    "instance",
    "queue",
    "serve",
    "keys",
    "primaries",
    "routes",
    "policy",
    "ptr",
]);
const QUEUE: Keys = keys(&["path", "deadline-seconds", "history-days"]);
const SERVE: Keys = keys(&[
    "listen",
    "oldest-job-seconds-max",
    "catalog-audit-seconds",
    "zone-audit-hours",
]);
const KEY: Keys = keys(&["file"]);
const PRIMARY: Keys = keys(&[
    "address",
    "transport",
    "key",
    "transfer-key",
    "query-address",
    "transfer-address",
    "read",
    "nameservers",
    "zones-in-flight",
    "tls-ca-file",
    "tls-name",
    "tls-pins",
    "tls-certificate-file",
    "tls-key-file",
    "provision",
    "catalog",
    "catalog-key",
    "soa",
    "apex-ns",
    "prerequisites",
    "rrsets",
    "changes-max",
    "ttl-min",
    "ttl-max",
    "visible-within",
]);

/// Default number of zones that may be deleted or emptied within an hour.
const DELETIONS_PER_HOUR_MAX: u32 = 100;

const POLICY: Keys = keys(&[
    "foreign-records",
    "keep",
    "deny-zones",
    "deny-zones-except",
    "empty-zone",
    "unowned-zones",
    "allow-zones",
    "challenge-zones",
    "removals-max-percent",
    "deletions-max-per-hour",
]);
const PTR: Keys = keys(&["networks", "existing", "ttl-seconds", "zones-of-others"]);

const fn keys(valid: &'static [&'static str]) -> Keys {
    Keys { valid }
}

/// Returns every valid key once, sorted.
#[cfg(test)]
pub(super) fn all_keys() -> Vec<&'static str> {
    let provision = provision::KEYS;
    let tables = [
        DOCUMENT,
        QUEUE,
        SERVE,
        KEY,
        PRIMARY,
        provision,
        routes::ROUTE,
        POLICY,
        PTR,
    ];
    let mut keys: Vec<_> = tables
        .iter()
        .flat_map(|table| table.valid)
        .copied()
        .collect();
    keys.sort_unstable();
    keys.dedup();
    keys
}

impl Config {
    /// Reads a configuration file, and the key files and certificates that it names.
    /// `host_name` is the default of `instance`. Paths in the file are relative to its directory.
    ///
    /// # Errors
    /// The first [`ConfigError`].
    pub(crate) fn load(path: &Path, host_name: &str) -> Result<Self, ConfigError> {
        let failed = |source| ConfigError::Read(Unreadable::new(path, source));
        let mut text = String::new();
        File::open(path)
            .map_err(failed)?
            .take(CONFIG_OCTETS_MAX + 1)
            .read_to_string(&mut text)
            .map_err(failed)?;
        if text.len() as u64 > CONFIG_OCTETS_MAX {
            return Err(ConfigError::TooLong {
                path: path.to_owned(),
                limit: CONFIG_OCTETS_MAX,
            });
        }
        let config = Self::parse(&text, path, host_name)?;
        config.check_programs(path)?;
        Ok(config)
    }

    /// As root, checks that nobody but root, and the user whose rights root takes for the delivery, may change which program
    /// runs: not the program, not this file, and no directory above them.
    fn check_programs(&self, path: &Path) -> Result<(), ConfigError> {
        if !rustix::process::geteuid().is_root() {
            return Ok(());
        }
        let acting = permission::directory_owner(&self.queue.path).unwrap_or(0);
        for primary in self.primaries.values() {
            let Some(ProvisionSettings::Command(command)) = &primary.provision else {
                continue;
            };
            for file in [&command.program, path] {
                let open = permission::open_place(file, acting)
                    .map_err(|source| ConfigError::Read(Unreadable::new(file, source)))?;
                if let Some(place) = open {
                    let program = command.program.clone();
                    return Err(ConfigError::OpenProgram { program, place });
                }
            }
        }
        Ok(())
    }

    /// Parses the text of a configuration file; `path` is for errors and relative paths.
    ///
    /// # Errors
    /// The first [`ConfigError`].
    pub(crate) fn parse(text: &str, path: &Path, host_name: &str) -> Result<Self, ConfigError> {
        let source = Source { path, text };
        let document = DeTable::parse(text).map_err(|error| ConfigError::Syntax {
            position: source.position(error.span().map_or(0, |span| span.start)),
            message: error.message().to_owned(),
        })?;
        let table = Table::document(source, document.get_ref(), DOCUMENT)?;
        table.require("version", table.number("version", 1..=1)?)?;
        let instance = match table.text("instance")? {
            Some(text) => text.read("1 to 64 letters, digits, `-`, `_` and `.`", read_instance)?,
            None => host_name.to_owned(),
        };
        let directory = path.parent().unwrap_or(Path::new(""));
        let queue = read_queue(&table, directory)?;
        let references = References {
            directory,
            keys: read_keys(&table, directory)?,
        };
        let mut primaries = BTreeMap::new();
        for (name, table) in table.named_tables("primaries", PRIMARY)? {
            primaries.insert(name, references.primary(&table)?);
        }
        if primaries.is_empty() {
            return table.require("primaries.NAME", None);
        }
        Ok(Self {
            instance,
            queue,
            serve: read_serve(&table)?,
            routes: routes::read(&table, &primaries, &references)?,
            policy: read_policy(&table, &primaries)?,
            ptr: read_ptr(&table)?,
            primaries,
            keys: references.keys,
        })
    }
}

fn read_queue(document: &Table<'_>, directory: &Path) -> Result<QueueSettings, ConfigError> {
    let table = document.table("queue", QUEUE)?;
    let (mut path, mut seconds, mut days) = (None, None, None);
    if let Some(table) = table {
        path = read_path(&table, "path", directory)?.map(|(path, _)| path);
        seconds = table.number("deadline-seconds", 1..=DEADLINE_SECONDS_MAX)?;
        days = table.number("history-days", 0..=HISTORY_DAYS_MAX)?;
    }
    Ok(QueueSettings {
        path: path.unwrap_or_else(|| PathBuf::from(QUEUE_PATH)),
        deadline: Duration::from_secs(seconds.unwrap_or(DEADLINE_SECONDS).into()),
        history_days: days.unwrap_or(HISTORY_DAYS),
    })
}

fn read_serve(document: &Table<'_>) -> Result<ServeSettings, ConfigError> {
    let table = document.table("serve", SERVE)?;
    let (mut listen, mut seconds) = (None, None);
    let (mut catalog_audit, mut zone_audit) = (None, None);
    if let Some(table) = table {
        if let Some(text) = table.text("listen")? {
            let allowed = "an IP address and a port: 127.0.0.1:9353";
            listen = Some(text.read(allowed, |text| text.parse().ok())?);
        }
        seconds = table.number("oldest-job-seconds-max", 1..=u32::MAX)?;
        catalog_audit = table.number("catalog-audit-seconds", 0..=u32::MAX)?;
        zone_audit = table.number("zone-audit-hours", 0..=u32::MAX)?;
    }
    Ok(ServeSettings {
        listen,
        oldest_job_seconds_max: seconds.unwrap_or(OLDEST_JOB_SECONDS_MAX),
        catalog_audit_seconds: catalog_audit.unwrap_or(CATALOG_AUDIT_SECONDS),
        zone_audit_hours: zone_audit.unwrap_or(ZONE_AUDIT_HOURS),
    })
}

fn read_keys(
    document: &Table<'_>,
    directory: &Path,
) -> Result<BTreeMap<String, KeySettings>, ConfigError> {
    let mut keys = BTreeMap::new();
    for (name, table) in document.named_tables("keys", KEY)? {
        let (file, text) = table.require("file", read_path(&table, "file", directory)?)?;
        let key = keyfile::read_key(&file, &name).map_err(|source| ConfigError::KeyFile {
            position: text.position,
            source,
        })?;
        keys.insert(name, KeySettings { file, key });
    }
    Ok(keys)
}

#[derive(Clone, Copy, Eq, PartialEq)]
enum Transport {
    Tcp,
    Tls,
    Udp,
}

impl References<'_> {
    fn primary(&self, table: &Table<'_>) -> Result<PrimarySettings, ConfigError> {
        let transport = match table.text("transport")? {
            Some(text) => text.choice(&[
                ("tcp", Transport::Tcp),
                ("tls", Transport::Tls),
                ("udp", Transport::Udp),
            ])?,
            None => Transport::Tcp,
        };
        let port = match transport {
            Transport::Tcp | Transport::Udp => TCP_PORT,
            Transport::Tls => TLS_PORT,
        };
        let address = table.require("address", table.text("address")?)?;
        let default_port = port;
        let (host, port) = address.read(HOST_AND_PORT, |text| read_host(text, default_port))?;
        let security = match transport {
            Transport::Tcp | Transport::Udp => reject_tls_options(table)?,
            Transport::Tls => tls::read_with_identity(table, &host, self.directory)?,
        };
        let keys = table.require("key", self.keys(table, "key")?)?;
        let transfer_keys = self.keys(table, "transfer-key")?;
        let catalog = self.catalog(table, &keys)?;
        let zones = table.number("zones-in-flight", 1..=ZONES_IN_FLIGHT_MAX)?;
        let provision = match table.table("provision", provision::KEYS)? {
            Some(table) => Some(provision::read(&table, self)?),
            None => None,
        };
        if let Some(ProvisionSettings::Catalog { .. }) = provision {
            table.require("catalog", catalog.as_ref())?;
        }
        let creates = provision.as_ref().map(|_| "provision");
        let creates = creates.or(catalog.as_ref().map(|_| "catalog"));
        let elsewhere = |name| {
            let address = table.text(name)?;
            let read =
                address.map(|it| it.read(HOST_AND_PORT, |text| read_host(text, default_port)));
            let Some((host, port)) = read.transpose()? else {
                return Ok(None);
            };
            let security = match transport {
                // Only updates and questions to `address` go by UDP.
                Transport::Tcp | Transport::Udp => Security::Tcp,
                Transport::Tls => tls::read_with_identity(table, &host, self.directory)?,
            };
            Ok(Some(Endpoint {
                host,
                port,
                security,
            }))
        };
        if let (Transport::Udp, Some(other), Some(text)) =
            (transport, creates, table.text("transport")?)
        {
            return Err(ConfigError::Excluded {
                position: text.position,
                key: text.key,
                other,
            });
        }
        Ok(PrimarySettings {
            query_endpoint: elsewhere("query-address")?,
            transfer_endpoint: elsewhere("transfer-address")?,
            endpoint: Endpoint {
                host,
                port,
                security: match transport {
                    // The other two addresses are spoken to by TCP.
                    Transport::Udp => Security::Udp,
                    Transport::Tcp | Transport::Tls => security,
                },
            },
            keys,
            transfer_keys,
            nameservers: read_hosts(table, "nameservers")?,
            abilities: abilities::read(table, creates)?,
            zones_in_flight: zones.unwrap_or(ZONES_IN_FLIGHT) as usize,
            provision,
            catalog,
        })
    }

    fn catalog(
        &self,
        table: &Table<'_>,
        keys: &[Key],
    ) -> Result<Option<CatalogSettings>, ConfigError> {
        let own = self.keys(table, "catalog-key")?;
        let keys = own.unwrap_or_else(|| keys.to_vec());
        let text = table.text("catalog")?;
        let Some(text) = text.filter(|text| !text.value.is_empty()) else {
            return Ok(None);
        };
        let allowed = "a domain name in ASCII of at most 172 octets";
        let name = text.read(allowed, |text| CatalogName::new(&text.parse().ok()?))?;
        Ok(Some(CatalogSettings { name, keys }))
    }
}

/// Rejects TLS options without TLS: the operator would believe that they protect the connection.
fn reject_tls_options(table: &Table<'_>) -> Result<Security, ConfigError> {
    for key in PRIMARY.valid.iter().filter(|key| key.starts_with("tls-")) {
        if let Some(position) = table.position_of(key) {
            return Err(ConfigError::NotApplicable {
                position,
                key: (*key).to_owned(),
                needs: "transport = \"tls\"",
            });
        }
    }
    Ok(Security::Tcp)
}

fn read_policy(
    document: &Table<'_>,
    primaries: &BTreeMap<String, PrimarySettings>,
) -> Result<PolicySettings, ConfigError> {
    let mut policy = PolicySettings {
        foreign_records: ForeignRecords::Keep,
        keep: Vec::new(),
        deny_zones: Vec::new(),
        deny_zones_except: Vec::new(),
        empty_zone: EmptyZone::Refuse,
        unowned_zones: UnownedZones::ByTrust,
        allow_zones: Vec::new(),
        challenge_zones: Vec::new(),
        removals_percent_max: None,
        deletions_per_hour_max: DELETIONS_PER_HOUR_MAX,
    };
    let Some(table) = document.table("policy", POLICY)? else {
        return Ok(policy);
    };
    if let Some(text) = table.text("foreign-records")? {
        let choices = [
            ("keep", ForeignRecords::Keep),
            ("remove", ForeignRecords::Remove),
        ];
        policy.foreign_records = text.choice(&choices)?;
        let not_transferred = primaries.iter().find(|(_, it)| !it.abilities.shows_zones());
        if let (ForeignRecords::Remove, Some((name, primary))) =
            (policy.foreign_records, not_transferred)
        {
            let read = primary.abilities.shown.word();
            let allowed = format!("`keep`, since `{name}` has `read = \"{read}\"`");
            return Err(text.bad_value(allowed));
        }
    }
    policy.removals_percent_max = table.number("removals-max-percent", 0..=100)?;
    if let Some(number) = table.number("deletions-max-per-hour", 0..=1_000_000)? {
        policy.deletions_per_hour_max = number;
    }
    for text in table.texts("keep")? {
        let allowed = "a name, in which `*` stands for any characters";
        policy
            .keep
            .push(text.read(allowed, |text| text.parse().ok())?);
    }
    policy.deny_zones = read_names(&table, "deny-zones")?;
    policy.deny_zones_except = read_names(&table, "deny-zones-except")?;
    policy.allow_zones = read_names(&table, "allow-zones")?;
    policy.challenge_zones = read_names(&table, "challenge-zones")?;
    if let Some(text) = table.text("empty-zone")? {
        let choices = [("refuse", EmptyZone::Refuse), ("apply", EmptyZone::Apply)];
        policy.empty_zone = text.choice(&choices)?;
    }
    if let Some(text) = table.text("unowned-zones")? {
        let choices = [
            ("adopt", UnownedZones::Adopt),
            ("refuse", UnownedZones::Refuse),
        ];
        policy.unowned_zones = text.choice(&choices)?;
    }
    Ok(policy)
}

fn read_ptr(document: &Table<'_>) -> Result<PtrSettings, ConfigError> {
    let mut ptr = PtrSettings::default();
    let Some(table) = document.table("ptr", PTR)? else {
        return Ok(ptr);
    };
    for text in table.texts("networks")? {
        ptr.networks.push(read_network(&text)?);
    }
    if let Some(text) = table.text("existing")? {
        ptr.existing = text.choice(&[
            ("add", ExistingPtr::Add),
            ("replace", ExistingPtr::Replace),
            ("keep", ExistingPtr::Keep),
        ])?;
    }
    if let Some(ttl) = table.number("ttl-seconds", 0..=TTL_MAX)? {
        ptr.ttl = ttl;
    }
    if let Some(text) = table.text("zones-of-others")? {
        let choices = [
            ("refuse", ZonesOfOthers::Refuse),
            ("change", ZonesOfOthers::Change),
        ];
        ptr.zones_of_others = text.choice(&choices)?;
    }
    Ok(ptr)
}
