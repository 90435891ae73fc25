//! Compares the primaries with what was put in place on them.

use std::convert::Infallible;
use std::rc::Rc;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::dispatch::run;
use super::dispatcher::Dispatcher;
use super::history::Wanted;
use crate::deliver::{
    CatalogAudit, CatalogRepair, Difference, Engine, Failure, Preview, Primary, Purpose, Retry,
    RoutedResult,
};
use crate::diagnostic::Diagnose as _;
use crate::model::Intent;

/// The most zones that the worker compares at a time: jobs come first.
const ZONES_AT_ONCE: usize = 16;

/// The pause of the worker after them, and if there is nothing to compare.
const PAUSE_MIN: Duration = Duration::from_secs(1);
const PAUSE_MAX: Duration = Duration::from_secs(10);

/// The longest time for an audit of a catalog, or of some zones.
const AUDIT_TIME_MAX: Duration = Duration::from_secs(120);

/// The most octets of what an audit found that are kept of a zone.
const FINDING_OCTETS_MAX: usize = 200;

impl Dispatcher<'_> {
    /// Compares wanted intents with their primaries, many at once, and reports the differences of each, in order. Notes
    /// them for `nsbridge status`. If it is to prune, records of others are differences. Changes nothing on the primaries.
    ///
    /// # Errors
    /// [`Failure::State`] if the file failed.
    pub(crate) async fn audit(
        &self,
        wanted: &[Wanted],
        purpose: Purpose,
        deadline: Instant,
        mut report: impl FnMut(&Wanted, RoutedResult<Vec<Difference>>),
    ) -> Result<(), Failure> {
        let mut policy = self.engine.policy.clone();
        policy.deliver_for(purpose);
        let policy = &policy;
        let engine = Engine {
            policy,
            ..self.engine
        };
        let intents: Vec<&Intent> = wanted.iter().map(|it| &it.intent).collect();
        let one = async |index: usize| engine.preview(intents[index], deadline).await;
        let mut audited = Vec::new();
        let note = |index: usize, preview: RoutedResult<Option<Preview>>| {
            let differences = preview
                .map(|it| it.map(|preview| preview.map_or_else(Vec::new, |it| it.differences())));
            let found = match &differences.result {
                Ok(found) => Some((!found.is_empty()).then(|| finding(found))),
                Err(failure) if failure.retry() == Retry::Permanent => {
                    let it = failure.diagnostic();
                    Some(Some(format!("{it} ({})", it.code())))
                }
                // It is compared again later.
                Err(_) => None,
            };
            audited.extend(found.map(|it| (wanted[index].key.clone(), it)));
            report(&wanted[index], differences);
        };
        run(&intents, policy, one, note).await;
        let now = (policy.clock)();
        self.jobs.note_audited(audited, now).await
    }
}

/// How often the worker audits.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct AuditIntervals {
    /// The time between two audits of the catalogs; `None` if there are none.
    pub(crate) catalogs: Option<Duration>,
    /// The time within which each zone is audited, in seconds; `None` if they are not.
    pub(crate) zone_seconds: Option<u64>,
}

/// What an audit of the worker found.
pub(crate) enum Audited<'a> {
    /// Of a catalog.
    Catalog(&'a Primary, Result<CatalogAudit, Failure>),
    /// Of the intent of this key, on this primary.
    Wanted(&'a str, &'a str, Vec<Difference>),
}

impl Dispatcher<'_> {
    /// Audits the catalogs of these primaries and brings back the entries of this instance that are gone, and compares
    /// zones with what was delivered, a few at a time, for as long as it is polled. A primary that cannot be asked is
    /// asked again later.
    pub(super) async fn keep_auditing(
        &self,
        primaries: &[Rc<Primary>],
        intervals: AuditIntervals,
        mut report: impl FnMut(Audited<'_>),
    ) -> Result<Infallible, Failure> {
        let mut catalogs_at = intervals.catalogs.map(|_| Instant::now());
        loop {
            if catalogs_at.is_some_and(|at| at <= Instant::now()) {
                for primary in primaries {
                    let deadline = Instant::now() + AUDIT_TIME_MAX;
                    let repair = CatalogRepair::BringBack;
                    let audit = self.engine.audit_catalog(primary, repair, deadline).await;
                    if let Some(audit) = audit.transpose() {
                        report(Audited::Catalog(primary, audit));
                    }
                }
                catalogs_at = intervals.catalogs.map(|it| Instant::now() + it);
            }
            let pause = match intervals.zone_seconds {
                Some(seconds) => self.audit_some(seconds, &mut report).await?,
                None => PAUSE_MAX,
            };
            let next = catalogs_at.map_or(pause, |at| pause.min(at - Instant::now()));
            sleep(next).await;
        }
    }

    /// Audits a few of the wanted intents that were not audited for so long. Returns for how long to wait.
    async fn audit_some(
        &self,
        seconds: u64,
        report: &mut impl FnMut(Audited<'_>),
    ) -> Result<Duration, Failure> {
        let before = (self.engine.policy.clock)().saturating_sub(seconds);
        let wanted = self.jobs.to_audit(before, ZONES_AT_ONCE).await?;
        let mut has_failed = false;
        let note = |wanted: &Wanted, routed: RoutedResult<Vec<Difference>>| match routed.result {
            Ok(differences) => {
                report(Audited::Wanted(&wanted.key, &wanted.primary, differences));
            }
            Err(failure) => has_failed |= failure.retry() == Retry::Transient,
        };
        let deadline = Instant::now() + AUDIT_TIME_MAX;
        self.audit(&wanted, Purpose::Repair, deadline, note).await?;
        Ok(match wanted.len() {
            _ if has_failed => PAUSE_MAX,
            ZONES_AT_ONCE => PAUSE_MIN,
            _ => PAUSE_MAX,
        })
    }
}

/// Returns differences as they are kept.
fn finding(differences: &[Difference]) -> String {
    let all: Vec<String> = differences.iter().map(Difference::to_string).collect();
    let mut text = all.join(", ");
    if text.len() > FINDING_OCTETS_MAX {
        let first = &all[0];
        text = format!("{first} and {} more", all.len() - 1);
    }
    text
}
