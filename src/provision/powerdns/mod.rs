//! PowerDNS: creates and deletes zones over the HTTP API of the authoritative server.
//!
//! A primary zone of PowerDNS accepts unsigned updates from every address in `allow-dnsupdate-from`
//! while its metadata name no key, and no request creates a zone together with its metadata. So a
//! zone starts as a secondary without a primary, which answers every update with SERVFAIL, and
//! becomes a primary only after its metadata are set:
//!
//! ```text
//! absent ─ POST, kind Slave, account ACCOUNT ─▶ unfinished ─ PUT mark, PUT update key ─ PUT kind Master ─▶ ours
//!            │ 409                                 │ an error: DELETE
//!            ▼                                     ▼
//!         read ─▶ our unfinished zone ─▶ finish   absent
//!            ├─▶ our primary zone ─▶ add the update key if it is missing ─▶ existed already
//!            ├─▶ another primary zone ─▶ existed already, of another creator
//!            └─▶ a zone of another kind ─▶ an error
//! ```
//!
//! A killed process leaves at most a secondary zone with our account, which no other program
//! creates, and the next creation finishes it. Two processes may finish one zone: both send equal
//! requests.
//!
//! The mark is metadata of the kind `X-NSBRIDGE-INSTANCE`. Every zone that nsbridge creates here
//! bears it, so a zone without it has another creator and is never deleted.
//!
//! The API compares records with the text form that it writes itself, limits the size of a request,
//! and refuses some types that an UPDATE can add. If it refuses a whole zone, the provisioner
//! creates the zone with its SOA and apex NS only, and the caller fills it.

mod api;
mod contents;
mod error;
mod http;
mod settings;

use hyper::header::HeaderValue;
use tokio::time::{Duration, Instant};

use self::api::{Api, MARK, Posted, UPDATE_KEYS, Zone};
use self::contents::{Contents, canonical};
use self::http::Server;
use super::finding::{Finding, Gap, Subject, Verdict};
use super::status::{Created, Creator, Deleted, RemovalScope, ZoneStatus};
use crate::model::{InitialZone, Name, Secret, ZoneName};

pub use self::error::{PowerDnsError, Step};
pub use self::settings::PowerDnsSettings;

/// Most time that is reserved before the deadline for the removal of an unfinished zone.
const REMOVAL_TIME: Duration = Duration::from_secs(2);
/// Most octets of a request that creates a zone: some ten thousand records, which take PowerDNS
/// more than a second. PowerDNS: closes the connection beyond its own limit of 2 MB
/// (`webserver-max-bodysize`).
const REQUEST_OCTETS_MAX: usize = 1024 * 1024;
/// Most attempts of a creation whose conflicting zone disappears each time.
const ATTEMPTS_MAX: u32 = 5;
/// Pause between two reads of a zone that another process creates.
const POLL_INTERVAL: Duration = Duration::from_millis(20);
/// Time after which an unfinished zone counts as left by a killed process.
const CREATION_TIME_MAX: Duration = Duration::from_secs(5);
/// The start of the account of an unfinished zone; the name of the instance follows.
const ACCOUNT_PREFIX: &str = "nsbridge:";
/// Longest account in octets that fits into the tables of every backend.
const ACCOUNT_OCTETS_MAX: usize = 40;

/// A provisioner that creates and deletes zones on one PowerDNS.
#[derive(Debug)]
pub struct PowerDns {
    server: Server,
    instance: String,
    account: String,
    update_key: Name,
    /// The keys that may transfer the zones. The update key is among them, so that the server
    /// reports at once if it does not know the key.
    transfer_keys: Vec<Name>,
}

/// The state of a zone at the server.
enum ServerZone {
    Absent,
    /// An unfinished zone with its account, which a process creates, or left when it was killed.
    Unfinished(String),
    /// A zone that takes updates, with the instance in its mark.
    Primary(Option<String>),
    /// A zone of another kind.
    Other(String),
}

impl PowerDns {
    /// Returns a provisioner with these settings. Opens no connection.
    ///
    /// # Errors
    /// [`PowerDnsError::ApiKey`].
    pub fn new(settings: PowerDnsSettings) -> Result<Self, PowerDnsError> {
        let PowerDnsSettings {
            endpoint,
            path,
            api_key,
            instance,
            update_key,
            transfer_key,
        } = settings;
        let mut key = HeaderValue::from_str(api_key.expose()).map_err(|_| PowerDnsError::ApiKey)?;
        key.set_sensitive(true);
        let mut account = format!("{ACCOUNT_PREFIX}{instance}");
        // The instance is ASCII, so every index is a boundary.
        account.truncate(ACCOUNT_OCTETS_MAX);
        let mut transfer_keys = vec![update_key.clone(), transfer_key];
        transfer_keys.dedup();
        Ok(Self {
            server: Server {
                endpoint,
                path,
                key: Secret::new(key),
            },
            instance,
            account,
            update_key,
            transfer_keys,
        })
    }

    /// Creates the zone as a primary zone that only the update key may change, and finishes what a
    /// killed creation left. Reserves a part of the time until `deadline` for the removal of an
    /// unfinished zone.
    ///
    /// # Errors
    /// [`PowerDnsError`].
    pub async fn create(
        &self,
        zone: &InitialZone,
        deadline: Instant,
    ) -> Result<Created, PowerDnsError> {
        let time = deadline.saturating_duration_since(Instant::now());
        let api = self.api(&zone.name, deadline - REMOVAL_TIME.min(time / 4));
        for _ in 0..ATTEMPTS_MAX {
            if let Some(created) = self.post(&api, zone).await? {
                let finished = self.finish(&api).await;
                return match finished {
                    Ok(()) => Ok(created),
                    Err(error) => Err(self.roll_back(&zone.name, error, deadline).await),
                };
            }
            let server_zone = self.read_zone(&api).await?;
            let status = self.status_of(&server_zone);
            match server_zone {
                ServerZone::Absent => continue,
                ServerZone::Unfinished(_) if status == ZoneStatus::Ours => {
                    let finished = self.finish(&api).await;
                    finished.map_err(|source| PowerDnsError::Unfinished {
                        source: Box::new(source),
                        is_removed: false,
                    })?;
                }
                ServerZone::Primary(_) if status == ZoneStatus::Ours => {
                    self.permit_updates(&api).await?;
                }
                ServerZone::Unfinished(_) | ServerZone::Primary(_) => {}
                ServerZone::Other(kind) => return Err(self.foreign(&zone.name, kind)),
            }
            return Ok(Created::AlreadyThere(status));
        }
        Err(PowerDnsError::Unsteady {
            server: self.server.name(),
            zone: zone.name.clone(),
        })
    }

    /// Returns the current status of the zone.
    ///
    /// # Errors
    /// [`PowerDnsError`].
    pub async fn status(
        &self,
        zone: &ZoneName,
        deadline: Instant,
    ) -> Result<ZoneStatus, PowerDnsError> {
        let server_zone = self.read_zone(&self.api(zone, deadline)).await?;
        Ok(self.status_of(&server_zone))
    }

    fn status_of(&self, server_zone: &ServerZone) -> ZoneStatus {
        match server_zone {
            ServerZone::Absent => ZoneStatus::Absent,
            ServerZone::Unfinished(account) if *account == self.account => ZoneStatus::Ours,
            ServerZone::Unfinished(account) => other_instance(account),
            ServerZone::Primary(Some(instance)) if *instance == self.instance => ZoneStatus::Ours,
            ServerZone::Primary(Some(instance)) => {
                ZoneStatus::Other(Creator::Instance(instance.clone()))
            }
            ServerZone::Primary(None) | ServerZone::Other(_) => ZoneStatus::Other(Creator::Server),
        }
    }

    fn foreign(&self, zone: &ZoneName, kind: String) -> PowerDnsError {
        PowerDnsError::ForeignZone {
            server: self.server.name(),
            zone: zone.clone(),
            kind,
        }
    }

    /// Returns whether the metadata of an existing zone permit updates by the update key. The
    /// server's settings may still forbid them.
    ///
    /// # Errors
    /// [`PowerDnsError`].
    pub async fn names_update_key(
        &self,
        zone: &ZoneName,
        deadline: Instant,
    ) -> Result<bool, PowerDnsError> {
        let keys = self.api(zone, deadline).metadata(UPDATE_KEYS).await?;
        let mut names = keys.iter().filter_map(|key| key.parse::<Name>().ok());
        Ok(names.any(|name| name == self.update_key))
    }

    /// Returns whether the zone is a catalog that the server generates from its own database.
    ///
    /// # Errors
    /// [`PowerDnsError`].
    pub async fn is_producer(
        &self,
        zone: &ZoneName,
        deadline: Instant,
    ) -> Result<bool, PowerDnsError> {
        let server_zone = self.read_zone(&self.api(zone, deadline)).await?;
        Ok(matches!(server_zone, ServerZone::Other(kind) if kind.eq_ignore_ascii_case("producer")))
    }

    /// Checks whether the API answers and the server knows the keys. Changes nothing. The zone must
    /// not exist.
    pub async fn check(&self, zone: &ZoneName, deadline: Instant) -> Vec<Finding<PowerDnsError>> {
        let remedy = None;
        let (channel, creation) = match self.read_zone(&self.api(zone, deadline)).await {
            Err(error) => (
                Verdict::Bad { error, remedy },
                Verdict::Untried(Subject::Channel),
            ),
            Ok(ServerZone::Unfinished(_) | ServerZone::Primary(_) | ServerZone::Other(_)) => {
                let zone = zone.clone();
                (Verdict::Good, Verdict::Open(Gap::Leftover { zone }))
            }
            Ok(ServerZone::Absent) => match self.check_keys(zone, deadline).await {
                Err(error) => (Verdict::Good, Verdict::Bad { error, remedy }),
                Ok(()) => (Verdict::Good, Verdict::Open(Gap::Api)),
            },
        };
        Finding::each([(Subject::Channel, channel), (Subject::Creation, creation)])
    }

    async fn check_keys(&self, zone: &ZoneName, deadline: Instant) -> Result<(), PowerDnsError> {
        self.require_keys(zone, &self.api(zone, deadline).keys().await?)
    }

    /// Checks that all keys are among those that the server knows.
    fn require_keys(&self, zone: &ZoneName, known: &[Name]) -> Result<(), PowerDnsError> {
        match self.transfer_keys.iter().find(|key| !known.contains(key)) {
            None => Ok(()),
            Some(key) => Err(PowerDnsError::KeyMissing {
                server: self.server.name(),
                zone: zone.clone(),
                key: key.clone(),
            }),
        }
    }

    /// Waits while another process creates the zone. Finishes an unfinished zone of this instance
    /// if that process was killed.
    ///
    /// # Errors
    /// [`PowerDnsError`], also if the zone was changed to a kind that takes no updates.
    pub async fn settle(&self, zone: &ZoneName, deadline: Instant) -> Result<(), PowerDnsError> {
        let api = self.api(zone, deadline);
        let abandoned_at = deadline.min(Instant::now() + CREATION_TIME_MAX);
        loop {
            match self.read_zone(&api).await? {
                ServerZone::Unfinished(account) if Instant::now() >= abandoned_at => {
                    return if account == self.account {
                        self.finish(&api).await
                    } else {
                        Ok(())
                    };
                }
                ServerZone::Unfinished(_) => tokio::time::sleep(POLL_INTERVAL).await,
                ServerZone::Other(kind) => return Err(self.foreign(zone, kind)),
                ServerZone::Absent | ServerZone::Primary(_) => return Ok(()),
            }
        }
    }

    /// Replaces the mark of a zone by this instance's, and permits this instance's keys to update
    /// and transfer it. Finishes an unfinished zone.
    ///
    /// # Errors
    /// [`PowerDnsError`].
    pub async fn take_over(&self, zone: &ZoneName, deadline: Instant) -> Result<(), PowerDnsError> {
        let api = self.api(zone, deadline);
        self.permit_transfers(&api).await?;
        if let ServerZone::Unfinished(_) = self.read_zone(&api).await? {
            return self.finish(&api).await;
        }
        api.set_metadata(MARK, vec![self.instance.clone()]).await?;
        self.permit_updates(&api).await
    }

    /// Returns the current status of a zone that [`Self::delete`] would get with `scope`.
    ///
    /// # Errors
    /// [`PowerDnsError`], also if an instance's zone was changed to a kind that takes no updates.
    pub async fn status_to_delete(
        &self,
        zone: &ZoneName,
        scope: RemovalScope,
        deadline: Instant,
    ) -> Result<ZoneStatus, PowerDnsError> {
        match self.read_zone(&self.api(zone, deadline)).await? {
            ServerZone::Other(kind) if scope != RemovalScope::Marked => {
                Err(self.foreign(zone, kind))
            }
            server_zone @ (ServerZone::Absent
            | ServerZone::Unfinished(_)
            | ServerZone::Primary(_)
            | ServerZone::Other(_)) => Ok(self.status_of(&server_zone)),
        }
    }

    /// Deletes the zone if `scope` covers it.
    ///
    /// # Errors
    /// Those of [`Self::status_to_delete`].
    pub async fn delete(
        &self,
        zone: &ZoneName,
        scope: RemovalScope,
        deadline: Instant,
    ) -> Result<Deleted, PowerDnsError> {
        let status = self.status_to_delete(zone, scope, deadline).await?;
        if status == ZoneStatus::Absent {
            return Ok(Deleted::WasAbsent);
        }
        if !scope.covers(&status) {
            return Ok(Deleted::NotOurs(status));
        }
        Ok(if self.api(zone, deadline).delete().await? {
            Deleted::Removed
        } else {
            Deleted::WasAbsent
        })
    }

    /// Creates the zone as a secondary without a primary; `None` if a zone of this name exists.
    async fn post(
        &self,
        api: &Api<'_>,
        zone: &InitialZone,
    ) -> Result<Option<Created>, PowerDnsError> {
        let mut contents = Contents {
            zone,
            is_full: true,
            keys: &self.transfer_keys,
            account: &self.account,
        };
        let body = contents.to_json();
        if body.len() <= REQUEST_OCTETS_MAX {
            match api.post(body).await? {
                Posted::Created => return Ok(Some(Created::Full)),
                Posted::Conflict => return Ok(None),
                Posted::Refused(status, answer) => {
                    self.check_keys_after_refusal(api).await?;
                    tracing::debug!(zone = %zone.name, status, answer, "not made with all records");
                }
            }
        }
        contents.is_full = false;
        let (status, answer) = match api.post(contents.to_json()).await? {
            Posted::Created => return Ok(Some(Created::Placeholder)),
            Posted::Conflict => return Ok(None),
            Posted::Refused(status, answer) => (status, answer),
        };
        self.check_keys_after_refusal(api).await?;
        Err(PowerDnsError::Refused {
            server: self.server.name(),
            zone: zone.name.clone(),
            step: "making the zone",
            status,
            answer,
        })
    }

    /// Checks whether a missing key is the reason why a zone was refused, and removes the zone.
    /// PowerDNS: answers with the status of a wrong record, but creates the zone before it looks
    /// for the key, and does not remove it.
    async fn check_keys_after_refusal(&self, api: &Api<'_>) -> Result<(), PowerDnsError> {
        let checked = self.require_keys(api.zone, &api.keys().await?);
        if checked.is_err()
            && let ServerZone::Unfinished(account) = self.read_zone(api).await?
            && account == self.account
        {
            api.delete().await?;
        }
        checked
    }

    /// Sets the mark, permits the update key, and turns the zone into a primary zone, in this
    /// order.
    async fn finish(&self, api: &Api<'_>) -> Result<(), PowerDnsError> {
        api.set_metadata(MARK, vec![self.instance.clone()]).await?;
        self.permit_updates(api).await?;
        api.promote("").await
    }

    /// Permits the update key to update the zone, beside other keys.
    async fn permit_updates(&self, api: &Api<'_>) -> Result<(), PowerDnsError> {
        let mut keys = api.metadata(UPDATE_KEYS).await?;
        let is_ours = |key: &String| key.parse::<Name>().is_ok_and(|key| key == self.update_key);
        if keys.iter().any(is_ours) {
            return Ok(());
        }
        let name = canonical(&self.update_key);
        keys.push(name.trim_end_matches('.').to_owned());
        api.set_metadata(UPDATE_KEYS, keys).await
    }

    /// Permits our keys to transfer the zone, beside other keys.
    async fn permit_transfers(&self, api: &Api<'_>) -> Result<(), PowerDnsError> {
        let Some(Zone { transfer_keys, .. }) = api.get().await? else {
            return Ok(());
        };
        let mut keys: Vec<Name> = transfer_keys
            .iter()
            .filter_map(|key| key.parse().ok())
            .collect();
        let ours = self.transfer_keys.iter();
        let missing: Vec<&Name> = ours.filter(|key| !keys.contains(key)).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let known = api.keys().await?;
        self.require_keys(api.zone, &known)?;
        // PowerDNS: refuses the name of a key that it no longer knows.
        keys.retain(|key| known.contains(key));
        let all = keys.iter().chain(missing).map(canonical).collect();
        api.set_transfer_keys(all).await
    }

    /// Removes the unfinished zone of this creation, unless another process of this instance has
    /// finished it.
    async fn roll_back(
        &self,
        zone: &ZoneName,
        source: PowerDnsError,
        deadline: Instant,
    ) -> PowerDnsError {
        let api = self.api(zone, deadline);
        let is_removed = match self.read_zone(&api).await {
            Ok(ServerZone::Absent) => true,
            Ok(ServerZone::Unfinished(account)) if account == self.account => {
                api.delete().await.is_ok()
            }
            Ok(ServerZone::Unfinished(_) | ServerZone::Primary(_) | ServerZone::Other(_))
            | Err(_) => false,
        };
        PowerDnsError::Unfinished {
            source: Box::new(source),
            is_removed,
        }
    }

    async fn read_zone(&self, api: &Api<'_>) -> Result<ServerZone, PowerDnsError> {
        let Some(Zone { kind, account, .. }) = api.get().await? else {
            return Ok(ServerZone::Absent);
        };
        Ok(match kind.to_ascii_lowercase().as_str() {
            "master" | "primary" | "native" => {
                let mut mark = api.metadata(MARK).await?;
                ServerZone::Primary(mark.pop())
            }
            "slave" | "secondary" if account.starts_with(ACCOUNT_PREFIX) => {
                ServerZone::Unfinished(account)
            }
            _ => ServerZone::Other(kind),
        })
    }

    fn api<'a>(&'a self, zone: &'a ZoneName, deadline: Instant) -> Api<'a> {
        Api {
            server: &self.server,
            zone,
            deadline,
        }
    }
}

fn other_instance(account: &str) -> ZoneStatus {
    let instance = account.strip_prefix(ACCOUNT_PREFIX).unwrap_or(account);
    ZoneStatus::Other(Creator::Instance(instance.to_owned()))
}
