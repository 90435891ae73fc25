//! Delivers a batch of intents, many at once.
//!
//! Zones do not wait for each other. PTR values come after all zones, since a reverse zone that
//! must be made takes its name servers from the host's zone; those whose addresses share a reverse
//! zone run in the order of the batch, so that a value that goes makes room for one that comes.
//! No batch holds two intents of one key: the caller has dropped the older ones.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::time::Instant;

use crate::deliver::{self, Failure, Overlay, Policy, Preview, Primary, StateStore};
use crate::model::{Intent, Name, Serial, ZoneName, reverse_name};

/// Which primary serves the names at and below a suffix.
#[derive(Clone)]
pub struct Route {
    /// The suffix; the root covers everything.
    pub suffix: Name,
    /// The primary.
    pub primary: Rc<Primary>,
}

/// All routes.
#[derive(Clone)]
pub struct Routes(Vec<Route>);

impl Routes {
    /// Routes in any order.
    pub fn new(routes: Vec<Route>) -> Self {
        Self(routes)
    }

    /// Each suffix with its primary.
    pub fn iter(&self) -> impl Iterator<Item = (&Name, &Primary)> {
        self.0.iter().map(|route| (&route.suffix, &*route.primary))
    }

    /// The primary for an intent: that of the longest suffix that covers its name.
    pub fn primary_for(&self, intent: &Intent) -> Option<&Primary> {
        match intent {
            Intent::Zone(zone) => self.primary_of(zone.name.apex()),
            Intent::ZoneGone(zone) => self.primary_of(zone.apex()),
            Intent::Ptr(ptr) => self.primary_of(&reverse_name(ptr.address)),
            Intent::Record(record) => self.primary_of(&record.owner),
        }
    }

    /// The primary of the longest suffix that covers a name.
    pub fn primary_of(&self, name: &Name) -> Option<&Primary> {
        let covering = self
            .0
            .iter()
            .filter(|route| name.is_at_or_below(&route.suffix));
        covering
            .max_by_key(|route| route.suffix.label_count())
            .map(|route| &*route.primary)
    }
}

/// Finds out what delivering the intents would do, and reports each by its index, in the order of the
/// batch, as soon as it and those before it are done. Nothing would be done for those that were overtaken.
pub async fn dispatch_preview(
    intents: &[&Intent],
    overtaken: &[Option<Serial>],
    routes: &Routes,
    store: &dyn StateStore,
    policy: &Policy,
    deadline: Instant,
    report: impl FnMut(usize, Result<Option<Preview>, Failure>),
) {
    let overlay = Overlay::default();
    let one = async |index: usize| {
        let intent = intents[index];
        if overtaken[index].is_some() {
            return Ok(None);
        }
        let primary = routes.primary_for(intent).ok_or(Failure::NoRoute)?;
        deliver::preview(intent, primary, store, policy, &overlay, deadline).await
    };
    run(intents, policy, one, report).await;
}

/// Zones first, each a lane of its own; then PTR values, a lane for each reverse zone.
pub(super) async fn run<T>(
    intents: &[&Intent],
    policy: &Policy,
    one: impl AsyncFn(usize) -> T,
    report: impl FnMut(usize, T),
) {
    let mut zones = Vec::new();
    let mut ptrs: HashMap<Option<ZoneName>, Vec<usize>> = HashMap::new();
    for (index, intent) in intents.iter().enumerate() {
        match intent {
            Intent::Zone(_) | Intent::ZoneGone(_) | Intent::Record(_) => zones.push(vec![index]),
            Intent::Ptr(ptr) => ptrs
                .entry(policy.ptr.reverse_zone(ptr.address))
                .or_default()
                .push(index),
        }
    }
    let reporter = RefCell::new(Reporter {
        report,
        next: 0,
        waiting: BTreeMap::new(),
    });
    let lane = async |lane: Vec<usize>| {
        for index in lane {
            let result = one(index).await;
            reporter.borrow_mut().take(index, result);
        }
    };
    for lanes in [zones, ptrs.into_values().collect()] {
        let running: FuturesUnordered<_> = lanes.into_iter().map(&lane).collect();
        running.collect::<()>().await;
    }
}

/// Puts results back into the order of the batch.
struct Reporter<T, R> {
    report: R,
    next: usize,
    waiting: BTreeMap<usize, T>,
}

impl<T, R: FnMut(usize, T)> Reporter<T, R> {
    fn take(&mut self, index: usize, result: T) {
        self.waiting.insert(index, result);
        while let Some(result) = self.waiting.remove(&self.next) {
            (self.report)(self.next, result);
            self.next += 1;
        }
    }
}
