//! `nsbridge check`: checks that everything that a delivery needs is in place, and reports what to
//! do if it is not.
//!
//! All of its report is the result, on standard output: a line for each check, and below a failed
//! one the lines that the configuration of the server lacks. With `-q` only what failed.

use std::collections::{BTreeSet, HashMap};
use std::io;
use std::path::Path;

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::configuration::{self, Setup};
use super::input;
use super::learn;
use super::message::{Abort, Message};
use super::output::{Output, count};
use super::queue::span;
use super::runtime::block_on;
use super::status::Status;
use super::store::{act_as_owner_of, unwritable};
use crate::deliver::check::{self, Check, CheckSettings, Checked, Fact, Targets, Verdict};
use crate::deliver::{Failure, Lesson, Primary, Provenance, ZoneKey, ZoneSummary};
use crate::diagnostic::{Diagnose as _, Diagnostic, case, check as entries};
use crate::model::{Name, ZoneName};
use crate::plan::{Epoch, Habit, LEARNT_SECONDS};
use crate::queue::{self, Access, FileState, JobSummary, State, StoreError, StoreThread};

/// Most zones of one primary that are checked if the operator names none.
const STATE_ZONES_MAX: usize = 3;

/// Options of `nsbridge check`.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Zones to check transfers and updates with. By default, for each primary, the first three that nsbridge
    /// knows on it.
    #[arg(value_parser = input::name)]
    zones: Vec<Name>,
    /// Create a zone on each primary, nsbridge-check-INSTANCE.invalid, and delete it again.
    #[arg(long)]
    create: bool,
    /// Find out what the primary of ZONE takes in updates, with records at a name of its own,
    /// nsbridge-check-….ZONE, that are removed again; print the lines for the configuration. The serial of the
    /// zone moves on.
    #[arg(long, value_name = "ZONE", value_parser = input::name, conflicts_with_all = ["zones", "create"])]
    write: Option<Name>,
}

/// Runs the command.
pub(super) fn run(
    arguments: &Arguments,
    config: &Path,
    output: &mut Output,
) -> Result<Status, Abort> {
    if let Some(zone) = &arguments.write {
        return learn::run(&ZoneName::new(zone), config, output);
    }
    let status = Status::Done;
    let mut report = Report { output, status };
    let mut setup = match configuration::load(config) {
        Ok(setup) => setup,
        Err(message) => return Ok(report.unusable(config, &message)),
    };
    report.configuration(config, &setup);
    let now = (setup.policy.clock)();
    let Known {
        summaries,
        lessons,
        epochs,
    } = report.store(&setup, now)?;
    // A lock of the file may have taken long.
    setup.restart_time();
    let named: Vec<ZoneName> = arguments.zones.iter().map(ZoneName::new).collect();
    let is_held = |it: &&ZoneSummary| it.provenance != Provenance::Preexisting || it.managed > 0;
    let held = summaries.iter().filter(is_held);
    let settings = CheckSettings {
        instance: setup.instance.clone(),
        create: arguments.create,
        held: held.map(|it| (it.key.clone(), it.provenance)).collect(),
        epochs,
        clock: setup.policy.clock,
    };
    let primaries: Vec<&Primary> = setup.primaries.values().map(|it| &**it).collect();
    let checks = primaries.iter().map(async |primary| {
        let targets = targets_of(primary, &named, &summaries, &setup);
        check::check(primary, &targets, &settings, setup.deadline).await
    });
    for (primary, checked) in primaries.iter().zip(block_on(join_all(checks))?) {
        for checked in checked {
            report.checked(primary, &checked);
        }
        let zones = zones_of(primary, &named, &summaries, &setup);
        report.habits(primary, &lessons, &zones, now);
    }
    let has_no_route = |zone: &ZoneName| setup.routes.primary_of(zone.apex()).is_none();
    for zone in named.iter().filter(|it| has_no_route(it)) {
        report.unroutable(&zone.to_string(), Some(zone));
    }
    for network in &setup.policy.ptr.networks {
        if network.reverse_zones().iter().any(has_no_route) {
            report.unroutable(&network.to_string(), None);
        }
    }
    Ok(report.status)
}

/// Returns what to check on a primary beside itself.
fn targets_of(
    primary: &Primary,
    named: &[ZoneName],
    summaries: &[ZoneSummary],
    setup: &Setup,
) -> Targets {
    let networks = setup.policy.ptr.networks.iter().map(|network| {
        let mut zones = network.reverse_zones();
        zones.retain(|zone| serves(primary, zone, setup));
        (*network, zones)
    });
    Targets {
        zones: zones_of(primary, named, summaries, setup),
        are_named: !named.is_empty(),
        networks: networks.filter(|(_, zones)| !zones.is_empty()).collect(),
    }
}

/// Returns whether the routes lead from a zone to a primary.
fn serves(primary: &Primary, zone: &ZoneName, setup: &Setup) -> bool {
    let serving = setup.routes.primary_of(zone.apex());
    serving.is_some_and(|serving| serving.name == primary.name)
}

/// Returns the zones to check a primary with: those that the operator names and it serves, else some
/// of the state file.
fn zones_of(
    primary: &Primary,
    named: &[ZoneName],
    summaries: &[ZoneSummary],
    setup: &Setup,
) -> Vec<ZoneName> {
    let is_here = |zone: &&ZoneName| serves(primary, zone, setup);
    let named: Vec<ZoneName> = named.iter().filter(is_here).cloned().collect();
    if !named.is_empty() {
        return named;
    }
    let keys = summaries.iter().map(|summary| &summary.key);
    let keys = keys.filter(|key| key.primary == primary.name);
    let here = keys.map(|key| &key.zone).filter(is_here);
    here.take(STATE_ZONES_MAX).cloned().collect()
}

/// Prints the results of the checks.
struct Report<'a> {
    output: &'a mut Output,
    status: Status,
}

/// The result of a check, in one word.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Word {
    Ok,
    Warning,
    Failed,
    Unknown,
    NotTried,
}

impl Word {
    fn text(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
            Self::NotTried => "not tried",
        }
    }
}

impl Report<'_> {
    /// Prints the line of a check: the code, and at its end the detail or cause, and the hint, of its entry.
    fn print(&mut self, word: Word, subject: &str, mut entry: Value) {
        entry["result"] = word.text().replace(' ', "-").into();
        if word == Word::Failed || !self.output.is_quiet {
            let code = entry["code"].as_str().map(|code| format!("[{code}]"));
            let mut line = format!("{}{}: {subject}", word.text(), code.unwrap_or_default());
            for (member, prefix) in [("detail", ": "), ("cause", ": "), ("hint", "; do: ")] {
                if let Some(text) = entry[member].as_str() {
                    line += prefix;
                    line += text;
                }
            }
            self.output.detail(&line);
        }
        self.output.entry(entry);
    }

    /// Reports that the configuration is invalid, so that no other check can run.
    fn unusable(mut self, config: &Path, message: &Message) -> Status {
        let mut entry = message.cause_entry();
        entry["subject"] = "configuration".into();
        entry["check"] = "configuration".into();
        entry["file"] = config.display().to_string().into();
        self.print(Word::Failed, "configuration", entry);
        for (subject, check) in [("queue file", "queue-file"), ("primaries", "primaries")] {
            let entry = json!({ "subject": subject, "check": check, "needs": "configuration" });
            let line = format!("{subject}: needs the configuration");
            self.print(Word::NotTried, &line, entry);
        }
        Status::BadConfiguration
    }

    fn configuration(&mut self, config: &Path, setup: &Setup) {
        let path = config.display().to_string();
        let line = format!("configuration: {path}");
        let entry = json!({ "subject": "configuration", "check": "configuration", "file": path });
        self.print(Word::Ok, &line, entry);
        for (name, key) in &setup.keys {
            let (path, key) = (key.file.display().to_string(), &key.key);
            let known_as = key.name().to_text_without_dot();
            let algorithm = key.algorithm().to_string();
            let line = format!("key file of `{name}`: {path}: `{known_as}`, {algorithm}");
            let entry = json!({
                "subject": name, "check": "key-file", "file": path, "name": known_as,
                "algorithm": algorithm,
            });
            self.print(Word::Ok, &line, entry);
        }
    }

    /// Checks the state file, and returns what a check needs of it.
    fn store(&mut self, setup: &Setup, now: u64) -> io::Result<Known> {
        let path = setup.queue_path.as_path();
        let file = path.display().to_string();
        let mut entry = json!({ "subject": "queue file", "check": "queue-file", "file": file });
        act_as_owner_of(path);
        let (state, jobs, known) = match read_store(setup, now)? {
            Ok(read) => read,
            Err(error) => {
                self.status.or_worse(Status::BadConfiguration);
                explain(&mut entry, &error.diagnostic());
                self.print(Word::Failed, "queue file", entry);
                return Ok(Known::default());
            }
        };
        let detail = match state {
            FileState::Absent => "not there yet, and can be created".to_owned(),
            FileState::Usable { version, newest } if version == newest => {
                format!("schema version {version}")
            }
            FileState::Usable { version, newest } => {
                format!("schema version {version}; the next use brings it to {newest}")
            }
        };
        if let Some(fault) = unwritable(path) {
            self.status.or_worse(Status::BadConfiguration);
            explain(&mut entry, &fault);
            self.print(Word::Failed, "queue file", entry);
        } else {
            entry["detail"] = detail.into();
            self.print(Word::Ok, &format!("queue file: {file}"), entry);
        }
        self.held(&jobs);
        Ok(known)
    }

    /// Warns of held jobs.
    fn held(&mut self, jobs: &[JobSummary]) {
        let held = jobs.iter().filter(|job| job.state == State::Held);
        let codes: Vec<&str> = held
            .map(|job| job.reason.as_ref().map_or("", |it| it.code()))
            .collect();
        if codes.is_empty() {
            return;
        }
        let jobs = count(codes.len(), "job");
        let codes: Vec<&str> = codes
            .into_iter()
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect();
        let codes = codes.join(", ");
        let remark = case!(entries::JOBS_HELD, jobs, codes);
        let entry = json!({
            "subject": "queue", "check": "held-jobs", "code": remark.code(),
            "detail": remark.to_string(), "hint": remark.hint(),
        });
        self.print(Word::Warning, "queue", entry);
    }

    fn checked(&mut self, primary: &Primary, checked: &Checked) {
        let Checked { check, verdict } = checked;
        let mut line = format!("{} ({}): {check}", primary.name, primary.endpoint);
        let mut entry = json!({
            "subject": primary.name, "check": check.word(), "primary": primary.name,
            "address": primary.endpoint.to_string(), "zone": check.zone().map(ToString::to_string),
        });
        if let Check::ReverseZones(network) = check {
            entry["network"] = network.to_string().into();
        }
        let software = primary.software();
        let word = match verdict {
            Verdict::Good(fact) | Verdict::Odd(fact) => {
                let detail = fact.to_string();
                entry["detail"] = Some(detail).filter(|it| !it.is_empty()).into();
                if let Fact::Offset(seconds) = fact {
                    entry["offset-seconds"] = (*seconds).into();
                }
                if let Verdict::Odd(_) = verdict {
                    let remark = fact.remark().map(|it| it.at(software));
                    entry["code"] = remark.as_ref().map(Diagnostic::code).into();
                    entry["hint"] = remark.and_then(|it| it.hint()).into();
                    Word::Warning
                } else {
                    Word::Ok
                }
            }
            Verdict::Bad(bad) | Verdict::Spare(bad) => {
                let trouble = bad.trouble.diagnostic().at(software);
                let is_spare = matches!(verdict, Verdict::Spare(_));
                if !is_spare {
                    let status = Status::from(trouble.class());
                    self.status.or_worse(status);
                    entry["kind"] = status.kind().into();
                }
                explain(&mut entry, &trouble);
                if let Some(remedy) = &bad.remedy {
                    entry["place"] = remedy.place.into();
                    entry["lines"] = remedy.lines.clone().into();
                }
                if is_spare {
                    Word::Warning
                } else {
                    Word::Failed
                }
            }
            Verdict::Open(doubt) => {
                let doubt = doubt.diagnostic().at(software);
                entry["code"] = doubt.code().into();
                entry["detail"] = doubt.to_string().into();
                entry["hint"] = doubt.hint().into();
                Word::Unknown
            }
            Verdict::Untried(needed) => {
                line = format!("{line}: needs the {needed}");
                entry["needs"] = needed.word().into();
                Word::NotTried
            }
        };
        self.print(word, &line, entry);
        if let Verdict::Bad(bad) | Verdict::Spare(bad) = verdict
            && let Some(remedy) = &bad.remedy
        {
            self.output.detail(&format!("  in {}:", remedy.place));
            for line in &remedy.lines {
                self.output.detail(&format!("    {line}"));
            }
        }
    }

    /// Prints the habits of the primary: those of the configuration, and the lessons. Prints habits that any signed zone may
    /// have only for the zones that are checked.
    fn habits(&mut self, primary: &Primary, lessons: &[Lesson], zones: &[ZoneName], now: u64) {
        let of_primary = format!("{} ({})", primary.name, primary.endpoint);
        let entry = |check: &str, detail: &str| {
            json!({
                "subject": primary.name, "check": check, "primary": primary.name,
                "address": primary.endpoint.to_string(), "detail": detail,
            })
        };
        let lines = learn::lines(&primary.abilities);
        if !lines.is_empty() {
            let entry = entry("configured", &lines.join(", "));
            self.print(Word::Ok, &format!("{of_primary}: configured"), entry);
        }
        let server = primary.server_version();
        let is_checked = |(zone, _): &(ZoneName, Name)| zones.contains(zone);
        let counts = |it: &&Lesson| {
            let is_shown = !it.learnt.habit.is_of_any_server();
            it.primary == primary.name
                && server.is_none_or(|server| it.server == server)
                && (is_shown || it.zone.as_ref().is_some_and(is_checked))
        };
        for lesson in lessons.iter().filter(counts) {
            let until = lesson.at + LEARNT_SECONDS;
            let left = span(until.saturating_sub(now));
            let detail = format!("{}, for another {left}", habit_line(lesson));
            let mut entry = entry("learnt", &detail);
            entry["zone"] = lesson.zone.as_ref().map(|(it, _)| it.to_string()).into();
            entry["expires-at"] = until.into();
            self.print(Word::Ok, &format!("{of_primary}: learnt"), entry);
        }
    }

    fn unroutable(&mut self, subject: &str, zone: Option<&ZoneName>) {
        self.status.or_worse(Status::Denied);
        let failure = Failure::NoRoute.diagnostic();
        let mut entry = json!({
            "subject": subject, "check": "route", "zone": zone.map(ToString::to_string), "kind": "denied",
        });
        explain(&mut entry, &failure);
        self.print(Word::Failed, &format!("{subject}: route"), entry);
    }
}

/// Words what was learnt, as a line of the configuration if there is one.
fn habit_line(lesson: &Lesson) -> String {
    let value = lesson.learnt.value;
    let line = match lesson.learnt.habit {
        Habit::SoaKept => "soa = \"keep\"".to_owned(),
        Habit::ApexNsKept => "apex-ns = \"keep\"".to_owned(),
        Habit::SoaTtlKept => "TTL of the SOA kept".to_owned(),
        Habit::SoaFails => "prerequisites = \"rrset\"".to_owned(),
        Habit::ValuesFail => "prerequisites = \"presence\"".to_owned(),
        Habit::RecordsMax => format!("{value} records in a message, prerequisites among them"),
        Habit::Interval => format!("{value} ms from an update to the next"),
        Habit::Serials => "how serials move on".to_owned(), // is not shown: any server has it
    };
    match &lesson.zone {
        Some((zone, key)) => {
            let key = key.to_text_without_dot();
            format!("{line} in {zone} with the key `{key}`")
        }
        None => line,
    }
}

/// Adds code, cause and hint to an entry.
fn explain(entry: &mut Value, failure: &Diagnostic) {
    entry["code"] = failure.code().into();
    entry["cause"] = failure.to_string().into();
    entry["hint"] = failure.advice().into();
}

/// What a check needs of the state file.
#[derive(Default)]
struct Known {
    summaries: Vec<ZoneSummary>,
    lessons: Vec<Lesson>,
    /// The epochs in the catalogs, by primary.
    epochs: HashMap<String, Vec<Epoch>>,
}

/// The state of the file, its jobs, and what a check needs of it.
type StoreContents = (FileState, Vec<JobSummary>, Known);

/// Reads the file. The outer error is that of the runtime.
fn read_store(setup: &Setup, now: u64) -> io::Result<Result<StoreContents, StoreError>> {
    let path = &setup.queue_path;
    let opened = queue::examine(path)
        .and_then(|state| Ok((state, StoreThread::start(path, Access::ReadOnly)?)));
    let (state, store_thread) = match opened {
        Ok(opened) => opened,
        Err(error) => return Ok(Err(error)),
    };
    let summaries = block_on(store_thread.store().list())?;
    let jobs = block_on(store_thread.jobs().list())?;
    let lessons = block_on(store_thread.store().lessons(None, now))?;
    let mut epochs = HashMap::new();
    for primary in setup.primaries.values() {
        if let Some(catalog) = primary.catalog_zone() {
            let key = ZoneKey {
                primary: primary.name.clone(),
                zone: catalog.clone(),
            };
            let of_primary = block_on(store_thread.store().epochs(&key))?;
            epochs.insert(primary.name.clone(), of_primary.unwrap_or_default());
        }
    }
    // If the lists failed, closing the store returns the reason.
    let closed = store_thread.finish();
    Ok(closed.map(|_| {
        let known = Known {
            summaries: summaries.unwrap_or_default(),
            lessons: lessons.unwrap_or_default(),
            epochs,
        };
        (state, jobs.unwrap_or_default(), known)
    }))
}
