//! `nsbridge check`: whether everything that a delivery needs is in place, thing by thing, and what to
//! do where it is not.
//!
//! All of it is the result, so all of it is printed on standard output: a line for each check, and
//! below a failed one the lines to add to a server's configuration. With `-q` only what failed.

use std::path::Path;

use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::configuration::{self, Setup};
use super::output::{Message, Output};
use super::runtime::block_on;
use super::status::Status;
use crate::deliver::check::{self, CheckSettings, Checked, Fact, Verdict};
use crate::deliver::{Failure, Primary, Provenance, Retry, ZoneSummary};
use crate::model::{Name, ZoneName};
use crate::queue::{self, Access, FileState, StoreError, StoreThread};

/// Most zones of one primary that are checked where none is named.
const REMEMBERED_ZONES_MAX: usize = 3;

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
pub(super) fn run(arguments: &Arguments, config: &Path, output: &mut Output) -> Status {
    let mut report = Report {
        output,
        status: Status::Done,
    };
    let setup = match configuration::load(config) {
        Ok(setup) => setup,
        Err(message) => return report.unusable(config, &message),
    };
    report.configuration(config, &setup);
    let remembered = match recall(&setup) {
        Ok(Ok((state, zones))) => {
            report.queue_file(&setup.queue_path, Ok(state));
            zones
        }
        Ok(Err(error)) => {
            report.queue_file(&setup.queue_path, Err(&error));
            Vec::new()
        }
        Err(error) => return report.output.internal_error(&error),
    };
    let zones: Vec<ZoneName> = arguments.zones.iter().map(ZoneName::new).collect();
    let deadline = Instant::now() + setup.deadline;
    let is_held = |it: &&ZoneSummary| it.provenance != Provenance::Preexisting || it.managed > 0;
    let held = remembered.iter().filter(is_held);
    let settings = CheckSettings {
        instance: setup.instance.clone(),
        create: arguments.create,
        held: held.map(|it| (it.key.clone(), it.provenance)).collect(),
        clock: setup.policy.clock,
    };
    let one = async |primary: &Primary| {
        let zones = zones_of(primary, &zones, &remembered, &setup);
        check::check(primary, &zones, &settings, deadline).await
    };
    let primaries = || setup.primaries.values().map(|primary| &**primary);
    let checked = match block_on(join_all(primaries().map(one))) {
        Ok(checked) => checked,
        Err(error) => return report.output.internal_error(&error),
    };
    for (primary, checked) in primaries().zip(checked) {
        for checked in checked {
            report.checked(primary, &checked);
        }
    }
    for zone in zones {
        if setup.routes.primary_of(zone.apex()).is_none() {
            report.unroutable(&zone);
        }
    }
    report.status
}

/// How the file of the memory is, and the zones in it.
fn recall(setup: &Setup) -> std::io::Result<Result<(FileState, Vec<ZoneSummary>), StoreError>> {
    let read = || {
        let state = queue::examine(&setup.queue_path)?;
        Ok((
            state,
            StoreThread::start(&setup.queue_path, Access::ReadOnly)?,
        ))
    };
    let (state, store_thread) = match read() {
        Ok(read) => read,
        Err(error) => return Ok(Err(error)),
    };
    let zones = block_on(store_thread.store().list())?;
    // Where the list failed, the keeper says why.
    let finished = store_thread.finish();
    Ok(finished.map(|()| (state, zones.unwrap_or_default())))
}

/// The zones that a primary is checked with: the named ones that it serves, else some that are
/// remembered.
fn zones_of(
    primary: &Primary,
    named: &[ZoneName],
    remembered: &[ZoneSummary],
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
    let remembered = remembered.iter().map(|summary| &summary.key);
    let remembered = remembered.filter(|key| key.primary == primary.name);
    let here = remembered.map(|key| &key.zone).filter(is_here);
    here.take(REMEMBERED_ZONES_MAX).cloned().collect()
}

/// How a check came out, in one word.
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

/// Prints what was found.
struct Report<'a> {
    output: &'a mut Output,
    status: Status,
}

impl Report<'_> {
    /// Prints one line, and what belongs below it.
    fn print(&mut self, word: Word, parts: &[&str], hint: Option<&str>, mut entry: Value) {
        entry["result"] = word.text().replace(' ', "-").into();
        if let Some(hint) = hint {
            entry["hint"] = hint.into();
        }
        if word == Word::Failed || !self.output.is_quiet() {
            let parts: Vec<&str> = parts.iter().copied().filter(|it| !it.is_empty()).collect();
            let hint = hint.map(|hint| format!("; hint: {hint}"));
            let line = parts.join(": ") + &hint.unwrap_or_default();
            self.output.detail(&format!("{}: {line}", word.text()));
        }
        self.output.entry(entry);
    }

    /// The configuration cannot be used, and so nothing else can be checked.
    fn unusable(mut self, config: &Path, message: &Message) -> Status {
        let path = config.display().to_string();
        let cause = message.text.trim_end_matches("; nothing was attempted");
        let entry = json!({
            "subject": "configuration", "check": "configuration", "file": path, "cause": cause,
        });
        let hint = message.hint.as_deref();
        self.print(Word::Failed, &["configuration", cause], hint, entry);
        for (subject, check) in [("queue file", "queue-file"), ("primaries", "primaries")] {
            let entry = json!({ "subject": subject, "check": check, "needs": "configuration" });
            let parts = [subject, "needs the configuration"];
            self.print(Word::NotTried, &parts, None, entry);
        }
        Status::BadConfiguration
    }

    fn configuration(&mut self, config: &Path, setup: &Setup) {
        let path = config.display().to_string();
        let entry = json!({
            "subject": "configuration", "check": "configuration", "file": path,
        });
        self.print(Word::Ok, &["configuration", &path], None, entry);
        for (name, key) in &setup.keys {
            let (path, key) = (key.file.display().to_string(), &key.key);
            let known_as = key.name().to_text_without_dot();
            let algorithm = key.algorithm().to_string();
            let entry = json!({
                "subject": name, "check": "key-file", "file": path, "name": known_as,
                "algorithm": algorithm,
            });
            let detail = format!("`{known_as}`, {algorithm}");
            let parts = [&*format!("key file of `{name}`"), &path, &detail];
            self.print(Word::Ok, &parts, None, entry);
        }
    }

    fn queue_file(&mut self, path: &Path, state: Result<FileState, &StoreError>) {
        let path = path.display().to_string();
        let mut entry = json!({ "subject": "queue file", "check": "queue-file", "file": path });
        let detail = match state {
            Ok(FileState::Absent) => "not there yet, and can be created".to_owned(),
            Ok(FileState::Usable { version, newest }) if version == newest => {
                format!("schema version {version}")
            }
            Ok(FileState::Usable { version, newest }) => {
                format!("schema version {version}; the next use brings it to {newest}")
            }
            Err(error) => {
                self.status.or_worse(Status::BadConfiguration);
                let cause = error.to_string();
                entry["cause"] = cause.clone().into();
                let hint = Some(error.hint());
                return self.print(Word::Failed, &["queue file", &cause], hint, entry);
            }
        };
        entry["detail"] = detail.clone().into();
        self.print(Word::Ok, &["queue file", &path, &detail], None, entry);
    }

    fn checked(&mut self, primary: &Primary, checked: &Checked) {
        let Checked { check, verdict } = checked;
        let subject = format!("{} ({})", primary.name, primary.endpoint);
        let mut entry = json!({
            "subject": primary.name, "check": check.word(), "primary": primary.name,
            "address": primary.endpoint.to_string(),
        });
        if let Some(zone) = check.zone() {
            entry["zone"] = zone.to_string().into();
        }
        let check = check.to_string();
        let mut print = |word, text: &str, hint: Option<&str>, entry| {
            self.print(word, &[&subject, &check, text], hint, entry);
        };
        match verdict {
            Verdict::Good(fact) | Verdict::Odd(fact) => {
                let detail = fact.to_string();
                if !detail.is_empty() {
                    entry["detail"] = detail.clone().into();
                }
                if let Fact::Offset(seconds) = fact {
                    entry["offset-seconds"] = (*seconds).into();
                }
                if matches!(verdict, Verdict::Odd(_)) {
                    let hint =
                        "signatures fail from 300 s on: set both clocks right, best with NTP";
                    print(Word::Warning, &detail, Some(hint), entry);
                } else {
                    print(Word::Ok, &detail, None, entry);
                }
            }
            Verdict::Bad(bad) => {
                let (kind, status) = match bad.trouble.retry() {
                    Retry::Transient => ("later", Status::Later),
                    Retry::Permanent => ("denied", Status::Denied),
                };
                let cause = bad.trouble.to_string();
                entry["cause"] = cause.clone().into();
                entry["kind"] = kind.into();
                if let Some(remedy) = &bad.remedy {
                    entry["place"] = remedy.place.into();
                    entry["lines"] = remedy.lines.clone().into();
                }
                print(Word::Failed, &cause, Some(&bad.hint), entry);
                self.status.or_worse(status);
                if let Some(remedy) = &bad.remedy {
                    self.output.detail(&format!("  in {}:", remedy.place));
                    for line in &remedy.lines {
                        self.output.detail(&format!("    {line}"));
                    }
                }
            }
            Verdict::Open(doubt) => {
                let detail = doubt.to_string();
                entry["detail"] = detail.clone().into();
                print(Word::Unknown, &detail, Some(&doubt.hint()), entry);
            }
            Verdict::Untried(needed) => {
                entry["needs"] = needed.word().into();
                print(Word::NotTried, &format!("needs the {needed}"), None, entry);
            }
        }
    }

    fn unroutable(&mut self, zone: &ZoneName) {
        let failure = Failure::NoRoute;
        self.status.or_worse(Status::Denied);
        let subject = zone.to_string();
        let entry = json!({
            "subject": subject, "check": "route", "zone": subject, "cause": failure.to_string(),
            "kind": "denied",
        });
        let parts = [&*subject, "route", &failure.to_string()];
        self.print(Word::Failed, &parts, Some(&failure.hint()), entry);
    }
}
