//! The law "dry run ≡ run", held in every scenario that runs `nsbridge plesk` or `nsbridge sync`.
//!
//! [`Bridge::run`] makes the same call with `--dry-run` first and keeps what it foretells of each zone: the
//! lines with `+` and `-`, and the status. After the real run the zone, as `dig` transfers it, must differ
//! from what it was by these lines and by nothing else, and the status must fit.
//!
//! Not compared, because only the server decides: serials; what DNSSEC adds; the letter case of names; the TTL
//! of an SOA on PowerDNS, which keeps it; MNAME and TTL of the SOA of a zone that was created from a seed, a
//! template or a file, which stay those that the primary chose (`ns1.invalid.`, `localhost.`).
//!
//! Not held: where a zone cannot be transferred by the key of the test; where nsbridge does not read zones, or
//! reads them by another address than the server's (a scripted peer, a proxy), or has several primaries; where
//! the primary cannot be reached, or the run ends with 75.
//! Whatever else keeps a scenario from it says so with [`Bridge::without_dry_run`]; if only a run can meet a
//! refusal, `only_a_run_tells` has the test.
//!
//! ```text
//! dry run ──▶ zones as they are ──▶ run ──▶ zones as they are then ──▶ compare
//! foresee     Foretold::zones             Foretold::compare
//! ```

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use crate::support::bridge::{Bridge, Run};
use crate::support::dig::{Asker, DNSSEC_TYPES};
use crate::support::only_a_run_tells::may_differ;
use crate::support::server::Server;

/// Asks a real server what a dry run must have foretold.
#[derive(Debug, Clone)]
pub(crate) struct Witness {
    asker: Asker,
    keeps_soa_ttl: bool,
}

impl Witness {
    pub(crate) fn of(server: &dyn Server) -> Self {
        Self {
            asker: Asker::of(server),
            keeps_soa_ttl: server.keeps_soa_ttl(),
        }
    }

    /// By whatever answers for the zones of the primary as they are.
    pub(crate) fn at(asker: Asker) -> Self {
        Self {
            asker,
            keeps_soa_ttl: false,
        }
    }

    pub(crate) fn with_key(mut self, file: &Path) -> Self {
        self.asker = self.asker.with_key(file);
        self
    }
}

/// What a dry run says will become of the zones, and what they are.
#[derive(Debug)]
pub(crate) struct Foretold {
    witness: Witness,
    status: i32,
    zones: BTreeMap<String, Zone>,
    said: String,
}

/// What the SOA of a zone has that was created from a seed, a template or a file.
const SEED_SOAS: [&str; 2] = [" soa ns1.invalid. ", " soa localhost. "];

/// A zone before the run.
#[derive(Debug)]
struct Zone {
    /// What shall go, after `-`, and come, after `+`; sorted.
    lines: Vec<String>,
    before: Vec<String>,
}

impl Foretold {
    /// Makes the call as a dry run. `None` where there is nothing to compare.
    #[track_caller]
    pub(crate) fn foresee(
        bridge: &Bridge,
        witness: &Witness,
        arguments: &[&str],
        input: &[u8],
    ) -> Option<Self> {
        let call = [&["--output", "json"][..], arguments, &["--dry-run"]].concat();
        let dry = bridge.start(&call, input).end();
        // Usage, configuration: no primary was asked. 75: whether it is reached differs from run to run.
        let status = dry.status.expect("no signal ends a dry run");
        assert_ne!(status, 70, "a fault in a dry run: {}", dry.stderr);
        if [64, 75, 78].contains(&status) {
            return None;
        }
        let Ok(document) = serde_json::from_str::<Value>(&dry.stdout) else {
            panic!("a dry run prints no document: {}{}", dry.stdout, dry.stderr);
        };
        let mut lines: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for result in document["results"].as_array().into_iter().flatten() {
            let is_main = result["primary"].as_str().is_none_or(|name| name == "main");
            let name = result["zone"].as_str().or(result["subject"].as_str());
            let name = name.expect("each result has a zone or a subject");
            // The subject of a PTR record that failed names no zone.
            if !is_main || name.contains(' ') {
                continue;
            }
            // What a guard would hold is shown, and not made.
            let is_held = result["result"] == "would be held";
            let said = result["lines"].as_array().filter(|_| !is_held);
            let said = said.into_iter().flatten();
            let said = said.filter_map(Value::as_str).filter_map(comparable_change);
            lines.entry(name.to_lowercase()).or_default().extend(said);
        }
        let mut zones = BTreeMap::new();
        for (name, mut lines) in lines {
            if let Some(before) = contents(&witness.asker, &name) {
                lines.sort_unstable();
                zones.insert(name, Zone { lines, before });
            }
        }
        Some(Self {
            witness: witness.clone(),
            status,
            zones,
            said: format!("{}{}", dry.stdout, dry.stderr),
        })
    }

    /// Asserts that the run did just that.
    #[track_caller]
    #[expect(clippy::print_stdout, reason = "what is not held is never silent")]
    pub(crate) fn compare(self, run: &Run) {
        // What the run met is not known of the dry run, and may be gone by the next one.
        if run.status == Some(75) {
            return;
        }
        let mut wrong = Vec::new();
        // A difference is what a real run makes: it is in place then.
        let expected = if self.status == 1 { 0 } else { self.status };
        if run.status != Some(expected) {
            wrong.push(format!(
                "the dry run ended with {}, the run with {:?}",
                self.status, run.status
            ));
        }
        for (name, zone) in &self.zones {
            let Some(after) = contents(&self.witness.asker, name) else {
                continue;
            };
            let is_seed = |line: &String| SEED_SOAS.iter().any(|soa| line.contains(soa));
            let seeded = zone.before.is_empty() && after.iter().any(is_seed);
            let seen = |lines: &[String]| {
                let lines = lines
                    .iter()
                    .map(|line| self.without_what_stays(line, seeded));
                cancelled(&lines.collect::<Vec<_>>())
            };
            let (made, lines) = (seen(&difference(&zone.before, &after)), seen(&zone.lines));
            if made != lines {
                let (made, lines) = (made.join("\n"), lines.join("\n"));
                wrong.push(format!("{name}: foretold:\n{lines}\nmade:\n{made}"));
            }
        }
        if wrong.is_empty() {
            return;
        }
        let scenario = std::thread::current();
        let scenario = scenario.name().unwrap_or_default();
        if may_differ(scenario) {
            println!("dry run and run differ: {scenario}: only a run can tell");
            return;
        }
        let Run { stdout, stderr, .. } = run;
        panic!(
            "a dry run foretells another thing than the run does: {}\n--- the dry run:\n{}\n--- the run:\n{}{}",
            wrong.join("\n"),
            self.said,
            stdout,
            stderr
        );
    }

    /// A line without those fields of an SOA that the server keeps as they are.
    fn without_what_stays(&self, line: &str, is_seeded: bool) -> String {
        let mut words: Vec<&str> = line.split(' ').collect();
        if words.get(4) == Some(&"soa") {
            if is_seeded || self.witness.keeps_soa_ttl {
                words[2] = "";
            }
            if is_seeded {
                words[5] = "";
            }
        }
        words.join(" ")
    }
}

/// The zone in a form to compare, or nothing where it is absent; `None` where it cannot be transferred.
#[track_caller]
fn contents(asker: &Asker, zone: &str) -> Option<Vec<String>> {
    match asker.try_axfr(zone) {
        Ok(lines) => Some(lines.iter().filter_map(|line| comparable(line)).collect()),
        Err(_) if asker.has_zone(zone) => None,
        Err(_) => Some(Vec::new()),
    }
}

/// What went, after `-`, and came, after `+`; sorted.
fn difference(before: &[String], after: &[String]) -> Vec<String> {
    let signed = |sign, lines: &[String]| -> Vec<String> {
        lines.iter().map(|line| format!("{sign} {line}")).collect()
    };
    let mut lines = signed('-', before);
    lines.extend(signed('+', after));
    cancelled(&lines)
}

/// Without the records that both go and come.
fn cancelled(lines: &[String]) -> Vec<String> {
    let mut counts: BTreeMap<&str, i32> = BTreeMap::new();
    for line in lines {
        let (sign, record) = line.split_at(2);
        *counts.entry(record).or_default() += if sign == "+ " { 1 } else { -1 };
    }
    let mut left: Vec<String> = counts
        .into_iter()
        .filter(|(_, count)| *count != 0)
        .map(|(record, count)| format!("{} {record}", if count > 0 { '+' } else { '-' }))
        .collect();
    left.sort_unstable();
    left
}

/// A line of a dry run in a form to compare.
fn comparable_change(line: &str) -> Option<String> {
    let (sign, record) = line.split_once(' ')?;
    Some(format!("{sign} {}", comparable(record)?))
}

/// A record, as dig or nsbridge writes it: names in lower case, an SOA without its serial. `None` for what
/// DNSSEC adds.
fn comparable(record: &str) -> Option<String> {
    let mut words: Vec<String> = outside_quotes_in_lower_case(record)
        .split(' ')
        .map(str::to_owned)
        .collect();
    let kind = words.get(3)?.to_uppercase();
    if DNSSEC_TYPES.contains(&&*kind) {
        return None;
    }
    if kind == "SOA" {
        words.get_mut(6)?.clear();
    }
    Some(words.join(" "))
}

fn outside_quotes_in_lower_case(text: &str) -> String {
    let mut is_quoted = false;
    let lowered = text.chars().map(|letter| {
        is_quoted ^= letter == '"';
        if is_quoted {
            letter
        } else {
            letter.to_ascii_lowercase()
        }
    });
    lowered.collect()
}
