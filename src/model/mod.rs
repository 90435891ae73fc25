//! The domain model: names, records, zones, scopes and intents.
//!
//! The model reads no socket, file or clock, and depends on no DNS library. RDATA is canonical wire
//! octets, so that data of an unknown type are as exact as an address (RFC 3597).

mod excerpt;
mod intent;
mod name;
mod network;
mod record;
mod scope;
mod secret;
mod zone;

pub use excerpt::excerpt;
pub use intent::{Intent, IntentKey, Presence, PtrIntent, RecordIntent};
pub use name::{LABEL_OCTETS_MAX, NAME_OCTETS_MAX, Name, NameError, NoHostName};
pub use network::{Network, NetworkError, address_of, reverse_name};
pub use record::{Field, Rdata, RdataError, Record, RecordType, RrSet, RrSets, TTL_MAX, fields};
pub use scope::{ForeignRecords, NamePattern, PatternError, Scope};
pub use secret::Secret;
pub use zone::{
    CurrentZone, DesiredSoa, DesiredZone, InitialZone, OwnerName, Serial, Soa, ZoneName, ZoneSource,
};
