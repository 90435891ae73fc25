//! The size of RRsets in UPDATE messages.

use super::name::Name;
use super::record::Rdata;

/// Most octets of an RRset, each record with its owner name and [`RECORD_FIXED_OCTETS`].
///
/// One UPDATE of 65,535 octets can then remove such an RRset and add another in its place, beside two SOA records and
/// the TSIG, whatever the names of zone and key.
pub const RRSET_OCTETS_MAX: usize = 31_000;

/// Octets of type, class, TTL and RDLENGTH of a record (RFC 1035 section 3.2.1).
pub const RECORD_FIXED_OCTETS: usize = 10;

/// Returns the octets of a record in a message, without compression.
pub fn record_octets(owner: &Name, rdata: &Rdata) -> usize {
    owner.as_wire().len() + RECORD_FIXED_OCTETS + rdata.as_wire().len()
}
