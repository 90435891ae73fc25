//! Records in a packed form: a fifth of what they take as text, and exact for every type.
//!
//! Each record is its owner name, its type, its TTL, the length of its data, and the data in canonical wire form. Numbers
//! are in LEB128. An owner name is its labels in wire form, and then 0, or [`APEX`] if the apex of the zone follows.

use crate::model::{Name, Rdata, RecordType, RrSet, RrSets};

/// Stands for the labels of the apex, as a compression pointer does in a message (RFC 1035 section 4.1.4).
const APEX: u8 = 0xc0;

/// Packs the records of a zone.
pub(super) fn pack(records: &RrSets, apex: &Name) -> Vec<u8> {
    let mut octets = Vec::new();
    for set in records {
        let owner = set.owner.as_wire();
        for rdata in &set.rdatas {
            match owner.strip_suffix(apex.as_wire()) {
                // The root ends each name.
                Some(labels) if !apex.is_root() && are_labels(labels) => {
                    octets.extend_from_slice(labels);
                    octets.push(APEX);
                }
                _ => octets.extend_from_slice(owner),
            }
            push_number(&mut octets, set.rtype.0.into());
            push_number(&mut octets, set.ttl);
            let rdata = rdata.as_wire();
            push_number(&mut octets, u32::try_from(rdata.len()).unwrap_or(u32::MAX));
            octets.extend_from_slice(rdata);
        }
    }
    octets
}

/// Unpacks what [`pack`] has returned; `None` if the octets are anything else.
pub(super) fn unpack(octets: &[u8], apex: &Name) -> Option<RrSets> {
    let (mut sets, mut rest) = (Vec::new(), octets);
    while !rest.is_empty() {
        let owner = take_name(&mut rest, apex)?;
        let rtype = RecordType(take_number(&mut rest)?.try_into().ok()?);
        let ttl = take_number(&mut rest)?;
        let length = usize::try_from(take_number(&mut rest)?).ok()?;
        let rdata = Rdata::from_canonical(rest.split_off(..length)?);
        sets.push(RrSet {
            owner,
            rtype,
            ttl,
            rdatas: vec![rdata],
        });
    }
    Some(RrSets::from_sets(sets))
}

/// Returns whether octets are whole labels: the end of a name may look like the apex inside of a label.
fn are_labels(mut octets: &[u8]) -> bool {
    while let Some((length, rest)) = octets.split_first() {
        let Some(rest) = rest.get(usize::from(*length)..) else {
            return false;
        };
        octets = rest;
    }
    true
}

fn take_name(rest: &mut &[u8], apex: &Name) -> Option<Name> {
    let mut wire = Vec::with_capacity(32);
    loop {
        match *rest.split_off_first()? {
            APEX => wire.extend_from_slice(apex.as_wire()),
            length => {
                wire.push(length);
                wire.extend_from_slice(rest.split_off(..usize::from(length))?);
                if length != 0 {
                    continue;
                }
            }
        }
        return Name::from_wire(&wire).ok();
    }
}

fn push_number(octets: &mut Vec<u8>, mut number: u32) {
    while number > 0x7f {
        octets.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    octets.push(number.to_le_bytes()[0]);
}

fn take_number(rest: &mut &[u8]) -> Option<u32> {
    let mut number = 0_u32;
    for shift in (0..u32::BITS).step_by(7) {
        let octet = *rest.split_off_first()?;
        let bits = u32::from(octet & 0x7f);
        number |= bits.checked_shl(shift).filter(|it| it >> shift == bits)?;
        if octet <= 0x7f {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Record;

    #[test]
    fn names_and_numbers_of_all_lengths_come_back() {
        let apex = "example.".parse().unwrap();
        let owners = [
            "example.",
            "Example.",
            "a.Example.",
            "a.b.example.",
            // The label ends as the apex does.
            r"a\007example.",
            r"a\007example.example.",
            ".",
        ];
        let records = owners.iter().enumerate().flat_map(|(index, owner)| {
            let owner: Name = owner.parse().unwrap();
            let numbers = [
                (0, 0),
                (1, 127),
                (2, 128),
                (300, 16_384),
                (u16::MAX, u32::MAX),
            ];
            numbers.map(|(rtype, ttl)| Record {
                owner: owner.clone(),
                rtype: RecordType(rtype),
                ttl,
                rdata: Rdata::from_canonical(vec![7; index * 100]),
            })
        });
        let records = RrSets::from_records(records);
        let packed = pack(&records, &apex);
        assert_eq!(unpack(&packed, &apex), Some(records.clone()));
        let spelled = |sets: &RrSets| {
            sets.iter()
                .map(|it| it.owner.to_string())
                .collect::<Vec<_>>()
        };
        assert_eq!(
            spelled(&unpack(&packed, &apex).unwrap()),
            spelled(&records),
            "each name keeps its spelling"
        );
        let root = Name::root();
        assert_eq!(unpack(&pack(&records, &root), &root), Some(records));
    }

    #[test]
    fn octets_that_end_early_or_are_none_of_ours_are_refused() {
        let apex: Name = "example.".parse().unwrap();
        let records = RrSets::from_records([Record {
            owner: "a.example.".parse().unwrap(),
            rtype: RecordType::A,
            ttl: 300,
            rdata: Rdata::from_canonical([192, 0, 2, 1]),
        }]);
        let packed = pack(&records, &apex);
        assert_eq!(
            packed,
            [1, b'a', APEX, 1, 0xac, 2, 4, 192, 0, 2, 1],
            "the form of the file"
        );
        for end in 1..packed.len() {
            assert_eq!(unpack(&packed[..end], &apex), None, "{end}");
        }
        for wrong in [
            // A number of more than 32 bits, and a type of more than 16.
            &[APEX, 1, 0xff, 0xff, 0xff, 0xff, 0x1f, 0][..],
            &[APEX, 0x80, 0x80, 4, 0, 0],
            // A label that is too long.
            &[64, 0, 0, 0],
        ] {
            assert_eq!(unpack(wrong, &apex), None, "{wrong:?}");
        }
    }
}
