//! Reports the outcome of each command, as a line and as an entry of the document.

use std::cell::RefCell;
use std::collections::HashSet;
use std::fmt::Display;
use std::rc::Rc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::time::interval;

use super::done::{creation, describe};
use super::message::{Abort, Message, Severity};
use super::output::{Output, count};
use super::status::Status;
use crate::deliver::{
    Delivered, Failure, LeftOut, Preview, Primary, Routed, RoutedResult, ZoneChange,
};
use crate::diagnostic::{Class, Diagnose, Diagnostic, case, run as entries};
use crate::model::{Intent, Presence, ZoneName, reverse_name};
use crate::payload::Command;
use crate::plan::Shown;
use crate::queue::{Attempted, Handled, Stays};
use crate::zonefile;

/// The end of a line about a zone that nsbridge did not read.
const BY_MEMORY: &str = ", by the memory: what others changed there is not seen";
const UNSEEN: &str = ", by the memory: what is there is not seen";

/// The time between two lines of progress.
const PROGRESS_INTERVAL: Duration = Duration::from_secs(1);

/// The most subjects that are named for one reason.
const NAMES_MAX: usize = 3;

/// Prints the outcome of each command.
pub(super) struct Report<'a> {
    commands: &'a [Command],
    output: &'a mut Output,
    /// The worst status of all commands.
    status: Status,
    /// Records that dry runs would add.
    added: usize,
    /// Records that dry runs would remove.
    removed: usize,
    /// Zones that dry runs would change, each with its primary.
    changed_zones: HashSet<(String, ZoneName)>,
    /// The subjects that are not in place, which are reported together.
    groups: Vec<Group>,
    /// The number of commands that are reported.
    handled: usize,
    started: Instant,
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

/// Subjects that are not in place for one reason.
struct Group {
    /// Code, primary, and state of the job.
    key: (&'static str, String, &'static str),
    names: Vec<String>,
    messages: Vec<Message>,
}

/// Returns whether messages have one text, names of their subjects apart.
fn have_one_text(names: &[String], messages: &[Message]) -> bool {
    let mut texts = names
        .iter()
        .zip(messages)
        .map(|(name, message)| message.text_without(name));
    let first = texts.next();
    texts.all(|text| Some(text) == first)
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
            groups: Vec::new(),
            handled: 0,
            started: Instant::now(),
        }
    }

    /// Reports the outcome of the command at `index`.
    pub(super) fn handled(&mut self, index: usize, handled: Routed<Handled>) {
        self.handled += 1;
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
                    Err(failure) => self.failed(&subject, &failure),
                }
            }
            Handled::Unknown(failure) => self.failed(&subject, &failure),
            Handled::Stale { newest } => {
                self.settled(&subject, &case!(entries::OVERTAKEN, newest), "stale");
            }
            Handled::DeliveredElsewhere => {
                let remark = case!(entries::DELIVERED_ELSEWHERE);
                self.settled(&subject, &remark, "delivered-elsewhere");
            }
            Handled::Replaced => self.settled(&subject, &case!(entries::REPLACED), "replaced"),
            Handled::HeldElsewhere { id, reason } => {
                subject.stays = Some(Stays::Held { id });
                self.failed(&subject, &reason);
            }
            Handled::PrimaryDown { id, reason } => {
                subject.stays = Some(Stays::Waiting { id, seconds: 0 });
                self.failed(&subject, &reason);
            }
            Handled::InHandElsewhere { id } => {
                subject.stays = Some(Stays::Waiting { id, seconds: 0 });
                self.failed(&subject, &case!(entries::IN_HAND_ELSEWHERE));
            }
        }
    }

    /// Reports a command of which nothing is left to do.
    fn settled(&mut self, subject: &Subject<'_>, remark: &Diagnostic, result: &str) {
        let line = format!("{}: {remark}{}", subject.name, subject.on());
        let entry = subject.entry(json!({ "result": result }));
        self.output.result(&line, entry);
    }

    /// Reports the changes that delivering the command at `index` would make.
    pub(super) fn preview(&mut self, index: usize, preview: RoutedResult<Option<Preview>>) {
        self.handled += 1;
        let command = &self.commands[index];
        let subject = Subject::of(command, preview.primary.as_deref());
        let preview = match preview.result {
            Ok(Some(preview)) => preview,
            Ok(None) => return,
            Err(failure) => return self.failed(&subject, &failure),
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
        let guard = preview.guard.as_ref();
        let guard = guard.map(|it| subject.diagnose(it));
        let entry = subject.entry(json!({
            "zone": preview.zone.to_string(), "result": result, "lines": lines, "added": added,
            "removed": removed, "zone-created": zone_created,
            "code": guard.as_ref().map(Diagnostic::code),
            "cause": guard.as_ref().map(ToString::to_string), "hint": guard.as_ref().map(Diagnostic::advice),
        }));
        let (name, on, limit) = (&subject.name, subject.on(), subject.by_memory());
        if let Some(guard) = guard {
            self.status.or_worse(guard.class().into());
            self.output
                .message(&Message::of(&guard).about(format!("{name}{on}")));
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

    /// Shows how many commands are reported.
    fn show_progress(&mut self) {
        let (handled, all) = (self.handled, self.commands.len());
        let seconds = self.started.elapsed().as_secs();
        self.output
            .progress(&format!("{handled} of {all} done, {seconds} s"));
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

    /// Notes that a subject is not in place.
    fn failed(&mut self, subject: &Subject<'_>, failure: &impl Diagnose) {
        let failure = subject.diagnose(failure);
        self.status.or_worse(failure.class().into());
        self.output.entry(subject.failure_entry(&failure));
        let state = subject.job_state().unwrap_or_default();
        let key = (failure.code(), subject.on(), state);
        let (name, message) = (subject.name.clone(), subject.message(&failure));
        match self.groups.iter_mut().find(|group| group.key == key) {
            Some(group) => {
                group.names.push(name);
                group.messages.push(message);
            }
            None => self.groups.push(Group {
                key,
                names: vec![name],
                messages: vec![message],
            }),
        }
    }

    /// Prints the subjects that are not in place: a line for each, or one for many with the same code, primary and
    /// state. Returns the worst status of all commands.
    pub(super) fn finish(self) -> Status {
        for group in self.groups {
            let is_large = group.names.len() > NAMES_MAX;
            let has_one_text = have_one_text(&group.names, &group.messages);
            let (_, on, state) = &group.key;
            let mut messages = group.messages.into_iter();
            if is_large && let Some(first) = messages.next() {
                let subject = format!("{} and {} more{on}", group.names[0], group.names.len() - 1);
                let state = Some(state).filter(|state| !state.is_empty());
                let state = state.map(|state| format!("{state} in the queue"));
                let state = state.unwrap_or_default();
                let message = first.instead_about(subject, &state);
                let message = if has_one_text {
                    message
                } else {
                    message.for_example()
                };
                self.output.message(&message);
                continue;
            }
            messages.for_each(|message| self.output.message(&message));
        }
        self.status
    }

    fn left_out(&mut self, subject: &Subject<'_>, left_out: &[LeftOut]) {
        for left_out in left_out {
            let diagnostic = subject.diagnose(left_out);
            let message = Message::of(&diagnostic);
            let message = message.about(format!("{}{}", subject.name, subject.on()));
            let message = match diagnostic.class() {
                Class::Permanent => {
                    self.status.or_worse(Status::Denied);
                    subject.with_job(message)
                }
                Class::Input => {
                    self.status.or_worse(Status::BadInput);
                    message
                }
                Class::Transient
                | Class::Unkept
                | Class::Setup
                | Class::Remark
                | Class::Context => message.with_severity(Severity::Warning),
            };
            self.output.message(&message);
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
            entry["read"] = json!(self.primary.and_then(unread));
        }
        if let Some(primary) = self.primary {
            entry["primary"] = json!(primary.name);
            entry["address"] = json!(primary.endpoint.to_string());
        }
        entry
    }

    /// Returns the end of a line that warns if nsbridge did not read the zone.
    fn by_memory(&self) -> &'static str {
        let intent = self.command.map(|command| &command.intent);
        match (intent, self.primary.map(|it| it.abilities.shown)) {
            (Some(_), Some(Shown::Nothing)) => UNSEEN,
            (Some(Intent::Zone(_) | Intent::ZoneAbsent(_)), Some(Shown::RrSets)) => BY_MEMORY,
            _ => "",
        }
    }

    fn on(&self) -> String {
        self.primary
            .map(|primary| on(&primary.name, &primary.endpoint))
            .unwrap_or_default()
    }

    /// Returns the diagnostic of a failure, about the software of the primary.
    fn diagnose(&self, failure: &impl Diagnose) -> Diagnostic {
        diagnose(failure, self.primary)
    }

    /// Returns the word for the state of the job.
    fn job_state(&self) -> Option<&'static str> {
        self.stays.map(|stays| match stays {
            Stays::Waiting { .. } => "kept",
            Stays::Held { .. } => "held",
        })
    }

    /// Adds the state of the job to a message.
    fn with_job(&self, message: Message) -> Message {
        match (self.stays, self.job_state()) {
            (Some(Stays::Waiting { id, .. } | Stays::Held { id }), Some(state)) => {
                message.and(format!("{state} as job {id}"))
            }
            (None, _) | (_, None) => message,
        }
    }

    /// Returns the message of a failure.
    fn message(&self, failure: &Diagnostic) -> Message {
        let message = Message::of(failure).with_hint(failure.advice());
        self.with_job(message.about(format!("{}{}", self.name, self.on())))
    }

    /// Returns the entry of a failure.
    fn failure_entry(&self, failure: &Diagnostic) -> Value {
        let (state, job, seconds) = match self.stays {
            Some(Stays::Waiting { id, seconds }) => (Some("waiting"), Some(id.0), Some(seconds)),
            Some(Stays::Held { id }) => (Some("held"), Some(id.0), None),
            None => (None, None, None),
        };
        self.entry(json!({
            "result": "failed", "kind": Status::from(failure.class()).kind(), "code": failure.code(),
            "cause": failure.to_string(), "hint": failure.advice(), "job": job, "state": state,
            "next-attempt-seconds": seconds,
        }))
    }
}

/// Returns the end of a subject that names its primary.
/// Returns the word for what stands in place of the zones of a primary that are not read.
pub(super) fn unread(primary: &Primary) -> Option<&'static str> {
    let abilities = &primary.abilities;
    (!abilities.shows_zones()).then(|| abilities.shown.word())
}

fn on(name: &str, endpoint: &impl Display) -> String {
    format!(" on {name} ({endpoint})")
}

/// Returns the subject of a command, as its messages name it.
pub(super) fn subject(command: &Command) -> String {
    Subject::of(command, None).name
}

/// Returns the diagnostic of a failure, about the software of a primary.
fn diagnose(failure: &impl Diagnose, primary: Option<&Primary>) -> Diagnostic {
    let diagnostic = failure.diagnostic();
    match primary {
        Some(primary) => diagnostic.at(primary.software()),
        None => diagnostic,
    }
}

/// Names the first subjects, and counts the rest.
pub(super) fn names(subjects: &[impl AsRef<str>]) -> String {
    let named = subjects.iter().take(NAMES_MAX).map(AsRef::as_ref);
    let named = named.collect::<Vec<_>>().join(", ");
    match subjects.len().saturating_sub(NAMES_MAX) {
        0 => named,
        more => format!("{named} and {more} more"),
    }
}

/// Does work that reports, and shows each second how far it is.
pub(super) async fn with_progress(report: &RefCell<Report<'_>>, work: impl Future<Output = ()>) {
    let show = async {
        let mut seconds = interval(PROGRESS_INTERVAL);
        // The first tick is at once.
        seconds.tick().await;
        loop {
            seconds.tick().await;
            report.borrow_mut().show_progress();
        }
    };
    tokio::select! {
        biased;
        () = work => {}
        () = show => {}
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
    failure: &impl Diagnose,
    output: &mut Output,
) -> Status {
    let subject = Subject {
        name: subject.to_owned(),
        command: None,
        primary,
        stays: None,
    };
    let failure = subject.diagnose(failure);
    output.entry(subject.failure_entry(&failure));
    output.message(&subject.message(&failure));
    failure.class().into()
}

#[cfg(test)]
mod tests;
