//! Key tags: the numbers by which DS records at the parent refer to the keys of a signed zone.

use super::record::{Rdata, RrSet};
use super::record_type::RecordType;
use super::zone::CurrentZone;

/// The flag of a key that DS records name (RFC 4034 section 2.1.1), in the lower octet of the flags.
const SECURE_ENTRY_POINT: u8 = 1;

impl CurrentZone {
    /// Returns the key tags that DS records may refer to, in ascending order; empty if the zone has no DNSKEY records.
    pub fn key_tags(&self) -> Vec<u16> {
        let keys = self.records.get(self.name.apex(), RecordType::DNSKEY);
        keys.map(RrSet::key_tags).unwrap_or_default()
    }
}

impl RrSet {
    /// Returns the key tags of the DNSKEY records with the flag SEP, in ascending order; of all of them if none has the
    /// flag.
    pub fn key_tags(&self) -> Vec<u16> {
        let is_entry = |key: &&Rdata| {
            let flags = key.as_wire().get(1);
            flags.is_some_and(|low| low & SECURE_ENTRY_POINT != 0)
        };
        let mut tags: Vec<u16> = self.rdatas.iter().filter(is_entry).map(key_tag).collect();
        if tags.is_empty() {
            tags.extend(self.rdatas.iter().map(key_tag));
        }
        tags.sort_unstable();
        tags
    }
}

/// Returns the key tag of a DNSKEY record (RFC 4034 appendix B).
fn key_tag(key: &Rdata) -> u16 {
    let octets = key.as_wire().iter().enumerate();
    let sum: u32 = octets
        .map(|(index, octet)| u32::from(*octet) << (8 * ((index + 1) % 2)))
        .sum();
    u16::try_from((sum + (sum >> 16)) & 0xffff).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    /// The key of RFC 4034 section 5.4, whose DS record there has the key tag 60485, with these flags.
    fn key(flags: u16) -> Rdata {
        let key = "AQOeiiR0GOMYkDshWoSKz9XzfwJr1AYtsmx3TGkJaNXVbfi/2pHm822aJ5iI9BMzNXxeYCmZDRD99WYwYqUSdjMmmAphXdvx\
                   egXd/M5+X7OrzKBaMbCVdFLUUh6DhweJBjEVv5f2wwjM9XzcnOf+EPbtG9DMBmADjFDc2w/rljwvFw==";
        let head = [flags.to_be_bytes(), [3, 5]].concat();
        Rdata::from_canonical([head, STANDARD.decode(key).unwrap()].concat())
    }

    fn tags(flags: &[u16]) -> Vec<u16> {
        let set = RrSet {
            owner: "example.".parse().unwrap(),
            rtype: RecordType::DNSKEY,
            ttl: 0,
            rdatas: flags.iter().map(|flags| key(*flags)).collect(),
        };
        set.key_tags()
    }

    #[test]
    fn keys_that_ds_records_name_are_told_by_their_tags() {
        assert_eq!(tags(&[256]), [60485]);
        // 257 has the flag.
        assert_eq!(tags(&[257, 256]), [60486]);
        assert_eq!(tags(&[385, 257]), [60486, 60614]);
    }
}
