//! Reports the outcome of each command, as a line and as an entry of the document.

use std::collections::HashSet;
use std::rc::Rc;

use serde_json::{Value, json};

use super::done::{creation, describe};
use super::output::{Abort, Message, Output, Severity, count};
use super::status::Status;
use crate::deliver::{
    Delivered, Failure, LeftOut, Preview, Primary, Read, Routed, RoutedResult, ZoneChange,
};
use crate::model::{Intent, Presence, ZoneName, reverse_name};
use crate::payload::Command;
use crate::queue::{Attempted, Handled, Stays};
use crate::zonefile;

/// The end of a line about a zone that nsbridge did not read.
const BY_MEMORY: &str = ", by the memory: what others changed there is not seen";

/// Prints the outcome of each command.
pub(super) struct Report<'a> {
    commands: &'a [Command],
    output: &'a mut Output,
    /// The worst status of all commands.
    pub(super) status: Status,
    /// Records that dry runs would add.
    added: usize,
    /// Records that dry runs would remove.
    removed: usize,
    /// Zones that dry runs would change, each with its primary.
    changed_zones: HashSet<(String, ZoneName)>,
}

/// The subject of a line.
struct Subject<'a> {
    name: String,
    /// `None` if the subject is not that of a command.
    command: Option<&'a Command>,
    /// `None` if no route leads to one.
    primary: Option<&'a Primary>,
    /// The state of its job.
    stays: Option<Stays>,
}

/// Why an intent is not in place.
pub(super) struct Reason {
    pub(super) status: Status,
    pub(super) cause: String,
    pub(super) hint: String,
}

impl From<&Failure> for Reason {
    fn from(failure: &Failure) -> Self {
        Self {
            status: failure.retry().into(),
            cause: failure.to_string(),
            hint: failure.hint(),
        }
    }
}

impl<'a> Report<'a> {
    pub(super) fn new(commands: &'a [Command], output: &'a mut Output) -> Self {
        Self {
            commands,
            output,
            status: Status::Done,
            added: 0,
            removed: 0,
            changed_zones: HashSet::new(),
        }
    }

    /// Reports the outcome of the command at `index`.
    pub(super) fn handled(&mut self, index: usize, handled: Routed<Handled>) {
        let mut subject = Subject::of(&self.commands[index], handled.primary.as_deref());
        match handled.result {
            Handled::Attempted(Attempted { result, stays }) => {
                subject.stays = stays;
                match result {
                    Ok(Delivered { done, left_out }) => {
                        let (text, entry) = describe(&done);
                        let (name, on, limit) = (&subject.name, subject.on(), subject.by_memory());
                        let line = format!("{name}: {text}{on}{limit}");
                        self.output.result(&line, subject.entry(entry));
                        self.left_out(&subject, &left_out);
                    }
                    Err(failure) => self.not_in_place(&subject, &failure),
                }
            }
            Handled::Unknown(failure) => self.not_in_place(&subject, &failure),
            Handled::Stale { newest } => {
                let text = format!("not applied: overtaken by a newer call, with serial {newest}");
                self.settled(&subject, &text, "stale");
            }
            Handled::DeliveredElsewhere => {
                let text = "in place, delivered by another nsbridge";
                self.settled(&subject, text, "delivered-elsewhere");
            }
            Handled::Replaced => {
                let text = "not applied: replaced by a newer call";
                self.settled(&subject, text, "replaced");
            }
            Handled::HeldElsewhere { id, reason } => {
                subject.stays = Some(Stays::Held { id });
                let reason = Reason {
                    status: Status::Denied,
                    cause: reason.cause,
                    hint: reason.hint,
                };
                self.not_in_place(&subject, reason);
            }
            Handled::InHandElsewhere { id } => {
                subject.stays = Some(Stays::Waiting { id, seconds: 0 });
                let reason = Reason {
                    status: Status::Later,
                    cause: "another nsbridge is still at work on it".into(),
                    hint: "`nsbridge queue list` shows what becomes of it".into(),
                };
                self.not_in_place(&subject, reason);
            }
        }
    }

    /// Reports a command of which nothing is left to do.
    fn settled(&mut self, subject: &Subject<'_>, text: &str, result: &str) {
        let line = format!("{}: {text}{}", subject.name, subject.on());
        let entry = subject.entry(json!({ "result": result }));
        self.output.result(&line, entry);
    }

    /// Reports the changes that delivering the command at `index` would make.
    pub(super) fn preview(&mut self, index: usize, preview: RoutedResult<Option<Preview>>) {
        let command = &self.commands[index];
        let subject = Subject::of(command, preview.primary.as_deref());
        let preview = match preview.result {
            Ok(Some(preview)) => preview,
            Ok(None) => return,
            Err(failure) => return self.not_in_place(&subject, &failure),
        };
        self.left_out(&subject, &preview.left_out);
        let is_created = preview.zone_change == ZoneChange::Created;
        let (mut place, mut zone_created) = (String::new(), None);
        if let Intent::Ptr(ptr) = &command.intent {
            let owner = reverse_name(ptr.address);
            let created = creation("would be", is_created, &preview.zone, &owner);
            place = format!(" in {}{created}", preview.zone);
            zone_created = Some(is_created);
        }
        let result = match preview.zone_change {
            _ if preview.guard.is_some() => "would be held",
            ZoneChange::Created if zone_created.is_none() => "would be created",
            ZoneChange::Deleted => "would be deleted",
            ZoneChange::Kept if preview.is_empty() => "no difference",
            ZoneChange::Created | ZoneChange::Kept => "would be changed",
        };
        let (mut lines, mut added, mut removed) = (Vec::new(), 0, 0);
        for line in &preview.lines {
            let (sign, number) = match line.presence {
                Presence::Present => ('+', &mut added),
                Presence::Absent => ('-', &mut removed),
            };
            *number += 1;
            let it = &line.record;
            let text = zonefile::format_record(&it.owner, it.ttl, it.rtype, &it.rdata);
            lines.push(format!("{sign} {text}"));
        }
        let guard = preview.guard.as_ref().map(Reason::from);
        let entry = subject.entry(json!({
            "zone": preview.zone.to_string(), "result": result, "lines": lines, "added": added,
            "removed": removed, "zone-created": zone_created,
            "cause": guard.as_ref().map(|it| &it.cause), "hint": guard.as_ref().map(|it| &it.hint),
        }));
        let (name, on, limit) = (&subject.name, subject.on(), subject.by_memory());
        if let Some(guard) = guard {
            self.status.or_worse(guard.status);
            let text = format!("{name}{on}: {}", guard.cause);
            self.output.message(Message::error(text, Some(guard.hint)));
        } else if !preview.is_empty() {
            self.status.or_worse(Status::Differences);
            self.added += added;
            self.removed += removed;
            let primary = subject.primary.map(|primary| primary.name.clone());
            let zone = (primary.unwrap_or_default(), preview.zone);
            self.changed_zones.insert(zone);
        }
        let line = format!("{name}{place}: {result}{on}{limit}");
        self.output.result(&line, entry);
        for line in lines {
            self.output.detail(&line);
        }
    }

    /// Prints the sum of all dry runs.
    pub(super) fn total(&mut self) {
        let line = format!(
            "total: {} to add, {} to remove, in {}",
            count(self.added, "record"),
            count(self.removed, "record"),
            count(self.changed_zones.len(), "zone")
        );
        self.output.detail(&line);
    }

    fn not_in_place(&mut self, subject: &Subject<'_>, reason: impl Into<Reason>) {
        let status = subject.fail(reason.into(), self.output);
        self.status.or_worse(status);
    }

    fn left_out(&mut self, subject: &Subject<'_>, left_out: &[LeftOut]) {
        for left_out in left_out {
            let mut text = format!("{}{}: {left_out}", subject.name, subject.on());
            let severity = if left_out.is_refused() {
                self.status.or_worse(Status::Denied);
                text.push_str(&subject.job());
                Severity::Error
            } else {
                Severity::Warning
            };
            self.output.message(Message {
                severity,
                text,
                hint: left_out.hint(),
            });
        }
    }
}

impl<'a> Subject<'a> {
    fn of(command: &'a Command, primary: Option<&'a Primary>) -> Self {
        let name = match &command.intent {
            Intent::Record(record) if record.follows_cnames => record.owner.to_string(),
            Intent::Record(record) => {
                let rtype = zonefile::format_type(record.rtype);
                let rdata = zonefile::format_rdata(record.rtype, &record.rdata);
                format!("{} {rtype} {rdata}", record.owner)
            }
            // In the letter case of the input.
            Intent::Ptr(ptr) => format!("{} PTR {}", ptr.address, ptr.hostname),
            intent @ (Intent::Zone(_) | Intent::ZoneAbsent(_)) => intent.key().to_string(),
        };
        Self {
            name,
            command: Some(command),
            primary,
            stays: None,
        }
    }

    /// Adds the subject, its command and its primary to an entry.
    fn entry(&self, mut entry: Value) -> Value {
        entry["subject"] = json!(self.name);
        if let Some(command) = self.command {
            entry["place"] = json!(command.place);
            entry["command"] = json!(command.verb.to_string());
            entry["read"] = json!(self.is_by_memory().then_some("memory"));
        }
        if let Some(primary) = self.primary {
            entry["primary"] = json!(primary.name);
            entry["address"] = json!(primary.endpoint.to_string());
        }
        entry
    }

    fn is_by_memory(&self) -> bool {
        self.primary.is_some_and(|it| it.read == Read::State)
    }

    /// Returns the end of a line that warns if nsbridge did not read the zone.
    fn by_memory(&self) -> &'static str {
        match self.command.map(|command| &command.intent) {
            Some(Intent::Zone(_) | Intent::ZoneAbsent(_)) if self.is_by_memory() => BY_MEMORY,
            _ => "",
        }
    }

    fn on(&self) -> String {
        self.primary
            .map(|primary| format!(" on {} ({})", primary.name, primary.endpoint))
            .unwrap_or_default()
    }

    /// Returns the end of a line that names the job.
    fn job(&self) -> String {
        match self.stays {
            Some(Stays::Waiting { id, .. }) => format!("; kept in the queue as job {id}"),
            Some(Stays::Held { id }) => format!("; held in the queue as job {id}"),
            None => String::new(),
        }
    }

    /// Prints why the subject is not in place, and returns the status of that.
    fn fail(&self, reason: Reason, output: &mut Output) -> Status {
        let (state, job, seconds) = match self.stays {
            Some(Stays::Waiting { id, seconds }) => (Some("waiting"), Some(id.0), Some(seconds)),
            Some(Stays::Held { id }) => (Some("held"), Some(id.0), None),
            None => (None, None, None),
        };
        output.entry(self.entry(json!({
            "result": "failed", "kind": reason.status.kind(), "cause": reason.cause,
            "hint": reason.hint, "job": job, "state": state, "next-attempt-seconds": seconds,
        })));
        let (name, on, job) = (&self.name, self.on(), self.job());
        let text = format!("{name}{on}: {}{job}", reason.cause);
        output.message(Message::error(text, Some(reason.hint)));
        reason.status
    }
}

/// Returns a result with its primary.
///
/// # Errors
/// The status of a failure, which is printed.
pub(super) fn routed<T>(
    subject: &str,
    routed: RoutedResult<T>,
    output: &mut Output,
) -> Result<(Rc<Primary>, T), Abort> {
    match (routed.primary, routed.result) {
        (Some(primary), Ok(result)) => Ok((primary, result)),
        (primary, result) => {
            let failure = result.err().unwrap_or(Failure::NoRoute);
            Err(Abort {
                status: fail(subject, primary.as_deref(), &failure, output),
                message: None,
            })
        }
    }
}

/// Prints a failure, and returns its status.
pub(super) fn fail(
    subject: &str,
    primary: Option<&Primary>,
    reason: impl Into<Reason>,
    output: &mut Output,
) -> Status {
    let subject = Subject {
        name: subject.to_owned(),
        command: None,
        primary,
        stays: None,
    };
    subject.fail(reason.into(), output)
}
