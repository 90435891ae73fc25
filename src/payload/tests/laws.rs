//! What holds for every input.

use std::fs;

use proptest::prelude::*;
use serde_json::Value;

use super::{parsed, samples};
use crate::payload::{Payload, parse};

/// Records that are wrong by themselves, each in its own way.
const BAD_RECORDS: [&str; 8] = [
    "7",
    "[[]]",
    r#"{"host":{}}"#,
    r#"{"host":"z.example.","type":"NAPTR","value":"x"}"#,
    r#"{"host":"other.test.","type":"NS","value":"n.example."}"#,
    r#"{"host":"www.harbor.example.","type":"A","value":"no address"}"#,
    r#"{"host":"mail.harbor.example.","type":"NS","value":"a..b"}"#,
    r#"{"host":"harbor.example.","type":"A","value":"192.0.2.9","ttl":-1}"#,
];

fn sample(index: usize) -> Vec<u8> {
    let samples = samples();
    fs::read(&samples[index % samples.len()]).unwrap()
}

/// The payload with a record put into each `rr` that is an array.
fn with_record(payload: &str, at: usize, record: &Value) -> String {
    let mut payload: Value = serde_json::from_str(payload).unwrap();
    for command in payload.as_array_mut().unwrap() {
        if let Some(Value::Array(records)) = command.pointer_mut("/zone/rr") {
            records.insert(at % (records.len() + 1), record.clone());
        }
    }
    payload.to_string()
}

/// What a payload says apart from places.
fn essence(payload: &Payload) -> (Vec<String>, usize) {
    let commands = payload
        .commands
        .iter()
        .map(|command| format!("{command:?}"));
    (commands.collect(), payload.problems.len())
}

proptest! {
    #[test]
    fn no_octets_are_a_panic(octets in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = parse(&octets);
    }

    #[test]
    fn no_mutation_is_a_panic(
        index in any::<usize>(),
        edits in proptest::collection::vec((any::<usize>(), 0..4u8, any::<u8>()), 1..8),
    ) {
        let mut octets = sample(index);
        for (at, edit, octet) in edits {
            let at = at % octets.len().max(1);
            match edit {
                0 if !octets.is_empty() => octets[at] = octet,
                1 if !octets.is_empty() => { octets.remove(at); }
                // Octets that mean something to JSON keep more mutants alive.
                2 => octets.insert(at, b"\"{}[],:.\\0-9a"[usize::from(octet) % 13]),
                _ => octets.insert(at, octet),
            }
        }
        let _ = parse(&octets);
    }

    #[test]
    fn no_record_is_a_panic(
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
            prop_assert!(!problem.kind.hint().is_empty());
        }
    }

    #[test]
    fn a_bad_record_changes_nothing_about_the_others(
        index in any::<usize>(),
        at in any::<usize>(),
        bad in 0..BAD_RECORDS.len(),
    ) {
        let sample = String::from_utf8(sample(index)).unwrap();
        prop_assume!(sample.starts_with('['));
        let bad: Value = serde_json::from_str(BAD_RECORDS[bad]).unwrap();
        let (commands, problems) = essence(&parsed(&sample));
        let changed = parsed(&with_record(&sample, at, &bad));
        let (changed_commands, changed_problems) = essence(&changed);
        prop_assert_eq!(commands, changed_commands);
        let arrays = sample.matches("\"rr\": [").count();
        prop_assert_eq!(problems + arrays, changed_problems);
    }
}
