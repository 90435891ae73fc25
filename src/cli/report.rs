//! Reports the outcome of each command, as a line and as an entry of the document.

use std::collections::HashSet;
use std::rc::Rc;

use serde_json::{Value, json};

use super::done::{creation, describe};
use super::output::{Abort, Message, Output, Severity, count};
use super::status::Status;
use crate::deliver::{
    Delivered, Failure, LeftOut, Preview, Primary, Read, Retry, Routed, RoutedResult, ZoneChange,
};
use crate::model::{Intent, Presence, ZoneName, reverse_name};
use crate::payload::Command;
use crate::queue::{Attempted, Handled, Stays};
use crate::zonefile;

/// The limit of what is known of a zone that is not read.
const BY_MEMORY: &str = ", by the memory: what others changed there is not seen";

/// Prints the outcome of each command.
pub(super) struct Report<'a> {
    commands: &'a [Command],
    output: &'a mut Output,
    status: Status,
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
            status: match failure.retry() {
                Retry::Transient => Status::Later,
                Retry::Permanent => Status::Denied,
            },
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

    /// Returns the worst status of all commands.
    pub(super) fn status(&self) -> Status {
        self.status
    }

    /// Reports the delivery of the command at `index` without the queue.
    pub(super) fn delivered(&mut self, index: usize, delivered: RoutedResult<Delivered>) {
        let stays = None;
        self.attempted(index, delivered.map(|result| Attempted { result, stays }));
    }

    /// Reports the command at `index`, which went through the queue.
    pub(super) fn handled(&mut self, index: usize, handled: Routed<Handled>) {
        let Routed { primary, result } = handled;
        let subject = |stays| self.subject(index, primary.as_deref(), stays);
        match result {
            Handled::Attempted(result) => self.attempted(index, Routed { primary, result }),
            Handled::Unknown(failure) => {
                self.not_in_place(index, &subject(None), Reason::from(&failure));
            }
            Handled::Stale { newest } => {
                let text = format!("not applied: overtaken by a newer call, with serial {newest}");
                self.settled(index, &subject(None), &text, "stale");
            }
            Handled::DeliveredElsewhere => {
                let text = "in place, delivered by another nsbridge";
                self.settled(index, &subject(None), text, "delivered-elsewhere");
            }
            Handled::Replaced => {
                let text = "not applied: replaced by a newer call";
                self.settled(index, &subject(None), text, "replaced");
            }
            Handled::HeldElsewhere { id, reason } => {
                let reason = Reason {
                    status: Status::Denied,
                    cause: reason.cause,
                    hint: reason.hint,
                };
                self.not_in_place(index, &subject(Some(Stays::Held { id })), reason);
            }
            Handled::InHandElsewhere { id } => {
                let reason = Reason {
                    status: Status::Later,
                    cause: "another nsbridge is still at work on it".into(),
                    hint: "`nsbridge queue list` shows what becomes of it".into(),
                };
                let stays = Stays::Waiting { id, seconds: 0 };
                self.not_in_place(index, &subject(Some(stays)), reason);
            }
        }
    }

    fn attempted(&mut self, index: usize, attempted: Routed<Attempted>) {
        let Routed { primary, result } = attempted;
        let subject = self.subject(index, primary.as_deref(), result.stays);
        match result.result {
            Ok(Delivered { done, left_out }) => {
                let (text, entry) = describe(&done);
                let by_memory = self.by_memory(index, subject.primary);
                let line = format!("{}: {text}{}{by_memory}", subject.name, subject.on());
                self.output
                    .result(&line, self.entry(index, &subject, entry));
                self.left_out(&subject, &left_out);
            }
            Err(failure) => self.not_in_place(index, &subject, Reason::from(&failure)),
        }
    }

    /// Reports a command of which nothing is left to do.
    fn settled(&mut self, index: usize, subject: &Subject<'_>, text: &str, result: &str) {
        let line = format!("{}: {text}{}", subject.name, subject.on());
        let entry = self.entry(index, subject, json!({ "result": result }));
        self.output.result(&line, entry);
    }

    /// Reports the changes that delivering the command at `index` would make.
    pub(super) fn preview(&mut self, index: usize, preview: RoutedResult<Option<Preview>>) {
        let subject = self.subject(index, preview.primary.as_deref(), None);
        let preview = match preview.result {
            Ok(Some(preview)) => preview,
            Ok(None) => return,
            Err(failure) => return self.not_in_place(index, &subject, Reason::from(&failure)),
        };
        self.left_out(&subject, &preview.left_out);
        let is_added = |presence| presence == Presence::Present;
        let lines: Vec<String> = preview
            .lines
            .iter()
            .map(|line| {
                let record = &line.record;
                let sign = if is_added(line.presence) { '+' } else { '-' };
                let text =
                    zonefile::format_record(&record.owner, record.ttl, record.rtype, &record.rdata);
                format!("{sign} {text}")
            })
            .collect();
        let added = preview.lines.iter().filter(|it| is_added(it.presence));
        let added = added.count();
        let removed = preview.lines.len() - added;
        let ptr = match &self.commands[index].intent {
            Intent::Ptr(ptr) => Some(ptr),
            Intent::Zone(_) | Intent::ZoneAbsent(_) | Intent::Record(_) => None,
        };
        let result = match preview.zone_change {
            _ if preview.guard.is_some() => "would be held",
            ZoneChange::Created if ptr.is_none() => "would be created",
            ZoneChange::Deleted => "would be deleted",
            ZoneChange::Kept if preview.is_empty() => "no difference",
            ZoneChange::Created | ZoneChange::Kept => "would be changed",
        };
        let entry = json!({
            "zone": preview.zone.to_string(), "result": result, "lines": lines, "added": added,
            "removed": removed,
        });
        let mut entry = self.entry(index, &subject, entry);
        let mut name = subject.name.clone();
        if let Some(ptr) = ptr {
            let is_created = preview.zone_change == ZoneChange::Created;
            entry["zone-created"] = is_created.into();
            let owner = reverse_name(ptr.address);
            let created = creation("would be", is_created, &preview.zone, &owner);
            name = format!("{name} in {}{created}", preview.zone);
        }
        if let Some(guard) = &preview.guard {
            let Reason {
                status,
                cause,
                hint,
            } = Reason::from(guard);
            self.status.or_worse(status);
            let text = format!("{}{}: {cause}", subject.name, subject.on());
            self.output
                .message(Message::error(text, Some(hint.clone())));
            entry["cause"] = cause.into();
            entry["hint"] = hint.into();
        } else if !preview.is_empty() {
            self.status.or_worse(Status::Differences);
            self.added += added;
            self.removed += removed;
            let primary = subject.primary.map(|primary| primary.name.clone());
            let zone = (primary.unwrap_or_default(), preview.zone);
            self.changed_zones.insert(zone);
        }
        let by_memory = self.by_memory(index, subject.primary);
        let line = format!("{name}: {result}{}{by_memory}", subject.on());
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

    fn not_in_place(&mut self, index: usize, subject: &Subject<'_>, reason: Reason) {
        self.status.or_worse(reason.status);
        let entry = self.entry(index, subject, json!({}));
        print_failure(subject, reason, entry, self.output);
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

    fn subject<'p>(
        &self,
        index: usize,
        primary: Option<&'p Primary>,
        stays: Option<Stays>,
    ) -> Subject<'p> {
        let name = match &self.commands[index].intent {
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
        Subject {
            name,
            primary,
            stays,
        }
    }

    /// Completes the entry of a command.
    fn entry(&self, index: usize, subject: &Subject<'_>, mut entry: Value) -> Value {
        let command = &self.commands[index];
        entry["place"] = command.place.clone().into();
        entry["command"] = command.verb.to_string().into();
        if subject.primary.is_some_and(|it| it.read == Read::State) {
            entry["read"] = "memory".into();
        }
        subject.complete(entry)
    }

    /// Returns the limit of what is known of a zone.
    fn by_memory(&self, index: usize, primary: Option<&Primary>) -> &'static str {
        let intent = &self.commands[index].intent;
        let is_zone = matches!(intent, Intent::Zone(_) | Intent::ZoneAbsent(_));
        match primary.map(|primary| primary.read) {
            Some(Read::State) if is_zone => BY_MEMORY,
            Some(Read::State | Read::Transfer) | None => "",
        }
    }
}

impl Subject<'_> {
    /// Adds the subject and its primary to an entry.
    fn complete(&self, mut entry: Value) -> Value {
        entry["subject"] = self.name.clone().into();
        if let Some(primary) = self.primary {
            entry["primary"] = primary.name.clone().into();
            entry["address"] = primary.endpoint.to_string().into();
        }
        entry
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
        primary,
        stays: None,
    };
    let reason = reason.into();
    let status = reason.status;
    print_failure(&subject, reason, subject.complete(json!({})), output);
    status
}

fn print_failure(subject: &Subject<'_>, reason: Reason, mut entry: Value, output: &mut Output) {
    entry["result"] = "failed".into();
    let is_transient = reason.status == Status::Later;
    entry["kind"] = if is_transient { "later" } else { "denied" }.into();
    entry["cause"] = reason.cause.clone().into();
    entry["hint"] = reason.hint.clone().into();
    match subject.stays {
        Some(Stays::Waiting { id, seconds }) => {
            entry["job"] = id.0.into();
            entry["state"] = "waiting".into();
            entry["next-attempt-seconds"] = seconds.into();
        }
        Some(Stays::Held { id }) => {
            entry["job"] = id.0.into();
            entry["state"] = "held".into();
        }
        None => {}
    }
    output.entry(entry);
    let (name, on, job) = (&subject.name, subject.on(), subject.job());
    let text = format!("{name}{on}: {}{job}", reason.cause);
    output.message(Message::error(text, Some(reason.hint)));
}
