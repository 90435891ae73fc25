//! `nsbridge status`: one page on queue, worker and primaries, for operators and monitoring plugins.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::json;

use super::configuration::{self, Setup};
use super::message::Abort;
use super::output::{Output, count};
use super::ptr::damage_of;
use super::queue::span;
use super::report::names;
use super::status::Status;
use super::store::{unwritable, with_store};
use crate::deliver::Primary;
use crate::diagnostic::command::ZONE_DIFFERS;
use crate::diagnostic::left_out::RECORDS_PROTECTED;
use crate::diagnostic::{Class, Diagnostic};
use crate::model::ZoneName;
use crate::plan::Part;
use crate::queue::{
    Access, Finding, JobSummary, PrimaryContact, State, StoreThread, UnmetPart, WorkerLock,
};
use crate::zonefile::format_type;

/// The age in seconds from which on a job that waits needs a look.
const WAIT_SECONDS_MAX: u64 = 600;

/// Prints the page. The status is 1 if an operator must look at something.
pub(super) fn run(config: &Path, output: &mut Output) -> Result<Status, Abort> {
    let setup = configuration::load(config)?;
    let work = async |store_thread: &StoreThread, output: &mut Output| {
        let mut overview = Overview {
            now: (setup.policy.clock)(),
            has_worker: WorkerLock::is_taken(&setup.queue_path),
            output,
            status: Status::Done,
        };
        overview.queue(&store_thread.jobs().list().await?);
        overview.unwritable(unwritable(&setup.queue_path));
        overview.unmet(&store_thread.jobs().unmet().await?);
        overview.differing(&store_thread.jobs().findings().await?);
        overview.damaged(&store_thread.jobs().damaged_ptrs().await?);
        overview.worker();
        overview.primaries(&setup, &store_thread.jobs().contacts().await?);
        Ok(overview.status)
    };
    Ok(with_store(&setup, Access::ReadOnly, output, work))
}

struct Overview<'a> {
    /// Seconds since 1970.
    now: u64,
    has_worker: bool,
    output: &'a mut Output,
    status: Status,
}

impl Overview<'_> {
    /// Prints a line, which an operator must look at if `needs_look`.
    fn line(&mut self, line: &str, needs_look: bool, mut entry: serde_json::Value) {
        let mark = if needs_look { "!" } else { " " };
        entry["needs-look"] = needs_look.into();
        self.output.result(&format!("{mark} {line}"), entry);
        if needs_look {
            self.status.or_worse(Status::Differences);
        }
    }

    fn queue(&mut self, jobs: &[JobSummary]) {
        let (held, waiting): (Vec<_>, Vec<_>) =
            jobs.iter().partition(|job| job.state == State::Held);
        let oldest = waiting.iter().map(|job| job.enqueued_at).min();
        let oldest = oldest.map(|at| self.now.saturating_sub(at));
        let age = oldest.map(|seconds| format!(", the oldest for {}", span(seconds)));
        let number = count(waiting.len(), "job");
        let line = match age {
            Some(age) => format!("queue: {number} to deliver{age}"),
            None => "queue: nothing to deliver".to_owned(),
        };
        let is_late = oldest.is_some_and(|seconds| seconds > WAIT_SECONDS_MAX);
        let is_left = oldest.is_some() && !self.has_worker;
        let entry = json!({
            "subject": "queue", "waiting": waiting.len(), "held": held.len(), "oldest-seconds": oldest,
        });
        self.line(&line, is_late || is_left, entry);
        let mut by_code: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for job in &held {
            let code = job.reason.as_ref().map_or("", |it| it.code());
            by_code.entry(code).or_default().push(&job.key);
        }
        for (code, keys) in by_code {
            let line = format!(
                "held: {} ({code}): {}",
                count(keys.len(), "job"),
                names(&keys)
            );
            let entry = json!({ "subject": "held", "code": code, "jobs": keys.len() });
            self.line(&line, true, entry);
        }
    }

    fn unwritable(&mut self, fault: Option<Diagnostic>) {
        if let Some(fault) = fault {
            let code = fault.code();
            let entry =
                json!({ "subject": "queue file", "code": code, "cause": fault.to_string() });
            self.line(&format!("queue file: {fault} ({code})"), true, entry);
        }
    }

    /// Prints what is not as it was sent in zones that otherwise are.
    fn unmet(&mut self, parts: &[UnmetPart]) {
        let mut by_code: BTreeMap<&str, Vec<&UnmetPart>> = BTreeMap::new();
        for unmet in parts {
            let code = unmet.report.code();
            // The other remarks are told once.
            if unmet.report.class() != Class::Remark || code == RECORDS_PROTECTED.code {
                by_code.entry(code).or_default().push(unmet);
            }
        }
        for (code, parts) in by_code {
            let zones: BTreeSet<&ZoneName> = parts.iter().map(|it| &it.zone).collect();
            let named: Vec<String> = parts.iter().map(|it| subject(&it.part)).collect();
            let place = count(zones.len(), "zone");
            let line = format!("not as sent in {place} ({code}): {}", names(&named));
            let entry = json!({
                "subject": "zones", "code": code, "zones": zones.len(), "records": named,
            });
            self.line(&line, true, entry);
        }
    }

    /// Prints what differs on the primaries, by the last audits.
    fn differing(&mut self, findings: &[Finding]) {
        if findings.is_empty() {
            return;
        }
        let keys: Vec<&str> = findings.iter().map(|it| &it.key[..]).collect();
        let (zones, first) = (count(findings.len(), "zone"), &findings[0].text);
        let line = format!(
            "changed by others: {zones} (NB-ZONE-DIFFERS): {}; the first: {first}",
            names(&keys)
        );
        let differing = findings
            .iter()
            .map(|it| json!({ "subject": it.key, "primary": it.primary, "differences": it.text }));
        let entry = json!({
            "subject": "audit", "code": ZONE_DIFFERS.code, "zones": differing.collect::<Vec<_>>(),
        });
        self.line(&line, true, entry);
    }

    fn damaged(&mut self, values: &[String]) {
        if let Some(damage) = damage_of(values) {
            let code = damage.code();
            let entry = json!({ "subject": "ptr", "code": code, "damaged": values });
            self.line(&format!("{damage} ({code})"), true, entry);
        }
    }

    fn worker(&mut self) {
        let word = if self.has_worker {
            "running"
        } else {
            "not running"
        };
        let entry = json!({ "subject": "worker", "running": self.has_worker });
        self.line(&format!("worker: {word}"), false, entry);
    }

    fn primaries(&mut self, setup: &Setup, contacts: &[PrimaryContact]) {
        for primary in setup.primaries.values() {
            let contact = contacts.iter().find(|it| it.primary == primary.name);
            self.primary(primary, contact);
        }
    }

    fn primary(&mut self, primary: &Primary, contact: Option<&PrimaryContact>) {
        let ago = |at: u64| format!("{} ago", span(self.now.saturating_sub(at)));
        let succeeded_at = contact.and_then(|it| it.succeeded_at);
        let failed = contact.and_then(|it| it.failed.as_ref());
        let success = succeeded_at.map_or("no success yet".to_owned(), |at| {
            format!("last success {}", ago(at))
        });
        let failure = failed.map(|(at, reason)| {
            let code = reason.code();
            format!("; last failure {}: {} ({code})", ago(*at), reason)
        });
        let (name, endpoint) = (&primary.name, primary.endpoint.to_string());
        let line = format!(
            "{name} ({endpoint}): {success}{}",
            failure.unwrap_or_default()
        );
        let fails = failed.is_some_and(|(at, _)| succeeded_at.is_none_or(|success| success < *at));
        let entry = json!({
            "subject": "primary", "primary": name, "address": endpoint,
            "last-success-at": succeeded_at, "last-failure-at": failed.map(|(at, _)| at),
            "code": failed.map(|(_, it)| it.code()),
            "cause": failed.map(|(_, it)| it.to_string()), "hint": failed.map(|(_, it)| it.advice()),
        });
        self.line(&line, fails, entry);
    }
}

/// Returns the owner name and the type of a part.
fn subject(part: &Part) -> String {
    let rtype = part.rtype.map(format_type);
    [Some(part.owner.to_string()), rtype]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join(" ")
}
