//! Properties of every input.

use std::fs;

use proptest::prelude::*;
use serde_json::Value;

use super::{parsed, samples};
use crate::diagnostic::Diagnose as _;
use crate::model::{Intent, RejectedRecords};
use crate::payload::{Command, Payload, parse};

/// Records that are invalid by themselves, each for another reason.
const INVALID_RECORDS: [&str; 8] = [
    "7",
    "[[]]",
    r#"{"host":{}}"#,
    r#"{"host":"z.example.","type":"NAPTR","value":"x"}"#,
    r#"{"host":"other.test.","type":"NS","value":"n.example."}"#,
    r#"{"host":"www.harbor.example.","type":"A","value":"no address"}"#,
    r#"{"host":"mail.harbor.example.","type":"NS","value":"a..b"}"#,
    r#"{"host":"harbor.example.","type":"A","value":"192.0.2","ttl":-1}"#,
];

fn sample(index: usize) -> Vec<u8> {
    let samples = samples();
    fs::read(&samples[index % samples.len()]).unwrap()
}

/// Inserts a record into each `rr` of a payload that is an array.
fn with_record(payload: &str, at: usize, record: &Value) -> String {
    let mut payload: Value = serde_json::from_str(payload).unwrap();
    for command in payload.as_array_mut().unwrap() {
        if let Some(Value::Array(records)) = command.pointer_mut("/zone/rr") {
            records.insert(at % (records.len() + 1), record.clone());
        }
    }
    payload.to_string()
}

/// Returns the commands without rejected records, and the number of problems, which do not depend on positions.
fn without_positions(mut payload: Payload) -> (Vec<Command>, usize) {
    for command in &mut payload.commands {
        if let Intent::Zone(zone) = &mut command.intent {
            zone.rejected = RejectedRecords::default();
        }
    }
    (payload.commands, payload.problems.len())
}

proptest! {
    #[test]
    fn no_octets_cause_a_panic(octets in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = parse(&octets);
    }

    #[test]
    fn no_mutation_causes_a_panic(
        index in any::<usize>(),
        edits in proptest::collection::vec((any::<usize>(), 0..4u8, any::<u8>()), 1..8),
    ) {
        let mut octets = sample(index);
        for (at, edit, octet) in edits {
            let at = at % octets.len().max(1);
            match edit {
                0 if !octets.is_empty() => octets[at] = octet,
                1 if !octets.is_empty() => { octets.remove(at); }
                // Octets of JSON's own syntax let more mutants get past the grammar.
                2 => octets.insert(at, b"\"{}[],:.\\0-9a"[usize::from(octet) % 13]),
                _ => octets.insert(at, octet),
            }
        }
        let _ = parse(&octets);
    }

    #[test]
    fn no_record_causes_a_panic(
        host in "([a-z*_.\\\\0-9]{0,20}|\\PC{0,10})(\\.?z\\.example\\.)?",
        rtype in "A|AAAA|NS|CNAME|MX|TXT|SRV|CAA|TLSA|DS|HTTPS|SVCB|PTR",
        opt in "[0-9 ]{0,8}|\\PC{0,8}",
        value in "[0-9a-f .;\"\\\\()=]{0,30}|\\PC{0,20}",
    ) {
        let record = super::record(&host, &rtype, &opt, &value);
        let payload = parsed(&super::update(&record));
        for problem in &payload.problems {
            prop_assert!(!problem.text.contains(char::is_control));
            prop_assert!(!problem.kind.to_string().contains(char::is_control));
            prop_assert!(problem.diagnostic().hint().is_some());
        }
    }

    #[test]
    fn an_invalid_record_does_not_affect_the_others(
        index in any::<usize>(),
        at in any::<usize>(),
        invalid in 0..INVALID_RECORDS.len(),
    ) {
        let sample = String::from_utf8(sample(index)).unwrap();
        prop_assume!(sample.starts_with('['));
        let invalid: Value = serde_json::from_str(INVALID_RECORDS[invalid]).unwrap();
        let (commands, problems) = without_positions(parsed(&sample));
        let changed = parsed(&with_record(&sample, at, &invalid));
        let (changed_commands, changed_problems) = without_positions(changed);
        prop_assert_eq!(commands, changed_commands);
        let arrays = sample.matches("\"rr\": [").count();
        prop_assert_eq!(problems + arrays, changed_problems);
    }
}
