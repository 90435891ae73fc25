//! Sets of record types as bit maps (RFC 4034 section 4.1.2): NSEC, NSEC3, CSYNC.

use super::octets::Octets;
use crate::model::RecordType;

/// Appends the bit maps of a set of types, one for each window of 256 types.
pub(super) fn encode(mut types: Vec<RecordType>, out: &mut Vec<u8>) {
    types.sort_unstable();
    for window in types.chunk_by(|a, b| a.0 >> 8 == b.0 >> 8) {
        let mut map = Vec::with_capacity(32);
        let mut number = 0;
        for rtype in window {
            let [high, low] = rtype.0.to_be_bytes();
            number = high;
            map.resize(usize::from(low / 8) + 1, 0);
            map[usize::from(low / 8)] |= 0x80 >> (low % 8);
        }
        let length = u8::try_from(map.len()).expect("256 types make at most 32 octets");
        out.extend([number, length]);
        out.extend(map);
    }
}

/// Reads the types of all windows up to the end of the data; `None` if a window is cut short.
pub(super) fn decode(octets: &mut Octets<'_>) -> Option<Vec<RecordType>> {
    let mut types = Vec::new();
    while !octets.is_empty() {
        let window = octets.u8()?;
        for (octet, at) in octets.counted()?.iter().zip(0_u8..32) {
            let set = (0..8).filter(|bit| octet & (0x80 >> bit) != 0);
            types.extend(set.map(|bit| RecordType(u16::from_be_bytes([window, at * 8 + bit]))));
        }
    }
    Some(types)
}
