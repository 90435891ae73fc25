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

/// Reads the types of all windows up to the end of the data; `None` if a window is cut short, out of order, or ends in
/// an octet without a type.
pub(super) fn decode(octets: &mut Octets<'_>) -> Option<Vec<RecordType>> {
    let mut types = Vec::new();
    let mut next_window = 0;
    while !octets.is_empty() {
        let window = octets
            .u8()
            .filter(|window| u16::from(*window) >= next_window)?;
        next_window = u16::from(window) + 1;
        let map = octets.counted().filter(|map| map.len() <= 32)?;
        map.last().filter(|last| **last != 0)?;
        for (octet, at) in map.iter().zip(0_u8..) {
            let set = (0..8).filter(|bit| octet & (0x80 >> bit) != 0);
            types.extend(set.map(|bit| RecordType(u16::from_be_bytes([window, at * 8 + bit]))));
        }
    }
    Some(types)
}
