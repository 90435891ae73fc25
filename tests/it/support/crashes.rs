//! Calls that are killed at random: the numbers that choose, and the model of what must be there in the end.

use std::collections::BTreeMap;

use crate::support::dig;
use crate::support::jobs::wanted_at;
use crate::support::server::Server;

/// A source of numbers that gives the same ones in each run (Knuth's MMIX constants).
pub(crate) struct Numbers(pub(crate) u64);

impl Numbers {
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

/// Which payloads each zone may show in the end, by the second in which they were sent.
#[derive(Default)]
pub(crate) struct Model(BTreeMap<u32, Vec<u32>>);

impl Model {
    pub(crate) fn handed_over(&mut self, zone: u32, second: u32) {
        self.0.insert(zone, vec![second]);
    }

    pub(crate) fn killed(&mut self, zone: u32, second: u32) {
        self.0.entry(zone).or_default().push(second);
    }

    /// Asserts that each zone shows one of them.
    #[track_caller]
    pub(crate) fn assert_on(&self, server: &dyn Server) {
        for (zone, seconds) in &self.0 {
            let content = dig::content(server, &format!("z{zone}.test"));
            let mut wanted = seconds
                .iter()
                .map(|second| wanted_at(*zone, *second).content());
            assert!(
                wanted.any(|wanted| wanted == content),
                "z{zone}.test holds none of {seconds:?}: {content:#?}"
            );
        }
    }
}
