//! The domain model: names, records, zones, scopes and intents.
//!
//! The model reads no socket, file or clock, and depends on no DNS library. RDATA is canonical wire
//! octets, so that data of an unknown type are as exact as an address (RFC 3597).

mod excerpt;
mod intent;
mod key_tags;
mod name;
mod nameservers;
mod network;
mod record;
mod record_type;
mod rejected;
mod scope;
mod secret;
mod size;
mod trust;
mod zone;

pub use excerpt::{excerpt, excerpt_of_data};
pub use intent::{AbsentZone, Intent, IntentKey, Presence, PtrIntent, RecordIntent};
pub use name::{
    CHALLENGE_LABEL, LABEL_OCTETS_MAX, NAME_OCTETS_MAX, Name, NameError, NoHostName, is_host_label,
};
pub use nameservers::NS_TTL;
pub use network::{Network, NetworkError, address_of, network_of, reverse_name};
pub use record::{Field, Rdata, RdataError, Record, RrSet, RrSets, TTL_MAX, fields, names_in};
pub use record_type::RecordType;
pub use rejected::{Rejected, RejectedRecords};
pub use scope::{ForeignRecords, NamePattern, PatternError, Scope};
pub use secret::Secret;
pub use size::{RECORD_FIXED_OCTETS, RRSET_OCTETS_MAX, record_octets};
pub use trust::Trust;
pub use zone::{
    CurrentZone, DesiredSoa, DesiredZone, InitialZone, OwnerName, Serial, Soa, ZoneName, ZoneSource,
};
