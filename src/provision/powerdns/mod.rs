//! PowerDNS: zones made and removed over the HTTP API of the authoritative server.
//!
//! A primary zone of PowerDNS takes unsigned updates from every address in `allow-dnsupdate-from`
//! for as long as no key is set in its metadata, and no request makes a zone and its metadata at
//! once. So a zone begins as a secondary of no primary, which answers every update SERVFAIL, and
//! becomes a primary only when its metadata are there:
//!
//! ```text
//! absent ─ POST, kind Slave, account ACCOUNT ─▶ half made ─ PUT mark, PUT update key ─ PUT kind Master ─▶ ours
//!            │ 409                                 │ an error: DELETE
//!            ▼                                     ▼
//!         look ─▶ half made by us ─▶ the same     absent
//!            ├─▶ a primary zone of ours ─▶ update key set where it is missing ─▶ already there
//!            ├─▶ another primary zone ─▶ already there, somebody else's
//!            └─▶ of another kind ─▶ an error
//! ```
//!
//! Whatever a killed process leaves is a secondary zone with our account, which no other program
//! makes, and the next creation finishes it. Two processes may finish one zone: each request sets
//! what the other sets.
//!
//! The mark is metadata of the kind `X-NSBRIDGE-INSTANCE`. All zones that are made here bear it, so
//! a zone without it is somebody else's, and is never removed.
//!
//! The API compares records with its own way of writing them, limits the size of a request, and
//! refuses some types that an UPDATE brings in well. A zone that it does not take whole is made with
//! its SOA and name servers, and filled by what comes after.

mod api;
mod contents;
mod error;
mod http;

use hyper::header::HeaderValue;
use tokio::time::{Duration, Instant};

use self::api::{Api, MARK, Posted, UPDATE_KEYS, Zone};
use self::contents::{Contents, canonical};
use self::http::Server;
use super::finding::{Finding, Gap, Subject, Verdict};
use super::status::{Created, Creator, Deleted, RemovalScope, ZoneStatus};
use crate::model::{InitialZone, Name, Secret, ZoneName};
use crate::transport::Endpoint;

pub use self::error::{PowerDnsError, Step};

/// Most time kept at the end for removing a zone half made.
const REMOVAL_TIME: Duration = Duration::from_secs(2);
/// Most octets of a request that makes a zone: some ten thousand records, for which PowerDNS takes more
/// than a second. Its own limit is 2 MB (`webserver-max-bodysize`), beyond which it hangs up.
const REQUEST_OCTETS_MAX: usize = 1024 * 1024;
/// How often a creation starts again because the zone that was in its way is gone.
const ATTEMPTS_MAX: u32 = 5;
/// Pause between two looks at a zone that another process makes.
const POLL_INTERVAL: Duration = Duration::from_millis(20);
/// How long a zone may stay half made while another process is thought to make it.
const MAKING_TIME_MAX: Duration = Duration::from_secs(5);
/// What the account of a zone half made begins with; the instance follows.
const ACCOUNT_PREFIX: &str = "nsbridge:";
/// Longest account in octets that every backend's tables take.
const ACCOUNT_OCTETS_MAX: usize = 40;

/// How zones are made on one PowerDNS.
#[derive(Clone, Debug)]
pub struct PowerDnsSettings {
    /// Host, port and TLS of the API.
    pub endpoint: Endpoint,
    /// What stands before `/api` in each path, without a slash at its end; mostly nothing.
    pub path: String,
    /// The key of the API.
    pub api_key: Secret<String>,
    /// The name of this instance, which marks the zones that it makes.
    pub instance: String,
    /// The name of the key that may update the zones that are made.
    pub update_key: Name,
    /// The name of the key that may transfer them.
    pub transfer_key: Name,
}

/// Makes and removes zones on one PowerDNS.
#[derive(Debug)]
pub struct PowerDns {
    server: Server,
    instance: String,
    account: String,
    update_key: Name,
    /// The keys that may transfer. The update key is one of them: so the server says at once when it
    /// does not know it.
    transfer_keys: Vec<Name>,
}

/// What there is under a zone's name.
enum Seen {
    Absent,
    /// Left half made by a creation, or another process is at it; with its account.
    HalfMade(String),
    /// A zone that takes updates, with the instance that made it.
    Primary(Option<String>),
    /// A zone of another kind.
    Other(String),
}

impl PowerDns {
    /// A provisioner with these settings. Nothing is connected yet.
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

    /// Makes the zone exist as a primary zone that only the update key may change, whatever a killed
    /// creation left of it. Part of the time until `deadline` is kept for leaving nothing half made.
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
            let seen = self.look(&api).await?;
            let status = self.standing_of(&seen);
            match seen {
                Seen::Absent => continue,
                Seen::HalfMade(_) if status == ZoneStatus::Ours => {
                    let finished = self.finish(&api).await;
                    finished.map_err(|source| PowerDnsError::Unfinished {
                        source: Box::new(source),
                        is_removed: false,
                    })?;
                }
                Seen::Primary(_) if status == ZoneStatus::Ours => self.permit_updates(&api).await?,
                Seen::HalfMade(_) | Seen::Primary(_) => {}
                Seen::Other(kind) => return Err(self.foreign(&zone.name, kind)),
            }
            return Ok(Created::AlreadyThere(status));
        }
        Err(PowerDnsError::Unsteady {
            server: self.server.name(),
            zone: zone.name.clone(),
        })
    }

    /// What the server has under the name at this moment.
    ///
    /// # Errors
    /// [`PowerDnsError`].
    pub async fn status(
        &self,
        zone: &ZoneName,
        deadline: Instant,
    ) -> Result<ZoneStatus, PowerDnsError> {
        let seen = self.look(&self.api(zone, deadline)).await?;
        Ok(self.standing_of(&seen))
    }

    fn standing_of(&self, seen: &Seen) -> ZoneStatus {
        match seen {
            Seen::Absent => ZoneStatus::Absent,
            Seen::HalfMade(account) if *account == self.account => ZoneStatus::Ours,
            Seen::HalfMade(account) => others(account),
            Seen::Primary(Some(instance)) if *instance == self.instance => ZoneStatus::Ours,
            Seen::Primary(Some(instance)) => ZoneStatus::Other(Creator::Instance(instance.clone())),
            Seen::Primary(None) | Seen::Other(_) => ZoneStatus::Other(Creator::Server),
        }
    }

    fn foreign(&self, zone: &ZoneName, kind: String) -> PowerDnsError {
        PowerDnsError::ForeignZone {
            server: self.server.name(),
            zone: zone.clone(),
            kind,
        }
    }

    /// Whether the metadata of a zone that is there let the update key change it. The server's settings may
    /// forbid it all the same.
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

    /// Whether the zone is a catalog that the server makes of its own database.
    ///
    /// # Errors
    /// [`PowerDnsError`].
    pub async fn is_producer(
        &self,
        zone: &ZoneName,
        deadline: Instant,
    ) -> Result<bool, PowerDnsError> {
        let seen = self.look(&self.api(zone, deadline)).await?;
        Ok(matches!(seen, Seen::Other(kind) if kind.eq_ignore_ascii_case("producer")))
    }

    /// Finds out whether the API answers and the server knows the keys. Changes nothing; this zone must
    /// be nobody's.
    pub async fn check(&self, zone: &ZoneName, deadline: Instant) -> Vec<Finding<PowerDnsError>> {
        let remedy = None;
        let (channel, creation) = match self.look(&self.api(zone, deadline)).await {
            Err(error) => (
                Verdict::Bad { error, remedy },
                Verdict::Untried(Subject::Channel),
            ),
            Ok(Seen::HalfMade(_) | Seen::Primary(_) | Seen::Other(_)) => {
                let zone = zone.clone();
                (Verdict::Good, Verdict::Open(Gap::Leftover { zone }))
            }
            Ok(Seen::Absent) => match self.find_missing_key(zone, deadline).await {
                Err(error) => (Verdict::Good, Verdict::Bad { error, remedy }),
                Ok(()) => (Verdict::Good, Verdict::Open(Gap::Api)),
            },
        };
        Finding::each([(Subject::Channel, channel), (Subject::Creation, creation)])
    }

    async fn find_missing_key(
        &self,
        zone: &ZoneName,
        deadline: Instant,
    ) -> Result<(), PowerDnsError> {
        self.has_keys(zone, &self.api(zone, deadline).keys().await?)
    }

    /// That our keys are among those that the server knows.
    fn has_keys(&self, zone: &ZoneName, known: &[Name]) -> Result<(), PowerDnsError> {
        match self.transfer_keys.iter().find(|key| !known.contains(key)) {
            None => Ok(()),
            Some(key) => Err(PowerDnsError::KeyMissing {
                server: self.server.name(),
                zone: zone.clone(),
                key: key.clone(),
            }),
        }
    }

    /// Waits while another process makes the zone, and finishes it where that process was killed.
    ///
    /// # Errors
    /// [`PowerDnsError`]; one of them where somebody gave the zone another kind, in which it takes no updates.
    pub async fn settle(&self, zone: &ZoneName, deadline: Instant) -> Result<(), PowerDnsError> {
        let api = self.api(zone, deadline);
        let patience = deadline.min(Instant::now() + MAKING_TIME_MAX);
        loop {
            match self.look(&api).await? {
                Seen::HalfMade(account) if Instant::now() >= patience => {
                    return if account == self.account {
                        self.finish(&api).await
                    } else {
                        Ok(())
                    };
                }
                Seen::HalfMade(_) => tokio::time::sleep(POLL_INTERVAL).await,
                Seen::Other(kind) => return Err(self.foreign(zone, kind)),
                Seen::Absent | Seen::Primary(_) => return Ok(()),
            }
        }
    }

    /// Gives a zone that an instance made our mark, and lets our keys update and transfer it. One that is half
    /// made is finished.
    ///
    /// # Errors
    /// [`PowerDnsError`].
    pub async fn take_over(&self, zone: &ZoneName, deadline: Instant) -> Result<(), PowerDnsError> {
        let api = self.api(zone, deadline);
        self.permit_transfers(&api).await?;
        if let Seen::HalfMade(_) = self.look(&api).await? {
            return self.finish(&api).await;
        }
        api.set_metadata(MARK, vec![self.instance.clone()]).await?;
        self.permit_updates(&api).await
    }

    /// What the server has under the name, where it is to be removed under this claim.
    ///
    /// # Errors
    /// [`PowerDnsError`]; one of them where somebody gave a zone that was made here another kind.
    pub async fn status_to_delete(
        &self,
        zone: &ZoneName,
        scope: RemovalScope,
        deadline: Instant,
    ) -> Result<ZoneStatus, PowerDnsError> {
        match self.look(&self.api(zone, deadline)).await? {
            Seen::Other(kind) if scope != RemovalScope::Marked => Err(self.foreign(zone, kind)),
            seen @ (Seen::Absent | Seen::HalfMade(_) | Seen::Primary(_) | Seen::Other(_)) => {
                Ok(self.standing_of(&seen))
            }
        }
    }

    /// Removes the zone, as far as it is covered by the claim.
    ///
    /// # Errors
    /// As [`Self::status_to_delete`].
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

    /// Makes the zone as a secondary of no primary; none where there is one of this name.
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
                Posted::Made => return Ok(Some(Created::Full)),
                Posted::Conflict => return Ok(None),
                Posted::Refused(status, answer) => {
                    self.refuse_missing_key(api).await?;
                    tracing::debug!(zone = %zone.name, status, answer, "not made with all records");
                }
            }
        }
        contents.is_full = false;
        let (status, answer) = match api.post(contents.to_json()).await? {
            Posted::Made => return Ok(Some(Created::Placeholder)),
            Posted::Conflict => return Ok(None),
            Posted::Refused(status, answer) => (status, answer),
        };
        self.refuse_missing_key(api).await?;
        Err(PowerDnsError::Refused {
            server: self.server.name(),
            zone: zone.name.clone(),
            step: "making the zone",
            status,
            answer,
        })
    }

    /// Tells whether a key is why a zone was refused. The status is that of a wrong record, but the
    /// server made the zone before it looked for the key, and leaves it there.
    async fn refuse_missing_key(&self, api: &Api<'_>) -> Result<(), PowerDnsError> {
        let found = self.has_keys(api.zone, &api.keys().await?);
        if found.is_err()
            && let Seen::HalfMade(account) = self.look(api).await?
            && account == self.account
        {
            api.delete().await?;
        }
        found
    }

    /// Marks the zone, lets our key update it, and makes a primary zone of it, in this order.
    async fn finish(&self, api: &Api<'_>) -> Result<(), PowerDnsError> {
        api.set_metadata(MARK, vec![self.instance.clone()]).await?;
        self.permit_updates(api).await?;
        api.promote("").await
    }

    /// Lets our key update the zone, beside others that may.
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

    /// Lets our keys transfer the zone, beside others that may.
    async fn permit_transfers(&self, api: &Api<'_>) -> Result<(), PowerDnsError> {
        let Some(Zone { transfer_keys, .. }) = api.get().await? else {
            return Ok(());
        };
        let mut keys: Vec<Name> = transfer_keys
            .iter()
            .filter_map(|key| key.parse().ok())
            .collect();
        let ours = self.transfer_keys.iter();
        let lacking: Vec<&Name> = ours.filter(|key| !keys.contains(key)).collect();
        if lacking.is_empty() {
            return Ok(());
        }
        let known = api.keys().await?;
        self.has_keys(api.zone, &known)?;
        // The server takes no name of a key that it has no more.
        keys.retain(|key| known.contains(key));
        let all = keys.iter().chain(lacking).map(canonical).collect();
        api.set_transfer_keys(all).await
    }

    /// Removes the zone that this creation began, unless another process of ours finished it.
    async fn roll_back(
        &self,
        zone: &ZoneName,
        source: PowerDnsError,
        deadline: Instant,
    ) -> PowerDnsError {
        let api = self.api(zone, deadline);
        let is_removed = match self.look(&api).await {
            Ok(Seen::Absent) => true,
            Ok(Seen::HalfMade(account)) if account == self.account => api.delete().await.is_ok(),
            Ok(Seen::HalfMade(_) | Seen::Primary(_) | Seen::Other(_)) | Err(_) => false,
        };
        PowerDnsError::Unfinished {
            source: Box::new(source),
            is_removed,
        }
    }

    async fn look(&self, api: &Api<'_>) -> Result<Seen, PowerDnsError> {
        let Some(Zone { kind, account, .. }) = api.get().await? else {
            return Ok(Seen::Absent);
        };
        Ok(match kind.to_ascii_lowercase().as_str() {
            "master" | "primary" | "native" => {
                let mut mark = api.metadata(MARK).await?;
                Seen::Primary(mark.pop())
            }
            "slave" | "secondary" if account.starts_with(ACCOUNT_PREFIX) => Seen::HalfMade(account),
            _ => Seen::Other(kind),
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

fn others(account: &str) -> ZoneStatus {
    let instance = account.strip_prefix(ACCOUNT_PREFIX).unwrap_or(account);
    ZoneStatus::Other(Creator::Instance(instance.to_owned()))
}
