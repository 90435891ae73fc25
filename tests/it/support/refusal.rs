//! A proxy before a real server, which counts what is exchanged, and refuses the UPDATEs that a test chooses.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::support::bridge::Bridge;
use crate::support::keys::Key;
use crate::support::message;
use crate::support::named::Named;
use crate::support::run::Run;
use crate::support::scripted::Scripted;
use crate::support::server::Server;

/// Response codes (RFC 1035 section 4.1.1, RFC 2136 section 2.2).
pub(crate) const FORMERR: u8 = 1;
pub(crate) const SERVFAIL: u8 = 2;
pub(crate) const NOTIMP: u8 = 4;
pub(crate) const REFUSED: u8 = 5;

/// How a server refuses a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) rcode: u8,
    pub(crate) is_signed: bool,
}

/// The requests of a client. Those for the server's version, of which only the words of messages depend, are left out.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Exchanges {
    pub(crate) updates: u32,
    pub(crate) transfers: u32,
    pub(crate) soa: u32,
    pub(crate) others: u32,
}

impl Exchanges {
    fn count(&mut self, request: &[u8]) {
        if message::is_update(request) {
            self.updates += 1;
        } else if message::is_transfer(request) {
            self.transfers += 1;
        } else if message::is_soa_query(request) {
            self.soa += 1;
        } else if !message::is_version_query(request) {
            self.others += 1;
        }
    }
}

/// The proxy. It ends when dropped.
#[derive(Debug)]
pub(crate) struct Proxy {
    scripted: Scripted,
    exchanges: Arc<Mutex<Exchanges>>,
}

impl Proxy {
    /// Counts alone.
    pub(crate) fn counting(server: &dyn Server) -> Self {
        Self::start(server, |_| None)
    }

    /// Answers UPDATEs for which `refuses` gives a refusal. It gets the UPDATE.
    pub(crate) fn refusing(
        named: &Named,
        refuses: impl Fn(&[u8]) -> Option<Refusal> + Send + Sync + 'static,
    ) -> Self {
        let key = named.key().clone();
        Self::start(named, move |request| {
            let refusal = message::is_update(request).then(|| refuses(request));
            refusal.flatten().map(|refusal| refusal.of(request, &key))
        })
    }

    fn start(
        server: &dyn Server,
        answer: impl Fn(&[u8]) -> Option<Vec<u8>> + Send + Sync + 'static,
    ) -> Self {
        let exchanges = Arc::new(Mutex::new(Exchanges::default()));
        let counted = Arc::clone(&exchanges);
        let scripted = Scripted::before(server.port(), move |request| {
            counted
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .count(request);
            answer(request)
        });
        Self {
            scripted,
            exchanges,
        }
    }

    /// The port it listens on.
    pub(crate) fn port(&self) -> u16 {
        self.scripted.port()
    }

    /// nsbridge before it. It makes no dry runs, which would be counted, too.
    pub(crate) fn bridge(&self, server: &dyn Server) -> Bridge {
        Bridge::at(self.port(), server.key_file())
    }

    /// How many UPDATEs it has received since [`Self::count`] was last asked for.
    pub(crate) fn updates_received(&self) -> u32 {
        self.lock().updates
    }

    /// Runs something, and counts what is exchanged meanwhile.
    pub(crate) fn count(&self, run: impl FnOnce() -> Run) -> (Run, Exchanges) {
        *self.lock() = Exchanges::default();
        let run = run();
        let exchanges = *self.lock();
        (run, exchanges)
    }

    fn lock(&self) -> MutexGuard<'_, Exchanges> {
        self.exchanges
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Refusal {
    /// The response to a request.
    fn of(self, request: &[u8], key: &Key) -> Vec<u8> {
        let response = message::answer(request, self.rcode, &[]);
        if self.is_signed {
            message::sign(response, request, key)
        } else {
            response
        }
    }
}
