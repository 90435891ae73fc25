//! Helpers for the payload tests, and the tests of the samples in `tests/payloads`.

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use pretty_assertions::assert_eq;

use super::*;
use crate::model::DesiredZone;
use crate::zonefile::format_record;

mod laws;
mod records;
mod zones;

/// Writes a parsed payload as text: commands with their records, problems, notes.
fn render(payload: &Payload) -> String {
    let mut text = String::new();
    for command in &payload.commands {
        let (place, verb) = (&command.place, command.verb);
        match &command.intent {
            Intent::Zone(zone) => {
                writeln!(text, "{place} {verb} {}", zone.name).unwrap();
                text += &render_zone(zone);
            }
            Intent::ZoneAbsent(zone) => writeln!(text, "{place} {verb} {}", zone.name).unwrap(),
            Intent::Ptr(ptr) => {
                let (address, hostname) = (ptr.address, &ptr.hostname);
                let presence = ptr.presence;
                writeln!(text, "{place} {verb} {address} {hostname} {presence:?}").unwrap();
            }
            Intent::Record(record) => panic!("no payload brings {record:?}"),
        }
    }
    for problem in &payload.problems {
        let zone = problem.zone.as_deref().unwrap_or("-");
        let (place, excerpt, kind) = (&problem.place, &problem.text, &problem.kind);
        writeln!(text, "problem {place} {zone} `{excerpt}`: {kind}").unwrap();
    }
    for note in &payload.notes {
        let zone = note.zone.as_deref().unwrap_or("-");
        writeln!(text, "note {} {zone} {}", note.place, note.kind).unwrap();
    }
    text
}

fn render_zone(zone: &DesiredZone) -> String {
    let mut text = String::new();
    let soa = &zone.soa;
    let numbers = [
        ("serial", soa.serial.map(|serial| serial.0)),
        ("refresh", soa.refresh),
        ("retry", soa.retry),
        ("expire", soa.expire),
        ("minimum", soa.minimum),
        ("ttl", soa.ttl),
    ];
    text += "  soa";
    if let Some(rname) = &soa.rname {
        write!(text, " {rname}").unwrap();
    }
    for (field, number) in numbers {
        if let Some(number) = number {
            write!(text, " {field} {number}").unwrap();
        }
    }
    text += "\n";
    for set in &zone.records {
        for rdata in &set.rdatas {
            let record = format_record(&set.owner, set.ttl, set.rtype, rdata);
            writeln!(text, "  {record}").unwrap();
        }
    }
    text
}

fn parsed(text: &str) -> Payload {
    parse(text.as_bytes()).unwrap()
}

/// Returns an update of the zone `z.example.`; `records` are the elements of `rr`.
fn update(records: &str) -> String {
    format!(
        r#"[{{"command":"update","zone":{{"name":"z.example.","soa":{{"ttl":300}},"rr":[{records}]}}}}]"#
    )
}

/// Renders an update of `z.example.` with these records, without the lines of the command and SOA.
fn outcome(records: &str) -> String {
    let text = render(&parsed(&update(records)));
    let lines = text.strip_prefix("[0] update z.example.\n  soa ttl 300\n");
    lines.unwrap().to_owned()
}

fn record(host: &str, rtype: &str, opt: &str, value: &str) -> String {
    serde_json::json!({"host": host, "type": rtype, "opt": opt, "value": value}).to_string()
}

fn samples() -> Vec<PathBuf> {
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/payloads");
    let files = fs::read_dir(directory).unwrap();
    let mut files: Vec<PathBuf> = files.map(|file| file.unwrap().path()).collect();
    files.retain(|file| {
        file.extension()
            .is_some_and(|extension| extension == "json")
    });
    files.sort();
    files
}

#[test]
fn one_pass_and_level_by_level_give_equal_zones() {
    for path in samples() {
        let text = fs::read_to_string(&path).unwrap();
        // A `null` before the array is unusual enough to force reading level by level.
        let unusual = text.replace("\"rr\":", "\"rr\": null, \"rr\":");
        assert_eq!(parsed(&unusual), parsed(&text), "{}", path.display());
    }
}

#[test]
fn every_sample_gives_its_expected_file() {
    let samples = samples();
    assert_eq!(samples.len(), 20);
    for file in samples {
        let payload = parse(&fs::read(&file).unwrap()).unwrap();
        let expected = file.with_extension("expected");
        let expected = fs::read_to_string(&expected).unwrap();
        assert_eq!(render(&payload), expected, "{}", file.display());
    }
}
