//! What became of each command, as lines and as entries of the document.

use std::collections::HashSet;

use serde_json::{Value, json};

use super::configuration::Setup;
use super::done::{creation, describe};
use super::output::{Message, Output, Severity, count};
use super::status::Status;
use crate::deliver::{
    Delivered, Done, Failure, LeftOut, Preview, Primary, Read, Retry, ZoneChange,
};
use crate::model::{Intent, Presence, ZoneName, reverse_name};
use crate::payload::Command;
use crate::queue::{Attempted, Handled, Stays};
use crate::zonefile;

/// What is not known of a zone that is not read.
const BY_MEMORY: &str = ", by the memory: what others changed there is not seen";

/// Prints what became of each command.
pub(super) struct Report<'a> {
    commands: &'a [Command],
    setup: &'a Setup,
    output: &'a mut Output,
    status: Status,
    /// What becomes of the job of the command that is reported.
    kept: Option<Stays>,
    /// Records that would be added and removed.
    totals: [usize; 2],
    /// Zones that would be changed, each with its primary.
    changed_zones: HashSet<(String, ZoneName)>,
}

impl<'a> Report<'a> {
    pub(super) fn new(commands: &'a [Command], setup: &'a Setup, output: &'a mut Output) -> Self {
        Self {
            commands,
            setup,
            output,
            status: Status::Done,
            kept: None,
            totals: [0; 2],
            changed_zones: HashSet::new(),
        }
    }

    /// The worst of what became of all commands.
    pub(super) fn status(&self) -> Status {
        self.status
    }

    /// The command at `index` was delivered, or was not.
    pub(super) fn delivered(&mut self, index: usize, result: Result<Delivered, Failure>) {
        match result {
            Ok(Delivered { done, left_out }) => {
                let (text, mut entry) = describe(&done);
                let (subject, mut primary) = (self.subject(index), self.on_primary(index));
                entry["subject"] = self.subject(index).into();
                self.place(index, &mut entry);
                if let Done::Record { owner, .. } = &done {
                    // An alias may have led to another one.
                    let there = self.setup.routes.primary_of(owner);
                    primary = on(there);
                    if let Some(there) = there {
                        entry["primary"] = there.name.clone().into();
                        entry["address"] = there.endpoint.to_string().into();
                    }
                }
                let line = format!("{subject}: {text}{primary}{}", self.by_memory(index));
                self.output.result(&line, entry);
                self.left_out(index, &left_out);
            }
            Err(failure) => self.failed(index, &failure),
        }
    }

    /// The command at `index` was handled by way of the queue.
    pub(super) fn handled(&mut self, index: usize, handled: Handled) {
        match handled {
            Handled::Attempted(Attempted {
                result: Ok(delivered),
                stays,
            }) => {
                self.kept = stays;
                self.delivered(index, Ok(delivered));
                self.kept = None;
            }
            Handled::Attempted(Attempted {
                result: Err(failure),
                stays,
            }) => {
                self.kept = stays;
                self.failed(index, &failure);
                self.kept = None;
            }
            Handled::Unknown(failure) => self.failed(index, &failure),
            Handled::Stale { newest } => {
                let text = format!("not applied: overtaken by a newer call, with serial {newest}");
                self.settled(index, &text, "stale");
            }
            Handled::DeliveredElsewhere => {
                let text = "in place, delivered by another nsbridge";
                self.settled(index, text, "delivered-elsewhere");
            }
            Handled::Replaced => {
                self.settled(index, "not applied: replaced by a newer call", "replaced");
            }
            Handled::HeldElsewhere { id, reason } => {
                let kept = Some(Stays::Held { id });
                let (cause, hint) = (reason.cause, reason.hint);
                self.not_in_place(index, Status::Denied, &cause, &hint, kept);
            }
            Handled::InHandElsewhere { id } => {
                let kept = Some(Stays::Waiting { id, seconds: 0 });
                let cause = "another nsbridge is still at work on it";
                let hint = "`nsbridge queue list` shows what becomes of it";
                self.not_in_place(index, Status::Later, cause, hint, kept);
            }
        }
    }

    /// Nothing was to be done for the command.
    fn settled(&mut self, index: usize, text: &str, result: &str) {
        let subject = self.subject(index);
        let mut entry = json!({ "subject": subject, "result": result });
        self.place(index, &mut entry);
        let line = format!("{subject}: {text}{}", self.on_primary(index));
        self.output.result(&line, entry);
    }

    /// What delivering the command at `index` would do.
    pub(super) fn preview(&mut self, index: usize, result: Result<Option<Preview>, Failure>) {
        let preview = match result {
            Ok(Some(preview)) => preview,
            Ok(None) => return,
            Err(failure) => return self.failed(index, &failure),
        };
        self.left_out(index, &preview.left_out);
        let lines: Vec<String> = preview
            .lines
            .iter()
            .map(|line| {
                let record = &line.record;
                let sign = if line.presence == Presence::Present {
                    '+'
                } else {
                    '-'
                };
                let text =
                    zonefile::format_record(&record.owner, record.ttl, record.rtype, &record.rdata);
                format!("{sign} {text}")
            })
            .collect();
        let added = preview
            .lines
            .iter()
            .filter(|line| line.presence == Presence::Present)
            .count();
        let removed = preview.lines.len() - added;
        let ptr = match &self.commands[index].intent {
            Intent::Ptr(ptr) => Some(ptr),
            Intent::Zone(_) | Intent::ZoneGone(_) | Intent::Record(_) => None,
        };
        let what = match preview.zone_change {
            _ if preview.guard.is_some() => "would be held",
            ZoneChange::Created if ptr.is_none() => "would be created",
            ZoneChange::Deleted => "would be deleted",
            ZoneChange::Kept if preview.is_empty() => "no difference",
            ZoneChange::Created | ZoneChange::Kept => "would be changed",
        };
        let mut entry = json!({
            "subject": self.subject(index), "zone": preview.zone.to_string(), "result": what,
            "lines": lines, "added": added, "removed": removed,
        });
        self.place(index, &mut entry);
        let mut subject = self.subject(index);
        if let Some(ptr) = ptr {
            let is_made = preview.zone_change == ZoneChange::Created;
            entry["zone-created"] = is_made.into();
            let owner = reverse_name(ptr.address);
            let made = creation("would be", is_made, &preview.zone, &owner);
            subject = format!("{subject} in {}{made}", preview.zone);
        }
        let primary = self.on_primary(index);
        let text = format!("{subject}: {what}{primary}{}", self.by_memory(index));
        if let Some(guard) = &preview.guard {
            self.status.or_worse(status_of(guard));
            entry["cause"] = guard.to_string().into();
            entry["hint"] = guard.hint().into();
            let cause = format!("{}{primary}: {guard}", self.subject(index));
            self.output
                .message(Message::error(cause, Some(guard.hint())));
        } else if !preview.is_empty() {
            self.status.or_worse(Status::Differences);
            self.totals[0] += added;
            self.totals[1] += removed;
            let primary = self.setup.routes.primary_for(&self.commands[index].intent);
            let primary = primary.map(|primary| primary.name.clone());
            let zone = (primary.unwrap_or_default(), preview.zone);
            self.changed_zones.insert(zone);
        }
        self.output.result(&text, entry);
        for line in lines {
            self.output.detail(&line);
        }
    }

    /// What all that comes to.
    pub(super) fn total(&mut self) {
        let [added, removed] = self.totals;
        let line = format!(
            "total: {} to add, {} to remove, in {}",
            count(added, "record"),
            count(removed, "record"),
            count(self.changed_zones.len(), "zone")
        );
        self.output.detail(&line);
    }

    fn failed(&mut self, index: usize, failure: &Failure) {
        let status = status_of(failure);
        let (cause, hint) = (failure.to_string(), failure.hint());
        self.not_in_place(index, status, &cause, &hint, self.kept);
    }

    fn not_in_place(
        &mut self,
        index: usize,
        status: Status,
        cause: &str,
        hint: &str,
        kept: Option<Stays>,
    ) {
        let mut entry = json!({ "subject": self.subject(index) });
        self.place(index, &mut entry);
        let primary = self.setup.routes.primary_for(&self.commands[index].intent);
        let note = kept.map(|kept| {
            note_kept(kept, &mut entry);
            format!("; {}", describe_kept(kept))
        });
        let reason = (cause, note.as_deref().unwrap_or_default(), hint);
        say_why(
            &self.subject(index),
            primary,
            status,
            reason,
            entry,
            self.output,
        );
        self.status.or_worse(status);
    }

    fn left_out(&mut self, index: usize, left_out: &[LeftOut]) {
        for left_out in left_out {
            let severity = if left_out.is_refused() {
                self.status.or_worse(Status::Denied);
                Severity::Error
            } else {
                Severity::Warning
            };
            let hint = left_out.hint();
            let mut text = format!(
                "{}{}: {left_out}",
                self.subject(index),
                self.on_primary(index)
            );
            if let Some(kept) = self.kept.filter(|_| left_out.is_refused()) {
                text = format!("{text}; {}", describe_kept(kept));
            }
            self.output.message(Message {
                severity,
                text,
                hint,
            });
        }
    }

    fn subject(&self, index: usize) -> String {
        match &self.commands[index].intent {
            Intent::Record(record) if record.follows_aliases => record.owner.to_string(),
            Intent::Record(record) => {
                let rtype = zonefile::format_type(record.rtype);
                let rdata = zonefile::format_rdata(record.rtype, &record.rdata);
                format!("{} {rtype} {rdata}", record.owner)
            }
            // As it was written.
            Intent::Ptr(ptr) => format!("{} PTR {}", ptr.address, ptr.hostname),
            intent @ (Intent::Zone(_) | Intent::ZoneGone(_)) => intent.key().to_string(),
        }
    }

    fn on_primary(&self, index: usize) -> String {
        on(self.setup.routes.primary_for(&self.commands[index].intent))
    }

    /// What is to be said of a zone that was not read.
    fn by_memory(&self, index: usize) -> &'static str {
        let intent = &self.commands[index].intent;
        match self.setup.routes.primary_for(intent).map(|p| p.read) {
            Some(Read::State) if matches!(intent, Intent::Zone(_) | Intent::ZoneGone(_)) => {
                BY_MEMORY
            }
            _ => "",
        }
    }

    fn place(&self, index: usize, entry: &mut Value) {
        let command = &self.commands[index];
        entry["place"] = command.place.clone().into();
        entry["command"] = command.verb.to_string().into();
        if let Some(primary) = self.setup.routes.primary_for(&command.intent) {
            entry["primary"] = primary.name.clone().into();
            entry["address"] = primary.endpoint.to_string().into();
            if primary.read == Read::State {
                entry["read"] = "memory".into();
            }
        }
    }
}

/// Reports what went wrong with a zone; on no primary where no route leads to one.
pub(super) fn fail_zone(
    zone: &ZoneName,
    primary: Option<&Primary>,
    failure: &Failure,
    output: &mut Output,
) -> Status {
    let mut entry = json!({ "subject": zone.to_string() });
    if let Some(primary) = primary {
        entry["primary"] = primary.name.clone().into();
        entry["address"] = primary.endpoint.to_string().into();
    }
    fail(&zone.to_string(), primary, failure, entry, output)
}

/// Prints why something is not in place, or not to be had, and completes its entry of the document.
pub(super) fn fail(
    subject: &str,
    primary: Option<&Primary>,
    failure: &Failure,
    entry: Value,
    output: &mut Output,
) -> Status {
    let status = status_of(failure);
    let (cause, hint) = (failure.to_string(), failure.hint());
    say_why(subject, primary, status, (&cause, "", &hint), entry, output);
    status
}

fn status_of(failure: &Failure) -> Status {
    match failure.retry() {
        Retry::Transient => Status::Later,
        Retry::Permanent => Status::Denied,
    }
}

/// Prints a cause with its note and its hint.
fn say_why(
    subject: &str,
    primary: Option<&Primary>,
    status: Status,
    (cause, note, hint): (&str, &str, &str),
    mut entry: Value,
    output: &mut Output,
) {
    let kind = if status == Status::Later {
        "later"
    } else {
        "denied"
    };
    entry["result"] = "failed".into();
    entry["kind"] = kind.into();
    entry["cause"] = cause.into();
    entry["hint"] = hint.into();
    output.entry(entry);
    let text = format!("{subject}{}: {cause}{note}", on(primary));
    output.message(Message::error(text, Some(hint.into())));
}

/// Where what is not in place stands now.
fn describe_kept(kept: Stays) -> String {
    match kept {
        Stays::Waiting { id, .. } => format!("kept in the queue as job {id}"),
        Stays::Held { id } => format!("held in the queue as job {id}"),
    }
}

fn note_kept(kept: Stays, entry: &mut Value) {
    match kept {
        Stays::Waiting { id, seconds } => {
            entry["job"] = id.0.into();
            entry["state"] = "waiting".into();
            entry["next-attempt-seconds"] = seconds.into();
        }
        Stays::Held { id } => {
            entry["job"] = id.0.into();
            entry["state"] = "held".into();
        }
    }
}

fn on(primary: Option<&Primary>) -> String {
    primary
        .map(|primary| format!(" on {} ({})", primary.name, primary.endpoint))
        .unwrap_or_default()
}
