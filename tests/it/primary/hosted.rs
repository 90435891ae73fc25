//! Services that take signed UPDATEs and have habits of their own, each with the options that it needs: what a panel
//! and an operator want is in place after one call, and a call that changes nothing sends nothing.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::Mutex;

use super::switches::{SWITCHES, Switch, UNSEEN, switch};
use crate::support::bridge::{Bridge, Run};
use crate::support::habits::{Apex, CAA, Habits, PTR, Prerequisites, SOA, SRV, YXRRSET};
use crate::support::hosted::{Hosted, NAME_SERVERS};
use crate::support::message;
use crate::support::nsupdate_scripts::Numbers;
use crate::support::sync;
use crate::support::wanted::{Wanted, zone};

pub(super) const ZONE: &str = "example.com";
pub(super) const REVERSE: &str = "2.0.192.in-addr.arpa";

pub(super) const WANTED: &str = "@ 3600 NS ns1.example.com. | ns1 3600 A 192.0.2.1 | @ A 192.0.2.2 | @ MX 10 mail.example.com. |
    @ CAA 0 issue ca.example.net | mail A 192.0.2.3 | mail AAAA 2001:db8::3 | www CNAME example.com. |
    txt 3600 TXT one | txt 3600 TXT two | txt 3600 TXT three | many 300 A 192.0.2.10 | many 300 A 192.0.2.11 |
    many 300 A 192.0.2.12 | many 300 A 192.0.2.13 | many 300 A 192.0.2.14 | short 60 A 192.0.2.20 |
    _sip._tcp SRV 10 5 5060 mail.example.com.";
/// With other values, a TTL, and an address in place of a CNAME.
pub(super) const CHANGED: &str = "@ 3600 NS ns1.example.com. | ns1 3600 A 192.0.2.1 | @ A 192.0.2.2 | @ MX 20 mail.example.com. |
    @ CAA 0 issue ca.example.net | mail A 192.0.2.3 | mail AAAA 2001:db8::3 | www A 192.0.2.4 |
    txt 3600 TXT one | txt 3600 TXT two | txt 3600 TXT four | many 300 A 192.0.2.10 | many 300 A 192.0.2.11 |
    many 300 A 192.0.2.12 | many 300 A 192.0.2.13 | many 300 A 192.0.2.15 | short 120 A 192.0.2.20 |
    _sip._tcp SRV 10 5 5060 mail.example.com. | new A 192.0.2.21";
pub(super) const FEWER: &str =
    "@ 3600 NS ns1.example.com. | ns1 3600 A 192.0.2.1 | @ A 192.0.2.2 | mail A 192.0.2.3 |
    txt 3600 TXT four | many 300 A 192.0.2.15";

/// What somebody else has at the zone: a value of an RRset that the panel has values of, and a name of its own.
fn there() -> [Vec<u8>; 2] {
    [
        message::record("txt.example.com", 16, b"\x06theirs"),
        message::record("other.example.com", 1, &[192, 0, 2, 30]),
    ]
}

/// What came of the calls to one service.
struct Row {
    name: String,
    statuses: Vec<Option<i32>>,
    in_place: usize,
    wanted: usize,
    updates: Vec<usize>,
    /// Messages of the first call.
    messages: usize,
    wrong: Vec<String>,
}

/// A service with these habits, and nsbridge with the options for it.
pub(super) struct Case {
    pub(super) hosted: Hosted,
    habits: Habits,
    /// It is asked nothing.
    is_unseen: bool,
    pub(super) bridge: Bridge,
    row: Row,
}

impl Case {
    pub(super) fn start(switches: &[Switch], has_options: bool) -> Self {
        let mut habits = Habits::default();
        for switch in switches {
            (switch.habit)(&mut habits);
        }
        let hosted = Hosted::start(&[ZONE, REVERSE], &there(), habits.clone());
        let mut bridge = Bridge::at(hosted.port("updates"), &hosted.key_file())
            .ptr_networks(&["192.0.2.0/24"])
            .foretold_by(hosted.witness());
        for name in [
            "transfers",
            "hosted-example.com",
            &format!("hosted-{REVERSE}"),
        ] {
            let file = hosted.file_of_key(name);
            bridge = bridge.set_text(&format!("keys.{name:?}"), "file", &file.to_string_lossy());
        }
        let options = switches.iter().flat_map(|switch| switch.options);
        let is_unseen = has_options && options.clone().any(|it| *it == ("read", "none"));
        // What is to be asked elsewhere, or not, is for services that are asked at all.
        let of_answers = ["read", "query-address", "transfer-address", "transfer-key"];
        let counts = |(option, value): &&(&str, &str)| {
            has_options && !(is_unseen && *value != "none" && of_answers.contains(option))
        };
        for (option, value) in options.filter(counts) {
            let value = ["queries", "transfers"]
                .iter()
                .fold((*value).to_owned(), |value, it| {
                    value.replace(&format!("{{{it}}}"), &hosted.port(it).to_string())
                });
            bridge = match *option {
                "route" => bridge.route_key(&value),
                option if value.parse::<u32>().is_ok() => {
                    bridge.set("primaries.main", option, &value)
                }
                option => bridge.set_text("primaries.main", option, &value),
            };
        }
        let is_lost = is_unseen && habits.replaces;
        if !habits.refused_types.is_empty() || !has_options || is_lost {
            bridge = bridge.without_dry_run("only a run meets what is refused, or replaced");
        }
        let names: Vec<&str> = switches.iter().map(|switch| switch.name).collect();
        Self {
            hosted,
            habits,
            is_unseen,
            bridge,
            row: Row {
                name: names.join(" + "),
                statuses: Vec::new(),
                in_place: 0,
                wanted: 0,
                updates: Vec::new(),
                messages: 0,
                wrong: Vec::new(),
            },
        }
    }

    /// Makes all calls.
    fn run(mut self) -> Row {
        // More than fit into a message.
        let count = if self.habits.records_max < usize::MAX {
            1100
        } else {
            0
        };
        let hosts = (0..count).fold(String::new(), |mut hosts, n| {
            let _ = writeln!(hosts, "h{n} A 192.0.2.9");
            hosts
        });
        let wanted = zone(ZONE, WANTED).with(&hosts);
        self.row.wanted = self.expected(&wanted).len();
        self.call(&wanted);
        self.call(&wanted.clone().sent(1));
        self.call(&wanted.clone().sent(2));
        self.call(&zone(ZONE, CHANGED).with(&hosts).sent(3));
        let fewer = zone(ZONE, FEWER).sent(4);
        self.call(&fewer);
        let [one, two] = ["one", "two"].map(|it| format!("_acme-challenge 60 TXT {it}"));
        for value in ["one", "two"] {
            self.command(&format!("acme add example.com {value}"));
        }
        let both = fewer.clone().with(&one).with(&two);
        self.assert_holds("acme add", &self.expected(&both));
        self.command("acme delete example.com one");
        self.assert_holds("acme delete", &self.expected(&fewer.clone().with(&two)));
        self.command("acme delete example.com two");
        self.assert_holds("second acme delete", &self.expected(&fewer));
        self.commands_of_ptr();
        let file = "www 300 A 192.0.2.9\nwww 300 A 192.0.2.10\n";
        sync::write(&self.bridge, file);
        let run = sync::sync(&self.bridge, &[]);
        self.note(&run, "sync", 0);
        let wanted = zone(ZONE, "@ 3600 NS ns1.example.com. | ns1 3600 A 192.0.2.1");
        let wanted = wanted.with(file);
        self.assert_holds("sync", &self.expected(&wanted));
        let before = self.hosted.received().updates;
        let run = sync::sync(&self.bridge, &[]);
        self.note(&run, "second sync", 0);
        self.assert_silent("second sync", before);
        if self.is_unseen {
            let questions = self.hosted.received().questions.to_string();
            self.assert_is("questions", &[questions], &["0"]);
        }
        self.row
    }

    /// Makes a call of a panel. Of what is refused its status says so.
    fn call(&mut self, wanted: &Wanted) {
        let before = self.hosted.received().updates;
        let run = self.bridge.plesk(wanted.call());
        let number = self.row.statuses.len() + 1;
        self.row.statuses.push(run.status);
        self.row
            .updates
            .push(self.hosted.received().updates - before);
        let expected = self.expected(wanted);
        let is_refused = |line: &String| {
            let rtype = line.split(' ').nth(3).unwrap_or_default();
            self.refused_types().contains(&rtype)
        };
        let is_whole = !wanted.content().iter().any(is_refused);
        let what = format!("call {number}");
        self.note(&run, &what, if is_whole { 0 } else { 69 });
        if number == 1 {
            let there = self.content();
            self.row.in_place = expected.iter().filter(|line| there.contains(line)).count();
            self.row.messages = run.codes().len();
            self.assert_soa();
        }
        if [2, 3].contains(&number) {
            self.assert_silent(&what, before);
        }
        self.assert_holds(&what, &expected);
    }

    fn commands_of_ptr(&mut self) {
        let hosts = ["a.example.com", "b.example.com"];
        if self.habits.refused_types.contains(&PTR) {
            let run = self.bridge.run(&["ptr", "add", "192.0.2.7", hosts[0]], "");
            self.note(&run, "ptr add", 69);
            self.assert_pointers("ptr add", &[]);
            return;
        }
        let before = self.hosted.received().updates;
        for host in hosts {
            self.command(&format!("ptr add 192.0.2.7 {host}"));
        }
        self.assert_pointers("ptr add", &["a.example.com.", "b.example.com."]);
        self.command("ptr delete 192.0.2.7 a.example.com");
        self.assert_pointers("ptr delete", &["b.example.com."]);
        self.command("ptr delete 192.0.2.7 b.example.com");
        self.assert_pointers("second ptr delete", &[]);
        let count = self.hosted.received().updates - before;
        // The first one that requires a value is sent again; the one before requires that there is none. Nothing is
        // required of what is not seen.
        let is_learnt =
            self.habits.prerequisites == Prerequisites::ValuesFail(YXRRSET) && !self.is_unseen;
        let expected = if is_learnt { 5 } else { 4 };
        self.assert_is(
            "UPDATEs of PTR records",
            &[count.to_string()],
            &[&expected.to_string()],
        );
    }

    fn assert_pointers(&mut self, what: &str, expected: &[&str]) {
        let owner = format!("7.{REVERSE}");
        let there = self.hosted.witness().short(&owner, "PTR");
        self.assert_is(what, &there, expected);
    }

    fn command(&mut self, arguments: &str) {
        let run = self
            .bridge
            .run(&arguments.split(' ').collect::<Vec<_>>(), "");
        self.note(&run, arguments, 0);
    }

    /// The lines that the service takes, beside what it has of its own.
    fn expected(&self, wanted: &Wanted) -> Vec<String> {
        let is_lost = self.is_unseen && self.habits.replaces;
        let own = NAME_SERVERS.map(|host| format!("{ZONE}. 3600 IN NS {host}"));
        let stays = |line: &String| match line.split(' ').nth(3) {
            Some("NS") => !is_lost || self.habits.apex_ns != Apex::Changed,
            _ => !is_lost || !line.starts_with("txt."),
        };
        let theirs = [
            format!("txt.{ZONE}. 3600 IN TXT \"theirs\""),
            format!("other.{ZONE}. 3600 IN A 192.0.2.30"),
        ];
        let there = own.into_iter().chain(theirs).filter(stays);
        let refused = self.refused_types();
        let content = wanted.content();
        let taken = content.iter().filter(|line| {
            let words: Vec<&str> = line.split(' ').collect();
            let is_apex_ns = words[3] == "NS" && words[0] == format!("{ZONE}.");
            !refused.contains(&words[3]) && (!is_apex_ns || self.habits.apex_ns == Apex::Changed)
        });
        let with_ttl = taken.map(|line| {
            let mut words: Vec<String> = line.split(' ').map(str::to_owned).collect();
            let ttl: u32 = words[1].parse().expect("a TTL");
            words[1] = ttl
                .clamp(*self.habits.ttls.start(), *self.habits.ttls.end())
                .to_string();
            words.join(" ")
        });
        let all: BTreeSet<String> = with_ttl.chain(there).collect();
        all.into_iter().collect()
    }

    fn refused_types(&self) -> Vec<&'static str> {
        let types = [(SRV, "SRV"), (CAA, "CAA"), (PTR, "PTR")].into_iter();
        let refused = types.filter(|(rtype, _)| self.habits.refused_types.contains(rtype));
        refused.map(|(_, name)| name).collect()
    }

    /// What the service has, without the SOA.
    fn content(&self) -> Vec<String> {
        let mut lines = self.hosted.witness().axfr(ZONE);
        lines.retain(|line| line.split(' ').nth(3) != Some("SOA"));
        lines
    }

    fn note(&mut self, run: &Run, what: &str, status: i32) {
        if run.status != Some(status) {
            let (stdout, stderr) = (&run.stdout, &run.stderr);
            let text = format!(
                "{what}: status {:?} in place of {status}: {stdout}{stderr}",
                run.status
            );
            self.row.wrong.push(text);
        }
    }

    fn assert_silent(&mut self, what: &str, before: usize) {
        let count = self.hosted.received().updates - before;
        if count > 0 {
            self.row
                .wrong
                .push(format!("{what}: {count} UPDATEs though nothing changed"));
        }
    }

    fn assert_holds(&mut self, what: &str, expected: &[String]) {
        let there = self.content();
        if there == expected {
            return;
        }
        let mut text = format!("{what}:");
        for line in expected.iter().filter(|line| !there.contains(line)) {
            let _ = write!(text, "\n  missing: {line}");
        }
        for line in there.iter().filter(|line| !expected.contains(line)) {
            let _ = write!(text, "\n  too much: {line}");
        }
        self.row.wrong.push(text);
    }

    fn assert_is(&mut self, what: &str, there: &[String], expected: &[&str]) {
        if there != expected {
            self.row
                .wrong
                .push(format!("{what}: {there:?} in place of {expected:?}"));
        }
    }

    /// The SOA is the payload's where the service takes it, and its own where not.
    fn assert_soa(&mut self) {
        let soa = self.hosted.witness().soa(ZONE);
        let is_taken = self.habits.soa == Apex::Changed
            && !self.habits.refused_types.contains(&SOA)
            && !self.is_unseen;
        let rname = if is_taken {
            "hostmaster.example.net."
        } else {
            "hostmaster.test."
        };
        self.assert_is("SOA", &[soa.rname], &[rname]);
    }
}

/// Runs cases, some at a time, and prints what came of them as a table.
#[track_caller]
#[expect(clippy::print_stdout, reason = "the table is what a reader wants")]
fn rows(cases: &[Vec<Switch>], has_options: bool) -> Vec<Row> {
    let left = Mutex::new(cases.iter().enumerate());
    let rows = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                loop {
                    let Some((at, switches)) = left.lock().unwrap().next() else {
                        return;
                    };
                    let row = Case::start(switches, has_options).run();
                    rows.lock().unwrap().push((at, row));
                }
            });
        }
    });
    let mut rows = rows.into_inner().unwrap();
    rows.sort_by_key(|(at, _)| *at);
    let rows: Vec<Row> = rows.into_iter().map(|(_, row)| row).collect();
    println!("| habits | statuses | in place after the first call | UPDATEs of each call |");
    for row in &rows {
        let statuses = row.statuses.iter().map(|it| it.unwrap_or(-1).to_string());
        let statuses: Vec<String> = statuses.collect();
        let (statuses, updates) = (statuses.join(" "), format!("{:?}", row.updates));
        let (name, there, wanted) = (&row.name, row.in_place, row.wanted);
        println!("| {name} | {statuses} | {there} of {wanted} | {updates} |");
    }
    rows
}

/// Runs cases with the options that they need, and asserts that nothing is wrong.
#[track_caller]
fn assert_right(cases: &[Vec<Switch>]) {
    let wrong: Vec<String> = rows(cases, true)
        .iter()
        .flat_map(|row| row.wrong.iter().map(|text| format!("{}: {text}", row.name)))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn each_habit_with_the_options_for_it_costs_no_record() {
    let mut cases = vec![vec![]];
    cases.extend(SWITCHES.iter().chain(UNSEEN).map(|switch| vec![*switch]));
    assert_right(&cases);
}

/// Otherwise the habit is none, and the options are for nothing.
#[test]
fn each_habit_shows_without_the_options_for_it() {
    // Silence takes the time of each call.
    let unseen = UNSEEN.iter().filter(|it| !it.name.ends_with("silence"));
    let switches = SWITCHES.iter().filter(|switch| !switch.options.is_empty());
    let switches = switches.chain(unseen);
    let cases = switches.map(|switch| vec![*switch]);
    let cases: Vec<Vec<Switch>> = std::iter::once(vec![]).chain(cases).collect();
    let mut rows = rows(&cases, false).into_iter();
    let plain = rows.next().expect("a service without habits");
    assert_eq!(plain.wrong, [""; 0]);
    for row in rows {
        let is_plain = row.wrong.is_empty()
            && (&row.statuses, &row.updates) == (&plain.statuses, &plain.updates)
            && row.messages == plain.messages;
        assert!(!is_plain, "{} shows nowhere", row.name);
    }
}

/// What is known of services, each habit by a public document.
#[test]
fn the_habits_of_known_services_go_together() {
    let services: [&[&str]; 7] = [
        // Dyn.
        &[
            "UDP only",
            "queries NOTIMP",
            "no AXFR",
            "an addition replaces",
            "prerequisites FORMERR",
        ],
        // Dyn without a server that answers.
        &[
            "UDP only",
            "no answers, silence",
            "an addition replaces",
            "prerequisites FORMERR",
            "apex NS kept in silence",
        ],
        // Glauca HexDNS.
        &[
            "SOA and PTR FORMERR",
            "SOA prerequisite YXRRSET, learnt",
            "AXFR elsewhere, other key",
            "a key for each zone",
            "queries NOTIMP",
        ],
        // dynv6.
        &["SOA refused", "apex NS refused", "no AXFR"],
        // CoreDNS.
        &["1,024 records a message"],
        // hickory-dns, behind a secondary that signs its answers.
        &[
            "values among others hold",
            "SOA kept in silence",
            "apex NS kept in silence",
        ],
        // A hoster with rights for some types alone.
        &["SOA refused", "CAA and SRV FORMERR", "a key for each zone"],
    ];
    let cases = services.map(|names| names.iter().map(|name| switch(name)).collect::<Vec<_>>());
    assert_right(&cases);
}

#[test]
fn thirty_pairs_of_habits_go_together() {
    let mut numbers = Numbers(20_261_130);
    let mut cases: Vec<Vec<Switch>> = Vec::new();
    while cases.len() < 30 {
        let [a, b] = [0; 2].map(|_| SWITCHES[numbers.below(SWITCHES.len())]);
        let is_new = cases
            .iter()
            .all(|it| [it[0].name, it[1].name] != [a.name, b.name]);
        // No RRset of several values fits into a message there.
        let names = [a.name, b.name];
        let is_small = ["1 change a message", "3 changes a message"];
        let is_hopeless = names.contains(&"an addition replaces")
            && names.iter().any(|name| is_small.contains(name));
        if a.about != b.about && is_new && !is_hopeless {
            cases.push(vec![a, b]);
        }
    }
    assert_right(&cases);
}

#[test]
fn a_service_that_answers_nothing_may_have_any_other_habit() {
    let others = SWITCHES.iter().filter(|it| it.about != "queries");
    let mut cases: Vec<Vec<Switch>> = others
        .map(|it| vec![switch("no answers, NOTIMP"), *it])
        .collect();
    let all = [
        "no answers, REFUSED",
        "UDP only",
        "an addition replaces",
        "a key for each zone",
    ];
    cases.push(all.map(switch).to_vec());
    assert_right(&cases);
}
