//! Generated zones with healthy records and some that the server refuses, and the law that they hold: after one call
//! all that is healthy is in place, and each refused record is named, by that call and by each later one.

use std::collections::BTreeSet;
use std::fmt::{self, Display, Formatter, Write as _};

use crate::support::bridge::Bridge;
use crate::support::dig;
use crate::support::named::{Named, Zone};
use crate::support::nsupdate_scripts::Numbers;
use crate::support::run::Run;
use crate::support::server::Server;
use crate::support::wanted::{Wanted, zone};

/// Why no dry run is compared with a run by which something is refused, ignored or altered.
pub(crate) const WHY: &str = "only the primary knows what it refuses, ignores and alters";
/// What `example.com` has in place before.
pub(crate) const NS1: &str = "@ 3600 NS ns1.example.com. | ns1 3600 A 192.0.2.1";
/// The environment variable for the number of zones of each law.
const ZONES_VARIABLE: &str = "NSBRIDGE_TEST_REFUSED_ZONES";
/// What every zone has in place.
const APEX: [&str; 2] = ["@ 3600 NS ns1", "ns1 3600 A 192.0.2.1"];
/// Parts of data, and what can stand in their place.
const DATA: [(&str, &str); 6] = [
    (" A 192.0.2.", " A 198.51.100."),
    (" AAAA 2001:db8::", " AAAA 2001:db8:1::"),
    (" TXT text", " TXT other"),
    (" TXT more", " TXT further"),
    (" MX 10 ", " MX 15 "),
    (" MX 20 ", " MX 25 "),
];
/// Most faults of a kind that are listed.
const LISTED_MAX: usize = 4;
/// Most refused records of a zone.
const REFUSED_MAX: usize = 7;

/// A zone and what a payload has of it. Records are lines as [`zone`] reads them.
#[derive(Debug, Clone)]
pub(crate) struct RefusedZone {
    pub(crate) name: String,
    /// Where the numbers began that it was generated from.
    seed: u64,
    pub(crate) healthy: Vec<String>,
    pub(crate) refused: Vec<String>,
    /// A healthy record that comes later.
    later: String,
    /// Records that are in place and that the payload has no more: what it has in place of each is refused.
    stays: Vec<String>,
}

impl RefusedZone {
    /// Generates a zone of 3 to 60 healthy records, with refused ones of the test's own beside them. `refused` gets
    /// the names of hosts, `@` for the apex among them.
    pub(crate) fn with(
        name: &str,
        numbers: &mut Numbers,
        refused: impl FnOnce(&mut Numbers, &[&str]) -> Vec<String>,
    ) -> Self {
        let seed = numbers.0;
        let (healthy, hosts) = records(name, numbers);
        let hosts: Vec<&str> = hosts.iter().map(String::as_str).collect();
        let refused = refused(numbers, &hosts);
        Self::of(
            name,
            seed,
            healthy,
            refused,
            "later0 A 192.0.2.250".to_owned(),
        )
    }

    /// Generates a zone of which the server refuses those records that `is_refused` says, at least one and at most
    /// seven. It gets a record with its absolute owner.
    pub(crate) fn divided(
        name: &str,
        numbers: &mut Numbers,
        is_refused: impl Fn(&str) -> bool,
    ) -> Self {
        loop {
            let seed = numbers.0;
            let (records, _) = records(name, numbers);
            let (mut refused, healthy): (Vec<_>, Vec<_>) = records
                .into_iter()
                .partition(|line| is_refused(&absolute(name, line)));
            refused.truncate(REFUSED_MAX);
            if !refused.is_empty() {
                let mut later = (0..).map(|index| format!("later{index} A 192.0.2.250"));
                let later = later.find(|line| !is_refused(&absolute(name, line)));
                let later = later.expect("a record that is not refused");
                return Self::of(name, seed, healthy, refused, later);
            }
        }
    }

    fn of(
        name: &str,
        seed: u64,
        healthy: Vec<String>,
        refused: Vec<String>,
        later: String,
    ) -> Self {
        let apex = APEX.map(|line| match line.strip_suffix("NS ns1") {
            Some(start) => format!("{start}NS ns1.{name}."),
            None => line.to_owned(),
        });
        Self {
            name: name.to_owned(),
            seed,
            healthy: apex.into_iter().chain(healthy).collect(),
            refused,
            later,
            stays: Vec::new(),
        }
    }

    /// The zone with one more healthy record, and one refused one less.
    pub(crate) fn changed(mut self) -> Self {
        self.healthy.push(self.later.clone());
        self.refused.remove(self.withdrawn().unwrap_or_default());
        self
    }

    /// Whether [`Self::changed`] changes no name that another refused record is at: that one would be tried again.
    pub(crate) fn changes_elsewhere(&self) -> bool {
        self.withdrawn().is_some()
    }

    /// The first refused record that is the only one at its name.
    fn withdrawn(&self) -> Option<usize> {
        let owner = |line: &str| line.split(' ').next().map(str::to_owned);
        let is_at = |line: &str, other: &String| owner(line) == owner(other);
        let is_alone = |line: &String| {
            let there = self.refused.iter().filter(|other| is_at(line, other));
            there.count() == 1
        };
        self.refused.iter().position(is_alone)
    }

    /// The zone with other data in place of the data it has. A healthy record becomes a refused one only if it is
    /// alone in its RRset, and a refused one never becomes healthy.
    pub(crate) fn renewed(mut self, is_refused: impl Fn(&str) -> bool) -> Self {
        let of_type = |line: &str| line.splitn(3, ' ').take(2).map(str::to_owned).collect();
        let all = self.healthy.iter().chain(&self.refused);
        let types: Vec<Vec<String>> = all.map(|line| of_type(line)).collect();
        let is_alone = |line: &str| types.iter().filter(|it| **it == of_type(line)).count() == 1;
        let is_refused = |line: &str| is_refused(&absolute(&self.name, line));
        let mut refused: Vec<String> = self.refused.iter().map(|line| renewed(line)).collect();
        for (old, new) in self.refused.iter().zip(&mut refused) {
            if !is_refused(new) {
                old.clone_into(new);
            }
        }
        for line in &mut self.healthy {
            let new = renewed(line);
            if !is_refused(&new) {
                *line = new;
            } else if is_alone(line) {
                refused.push(new);
                self.stays.push(std::mem::take(line));
            }
        }
        self.healthy.retain(|line| !line.is_empty());
        self.refused = refused;
        self
    }

    /// The payload's zone.
    pub(crate) fn all(&self) -> Wanted {
        self.good().with(&self.refused.join("\n"))
    }

    /// What of it the server takes.
    pub(crate) fn good(&self) -> Wanted {
        zone(&self.name, &self.healthy.join("\n"))
    }

    /// What is wrong after a call with [`Self::all`], one thing a line; empty if nothing is.
    #[track_caller]
    pub(crate) fn faults(&self, server: &dyn Server, run: &Run) -> String {
        let mut faults = String::new();
        let status = if self.refused.is_empty() { 0 } else { 69 };
        if run.status != Some(status) {
            let _ = writeln!(faults, "  status {:?} in place of {status}", run.status);
        }
        let refused = self.refused.iter().map(|line| named(&self.name, line));
        let expected: BTreeSet<String> = refused.collect();
        let (left_out, others) = left_out(run);
        let seen = BTreeSet::from_iter(left_out);
        list(&mut faults, "not named", expected.difference(&seen));
        let stays: BTreeSet<String> = self
            .stays
            .iter()
            .map(|line| named(&self.name, &line.replacen(' ', " removal of ", 1)))
            .collect();
        let healthy = seen.difference(&expected).filter(|it| !stays.contains(*it));
        list(&mut faults, "named and healthy", healthy);
        list(&mut faults, "also said", others.iter());
        let there = BTreeSet::from_iter(dig::content(server, &self.name));
        let good = self.good().with(&self.stays.join("\n"));
        let good = BTreeSet::from_iter(good.content());
        list(&mut faults, "not in the zone", good.difference(&there));
        list(
            &mut faults,
            "in the zone and not wanted",
            there.difference(&good),
        );
        faults
    }
}

impl Display for RefusedZone {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} (from Numbers({:#x})):", self.name, self.seed)?;
        writeln!(f, "  healthy: {}", self.healthy.join(" | "))?;
        writeln!(f, "  refused: {}", self.refused.join(" | "))?;
        writeln!(f, "  comes by call 3: {}", self.later)
    }
}

/// How many zones a law tries: so many, or what the environment says.
pub(crate) fn count(usual: usize) -> usize {
    number_of(ZONES_VARIABLE, usual)
}

/// A count of an environment variable, or the usual one.
#[expect(
    clippy::disallowed_methods,
    reason = "the environment of the test, not of nsbridge, says how long it may take"
)]
pub(crate) fn number_of(variable: &str, usual: usize) -> usize {
    std::env::var(variable).map_or(usual, |count| {
        count.parse().expect("a count in the variable")
    })
}

/// A BIND with a zone, and nsbridge before it.
pub(crate) fn bind(zone: Zone) -> (Named, Bridge) {
    let named = Named::builder().zone(zone).start();
    let bridge = Bridge::of(&named).without_dry_run(WHY);
    (named, bridge)
}

/// A BIND with `example.com`, which refuses what BIND refuses by default, and nsbridge before it.
pub(crate) fn dynamic() -> (Named, Bridge) {
    bind(Zone::dynamic("example.com", ""))
}

/// The records that a run names as left out, or as ignored by the server, each as `owner TYPE data`; and the other
/// lines of standard error.
pub(crate) fn left_out(run: &Run) -> (Vec<String>, Vec<String>) {
    let (mut named, mut others) = (Vec::new(), Vec::new());
    for line in run.stderr.lines() {
        let subject = line.splitn(3, ": ").nth(2).unwrap_or(line);
        let ends = [" left out: ", " is not there after its addition"];
        let records = ends.iter().find_map(|end| subject.split_once(end));
        let parts = records.and_then(|(records, _)| records.split_once(' '));
        let Some((owner, records)) = parts else {
            others.push(line.to_owned());
            continue;
        };
        named.extend(records.split(", ").map(|it| format!("{owner} {it}")));
    }
    (named, others)
}

/// Asserts that a call ended with 69, and names these records as left out, and nothing else.
#[track_caller]
pub(crate) fn assert_left_out(run: &Run, records: &[&str]) {
    let (mut named, others) = left_out(run);
    named.sort_unstable();
    let mut records = records.to_vec();
    records.sort_unstable();
    assert_eq!(named, records, "standard error:\n{}", run.stderr);
    assert!(others.is_empty(), "standard error:\n{}", run.stderr);
    run.assert_status(69);
}

/// A line of a zone with its absolute owner.
pub(crate) fn absolute(zone: &str, line: &str) -> String {
    match line.split_once(' ') {
        Some(("@", data)) => format!("{zone}. {data}"),
        Some((owner, data)) => format!("{owner}.{zone}. {data}"),
        None => unreachable!("an owner and its data"),
    }
}

/// A line of a zone as messages name its record.
fn named(zone: &str, line: &str) -> String {
    let line = absolute(zone, line);
    match line.split_once(" TXT ") {
        Some((owner, text)) => format!("{owner} TXT \"{text}\""),
        None => line,
    }
}

/// A line with other data of the same type.
fn renewed(line: &str) -> String {
    let replace = |line: String, (old, new): &(&str, &str)| line.replace(old, new);
    DATA.iter().fold(line.to_owned(), replace)
}

fn list<'a>(faults: &mut String, what: &str, lines: impl Iterator<Item = &'a String>) {
    let lines: Vec<&String> = lines.collect();
    for line in lines.iter().take(LISTED_MAX) {
        let _ = writeln!(faults, "  {what}: {line}");
    }
    if let Some(more @ 1..) = lines.len().checked_sub(LISTED_MAX) {
        let _ = writeln!(faults, "  {what}: {more} more");
    }
}

/// Generates 3 to 60 records and returns them with the hosts that they are at.
fn records(name: &str, numbers: &mut Numbers) -> (Vec<String>, Vec<String>) {
    let exchanger = format!("MX 10 ns1.{name}.");
    let (mut records, mut hosts) = (Vec::new(), vec!["@".to_owned()]);
    for index in 0..3 + numbers.below(58) {
        let host = match numbers.below(5) {
            0 => numbers
                .of(&hosts.iter().map(String::as_str).collect::<Vec<_>>())
                .to_owned(),
            _ => format!("{}{index}", numbers.of(&["a", "f", "m", "t", "z"])),
        };
        records.push(match numbers.below(4) {
            0 => format!("{host} A 192.0.2.{index}"),
            1 => format!("{host} AAAA 2001:db8::1{index:x}"),
            2 => format!("{host} TXT text{index}"),
            _ if hosts.contains(&host) => format!("{host} TXT more{index}"),
            _ => format!("{host} {exchanger}"),
        });
        if !hosts.contains(&host) {
            hosts.push(host);
        }
    }
    (records, hosts)
}
