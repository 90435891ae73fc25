//! Delivers a batch of intents, many at once.
//!
//! No batch holds two intents of one key: the caller has dropped the older ones.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::time::Instant;

use crate::deliver::{Delivered, Engine, Overlay, Policy, Preview, RoutedResult};
use crate::model::{Intent, Serial, ZoneName};

/// Delivers each intent without the queue, and reports each by its index, in the order of the batch, as soon as it and
/// those before it are done.
pub async fn dispatch_unqueued(
    intents: &[&Intent],
    engine: &Engine<'_>,
    deadline: Instant,
    report: impl FnMut(usize, RoutedResult<Delivered>),
) {
    let one = async |index: usize| engine.deliver(intents[index], deadline).await;
    run(intents, engine.policy, one, report).await;
}

/// Computes the changes of each intent, and reports each by its index, in the order of the batch, as soon as it
/// and those before it are done. An intent that a newer one has overtaken changes nothing.
pub async fn dispatch_preview(
    intents: &[&Intent],
    overtaken: &[Option<Serial>],
    engine: &Engine<'_>,
    deadline: Instant,
    report: impl FnMut(usize, RoutedResult<Option<Preview>>),
) {
    let engine = Engine {
        overlay: Some(&Overlay::default()),
        ..*engine
    };
    let one = async |index: usize| {
        let intent = intents[index];
        if overtaken[index].is_none() {
            return engine.preview(intent, deadline).await;
        }
        engine.routes.routed(intent, Ok(None))
    };
    run(intents, engine.policy, one, report).await;
}

/// Runs a batch, and reports as [`dispatch_preview`].
pub(super) async fn run<T>(
    intents: &[&Intent],
    policy: &Policy,
    one: impl AsyncFn(usize) -> T,
    report: impl FnMut(usize, T),
) {
    let reporter = RefCell::new(Reporter {
        report,
        next: 0,
        waiting: BTreeMap::new(),
    });
    let lane = async |lane: Vec<(usize, &Intent)>| {
        for (index, _) in lane {
            let result = one(index).await;
            reporter.borrow_mut().take(index, result);
        }
    };
    let batch = intents.iter().copied().enumerate();
    for lanes in stages(batch, |(_, intent)| intent, policy) {
        let running: FuturesUnordered<_> = lanes.into_iter().map(&lane).collect();
        running.collect::<()>().await;
    }
}

/// The stages of a batch: each begins when the one before it is done.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Stage {
    Zones,
    /// PTR values and single records, whose zones must be there. A reverse zone that must be created takes its
    /// name servers from the zone of the host.
    Values,
}

impl Stage {
    /// Returns the stage of an intent.
    pub(super) fn of(intent: &Intent) -> Self {
        match intent {
            Intent::Zone(_) | Intent::ZoneAbsent(_) => Self::Zones,
            Intent::Ptr(_) | Intent::Record(_) => Self::Values,
        }
    }
}

/// Divides a batch into its stages, and each stage into lanes that run at once. The intents of a lane run in
/// the order of the batch: the PTR values of one reverse zone, so that a removed value makes room for an added
/// one.
pub(super) fn stages<T>(
    batch: impl IntoIterator<Item = T>,
    intent_of: impl Fn(&T) -> &Intent,
    policy: &Policy,
) -> [Vec<Vec<T>>; 2] {
    let mut stages = [Vec::new(), Vec::new()];
    let mut ptrs: HashMap<Option<ZoneName>, Vec<T>> = HashMap::new();
    for item in batch {
        match intent_of(&item) {
            Intent::Ptr(ptr) => {
                let reverse_zone = policy.ptr.reverse_zone(ptr.address);
                ptrs.entry(reverse_zone).or_default().push(item);
            }
            intent @ (Intent::Zone(_) | Intent::ZoneAbsent(_) | Intent::Record(_)) => {
                stages[Stage::of(intent) as usize].push(vec![item]);
            }
        }
    }
    stages[Stage::Values as usize].extend(ptrs.into_values());
    stages
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
