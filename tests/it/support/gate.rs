//! A proxy that holds one answer back, until the test opens it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::support::scripted::{Scripted, Upstream};
use crate::support::wait;

/// Holds back the answer to the first request that matches.
#[derive(Debug, Clone, Default)]
pub(crate) struct Gate {
    is_reached: Arc<AtomicBool>,
    is_open: Arc<AtomicBool>,
}

/// A proxy before the server at that port, and its gate.
pub(crate) fn holding_back(port: u16, matches: fn(&[u8]) -> bool) -> (Scripted, Gate) {
    let gate = Gate::default();
    let inner = gate.clone();
    let proxy = Scripted::start(move |conversation| {
        let mut upstream = Upstream::connect(port);
        while let Some(request) = conversation.read() {
            let answer = upstream.exchange(&request);
            if matches(&request) && !inner.is_reached.swap(true, Ordering::SeqCst) {
                wait::until("the gate is opened", || {
                    inner.is_open.load(Ordering::SeqCst)
                });
            }
            conversation.write(&answer);
        }
    });
    (proxy, gate)
}

impl Gate {
    /// Whether the request has come; the server has done what it asks for.
    pub(crate) fn is_reached(&self) -> bool {
        self.is_reached.load(Ordering::SeqCst)
    }

    /// Lets the answer through.
    pub(crate) fn open(&self) {
        self.is_open.store(true, Ordering::SeqCst);
    }
}
