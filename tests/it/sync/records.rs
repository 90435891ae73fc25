//! Generated single records of every type: BIND and nsbridge take the same, as the same octets, and dnspython reads what
//! nsbridge prints.

use std::collections::BTreeSet;

use nsbridge::model::{Rdata, RecordType};
use nsbridge::zonefile::{format_octets, format_type, known_types, parse_octets, parse_type};

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

/// Generates records, most of which are data of their type.
#[expect(
    clippy::disallowed_methods,
    reason = "more records than CI has time for can be asked for by a variable"
)]
fn generated() -> Vec<String> {
    let count = std::env::var(RECORDS_VARIABLE).ok();
    let count = count.map_or(RECORDS, |count| count.parse().expect("a count"));
    let mut numbers = Numbers(0x7265_636f_7264);
    let records = (0..count).map(|number| {
        let record = changed(numbers.of(DATA), &mut numbers);
        let with_a_fault = (number % 4 == 0).then(|| octets_with_a_fault(&mut numbers));
        with_a_fault.flatten().unwrap_or(record)
    });
    records.collect()
}

/// Writes data with their type.
fn printed(record: &str, rtype: RecordType, octets: &[u8]) -> String {
    let name = record.split(' ').next().unwrap_or_default();
    format!("{name} {}", format_octets(rtype, octets))
}

#[test]
fn generated_records_are_read_and_printed_as_bind_does() {
    let is_sampled = |rtype: &RecordType| {
        let name = format_type(*rtype);
        DATA.iter()
            .any(|data| data.split(' ').next() == Some(&name))
    };
    let missing: Vec<String> = known_types()
        .filter(|it| !is_sampled(it))
        .map(format_type)
        .collect();
    assert!(missing.is_empty(), "no data of {missing:?}");
    let (mut differences, mut taken) = (Vec::new(), 0);
    let records = generated();
    for record in records.iter().filter(|record| !is_ruled(record)) {
        if let Some((rtype, octets)) = read_by_both(record, &mut differences) {
            taken += 1;
            let printed = printed(record, rtype, &octets);
            let back = octets_of_bind(&printed);
            if back.as_ref() != Some(&octets) {
                differences.push(format!(
                    "{record} is printed as {printed}, for BIND {back:?}"
                ));
            }
            assert!(Rdata::from_wire(rtype, &octets).is_ok(), "{record}");
        }
    }
    assert_none_differs(&differences);
    let count = records.len();
    println!("{count} records, of which {taken} are data");
    assert!(
        taken > count / 3 && taken < count,
        "{taken} of {count} are data"
    );
}

#[track_caller]
fn assert_none_differs(differences: &[String]) {
    let (count, lines) = (differences.len(), differences.join("\n"));
    assert!(differences.is_empty(), "{count} differ:\n{lines}");
}

/// Types whose text dnspython 2.3 does not know; newer ones know some of them.
const NOT_IN_DNSPYTHON: [&str; 29] = [
    "A6", "ATMA", "BRID", "DLV", "DOA", "DSYNC", "EID", "GID", "HHIT", "KEY", "MB", "MD", "MF",
    "MG", "MINFO", "MR", "NIMLOC", "NULL", "NXT", "RESINFO", "RKEY", "SIG", "SINK", "TA", "TALINK",
    "UID", "UINFO", "UNSPEC", "WALLET",
];

/// Rules of dnspython alone: a type, and words of its answer.
const DNSPYTHON_ONLY: [(&str, &str); 18] = [
    // RFC 7553 section 4.5 does not say that a target has a character.
    ("URI", "empty"),
    // A group without its leading zeros, as BIND prints it.
    ("NID", "invalid formatted hex"),
    ("L64", "invalid formatted hex"),
    // Positions are numbers in a range, although RFC 1712 has them as strings.
    ("GPOS", "refused"),
    // An empty `ech`.
    ("HTTPS", "value cannot be empty"),
    ("SVCB", "value cannot be empty"),
    // An octet of `alpn` outside ASCII is escaped twice.
    ("HTTPS", r"\\"),
    ("SVCB", r"\\"),
    // Type 0 in a bit map, and sizes that are zero with an exponent.
    ("NSEC", "bit 0"),
    ("LOC", "compressed data"),
    // A deletion (RFC 8078 section 4) has one octet.
    ("CDS", "digest length inconsistent"),
    // Other address families are printed as Python's octets.
    ("APL", ":b'"),
    // Priority 0 with parameters, which RFC 9460 section 2.4.2 has ignored.
    ("HTTPS", "in AliasMode"),
    ("SVCB", "in AliasMode"),
    ("AMTRELAY", "invalid AMTRELAY relay type"),
    // A bit map with a type that it does not know.
    ("CSYNC", "type is unknown"),
    ("NSEC", "type is unknown"),
    ("LOC", "version not zero"),
];

fn is_ruled_by_dnspython(rtype: &str, octets: &[u8], answer: &str) -> bool {
    let is_listed = DNSPYTHON_ONLY
        .iter()
        .any(|(of, words)| *of == rtype && answer.contains(words));
    // An octet outside ASCII in a string is read as two, but for TXT.
    let is_utf8 = matches!(rtype, "NAPTR" | "ISDN" | "HINFO" | "URI") && !octets.is_ascii();
    // Centimetres are cut off from a floating number.
    let is_cut = rtype == "LOC"
        && octets
            .last_chunk()
            .is_some_and(|altitude| !u32::from_be_bytes(*altitude).is_multiple_of(100));
    is_listed || is_utf8 || is_cut
}

#[test]
fn generated_records_that_are_printed_are_read_by_dnspython_and_the_other_way_round() {
    let records: Vec<(String, RecordType, Vec<u8>)> = generated()
        .into_iter()
        .filter_map(|record| {
            let (name, data) = record.split_once(' ')?;
            let rtype = parse_type(name).filter(|it| known_types().any(|known| known == *it))?;
            let octets = parse_octets(rtype, data).ok()?;
            Some((record, rtype, octets))
        })
        .collect();
    let lines = records.iter().map(|(_, rtype, octets)| {
        let hex: Vec<String> = octets.iter().map(|octet| format!("{octet:02x}")).collect();
        let text = format_octets(*rtype, octets);
        format!("{} {} {text}\n", format_type(*rtype), hex.concat())
    });
    let input: String = lines.collect();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/sync/dnspython.py");
    // Debian's, which finds Debian's package of dnspython.
    let said = process::run("/usr/bin/python3", &[script], input.as_bytes());
    assert_eq!(
        said.status,
        Some(0),
        "hint: testenv/install servers\n{}",
        said.stderr()
    );
    let (mut differences, mut compared, mut ruled, mut unknown) =
        (Vec::new(), 0, 0, BTreeSet::new());
    let answers = said.stdout();
    assert_eq!(answers.lines().count(), records.len());
    for (answer, (sent, (record, rtype, octets))) in
        answers.lines().zip(input.lines().zip(&records))
    {
        let (wire, text) = answer.split_once('\t').expect("two answers");
        if wire == "generic" {
            unknown.insert(format_type(*rtype));
            continue;
        }
        if is_ruled_by_dnspython(&format_type(*rtype), octets, answer) {
            ruled += 1;
            continue;
        }
        compared += 1;
        let (_, rest) = sent.split_once(' ').expect("the octets");
        let (hex, printed) = rest.split_once(' ').expect("the text");
        if wire != hex {
            differences.push(format!(
                "{record} is printed as {printed}: {hex}, dnspython {wire}"
            ));
        }
        let back = parse_octets(*rtype, text);
        if back.as_ref() != Ok(octets) {
            differences.push(format!("{record} is {hex}, for dnspython {text}: {back:?}"));
        }
    }
    assert_none_differs(&differences);
    let unknown: Vec<&str> = unknown.iter().map(String::as_str).collect();
    println!(
        "{compared} records are alike; {ruled} by rules of dnspython; not known by dnspython: {unknown:?}"
    );
    assert!(
        unknown.iter().all(|it| NOT_IN_DNSPYTHON.contains(it)),
        "{unknown:?}"
    );
    assert!(compared * 2 > records.len(), "{compared}");
}
