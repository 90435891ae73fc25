//! A day in short: installations create, change, move and delete zones, while the primary is down, comes back
//! from a backup and gets another key, and while the queue file of one of them comes back. A model plays along.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use pretty_assertions::assert_eq;
use serde_json::Value;

use super::machines::{back_up, deletion, put_backup, wanted};
use super::world::{Consumers, assert_never_dark, bind_with_consumers, installation, nudge};
use crate::catalog::secondaries::world;
use crate::support::bridge::{Bridge, Going};
use crate::support::keys::Key;
use crate::support::members::owners_by;
use crate::support::nsupdate_scripts::Numbers;
use crate::support::older_copy::OlderCopy;
use crate::support::refused_zone::number_of;
use crate::support::rollover::{MAIN, NEW, On, Rolling};
use crate::support::server::Server;
use crate::support::{wait, worker};

/// The environment variable for the number of panels.
const PANELS_VARIABLE: &str = "NSBRIDGE_TEST_DAY_PANELS";
/// The environment variable for the number of hours of calls between two events.
const HOURS_VARIABLE: &str = "NSBRIDGE_TEST_DAY_HOURS";
/// The environment variable for the first number of the choices.
const SEED_VARIABLE: &str = "NSBRIDGE_TEST_DAY_SEED";

/// How a zone goes from one panel to another.
#[derive(Debug, Clone, Copy)]
enum Order {
    DeletedThenCreated,
    CreatedThenDeleted,
    Adopted,
}

/// What a panel's user wants.
#[derive(Debug)]
enum Wish {
    Create,
    Change,
    Delete,
    Move(usize, Order),
}

/// A wish about a zone of a panel. The zone then has this last octet in its address, if it is there.
#[derive(Debug)]
struct Step {
    panel: usize,
    zone: String,
    last: u8,
    second: u32,
    wish: Wish,
}

/// A change of a zone, as the log tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Done {
    Created,
    Updated,
    Deleted,
}

impl fmt::Display for Done {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Created => "created",
            Self::Updated => "updated",
            Self::Deleted => "deleted",
        })
    }
}

/// What an installation did to each zone by order of its panel.
type Log = BTreeMap<String, Vec<String>>;

/// What the servers and the logs must hold.
struct Model {
    panels: usize,
    /// The panel of each zone, and the last octet of its address.
    zones: BTreeMap<String, (usize, u8)>,
    gone: BTreeSet<String>,
    logs: Vec<Log>,
    choices: Numbers,
    second: u32,
}

/// The zone of a panel that stays there all day.
fn anchor(panel: usize) -> String {
    format!("anchor{panel:02}.test")
}

impl Model {
    fn new() -> Self {
        let seed = u64::try_from(number_of(SEED_VARIABLE, 7)).expect("64 bits");
        let panels = number_of(PANELS_VARIABLE, 5);
        Self {
            panels,
            zones: BTreeMap::new(),
            gone: BTreeSet::new(),
            logs: vec![Log::new(); panels],
            choices: Numbers(seed),
            second: 0,
        }
    }

    fn step(&mut self, panel: usize, zone: String, wish: Wish) -> Step {
        self.second += 1;
        let last = u8::try_from(1 + self.second % 250).expect("a number below 256");
        Step {
            panel,
            zone,
            last,
            second: self.second,
            wish,
        }
    }

    /// Chooses a wish of each panel. No two are about the same zone.
    fn hour(&mut self) -> Vec<Step> {
        let panels = self.panels;
        let mut busy: BTreeSet<String> = (0..panels).map(anchor).collect();
        (0..panels)
            .map(|panel| {
                let own = self
                    .zones
                    .iter()
                    .filter(|(zone, (of, _))| *of == panel && !busy.contains(*zone));
                let own: Vec<String> = own.map(|(zone, _)| zone.clone()).collect();
                let free = self.gone.difference(&busy).cloned().collect::<Vec<_>>();
                let (zone, wish) = match self.choices.below(10) {
                    0..=2 if !own.is_empty() => (self.one_of(&own), Wish::Change),
                    3 if !own.is_empty() => (self.one_of(&own), Wish::Delete),
                    number @ 4..=6 if !own.is_empty() => {
                        let order = match number {
                            4 => Order::DeletedThenCreated,
                            5 => Order::CreatedThenDeleted,
                            _ => Order::Adopted,
                        };
                        let other = (panel + 1 + self.choices.below(panels - 1)) % panels;
                        (self.one_of(&own), Wish::Move(other, order))
                    }
                    // A zone that some panel had before.
                    7 if !free.is_empty() => (self.one_of(&free), Wish::Create),
                    _ => (format!("z{}.test", self.second + 1), Wish::Create),
                };
                busy.insert(zone.clone());
                self.step(panel, zone, wish)
            })
            .collect()
    }

    fn one_of(&mut self, zones: &[String]) -> String {
        zones[self.choices.below(zones.len())].clone()
    }

    fn note(&mut self, panel: usize, zone: &str, done: Done) {
        let events = self.logs[panel].entry(format!("{zone}.")).or_default();
        events.push(done.to_string());
    }

    /// Does what was wished.
    fn apply(&mut self, steps: &[Step]) {
        for step in steps {
            let Step { panel, zone, .. } = step;
            let of = match step.wish {
                Wish::Create => {
                    self.note(*panel, zone, Done::Created);
                    Some(*panel)
                }
                Wish::Change => {
                    self.note(*panel, zone, Done::Updated);
                    Some(*panel)
                }
                Wish::Delete => {
                    self.note(*panel, zone, Done::Deleted);
                    None
                }
                Wish::Move(to, Order::Adopted) => {
                    self.note(to, zone, Done::Updated);
                    Some(to)
                }
                Wish::Move(to, _) => {
                    self.note(*panel, zone, Done::Deleted);
                    self.note(to, zone, Done::Created);
                    Some(to)
                }
            };
            if let Some(of) = of {
                self.zones.insert(zone.clone(), (of, step.last));
                self.gone.remove(zone);
            } else {
                self.zones.remove(zone);
                self.gone.insert(zone.clone());
            }
        }
    }
}

/// The fleet, and its model.
struct Day {
    rolling: Rolling,
    consumers: Consumers,
    panels: Vec<Bridge>,
    workers: Vec<Going>,
    model: Model,
}

impl Day {
    fn begin() -> Self {
        let (named, consumers) = bind_with_consumers();
        let mut model = Model::new();
        let panels =
            (0..model.panels).map(|panel| installation(&named, &format!("panel{panel:02}")));
        let panels: Vec<Bridge> = panels.collect();
        let rolling = Rolling {
            on: On::Bind(named),
            new: Key::new(NEW),
        };
        let panels: Vec<Bridge> = panels
            .into_iter()
            .map(|panel| rolling.with_new_file(panel))
            .collect();
        let anchors: Vec<Step> = (0..model.panels)
            .map(|panel| model.step(panel, anchor(panel), Wish::Create))
            .collect();
        let mut day = Self {
            rolling,
            consumers,
            workers: panels.iter().map(worker::start).collect(),
            panels,
            model,
        };
        day.play(&anchors);
        day
    }

    fn primary(&mut self) -> &mut dyn Server {
        match &mut self.rolling.on {
            On::Bind(named) => named,
            On::Knot(knot) => knot,
            On::PowerDns(pdns) => pdns,
        }
    }

    /// Has each panel do its step, all at once.
    fn play(&mut self, steps: &[Step]) {
        let panels = &self.panels;
        std::thread::scope(|threads| {
            for step in steps {
                threads.spawn(move || play(panels, step));
            }
        });
        self.model.apply(steps);
    }

    fn hours(&mut self) {
        for _ in 0..number_of(HOURS_VARIABLE, 1) {
            let steps = self.model.hour();
            self.play(&steps);
        }
    }

    /// The calls of an hour in which the primary is down.
    fn outage(&mut self) {
        let steps = self.model.hour();
        self.primary().stop();
        let panels = &self.panels;
        let send = |panel: usize, call: String| {
            panels[panel].plesk(call).assert_status(75);
        };
        std::thread::scope(|threads| {
            for step in &steps {
                threads.spawn(move || match step.wish {
                    Wish::Create | Wish::Change => send(step.panel, step.call()),
                    Wish::Delete => send(step.panel, deletion(&step.zone)),
                    Wish::Move(to, _) => {
                        send(to, step.call());
                        send(step.panel, deletion(&step.zone));
                    }
                });
            }
        });
        self.primary().restart();
        for step in &steps {
            if let Wish::Move(to, _) = step.wish {
                // The earlier panel must have deleted it; then the new one need not wait for a minute.
                self.wait_for_queue(step.panel, &step.zone);
                self.panels[to].plesk(step.call()).assert_status(0);
            }
        }
        for step in &steps {
            self.wait_for_queue(step.panel, &step.zone);
        }
        let steps: Vec<Step> = steps
            .into_iter()
            .map(|step| match step.wish {
                Wish::Move(to, _) => Step {
                    wish: Wish::Move(to, Order::CreatedThenDeleted),
                    ..step
                },
                Wish::Create | Wish::Change | Wish::Delete => step,
            })
            .collect();
        self.model.apply(&steps);
    }

    /// Waits until a panel has no job of this zone.
    #[track_caller]
    fn wait_for_queue(&self, panel: usize, zone: &str) {
        wait::until(&format!("panel {panel} has delivered {zone}"), || {
            let list = self.panels[panel].run(&["queue", "list"], "");
            !list.stdout.contains(&format!("{zone}."))
        });
    }

    /// Runs a command on all panels at once.
    fn on_all(&self, arguments: &[&str], statuses: &[i32]) {
        std::thread::scope(|threads| {
            for panel in &self.panels {
                threads.spawn(|| {
                    let run = panel.run(arguments, "");
                    let is_fine = run.status.is_some_and(|it| statuses.contains(&it));
                    assert!(is_fine, "{arguments:?}: {run:?}");
                });
            }
        });
    }

    /// The queue file of a panel comes back from a backup, as docs/fleet.md says.
    fn restore_queue(&mut self, panel: usize, backup: &str, log: Log) {
        worker::stop(self.workers.remove(panel));
        put_backup(&self.panels[panel], backup);
        self.workers
            .insert(panel, worker::start(&self.panels[panel]));
        let bridge = &self.panels[panel];
        bridge.run(&["catalog", "take-over"], "").assert_status(0);
        for (zone, (of, last)) in &self.model.zones {
            if *of == panel {
                self.model.second += 1;
                let call = wanted(zone, *last, self.model.second).call();
                bridge.plesk(call).assert_status(0);
            }
        }
        bridge
            .run(&["audit", "--repair", "--prune"], "")
            .assert_status(0);
        self.model.logs[panel] = log;
    }

    /// Changes a setting of all panels, and restarts their workers.
    fn set_key(&mut self, key: &str) {
        for going in self.workers.drain(..) {
            worker::stop(going);
        }
        let panels = std::mem::take(&mut self.panels).into_iter();
        self.panels = panels.map(|panel| panel.set(MAIN, "key", key)).collect();
        self.workers = self.panels.iter().map(worker::start).collect();
    }

    /// Asserts that the primary and the consumers hold what the model says.
    #[track_caller]
    fn assert_as_model(&self) {
        let primary = world(self.rolling.server());
        let zones = &self.model.zones;
        let owned = zones
            .iter()
            .map(|(zone, (panel, _))| (format!("{zone}."), format!("panel{panel:02}")));
        assert_eq!(owners_by(&primary), owned.collect());
        for (zone, (_, last)) in zones {
            assert_eq!(primary.content(zone), wanted(zone, *last, 0).content());
        }
        for zone in &self.model.gone {
            assert!(!primary.has_zone(zone), "{zone}");
        }
        for (zone, (_, last)) in zones {
            let address = format!("192.0.2.{last}");
            self.consumers
                .wait_for(&format!("www.{zone}"), &[&address], || {
                    nudge(&self.panels[0]);
                });
        }
        for zone in &self.model.gone {
            self.consumers.wait_for(&format!("www.{zone}"), &[], || {
                nudge(&self.panels[0]);
            });
        }
    }

    /// Asserts that the log of each panel has each change that its panel asked for, and no other.
    #[track_caller]
    fn assert_logs(&self) {
        for (panel, log) in self.panels.iter().zip(&self.model.logs) {
            assert_eq!(of_panel(panel), *log);
        }
    }
}

impl Step {
    fn call(&self) -> String {
        wanted(&self.zone, self.last, self.second).call()
    }
}

fn play(panels: &[Bridge], step: &Step) {
    let panel = &panels[step.panel];
    match step.wish {
        Wish::Create | Wish::Change => {
            panel.plesk(step.call()).assert_status(0);
        }
        Wish::Delete => {
            panel.plesk(deletion(&step.zone)).assert_status(0);
        }
        Wish::Move(to, order) => {
            match order {
                Order::DeletedThenCreated => {
                    panel.plesk(deletion(&step.zone)).assert_status(0);
                }
                Order::CreatedThenDeleted => {
                    panels[to].plesk(step.call()).assert_status(75);
                    panel.plesk(deletion(&step.zone)).assert_status(0);
                }
                Order::Adopted => {
                    let from = format!("panel{:02}", step.panel);
                    let adopt = ["zone", "adopt", "--from", &from, "--prune", &step.zone];
                    panels[to].run(&adopt, "").assert_status(0);
                }
            }
            panels[to].plesk(step.call()).assert_status(0);
            if matches!(order, Order::Adopted) {
                let run = panel.plesk(deletion(&step.zone));
                run.assert_status(0)
                    .assert_codes(&["NB-ZONE-OF-OTHER-STAYS"]);
            }
        }
    }
}

/// What the log of an installation says that its panel had it do.
fn of_panel(bridge: &Bridge) -> Log {
    let run = bridge.run(&["--output", "json", "log"], "");
    run.assert_status(0).assert_stderr("");
    let document: Value = serde_json::from_str(&run.stdout).expect("a document");
    let mut log = Log::new();
    for event in document["results"].as_array().expect("results") {
        let [subject, caller, done] =
            ["subject", "caller", "done"].map(|key| event[key].as_str().unwrap_or_default());
        let done = done.split([' ', ',']).next().unwrap_or_default();
        if caller.starts_with("plesk") && subject != "nudge.test." && !done.is_empty() {
            log.entry(subject.to_owned())
                .or_default()
                .push(done.to_owned());
        }
    }
    log
}

#[test]
fn a_day_of_many_panels_ends_as_a_model_says() {
    let mut day = Day::begin();
    let names: Vec<String> = (0..day.panels.len())
        .map(|it| format!("www.{}", anchor(it)))
        .collect();
    day.assert_as_model();
    let probes = day.consumers.probe(&names);

    day.hours();
    let of_primary = OlderCopy::of(day.primary());
    back_up(&day.panels[3], "backup.db");
    let of_panel = day.model.logs[3].clone();
    day.hours();
    // A BIND whose transfers are cut off asks its primary for nothing for ten minutes.
    day.assert_as_model();
    day.outage();
    day.assert_as_model();

    of_primary.put_back(day.primary());
    // A zone that another panel had at the time of the backup waits until that panel's audit gives it up.
    day.on_all(&["resync"], &[0, 75]);
    day.on_all(&["audit", "--repair"], &[0, 75]);
    day.on_all(&["resync"], &[0]);
    day.assert_as_model();
    day.hours();

    day.restore_queue(3, "backup.db", of_panel);
    day.hours();
    day.assert_as_model();

    day.rolling.add_new();
    day.hours();
    day.set_key("[\"plesk-2027\", \"plesk\"]");
    day.hours();
    day.on_all(&["zone", "rekey", "--all"], &[0]);
    day.set_key("\"plesk-2027\"");
    day.hours();
    day.rolling.remove_old();
    day.hours();

    day.assert_as_model();
    day.assert_logs();
    day.on_all(&["audit"], &[0]);
    day.on_all(&["status"], &[0]);
    assert_never_dark(probes);
    for going in day.workers.drain(..) {
        worker::stop(going);
    }
}
