//! Zones that are not read hold after any sequence of calls and changes what zones hold that are read.

use std::fmt::Write as _;

use pretty_assertions::assert_eq;

use super::settled::{LINES, ONE_QUESTION, World, ZONE};
use crate::support::dig;
use crate::support::jobs::edit;
use crate::support::nsupdate::nsupdate;
use crate::support::nsupdate_scripts::Numbers;
use crate::support::wanted::{Wanted, zone};

/// How many sequences are tried, and of how many steps.
const SEQUENCES: u64 = 4;
const STEPS: usize = 30;

/// The zones that calls want.
const CHOICES: &[&str] = &[
    LINES,
    "@ 3600 NS ns1.example.com. | ns1 3600 A 192.0.2.1 | www 300 A 192.0.2.8 | mail A 192.0.2.9",
    "@ 3600 NS ns1.example.com. | ns1 3600 A 192.0.2.1 | www 300 CNAME a.example.net.",
    "@ 3600 NS ns1.example.com. | ns1 3600 A 192.0.2.1 | www 300 A 192.0.2.7 | b_0 A 192.0.2.9",
];

/// What others change.
const CHANGES: &[&str] = &[
    "update add www.example.com 300 A 192.0.2.66",
    "update delete www.example.com",
    "update add foreign.example.com 300 TXT t",
    "update delete foreign.example.com",
    "update add mail.example.com 600 A 192.0.2.9",
    "update add example.com 3600 NS ns7.example.net.",
    "update add b_0.example.com 300 TXT t",
];

/// A step of a sequence.
enum Step {
    Call(Wanted),
    Command(Vec<&'static str>),
    Foreign(&'static str),
    Configure(&'static str, &'static str, &'static str),
}

impl Step {
    fn any(numbers: &mut Numbers, second: u32) -> Self {
        match numbers.below(40) {
            0..32 => {
                // Mostly what the call before wanted.
                let choice = numbers.below(3 * CHOICES.len());
                let lines = CHOICES.get(choice).unwrap_or(&LINES);
                Self::Call(zone(ZONE, lines).sent(second))
            }
            32..35 => Self::Foreign(numbers.of(CHANGES)),
            35 => Self::Command(vec!["acme", "add", "www.example.com", "token"]),
            36 => Self::Command(vec!["acme", "remove", "www.example.com", "token"]),
            37 => Self::Command(vec!["zone", "adopt", ZONE, "--prune"]),
            38 => {
                let rule = numbers.of(&["\"keep\"", "\"remove\""]);
                Self::Configure("policy", "foreign-records", rule)
            }
            _ => {
                let (table, key, values) = match numbers.below(3) {
                    0 => ("policy", "keep", ["[]", "[\"foreign.*\"]", "[\"www.*\"]"]),
                    1 => ("primaries.main", "ttl-min", ["0", "0", "600"]),
                    _ => ("primaries.main", "ttl-max", ["86400", "86400", "300"]),
                };
                Self::Configure(table, key, numbers.of(&values))
            }
        }
    }

    /// Takes the step. Returns what nsbridge said, and whether it asked one question.
    fn take(&self, world: &mut World) -> (String, bool) {
        let bridge = &world.bridge;
        let (run, exchanges) = match self {
            Self::Call(wanted) => world
                .proxy
                .count(|| bridge.start(&["plesk"], wanted.call()).end()),
            Self::Command(arguments) => world.proxy.count(|| bridge.start(arguments, "").end()),
            Self::Foreign(script) => {
                nsupdate(&*world.server, script);
                return ((*script).to_owned(), false);
            }
            Self::Configure(table, key, value) => {
                let other = world.proxy.bridge(&*world.server);
                let bridge = std::mem::replace(&mut world.bridge, other);
                world.bridge = bridge.set(table, key, value);
                return (format!("{key} = {value}"), false);
            }
        };
        let said = format!("{:?} {}{}", run.status, run.stdout, run.stderr);
        (said, exchanges == ONE_QUESTION)
    }
}

// One of two zones is read by each call, since its state file is made to forget how it was left.
#[test]
fn a_zone_that_is_not_read_holds_what_one_holds_that_is_read() {
    let mut asked = 0;
    for seed in 0..SEQUENCES {
        let mut numbers = Numbers(0x736f_6121 + seed);
        let mut worlds = [World::bind(), World::bind()];
        let mut told = String::new();
        for second in (0..).take(STEPS) {
            let step = Step::any(&mut numbers, second);
            let mut seen = Vec::new();
            for (is_read, world) in [false, true].into_iter().zip(&mut worlds) {
                let is_there = world.bridge.file("state/queue.db").exists();
                if is_read && is_there {
                    edit(&world.bridge, "UPDATE zone SET settled = NULL", []);
                }
                let (said, is_asked) = step.take(world);
                assert!(!(is_read && is_asked), "{said}");
                asked += u32::from(is_asked);
                seen.push((said, dig::axfr(&*world.server, ZONE)));
            }
            let _ = writeln!(told, "{second}: {}", seen[0].0);
            assert_eq!(seen[0], seen[1], "sequence {seed}, steps:\n{told}");
        }
    }
    assert!(asked > 20, "only {asked} calls read no zone");
}
