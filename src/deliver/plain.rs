//! What holds where there is no configuration: a primary of which its address and key are known, and settings
//! of which nobody said anything.

use super::primary::{Pool, Primary, Read};
use super::settings::{EmptyZone, PtrSettings, Settings, UnownedZones};
use crate::model::ForeignRecords;
use crate::transport::{Endpoint, Security};
use crate::wire::Key;

impl Primary {
    /// A primary that is reached over TCP without TLS, with one key for all, and makes no zones. Its host's
    /// name is its own; `zones_in_flight` is how many of its zones may be worked on at the same time.
    pub fn plain(host: String, port: u16, key: Key, zones_in_flight: usize) -> Self {
        Self {
            name: host.clone(),
            endpoint: Endpoint {
                host,
                port,
                security: Security::Tcp,
            },
            transfer_key: key.clone(),
            key,
            read: Read::Transfer,
            nameservers: Vec::new(),
            maker: None,
            catalog: None,
            pool: Pool::new(zones_in_flight),
        }
    }
}

impl Settings {
    /// As without any policy. `clock` is seconds since 1970, for signatures.
    pub fn plain(clock: fn() -> u64) -> Self {
        Self {
            foreign: ForeignRecords::Keep,
            keep: Vec::new(),
            deny_zones: Vec::new(),
            empty_zone: EmptyZone::Refuse,
            unowned_zones: UnownedZones::Adopt,
            removals_percent_max: None,
            ptr: PtrSettings::default(),
            clock,
        }
    }
}
