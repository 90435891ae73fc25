//! Generated single records of every type: BIND and nsbridge take the same, as the same octets.

use nsbridge::model::{Rdata, RecordType};
use nsbridge::zonefile::{format_octets, known_types, parse_octets, parse_type};

use crate::support::generated_data::{DATA, changed};
use crate::support::nsupdate_scripts::Numbers;
use crate::support::process;

/// The number of records, unless [`RECORDS_VARIABLE`] says another.
const RECORDS: u32 = 400;
const RECORDS_VARIABLE: &str = "NSBRIDGE_TEST_RECORDS";

/// Returns the octets that BIND makes of a type and its data; `None` if BIND refuses them.
fn octets_of_bind(record: &str) -> Option<Vec<u8>> {
    let said = process::run(
        "named-rrchecker",
        &["-u"],
        format!("IN {record}\n").as_bytes(),
    );
    if said.status != Some(0) {
        return None;
    }
    let text = String::from_utf8(said.stdout).expect("ASCII");
    let (_, generic) = text.split_once("\\# ").expect("the form of RFC 3597");
    let digits: Vec<u8> = generic
        .split_ascii_whitespace()
        .skip(1)
        .flat_map(str::bytes)
        .collect();
    let octet = |pair: &[u8]| u8::from_str_radix(str::from_utf8(pair).expect("ASCII"), 16);
    Some(
        digits
            .chunks(2)
            .map(|pair| octet(pair).expect("hexadecimal"))
            .collect(),
    )
}

/// Notes whether BIND and nsbridge read a record differently. Returns what both read.
fn read_by_both(record: &str, differences: &mut Vec<String>) -> Option<(RecordType, Vec<u8>)> {
    let (rtype, data) = record.split_once(' ')?;
    let rtype = parse_type(rtype).filter(|rtype| known_types().any(|known| known == *rtype))?;
    let (ours, theirs) = (parse_octets(rtype, data), octets_of_bind(record));
    match (ours, theirs) {
        (Ok(ours), Some(theirs)) if ours == theirs => return Some((rtype, ours)),
        (Err(_), None) => {}
        (ours, theirs) => differences.push(format!("{record}: {ours:?}, BIND {theirs:?}")),
    }
    None
}

/// Returns whether a rule of nsbridge, not of BIND, decides about a record.
fn is_ruled(record: &str) -> bool {
    // A record stands alone: without an origin and comments. RFC 9460 section 14.3.2: key 65535 is invalid.
    // BIND: the start of a mnemonic of flags stands for the first one that begins so.
    record.contains(['@', ';', '(', ')'])
        || record.ends_with('\\')
        || ["key65535", "KEY N ", "KEY a "]
            .iter()
            .any(|ruled| record.contains(ruled))
}

/// Returns octets of a type in the form of RFC 3597, mostly with one fault.
fn octets_with_a_fault(numbers: &mut Numbers) -> Option<String> {
    let (rtype, data) = numbers.of(DATA).split_once(' ')?;
    let mut octets = parse_octets(parse_type(rtype)?, data).ok()?;
    match numbers.below(4) {
        0 => octets.truncate(numbers.below(octets.len() + 1)),
        1 => octets.push(0),
        2 if !octets.is_empty() => {
            let at = numbers.below(octets.len());
            octets[at] ^= 1 << numbers.below(8);
        }
        _ => {}
    }
    let hex: Vec<String> = octets.iter().map(|octet| format!("{octet:02x}")).collect();
    Some(format!("{rtype} \\# {} {}", octets.len(), hex.concat()))
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "more records than CI has time for can be asked for by a variable"
)]
fn generated_records_are_read_and_printed_as_bind_does() {
    let count = std::env::var(RECORDS_VARIABLE).ok();
    let count = count.map_or(RECORDS, |count| count.parse().expect("a count"));
    let mut numbers = Numbers(0x7265_636f_7264);
    let (mut differences, mut taken) = (Vec::new(), 0);
    for number in 0..count {
        let mut record = changed(numbers.of(DATA), &mut numbers);
        if number % 4 == 0
            && let Some(octets) = octets_with_a_fault(&mut numbers)
        {
            record = octets;
        }
        if is_ruled(&record) {
            continue;
        }
        if let Some((rtype, octets)) = read_by_both(&record, &mut differences) {
            taken += 1;
            let printed = format!(
                "{record_type} {}",
                format_octets(rtype, &octets),
                record_type = record.split(' ').next().unwrap_or_default()
            );
            let back = octets_of_bind(&printed);
            if back.as_ref() != Some(&octets) {
                differences.push(format!(
                    "{record} is printed as {printed}, for BIND {back:?}"
                ));
            }
            assert!(Rdata::from_wire(rtype, &octets).is_ok(), "{record}");
        }
    }
    assert!(
        differences.is_empty(),
        "{} differ:\n{}",
        differences.len(),
        differences.join("\n")
    );
    assert!(
        taken > count / 3 && taken < count,
        "{taken} of {count} are data"
    );
}
