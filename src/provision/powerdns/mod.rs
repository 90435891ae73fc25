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
//!            │        └─▶ still without SOA after some seconds ─▶ DELETE ─▶ absent
//!            ├─▶ our primary zone ─▶ add the update key if it is missing ─▶ existed already
//!            │        └─▶ without any record ─▶ DELETE ─▶ absent
//!            ├─▶ another primary zone ─▶ existed already, of another creator
//!            └─▶ a zone of another kind ─▶ an error
//! ```
//!
//! A killed process leaves at most a secondary zone with our account, which no other program
//! creates, and the next creation finishes it. Two processes may finish one zone: both send equal
//! requests.
//!
//! No request is atomic. PowerDNS: a POST adds the zone first and its contents in a second step, in a
//! transaction if the database has any; killed in between, it keeps a zone without SOA. Such a zone is
//! deleted and created anew, after the time that another process's POST may take.
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
mod keys;
mod server_zone;
mod settings;

use hyper::header::HeaderValue;
use tokio::time::{Duration, Instant};

use self::api::{Api, Contents, MARK, Posted};
use self::contents::FirstContents;
use self::http::Server;
use self::keys::Keys;
use self::server_zone::{ACCOUNT_PREFIX, ServerZone, other_instance};
use super::finding::{Findings, Gap};
use super::silence::Silence;
use super::status::{Created, Creator, Deleted, Rekeyed, RemovalScope, ZoneStatus};
use crate::model::{InitialZone, Name, ZoneName};

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
/// Longest account in octets that fits into the tables of every backend.
const ACCOUNT_OCTETS_MAX: usize = 40;

/// A provisioner that creates and deletes zones on one PowerDNS.
#[derive(Debug)]
pub struct PowerDns {
    server: Server,
    instance: String,
    account: String,
    keys: Keys,
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
            update_keys,
            transfer_keys,
            exchange_time_max,
        } = settings;
        HeaderValue::from_str(api_key.expose()).map_err(|_| PowerDnsError::ApiKey)?;
        let mut account = format!("{ACCOUNT_PREFIX}{instance}");
        // The instance is ASCII, so every index is a boundary.
        account.truncate(ACCOUNT_OCTETS_MAX);
        Ok(Self {
            server: Server {
                endpoint,
                path,
                key: api_key,
                exchange_time_max,
                silence: Silence::default(),
            },
            instance,
            account,
            keys: Keys::new(update_keys, transfer_keys),
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
            let server_zone = ServerZone::read(&api).await?;
            let status = self.status_of(&server_zone);
            match server_zone {
                ServerZone::Absent => continue,
                ServerZone::Unfinished(_) if status == ZoneStatus::Ours => {
                    if !self.awaits_soa(&api).await? {
                        api.delete().await?;
                        continue;
                    }
                    let finished = self.finish(&api).await;
                    finished.map_err(|source| PowerDnsError::Unfinished {
                        source: Box::new(source),
                        is_removed: false,
                    })?;
                }
                ServerZone::Primary(_) if status == ZoneStatus::Ours => {
                    if api.contents().await? == Contents::None {
                        api.delete().await?;
                        continue;
                    }
                    self.keys.permit_updates(&api).await?;
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
        let server_zone = ServerZone::read(&self.api(zone, deadline)).await?;
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

    /// Checks that a zone that is there takes updates.
    ///
    /// # Errors
    /// [`PowerDnsError`].
    pub async fn require_primary(
        &self,
        zone: &ZoneName,
        deadline: Instant,
    ) -> Result<(), PowerDnsError> {
        match ServerZone::read(&self.api(zone, deadline)).await? {
            ServerZone::Other(kind) => Err(self.foreign(zone, kind)),
            ServerZone::Absent | ServerZone::Unfinished(_) | ServerZone::Primary(_) => Ok(()),
        }
    }

    fn foreign(&self, zone: &ZoneName, kind: String) -> PowerDnsError {
        PowerDnsError::ForeignZone {
            server: self.server.name(),
            zone: zone.clone(),
            kind,
        }
    }

    /// Returns whether the metadata of an existing zone permit updates by this key. The server's settings may still forbid
    /// them.
    ///
    /// # Errors
    /// [`PowerDnsError`].
    pub async fn names_update_key(
        &self,
        zone: &ZoneName,
        key: &Name,
        deadline: Instant,
    ) -> Result<bool, PowerDnsError> {
        self.keys.may_update(&self.api(zone, deadline), key).await
    }

    /// Lets the first keys of the lists update and transfer the zone; if `retires`, the other keys of the lists no more.
    ///
    /// # Errors
    /// [`PowerDnsError`].
    pub async fn rekey(
        &self,
        zone: &ZoneName,
        retires: bool,
        deadline: Instant,
    ) -> Result<Rekeyed, PowerDnsError> {
        let is_changed = self.keys.rekey(&self.api(zone, deadline), retires).await?;
        Ok(if is_changed {
            Rekeyed::Changed
        } else {
            Rekeyed::Unchanged
        })
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
        let server_zone = ServerZone::read(&self.api(zone, deadline)).await?;
        Ok(matches!(server_zone, ServerZone::Other(kind) if kind.eq_ignore_ascii_case("producer")))
    }

    /// Checks whether the API answers and the server knows the keys. Changes nothing. The zone must
    /// not exist.
    pub async fn check(&self, zone: &ZoneName, deadline: Instant) -> Findings<PowerDnsError> {
        let creation = match ServerZone::read(&self.api(zone, deadline)).await {
            Err(error) => return vec![Err(error)],
            Ok(ServerZone::Unfinished(_) | ServerZone::Primary(_) | ServerZone::Other(_)) => {
                let zone = zone.clone();
                Ok(Some(Gap::Leftover { zone }))
            }
            Ok(ServerZone::Absent) => {
                let checked = self.keys.check(&self.api(zone, deadline)).await;
                checked.map(|()| Some(Gap::Api))
            }
        };
        vec![Ok(None), creation]
    }

    /// Waits while another process gives our unfinished zone its first contents. Returns whether it has an SOA then;
    /// otherwise PowerDNS or the process was killed.
    async fn awaits_soa(&self, api: &Api<'_>) -> Result<bool, PowerDnsError> {
        let now = Instant::now();
        let time = api.deadline.saturating_duration_since(now) / 2;
        let abandoned_at = now + time.min(CREATION_TIME_MAX);
        while api.contents().await? != Contents::WithSoa {
            if Instant::now() >= abandoned_at {
                return Ok(false);
            }
            tokio::time::sleep(POLL_INTERVAL).await;
        }
        Ok(true)
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
            match ServerZone::read(&api).await? {
                ServerZone::Unfinished(account) if Instant::now() >= abandoned_at => {
                    let is_finishable =
                        account == self.account && api.contents().await? == Contents::WithSoa;
                    return if is_finishable {
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
        self.keys.permit_transfers(&api).await?;
        if let ServerZone::Unfinished(_) = ServerZone::read(&api).await? {
            return self.finish(&api).await;
        }
        api.set_metadata(MARK, vec![self.instance.clone()]).await?;
        self.keys.permit_updates(&api).await
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
        let api = self.api(zone, deadline);
        match ServerZone::read(&api).await? {
            ServerZone::Other(kind) if scope != RemovalScope::Marked => {
                Err(self.foreign(zone, kind))
            }
            // PowerDNS: a deletion that was cut short has removed records and metadata first.
            ServerZone::Primary(None)
                if scope.covers(&ZoneStatus::Unmarked)
                    && api.contents().await? == Contents::None =>
            {
                Ok(ZoneStatus::Unmarked)
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
        let keys = self.keys.to_transfer(api).await?;
        let mut contents = FirstContents {
            zone,
            is_full: true,
            keys: &keys,
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
        let checked = self.keys.check(api).await;
        if checked.is_err()
            && let ServerZone::Unfinished(account) = ServerZone::read(api).await?
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
        self.keys.permit_updates(api).await?;
        api.promote("").await
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
        let is_removed = match ServerZone::read(&api).await {
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

    fn api<'a>(&'a self, zone: &'a ZoneName, deadline: Instant) -> Api<'a> {
        Api {
            server: &self.server,
            zone,
            deadline,
        }
    }
}
