//! The keys of this instance that may update and transfer its zones.

use super::api::{Api, UPDATE_KEYS, Zone};
use super::contents::canonical;
use super::error::PowerDnsError;
use crate::model::Name;

/// The names of the keys, in lists of which the server must know one key each.
#[derive(Debug)]
pub(super) struct Keys {
    update: Vec<Name>,
    transfer: Vec<Name>,
}

impl Keys {
    pub(super) fn new(update: Vec<Name>, transfer: Vec<Name>) -> Self {
        Self { update, transfer }
    }

    /// Returns the keys that may transfer the zones. Those for updates are among them, so that the server reports at once
    /// if it does not know one.
    fn all(&self) -> Vec<&Name> {
        distinct(self.update.iter().chain(&self.transfer))
    }

    /// Returns the keys that may transfer a new zone: of lists, those that the server knows.
    pub(super) async fn to_transfer(&self, api: &Api<'_>) -> Result<Vec<Name>, PowerDnsError> {
        let mut all = self.all();
        if self.update.len() > 1 || self.transfer.len() > 1 {
            let known = api.keys().await?;
            self.require(api, &known)?;
            all.retain(|key| known.contains(key));
        }
        Ok(all.into_iter().cloned().collect())
    }

    /// Returns whether the metadata of the zone permit updates by this key.
    pub(super) async fn may_update(
        &self,
        api: &Api<'_>,
        key: &Name,
    ) -> Result<bool, PowerDnsError> {
        let keys = api.metadata(UPDATE_KEYS).await?;
        Ok(keys.iter().any(|it| names(it, key)))
    }

    /// Checks that the server knows a key of each list.
    pub(super) async fn check(&self, api: &Api<'_>) -> Result<(), PowerDnsError> {
        self.require(api, &api.keys().await?)
    }

    fn require(&self, api: &Api<'_>, known: &[Name]) -> Result<(), PowerDnsError> {
        for list in [&self.update, &self.transfer] {
            if !list.iter().any(|key| known.contains(key)) {
                return Err(missing(api, &list[0]));
            }
        }
        Ok(())
    }

    /// Permits the keys for updates to update the zone, beside other keys.
    pub(super) async fn permit_updates(&self, api: &Api<'_>) -> Result<(), PowerDnsError> {
        let mut keys = api.metadata(UPDATE_KEYS).await?;
        let mut added = self.update.clone();
        added.retain(|key| !keys.iter().any(|it| names(it, key)));
        if added.is_empty() {
            return Ok(());
        }
        keys.extend(added.iter().map(in_metadata));
        api.set_metadata(UPDATE_KEYS, keys).await
    }

    /// Permits our keys to transfer the zone, beside other keys.
    pub(super) async fn permit_transfers(&self, api: &Api<'_>) -> Result<(), PowerDnsError> {
        let Some(Zone { transfer_keys, .. }) = api.get().await? else {
            return Ok(());
        };
        let ours = self.all();
        if ours
            .iter()
            .all(|key| transfer_keys.iter().any(|it| names(it, key)))
        {
            return Ok(());
        }
        let known = api.keys().await?;
        self.require(api, &known)?;
        let keys = parsed(&transfer_keys);
        let all = distinct(keys.iter().chain(ours));
        // PowerDNS: refuses the name of a key that it does not know.
        let all = all.into_iter().filter(|key| known.contains(key));
        api.set_transfer_keys(all.map(canonical).collect()).await
    }

    /// Permits the first keys of the lists to update and transfer the zone. If `retires`, forbids it to the other keys of
    /// the lists. Keeps the keys of others. Returns whether that changed anything.
    pub(super) async fn rekey(&self, api: &Api<'_>, retires: bool) -> Result<bool, PowerDnsError> {
        let Some(Zone { transfer_keys, .. }) = api.get().await? else {
            return Ok(false);
        };
        let first = [&self.update[0], &self.transfer[0]];
        let known = api.keys().await?;
        if let Some(key) = first.iter().find(|key| !known.contains(key)) {
            return Err(missing(api, key));
        }
        let ours = self.all();
        let is_dropped = |key: &Name| retires && ours.contains(&key) && !first.contains(&key);
        let transfers = parsed(&transfer_keys);
        let keys = distinct(transfers.iter().chain(first));
        let keys = keys
            .into_iter()
            .filter(|key| known.contains(key) && !is_dropped(key));
        let keys: Vec<String> = keys.map(canonical).collect();
        let before: Vec<String> = transfers.iter().map(canonical).collect();
        let changes_transfers = keys != before;
        if changes_transfers {
            api.set_transfer_keys(keys).await?;
        }
        let before = api.metadata(UPDATE_KEYS).await?;
        let mut keys = before.clone();
        if !keys.iter().any(|it| names(it, first[0])) {
            keys.push(in_metadata(first[0]));
        }
        if retires {
            let others = &self.update[1..];
            keys.retain(|it| !others.iter().any(|key| names(it, key)));
        }
        let changes_updates = keys != before;
        if changes_updates {
            api.set_metadata(UPDATE_KEYS, keys).await?;
        }
        Ok(changes_transfers || changes_updates)
    }
}

fn missing(api: &Api<'_>, key: &Name) -> PowerDnsError {
    PowerDnsError::KeyMissing {
        server: api.server.name(),
        zone: api.zone.clone(),
        key: key.clone(),
    }
}

/// Returns each name once, in order.
fn distinct<'n>(names: impl IntoIterator<Item = &'n Name>) -> Vec<&'n Name> {
    let mut all: Vec<&Name> = Vec::new();
    for name in names {
        if !all.contains(&name) {
            all.push(name);
        }
    }
    all
}

fn parsed(keys: &[String]) -> Vec<Name> {
    keys.iter().filter_map(|key| key.parse().ok()).collect()
}

/// Returns whether a text of the server names a key.
fn names(text: &str, key: &Name) -> bool {
    text.parse::<Name>().is_ok_and(|name| name == *key)
}

fn in_metadata(key: &Name) -> String {
    canonical(key).trim_end_matches('.').to_owned()
}
