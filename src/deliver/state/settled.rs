//! A zone as a delivery left it: as long as it has that SOA, the same delivery has nothing to do.

use crate::model::{Rdata, Soa};
use crate::plan::WantedDigest;

/// For how many seconds after it was read whole a zone is not read again.
pub const SETTLED_SECONDS: u64 = 24 * 60 * 60;

/// A zone that holds all that was desired, and nothing that its primary refuses.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Settled {
    /// The digest of the zone that the delivery wanted.
    pub wanted: WantedDigest,
    /// The time when the zone was last read whole, in seconds since 1970.
    pub read_at: u64,
    /// The TTL of its SOA record in seconds.
    pub soa_ttl: u32,
    /// The data of its SOA record.
    pub soa: Rdata,
}

impl Settled {
    /// Describes a zone that is left with an SOA, with its TTL in seconds.
    pub(crate) fn new(wanted: WantedDigest, read_at: u64, (soa, soa_ttl): &(Soa, u32)) -> Self {
        Self {
            wanted,
            read_at,
            soa_ttl: *soa_ttl,
            soa: soa.to_rdata(),
        }
    }

    /// Returns whether this was desired, and the zone was read whole in the last day.
    pub(crate) fn counts(&self, wanted: &WantedDigest, now: u64) -> bool {
        let age = now.checked_sub(self.read_at);
        self.wanted == *wanted && age.is_some_and(|age| age < SETTLED_SECONDS)
    }

    /// Returns whether the zone was left with this SOA, with its TTL.
    pub(crate) fn has_soa(&self, (soa, ttl): &(Soa, u32)) -> bool {
        self.soa == soa.to_rdata() && self.soa_ttl == *ttl
    }

    /// Returns the octets to store.
    pub fn encode(&self) -> Vec<u8> {
        let mut octets = self.wanted.to_vec();
        octets.extend_from_slice(&self.read_at.to_be_bytes());
        octets.extend_from_slice(&self.soa_ttl.to_be_bytes());
        octets.extend_from_slice(self.soa.as_wire());
        octets
    }

    /// Reads stored octets; `None` if they are damaged.
    pub fn decode(octets: &[u8]) -> Option<Self> {
        let (wanted, rest) = octets.split_first_chunk()?;
        let (read_at, rest) = rest.split_first_chunk()?;
        let (soa_ttl, soa) = rest.split_first_chunk()?;
        Some(Self {
            wanted: *wanted,
            read_at: u64::from_be_bytes(*read_at),
            soa_ttl: u32::from_be_bytes(*soa_ttl),
            soa: Rdata::from_canonical(soa),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Serial;

    fn soa() -> Soa {
        Soa {
            mname: "ns1.example.".parse().unwrap(),
            rname: "hostmaster.example.".parse().unwrap(),
            serial: Serial(7),
            refresh: 1,
            retry: 2,
            expire: 3,
            minimum: 4,
        }
    }

    #[test]
    fn what_is_stored_is_read_back() {
        let settled = Settled::new([5; 32], 1_000, &(soa(), 3_600));
        let octets = settled.encode();
        assert_eq!(Settled::decode(&octets), Some(settled));
        assert_eq!(Settled::decode(&octets[..43]), None);
        assert_eq!(Settled::decode(b""), None);
    }

    #[test]
    fn it_counts_for_a_day_and_for_what_was_desired() {
        let settled = Settled::new([5; 32], 1_000, &(soa(), 3_600));
        let counts = [999, 1_000, 87_399, 87_400].map(|now| settled.counts(&[5; 32], now));
        assert_eq!(counts, [false, true, true, false]);
        assert!(!settled.counts(&[6; 32], 1_000));
    }

    #[test]
    fn each_field_of_the_soa_counts() {
        let settled = Settled::new([5; 32], 1_000, &(soa(), 3_600));
        assert!(settled.has_soa(&(soa(), 3_600)));
        let changes: [fn(&mut Soa); 7] = [
            |it| it.mname = "ns2.example.".parse().unwrap(),
            |it| it.rname = "other.example.".parse().unwrap(),
            |it| it.serial = Serial(8),
            |it| it.refresh = 9,
            |it| it.retry = 9,
            |it| it.expire = 9,
            |it| it.minimum = 9,
        ];
        for change in changes {
            let mut other = soa();
            change(&mut other);
            assert!(!settled.has_soa(&(other, 3_600)));
        }
        assert!(!settled.has_soa(&(soa(), 300)));
    }
}
