//! Fuzzes the reader of Plesk's JSON. Every record of a parsed payload must be inside its zone, and
//! must have data that can be sent and printed. Neither the order of the keys nor the way of
//! parsing may change the result.

#![no_main]

use std::collections::BTreeMap;

use libfuzzer_sys::fuzz_target;
use nsbridge::diagnostic::Diagnose as _;
use nsbridge::model::{Intent, Rdata};
use nsbridge::payload::{Payload, parse};
use nsbridge::zonefile::{format_rdata, parse_rdata};
use serde_json::value::RawValue;

fuzz_target!(|octets: &[u8]| {
    let Ok(payload) = parse(octets) else { return };
    check(&payload);
    if let Some(other) = rewritten(octets) {
        assert_eq!(parse(other.as_bytes()).ok(), Some(payload), "{other}");
    }
});

fn check(payload: &Payload) {
    for problem in &payload.problems {
        let kind = problem.kind.to_string();
        for text in [&problem.text, &kind] {
            assert!(!text.contains(char::is_control), "{problem:?}");
        }
        assert!(problem.diagnostic().hint().is_some(), "{problem:?}");
    }
    for command in &payload.commands {
        let Intent::Zone(zone) = &command.intent else {
            continue;
        };
        for set in &zone.records {
            assert!(set.owner.is_at_or_below(zone.name.apex()), "{}", set.owner);
            for rdata in &set.rdatas {
                let wire = rdata.as_wire();
                assert_eq!(Rdata::from_wire(set.rtype, wire).as_ref(), Ok(rdata));
                let text = format_rdata(set.rtype, rdata);
                assert_eq!(parse_rdata(set.rtype, &text).as_ref(), Ok(rdata), "{text}");
            }
        }
    }
}

type Object<'a> = BTreeMap<String, &'a RawValue>;

/// Rewrites a payload without changing its meaning: each key of an object once and in order, and a
/// `null` before each `rr`, which makes the reader parse the zone level by level instead of in one
/// go. `None` if the payload cannot be rewritten.
fn rewritten(octets: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(octets).ok()?;
    let commands: Vec<&RawValue> = serde_json::from_str(text).ok()?;
    let commands = commands.into_iter().map(|command| match object(command)? {
        None => Some(command.get().to_owned()),
        Some(mut members) => {
            let zone = match members.remove("zone") {
                None => None,
                Some(zone) => Some(match object(zone)? {
                    None => zone.get().to_owned(),
                    Some(zone) => written(&zone, Some(r#""rr":null"#.to_owned())),
                }),
            };
            Some(written(
                &members,
                zone.map(|zone| format!(r#""zone":{zone}"#)),
            ))
        }
    });
    let commands: Option<Vec<String>> = commands.collect();
    Some(format!("[{}]", commands?.join(",")))
}

/// Returns the members of an object, and of several with one key the last. The inner `None` means
/// that the value is no object, the outer one that its keys cannot be parsed.
#[expect(
    clippy::option_option,
    reason = "the only caller distinguishes both cases"
)]
fn object(value: &RawValue) -> Option<Option<Object<'_>>> {
    if value.get().starts_with('{') {
        Some(serde_json::from_str(value.get()).ok()?)
    } else {
        Some(None)
    }
}

fn written(members: &Object<'_>, first: Option<String>) -> String {
    let members = members.iter().map(|(key, value)| {
        let key = serde_json::to_string(key).expect("a string is JSON");
        format!("{key}:{value}")
    });
    let members: Vec<String> = first.into_iter().chain(members).collect();
    format!("{{{}}}", members.join(","))
}
