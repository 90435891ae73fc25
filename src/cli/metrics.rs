//! The metrics of the worker, in the text format of OpenMetrics 1.0.

use std::time::Duration;

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

use crate::deliver::Routed;
use crate::diagnostic::Diagnose as _;
use crate::model::{Intent, Presence};
use crate::plan::CatalogCensus;
use crate::queue::{
    Attempted, Job, JobCount, JobGroup, PrimaryContact, Stays, UnmetPart, WantedCount,
};

/// Labels with their values.
type Labels<const N: usize> = [(&'static str, String); N];
type Gauges<const N: usize> = Family<Labels<N>, Gauge>;

/// What the queue file shows at one time.
pub(super) struct Snapshot {
    pub(super) jobs: Vec<(JobGroup, JobCount)>,
    pub(super) contacts: Vec<PrimaryContact>,
    pub(super) unmet: Vec<UnmetPart>,
    pub(super) wanted: Vec<WantedCount>,
    /// Whether the directory of the queue file takes something more.
    pub(super) is_writable: bool,
    /// Seconds since 1970.
    pub(super) now: u64,
}

impl Snapshot {
    /// Returns the age of the oldest job that waits, in seconds.
    pub(super) fn oldest_seconds(&self) -> Option<u64> {
        let waiting = self.jobs.iter().filter(|(group, _)| !group.is_held);
        let oldest = waiting.map(|(_, count)| count.oldest_at).min();
        oldest.map(|at| self.now.saturating_sub(at))
    }
}

/// The metrics of this process.
pub(super) struct Metrics {
    registry: Registry,
    attempts: Family<Labels<4>, Counter>,
    attempt_seconds: Family<Labels<1>, Histogram>,
    unreachable: Gauges<1>,
    unreachable_since: Gauges<1>,
    members: Gauges<2>,
    jobs: Gauges<3>,
    oldest: Gauge,
    writable: Gauge,
    succeeded_at: Gauges<1>,
    failed_at: Gauges<2>,
    unmet: Gauges<1>,
    wanted: Gauges<1>,
    differing: Gauges<1>,
}

impl Metrics {
    /// Creates the metrics, for these primaries.
    pub(super) fn new<'a>(primaries: impl Iterator<Item = &'a str>) -> Self {
        let mut registry = Registry::with_prefix("nsbridge");
        let version: Gauges<1> = Family::default();
        registry.register("build_info", "The version that runs", version.clone());
        let of_version = [("version", env!("CARGO_PKG_VERSION").to_owned())];
        version.get_or_create(&of_version).set(1);
        let attempts = Family::default();
        let help =
            "Attempts of the worker, by what they delivered, their result and its diagnostic code";
        registry.register("attempts", help, attempts.clone());
        // From a millisecond to half a minute.
        let seconds: Family<_, Histogram> =
            Family::new_with_constructor(|| Histogram::new(exponential_buckets(0.001, 2.0, 16)));
        let help = "How long attempts took";
        registry.register_with_unit("attempt", help, Unit::Seconds, seconds.clone());
        let unreachable = Gauges::default();
        let help = "1 if the worker leaves the primary alone, since it does not answer";
        registry.register("primary_unreachable", help, Gauges::clone(&unreachable));
        for primary in primaries {
            drop(unreachable.get_or_create(&of_primary(primary)));
        }
        let unreachable_since = Gauges::default();
        let help = "The time since which the worker finds that the primary does not answer, in seconds since 1970";
        let name = "primary_unreachable_since_timestamp";
        registry.register_with_unit(name, help, Unit::Seconds, Gauges::clone(&unreachable_since));
        let members = Gauges::default();
        let help =
            "Member zones of the catalog when it was last read, by owner: ours, others or nobody";
        registry.register("catalog_members", help, Gauges::clone(&members));
        let jobs = Family::default();
        let help = "Jobs in the queue, by state and the diagnostic code of their last failure";
        registry.register("jobs", help, Gauges::clone(&jobs));
        let oldest = Gauge::default();
        let help = "The age of the oldest job that waits; 0 if none does";
        registry.register_with_unit("oldest_job_age", help, Unit::Seconds, oldest.clone());
        let writable = Gauge::default();
        let help = "1 if the directory of the queue file takes something more";
        registry.register("queue_writable", help, writable.clone());
        let succeeded_at = Family::default();
        let help = "The time of the last success, in seconds since 1970";
        let name = "primary_last_success_timestamp";
        registry.register_with_unit(name, help, Unit::Seconds, Gauges::clone(&succeeded_at));
        let failed_at = Family::default();
        let help = "The time of the last failure, in seconds since 1970, with its diagnostic code";
        let name = "primary_last_failure_timestamp";
        registry.register_with_unit(name, help, Unit::Seconds, Gauges::clone(&failed_at));
        let unmet = Family::default();
        let help = "Parts of zones that are not as they were sent, by diagnostic code";
        registry.register("unmet_parts", help, Gauges::clone(&unmet));
        let wanted = Family::default();
        let help = "Zones and PTR values that were put in place and are still wanted";
        registry.register("zones_wanted", help, Gauges::clone(&wanted));
        let differing = Family::default();
        let help = "Those of them that differ on their primaries, by the last audits";
        registry.register("zones_differing", help, Gauges::clone(&differing));
        Self {
            registry,
            attempts,
            attempt_seconds: seconds,
            unreachable,
            unreachable_since,
            members,
            jobs,
            oldest,
            writable,
            succeeded_at,
            failed_at,
            unmet,
            wanted,
            differing,
        }
    }

    /// Counts an attempt.
    pub(super) fn attempted(&self, job: &Job, attempted: &Routed<Attempted>, took: Duration) {
        let primary = attempted.primary.as_ref();
        let primary = primary.map_or("", |it| it.name.as_str());
        let Attempted { result, stays } = &attempted.result;
        let code = result.as_ref().err().map(|it| it.diagnostic().code());
        let word = match (result, stays) {
            (Ok(_), None) => "in-place",
            (_, Some(Stays::Held { .. })) => "held",
            (_, Some(Stays::Waiting { .. })) | (Err(_), None) => "waiting",
        };
        let labels = [
            ("primary", primary.to_owned()),
            ("kind", kind(&job.intent).to_owned()),
            ("result", word.to_owned()),
            ("code", code.unwrap_or_default().to_owned()),
        ];
        self.attempts.get_or_create(&labels).inc();
        let seconds = self.attempt_seconds.get_or_create(&of_primary(primary));
        seconds.observe(took.as_secs_f64());
    }

    /// Notes that a primary does not answer at this time, in seconds since 1970.
    pub(super) fn unreachable(&self, primary: &str, now: u64) {
        let labels = of_primary(primary);
        if self.unreachable.get_or_create(&labels).set(1) == 0 {
            let since = self.unreachable_since.get_or_create(&labels);
            since.set(signed(now));
        }
    }

    /// Notes that a primary answers.
    pub(super) fn reachable(&self, primary: &str) {
        let labels = of_primary(primary);
        self.unreachable.get_or_create(&labels).set(0);
        self.unreachable_since.remove(&labels);
    }

    /// Notes the members of the catalog of a primary; `None` if they are not known any more.
    pub(super) fn members(&self, primary: &str, census: Option<&CatalogCensus>) {
        let counts = |it: &CatalogCensus| [it.ours, it.others.values().sum(), it.unmarked];
        let counts = census.map(counts);
        for (at, owner) in ["ours", "others", "nobody"].into_iter().enumerate() {
            let labels = [("primary", primary.to_owned()), ("owner", owner.to_owned())];
            if let Some(counts) = counts {
                let count = counts[at].try_into().unwrap_or(i64::MAX);
                self.members.get_or_create(&labels).set(count);
            } else {
                self.members.remove(&labels);
            }
        }
    }

    /// Returns the text that a server of metrics fetches.
    pub(super) fn text(&self, snapshot: &Snapshot) -> String {
        self.jobs.clear();
        for (group, count) in &snapshot.jobs {
            let state = if group.is_held { "held" } else { "waiting" };
            let labels = [
                ("primary", group.primary.clone()),
                ("state", state.to_owned()),
                ("code", group.code.to_owned()),
            ];
            self.jobs.get_or_create(&labels).set(signed(count.jobs));
        }
        let oldest = snapshot.oldest_seconds();
        self.oldest.set(signed(oldest.unwrap_or_default()));
        self.writable.set(snapshot.is_writable.into());
        self.succeeded_at.clear();
        self.failed_at.clear();
        for contact in &snapshot.contacts {
            if let Some(at) = contact.succeeded_at {
                let gauge = self
                    .succeeded_at
                    .get_or_create(&of_primary(&contact.primary));
                gauge.set(signed(at));
            }
            if let Some((at, reason)) = &contact.failed {
                let labels = [
                    ("primary", contact.primary.clone()),
                    ("code", reason.code().to_owned()),
                ];
                self.failed_at.get_or_create(&labels).set(signed(*at));
            }
        }
        self.unmet.clear();
        for part in &snapshot.unmet {
            let labels = [("code", part.report.code().to_owned())];
            self.unmet.get_or_create(&labels).inc();
        }
        self.wanted.clear();
        self.differing.clear();
        for count in &snapshot.wanted {
            let labels = of_primary(&count.primary);
            self.wanted.get_or_create(&labels).set(signed(count.wanted));
            let differing = signed(count.differing);
            self.differing.get_or_create(&labels).set(differing);
        }
        let mut text = String::new();
        encode(&mut text, &self.registry).expect("a string takes every text");
        text
    }
}

/// Returns a text of OpenMetrics in the format of Prometheus before that, version 0.0.4: there, the names of counters end in
/// `_total` in comments as well, and neither units nor an end are written.
pub(super) fn in_old_format(text: &str) -> String {
    let is_counter = |name: &str| text.contains(&format!("# TYPE {name} counter\n"));
    let lines = text.lines().filter_map(|line| {
        let comment = line.strip_prefix("# ");
        let words = comment.and_then(|it| it.split_once(' '));
        Some(match words {
            None if comment.is_some() => return None,
            Some(("UNIT", _)) => return None,
            Some((word, rest)) => match rest.split_once(' ') {
                Some((name, rest)) if is_counter(name) => format!("# {word} {name}_total {rest}\n"),
                _ => format!("{line}\n"),
            },
            None => format!("{line}\n"),
        })
    });
    lines.collect()
}

fn of_primary(name: &str) -> Labels<1> {
    [("primary", name.to_owned())]
}

fn signed(number: u64) -> i64 {
    number.try_into().unwrap_or(i64::MAX)
}

/// Returns what an intent delivers.
fn kind(intent: &Intent) -> &'static str {
    match intent {
        Intent::Zone(_) => "zone",
        Intent::ZoneAbsent(_) => "zone-deletion",
        Intent::Ptr(ptr) if ptr.presence == Presence::Present => "ptr",
        Intent::Ptr(_) => "ptr-deletion",
        Intent::Record(_) => "record",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn snapshot() -> Snapshot {
        Snapshot {
            jobs: Vec::new(),
            contacts: Vec::new(),
            unmet: Vec::new(),
            wanted: Vec::new(),
            is_writable: true,
            now: 1_000,
        }
    }

    #[test]
    fn the_members_of_a_catalog_show_while_they_are_known() {
        let metrics = Metrics::new(["main"].into_iter());
        assert!(!metrics.text(&snapshot()).contains("catalog_members{"));
        let census = CatalogCensus {
            ours: 3,
            others: [("a".to_owned(), 2), ("b".to_owned(), 5)].into(),
            unmarked: 1,
            ..CatalogCensus::default()
        };
        metrics.members("main", Some(&census));
        let text = metrics.text(&snapshot());
        for (owner, count) in [("ours", 3), ("others", 7), ("nobody", 1)] {
            let line =
                format!("nsbridge_catalog_members{{primary=\"main\",owner=\"{owner}\"}} {count}\n");
            assert!(text.contains(&line), "{text}");
        }
        metrics.members("main", None);
        assert!(!metrics.text(&snapshot()).contains("catalog_members{"));
    }

    #[test]
    fn a_primary_is_unreachable_since_its_first_silence() {
        let metrics = Metrics::new(["main"].into_iter());
        let since = |metrics: &Metrics| {
            let text = metrics.text(&snapshot());
            let line = text
                .lines()
                .find(|it| it.contains("_since_timestamp_seconds{"));
            line.map(str::to_owned)
        };
        assert_eq!(since(&metrics), None);
        for now in [500, 600] {
            metrics.unreachable("main", now);
        }
        let name = "nsbridge_primary_unreachable_since_timestamp_seconds";
        let expected = format!("{name}{{primary=\"main\"}} 500");
        assert_eq!(since(&metrics), Some(expected));
        metrics.reachable("main");
        assert_eq!(since(&metrics), None);
    }
}
