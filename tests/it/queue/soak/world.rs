//! A server, two instances of nsbridge before it, and what each zone may hold.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::FileExt as _;

use super::network::Network;
use super::tally::{Tally, What};
use crate::support::bridge::{Bridge, Going, Run};
use crate::support::crashes::Numbers;
use crate::support::dig;
use crate::support::jobs::wanted_at;
use crate::support::knot::{CATALOG, EMPTY_CATALOG, Knot};
use crate::support::members::{owners, rights};
use crate::support::named::{self, Named};
use crate::support::pdns::Pdns;
use crate::support::server::{Kind, Server as _, Started};
use crate::support::wanted;
use crate::support::worker;

/// Zones that somebody configured by hand; the others are created and deleted.
pub(super) const BY_HAND: u32 = 2;
pub(super) const ZONES: u32 = 6;
/// Lines of the history that are shown with a difference.
const HISTORY_LINES: usize = 60;
const INSTANCES: [&str; 2] = ["plesk01", "plesk02"];
/// What zones made by hand have on Knot, which takes nothing below it.
const DNAME: &str = "below 3600 DNAME elsewhere.test.";
/// PowerDNS takes what a script lets it take.
const POLICY: &str = "function updatepolicy(input)\n  local name = input:getQName():toStringNoDot()\n  \
                      return string.sub(name, 1, 8) ~= 'refused.'\nend\n";

/// An instance of nsbridge.
pub(super) struct Side {
    pub(super) bridge: Bridge,
    /// Its `nsbridge serve`.
    pub(super) worker: Option<Going>,
    /// Bits of its queue file were flipped.
    pub(super) is_suspect: bool,
    /// Its worker meets system calls that fail.
    pub(super) has_faults: bool,
}

/// What is known of a zone without nsbridge.
pub(super) struct Zone {
    /// The instance whose it is.
    pub(super) side: usize,
    /// The seconds of the payloads that it may show; `None`: it may be absent.
    may_be: Vec<Option<u32>>,
    /// What the panel asked for last.
    pub(super) newest: Option<u32>,
}

/// All of it.
pub(super) struct World {
    pub(super) kind: Kind,
    pub(super) server: Started,
    pub(super) is_up: bool,
    pub(super) network: Network,
    pub(super) sides: [Side; 2],
    pub(super) zones: BTreeMap<u32, Zone>,
    pub(super) numbers: Numbers,
    pub(super) tally: Tally,
    second: u32,
    /// What was done, and what was said of it, for whoever looks for the reason of a difference.
    pub(super) history: Vec<String>,
}

pub(super) fn name(zone: u32) -> String {
    format!("z{zone}.test")
}

impl World {
    #[track_caller]
    pub(super) fn start(kind: Kind, seed: u64) -> Self {
        let (server, network, bridges) = match kind {
            Kind::Bind(release) => {
                let catalog = named::Zone::with_policy(CATALOG, EMPTY_CATALOG, &rights());
                let by_hand = (1..=BY_HAND).map(|zone| named::Zone::dynamic(&name(zone), ""));
                let builder = Named::of(release).zone(catalog);
                let named = by_hand.fold(builder, named::Builder::zone).start();
                let network = Network::before(named.port(), Some(named.control_port()), seed);
                let bridges = INSTANCES.map(|_| {
                    Bridge::at(network.port(), named.key_file())
                        .catalog(CATALOG)
                        .rndc(&named, "seed")
                        .control_port(network.command_port())
                });
                (Box::new(named) as Started, network, bridges)
            }
            Kind::PowerDns(release) => {
                let by_hand = (1..=BY_HAND).map(name);
                let builder = Pdns::of(release).policy(POLICY);
                let pdns = by_hand.fold(builder, |it, name| it.zone(&name, "")).start();
                let network = Network::before(pdns.port(), Some(pdns.api_port()), seed);
                let bridges = INSTANCES.map(|_| {
                    Bridge::at(network.port(), pdns.key_file())
                        .powerdns(network.command_port(), &pdns.api_key_file())
                });
                (Box::new(pdns) as Started, network, bridges)
            }
            Kind::Knot(release) => {
                let by_hand = (1..=BY_HAND).map(name);
                let builder = Knot::of(release);
                let knot = by_hand
                    .fold(builder, |it, name| it.zone(&name, DNAME))
                    .start();
                let network = Network::before(knot.port(), None, seed);
                let bridges = INSTANCES
                    .map(|_| Bridge::at(network.port(), knot.key_file()).by_catalog(CATALOG));
                (Box::new(knot) as Started, network, bridges)
            }
        };
        let mut instances = INSTANCES.into_iter();
        let sides = bridges.map(|bridge| {
            let bridge = bridge
                .instance(instances.next().expect("as many as bridges"))
                .adopting()
                // The DNAME of zones made by hand.
                .set("policy", "keep", r#"["below.*"]"#)
                .set("policy", "deletions-max-per-hour", "1000000")
                // Longer than a zone that a killed process left is waited for.
                .deadline_seconds(8);
            Side {
                worker: Some(worker::start(&bridge)),
                bridge,
                is_suspect: false,
                has_faults: false,
            }
        });
        let zones = (1..=ZONES).map(|zone| {
            let is_made = zone > BY_HAND;
            let zone_before = Zone {
                side: usize::try_from(zone % 2).expect("0 or 1"),
                // As it was configured: see `content`.
                may_be: vec![(!is_made).then_some(0)],
                newest: (!is_made).then_some(0),
            };
            (zone, zone_before)
        });
        Self {
            kind,
            server,
            is_up: true,
            network,
            sides,
            zones: zones.collect(),
            numbers: Numbers(seed),
            tally: Tally::default(),
            second: 0,
            history: Vec::new(),
        }
    }

    /// Notes what was done, and what nsbridge said of it.
    pub(super) fn note(&mut self, what: &str, run: Option<&Run>) {
        self.history.push(format!("{:?} {what}", self.second));
        let said = run.map(|run| format!("  {:?}\n{}{}", run.status, run.stdout, run.stderr));
        self.history.extend(said);
    }

    /// What was done and said about a zone, and what is about no zone.
    fn history_of(&self, zone: u32) -> String {
        let name = name(zone);
        let lines = self.history.iter().flat_map(|it| it.lines());
        let lines = lines.filter(|line| line.contains(&name) || !line.contains(".test"));
        let lines: Vec<&str> = lines.collect();
        lines[lines.len().saturating_sub(HISTORY_LINES)..].join("\n")
    }

    pub(super) fn next_second(&mut self) -> u32 {
        self.second += 1;
        self.second
    }

    pub(super) fn choose(&mut self, limit: usize) -> usize {
        let chosen = self.numbers.below(limit as u64);
        usize::try_from(chosen).expect("below the limit")
    }

    /// The zones of an instance.
    pub(super) fn zones_of(&self, side: usize) -> Vec<u32> {
        let zones = self.zones.iter().filter(|(_, zone)| zone.side == side);
        zones.map(|(number, _)| *number).collect()
    }

    /// A record that the server refuses in a zone made by hand.
    pub(super) fn refused(&self) -> &'static str {
        match self.kind {
            // No host has such a name.
            Kind::Bind(_) => "under_score A 192.0.2.9",
            // Nothing can be below a DNAME.
            Kind::Knot(_) => "a.below A 192.0.2.9",
            Kind::PowerDns(_) => "refused A 192.0.2.9",
        }
    }

    /// What the zone then holds.
    fn content(&self, zone: u32, second: u32) -> Vec<String> {
        let name = name(zone);
        let as_configured = format!("@ 3600 NS ns1.{name}. | ns1 3600 A 192.0.2.1");
        let wanted = match second {
            0 => wanted::zone(&name, &as_configured),
            _ => wanted_at(zone, second),
        };
        match self.kind {
            Kind::Knot(_) if zone <= BY_HAND => wanted.with(DNAME).content(),
            Kind::Bind(_) | Kind::PowerDns(_) | Kind::Knot(_) => wanted.content(),
        }
    }

    /// The server has, of a zone: the content, or nothing.
    #[track_caller]
    pub(super) fn shown(&self, zone: u32) -> Option<Vec<String>> {
        let name = name(zone);
        dig::has_zone(&self.server, &name).then(|| dig::content(&self.server, &name))
    }

    /// Notes that the panel has handed a change over: what comes before it does not matter any more.
    pub(super) fn handed_over(&mut self, zone: u32, second: Option<u32>) {
        let zone = self.zones.get_mut(&zone).expect("a zone");
        zone.may_be = vec![second];
        zone.newest = second;
    }

    /// Notes that it may have.
    pub(super) fn may_be_handed_over(&mut self, zone: u32, second: Option<u32>) {
        let zone = self.zones.get_mut(&zone).expect("a zone");
        zone.may_be.push(second);
        zone.newest = second;
    }

    /// Asserts that each zone shows a payload that it may show.
    #[track_caller]
    pub(super) fn assert_zone(&self, zone: u32) {
        let may_be = &self.zones[&zone].may_be;
        let shown = self.shown(zone);
        let mut wanted = may_be
            .iter()
            .map(|second| second.map(|second| self.content(zone, second)));
        assert!(
            wanted.any(|wanted| wanted == shown),
            "z{zone}.test holds none of {may_be:?}: {shown:#?}\n{}",
            self.history_of(zone)
        );
    }

    /// Asserts that of all zones, and that the catalog says whose they are.
    #[track_caller]
    pub(super) fn assert_all(&mut self) {
        for zone in 1..=ZONES {
            self.assert_zone(zone);
            self.tally.count(What::ZonesCompared);
        }
        let claimed = match self.kind {
            Kind::Bind(_) | Kind::Knot(_) => owners(&self.server),
            Kind::PowerDns(_) => return,
        };
        for (number, zone) in &self.zones {
            let owner = claimed.get(&format!("z{number}.test.")).map(String::as_str);
            // No call may have been made about one that was configured by hand.
            let is_untouched = zone.may_be == [Some(0)];
            let expected = self.shown(*number).map(|_| INSTANCES[zone.side]);
            assert!(
                owner == expected || is_untouched && owner.is_none(),
                "z{number}.test is claimed by {owner:?} in place of {expected:?}"
            );
            self.tally.count(What::OwnersCompared);
        }
    }

    pub(super) fn stop_server(&mut self, is_killed: bool) {
        if is_killed {
            self.server.kill();
            self.tally.count(What::ServersKilled);
        } else {
            self.server.stop();
            self.tally.count(What::ServersStopped);
        }
        self.is_up = false;
        self.note(
            if is_killed {
                "server killed"
            } else {
                "server stopped"
            },
            None,
        );
    }

    #[track_caller]
    pub(super) fn start_server(&mut self) {
        if !self.is_up {
            self.server.restart();
            self.is_up = true;
            self.note("server started", None);
        }
    }

    /// Flips a bit that is not in the middle of nothing, of the queue file or of SQLite's log.
    pub(super) fn flip_bit(&mut self, side: usize) {
        let files = ["state/queue.db", "state/queue.db-wal"];
        let first = self.choose(2);
        for file in [files[first], files[1 - first]] {
            let path = self.sides[side].bridge.file(file);
            let octets = fs::read(&path).unwrap_or_default();
            let places = octets.iter().enumerate().filter(|(_, octet)| **octet != 0);
            let places: Vec<usize> = places.map(|(place, _)| place).collect();
            if places.is_empty() {
                continue;
            }
            let place = places[self.choose(places.len())];
            let octet = octets[place] ^ (1 << self.choose(8));
            let opened = fs::File::options().write(true).open(&path);
            let written = opened.and_then(|file| file.write_at(&[octet], place as u64));
            written.expect("a file of the queue");
            self.sides[side].is_suspect = true;
            self.tally.count(What::BitsFlipped);
            self.note(
                &format!("bit of octet {place} of {file} of {side} flipped"),
                None,
            );
            return;
        }
    }
}
