//! The keys of this instance that may update and transfer its zones.

use super::api::{Api, UPDATE_KEYS, Zone};
use super::contents::canonical;
use super::error::PowerDnsError;
use crate::model::Name;

/// The names of the keys.
#[derive(Debug)]
pub(super) struct Keys {
    update: Name,
    /// The keys that may transfer the zones. The update key is among them, so that the server
    /// reports at once if it does not know the key.
    transfer: Vec<Name>,
}

impl Keys {
    pub(super) fn new(update: Name, transfer: Name) -> Self {
        let mut all = vec![update.clone(), transfer];
        all.dedup();
        Self {
            update,
            transfer: all,
        }
    }

    /// Returns the keys that may transfer the zones.
    pub(super) fn to_transfer(&self) -> &[Name] {
        &self.transfer
    }

    /// Returns whether the metadata of the zone permit updates by the update key.
    pub(super) async fn may_update(&self, api: &Api<'_>) -> Result<bool, PowerDnsError> {
        let keys = api.metadata(UPDATE_KEYS).await?;
        let mut names = keys.iter().filter_map(|key| key.parse::<Name>().ok());
        Ok(names.any(|name| name == self.update))
    }

    /// Checks that the server knows all keys.
    pub(super) async fn check(&self, api: &Api<'_>) -> Result<(), PowerDnsError> {
        self.require(api, &api.keys().await?)
    }

    fn require(&self, api: &Api<'_>, known: &[Name]) -> Result<(), PowerDnsError> {
        match self.transfer.iter().find(|key| !known.contains(key)) {
            None => Ok(()),
            Some(key) => Err(PowerDnsError::KeyMissing {
                server: api.server.name(),
                zone: api.zone.clone(),
                key: key.clone(),
            }),
        }
    }

    /// Permits the update key to update the zone, beside other keys.
    pub(super) async fn permit_updates(&self, api: &Api<'_>) -> Result<(), PowerDnsError> {
        let mut keys = api.metadata(UPDATE_KEYS).await?;
        let is_ours = |key: &String| key.parse::<Name>().is_ok_and(|key| key == self.update);
        if keys.iter().any(is_ours) {
            return Ok(());
        }
        let name = canonical(&self.update);
        keys.push(name.trim_end_matches('.').to_owned());
        api.set_metadata(UPDATE_KEYS, keys).await
    }

    /// Permits our keys to transfer the zone, beside other keys.
    pub(super) async fn permit_transfers(&self, api: &Api<'_>) -> Result<(), PowerDnsError> {
        let Some(Zone { transfer_keys, .. }) = api.get().await? else {
            return Ok(());
        };
        let mut keys: Vec<Name> = transfer_keys
            .iter()
            .filter_map(|key| key.parse().ok())
            .collect();
        let ours = self.transfer.iter();
        let missing: Vec<&Name> = ours.filter(|key| !keys.contains(key)).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let known = api.keys().await?;
        self.require(api, &known)?;
        // PowerDNS: refuses the name of a key that it no longer knows.
        keys.retain(|key| known.contains(key));
        let all = keys.iter().chain(missing).map(canonical).collect();
        api.set_transfer_keys(all).await
    }
}
