//! `nsbridge check`: checks that everything that a delivery needs is in place, and reports what to
//! do if it is not.
//!
//! All of its report is the result, on standard output: a line for each check, and below a failed
//! one the lines that the configuration of the server lacks. With `-q` only what failed.

use std::io;
use std::path::Path;

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::configuration::{self, Setup};
use super::output::{Abort, Message, Output};
use super::runtime::block_on;
use super::status::Status;
use crate::deliver::check::{self, CheckSettings, Checked, Fact, Verdict};
use crate::deliver::{Failure, Primary, Provenance, ZoneSummary};
use crate::model::{Name, ZoneName};
use crate::queue::{self, Access, FileState, StoreError, StoreThread};

/// Most zones of one primary that are checked if the operator names none.
const STATE_ZONES_MAX: usize = 3;

/// Options of `nsbridge check`.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Zones to check transfers and updates with; by default, for each primary, the first three that
    /// nsbridge remembers on it.
    zones: Vec<Name>,
    /// Really create a zone on each primary, and remove it again: nsbridge-check-INSTANCE.invalid.
    #[arg(long)]
    create: bool,
}

/// Runs the command.
pub(super) fn run(
    arguments: &Arguments,
    config: &Path,
    output: &mut Output,
) -> Result<Status, Abort> {
    let status = Status::Done;
    let mut report = Report { output, status };
    let setup = match configuration::load(config) {
        Ok(setup) => setup,
        Err(message) => return Ok(report.unusable(config, &message)),
    };
    report.configuration(config, &setup);
    let summaries = report.store(&setup.queue_path)?;
    let named: Vec<ZoneName> = arguments.zones.iter().map(ZoneName::new).collect();
    let is_held = |it: &&ZoneSummary| it.provenance != Provenance::Preexisting || it.managed > 0;
    let held = summaries.iter().filter(is_held);
    let settings = CheckSettings {
        instance: setup.instance.clone(),
        create: arguments.create,
        held: held.map(|it| (it.key.clone(), it.provenance)).collect(),
        clock: setup.policy.clock,
    };
    let primaries: Vec<&Primary> = setup.primaries.values().map(|it| &**it).collect();
    let checks = primaries.iter().map(async |primary| {
        let zones = zones_of(primary, &named, &summaries, &setup);
        check::check(primary, &zones, &settings, setup.deadline).await
    });
    for (primary, checked) in primaries.iter().zip(block_on(join_all(checks))?) {
        for checked in checked {
            report.checked(primary, &checked);
        }
    }
    for zone in named {
        if setup.routes.primary_of(zone.apex()).is_none() {
            report.unroutable(&zone);
        }
    }
    Ok(report.status)
}

/// Returns the zones to check a primary with: those that the operator names and it serves, else some
/// of the state file.
fn zones_of(
    primary: &Primary,
    named: &[ZoneName],
    summaries: &[ZoneSummary],
    setup: &Setup,
) -> Vec<ZoneName> {
    let is_here = |zone: &&ZoneName| {
        let serving = setup.routes.primary_of(zone.apex());
        serving.is_some_and(|serving| serving.name == primary.name)
    };
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
    /// Prints the line of a check, which ends with the detail or cause, and the hint, of its entry.
    fn print(&mut self, word: Word, subject: &str, mut entry: Value) {
        entry["result"] = word.text().replace(' ', "-").into();
        if word == Word::Failed || !self.output.is_quiet {
            let mut line = format!("{}: {subject}", word.text());
            for (member, prefix) in [("detail", ": "), ("cause", ": "), ("hint", "; hint: ")] {
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
        let entry = json!({
            "subject": "configuration", "check": "configuration", "file": config.display().to_string(),
            "cause": message.text.trim_end_matches("; nothing was attempted"), "hint": message.hint,
        });
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

    /// Checks the state file, and returns the zones in it.
    fn store(&mut self, path: &Path) -> io::Result<Vec<ZoneSummary>> {
        let file = path.display().to_string();
        let mut entry = json!({ "subject": "queue file", "check": "queue-file", "file": file });
        let (state, summaries) = match read_store(path)? {
            Ok(read) => read,
            Err(error) => {
                self.status.or_worse(Status::BadConfiguration);
                entry["cause"] = error.to_string().into();
                entry["hint"] = error.hint().into();
                self.print(Word::Failed, "queue file", entry);
                return Ok(Vec::new());
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
        entry["detail"] = detail.into();
        self.print(Word::Ok, &format!("queue file: {file}"), entry);
        Ok(summaries)
    }

    fn checked(&mut self, primary: &Primary, checked: &Checked) {
        let Checked { check, verdict } = checked;
        let mut line = format!("{} ({}): {check}", primary.name, primary.endpoint);
        let mut entry = json!({
            "subject": primary.name, "check": check.word(), "primary": primary.name,
            "address": primary.endpoint.to_string(), "zone": check.zone().map(ToString::to_string),
        });
        let word = match verdict {
            Verdict::Good(fact) | Verdict::Odd(fact) => {
                let detail = fact.to_string();
                entry["detail"] = Some(detail).filter(|it| !it.is_empty()).into();
                if let Fact::Offset(seconds) = fact {
                    entry["offset-seconds"] = (*seconds).into();
                }
                if let Verdict::Odd(_) = verdict {
                    entry["hint"] =
                        "signatures fail from 300 s on: set both clocks right, best with NTP"
                            .into();
                    Word::Warning
                } else {
                    Word::Ok
                }
            }
            Verdict::Bad(bad) => {
                let status = Status::from(bad.trouble.retry());
                self.status.or_worse(status);
                entry["kind"] = status.kind().into();
                entry["cause"] = bad.trouble.to_string().into();
                entry["hint"] = bad.hint.clone().into();
                if let Some(remedy) = &bad.remedy {
                    entry["place"] = remedy.place.into();
                    entry["lines"] = remedy.lines.clone().into();
                }
                Word::Failed
            }
            Verdict::Open(doubt) => {
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
        if let Verdict::Bad(bad) = verdict
            && let Some(remedy) = &bad.remedy
        {
            self.output.detail(&format!("  in {}:", remedy.place));
            for line in &remedy.lines {
                self.output.detail(&format!("    {line}"));
            }
        }
    }

    fn unroutable(&mut self, zone: &ZoneName) {
        self.status.or_worse(Status::Denied);
        let entry = json!({
            "subject": zone.to_string(), "check": "route", "zone": zone.to_string(),
            "kind": "denied", "cause": Failure::NoRoute.to_string(),
            "hint": Failure::NoRoute.hint(),
        });
        self.print(Word::Failed, &format!("{zone}: route"), entry);
    }
}

/// Returns the state of the file and the zones in it. The outer error is that of the runtime.
fn read_store(path: &Path) -> io::Result<Result<(FileState, Vec<ZoneSummary>), StoreError>> {
    let opened = queue::examine(path)
        .and_then(|state| Ok((state, StoreThread::start(path, Access::ReadOnly)?)));
    let (state, store_thread) = match opened {
        Ok(opened) => opened,
        Err(error) => return Ok(Err(error)),
    };
    let summaries = block_on(store_thread.store().list())?;
    // If the list failed, closing the store returns the reason.
    let closed = store_thread.finish();
    Ok(closed.map(|()| (state, summaries.unwrap_or_default())))
}
