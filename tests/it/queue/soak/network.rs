//! A network before a server that loses, alters and cuts messages, and in whose place a broken server can stand.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use super::tally::{Tally, What};
use crate::support::crashes::Numbers;
use crate::support::message::{answer, is_transfer};
use crate::support::scripted::{Conversation, Scripted, Upstream};
use crate::support::wait;

/// One of so many exchanges is spoiled in each of the ways.
const EXCHANGES: u64 = 50;
/// One of so many pieces of what the control channel or the API answers is lost, and the connection with it.
const PIECES: u64 = 40;

/// What is wrong with it at this time, and how often something was.
#[derive(Debug, Default)]
struct State {
    is_calm: AtomicBool,
    is_broken: AtomicBool,
    chance: AtomicU64,
    answers: AtomicU64,
    requests: AtomicU64,
    broken: AtomicU64,
    commands: AtomicU64,
}

impl State {
    fn numbers(&self) -> Numbers {
        let seed = self
            .chance
            .fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::SeqCst);
        let mut numbers = Numbers(seed);
        numbers.below(1 << 30);
        numbers
    }

    fn is_calm(&self) -> bool {
        self.is_calm.load(Ordering::SeqCst)
    }
}

/// A network before a server.
#[derive(Debug)]
pub(super) struct Network {
    dns: Scripted,
    commands: Option<Scripted>,
    state: Arc<State>,
}

impl Network {
    /// Stands before the port for DNS, and that of the control channel or the API.
    pub(super) fn before(dns: u16, commands: Option<u16>, seed: u64) -> Self {
        let state = Arc::new(State::default());
        state.chance.store(seed, Ordering::SeqCst);
        let of_dns = Arc::clone(&state);
        let dns = Scripted::start(move |conversation| {
            if of_dns.is_broken.load(Ordering::SeqCst) {
                of_dns.broken.fetch_add(1, Ordering::SeqCst);
                be_broken(conversation, &mut of_dns.numbers());
            } else {
                relay(conversation, dns, &of_dns);
            }
        });
        let of_commands = Arc::clone(&state);
        let passes = move || {
            let is_lost = !of_commands.is_calm() && of_commands.numbers().below(PIECES) == 0;
            of_commands
                .commands
                .fetch_add(is_lost.into(), Ordering::SeqCst);
            !is_lost
        };
        let commands = commands.map(|port| Scripted::relay_or_cut(port, passes));
        Self {
            dns,
            commands,
            state,
        }
    }

    /// The port to reach the server's DNS by.
    pub(super) fn port(&self) -> u16 {
        self.dns.port()
    }

    /// The port to reach its control channel or its API by.
    pub(super) fn command_port(&self) -> u16 {
        self.commands.as_ref().map_or(0, Scripted::port)
    }

    /// Spoils nothing, or something. Returns what it did before.
    pub(super) fn be_calm(&self, is_calm: bool) -> bool {
        self.state.is_calm.swap(is_calm, Ordering::SeqCst)
    }

    /// Puts a broken server in the place of the real one, or takes it away.
    pub(super) fn break_server(&self, is_broken: bool) {
        self.state.is_broken.store(is_broken, Ordering::SeqCst);
    }

    /// Adds what it has done.
    pub(super) fn count(&self, tally: &mut Tally) {
        for (what, number) in [
            (What::AnswersSpoiled, &self.state.answers),
            (What::RequestsSpoiled, &self.state.requests),
            (What::CallsBroken, &self.state.broken),
            (What::CommandsLost, &self.state.commands),
        ] {
            tally.add(what, number.swap(0, Ordering::SeqCst));
        }
    }
}

/// Turns a bit of a message.
fn flip(message: &mut [u8], numbers: &mut Numbers) {
    let bit = usize::try_from(numbers.below(8 * message.len() as u64));
    let bit = bit.expect("a place in a message");
    message[bit / 8] ^= 1 << (bit % 8);
}

/// Passes requests on to the real server, and its answers back, some of them spoiled.
fn relay(conversation: &mut Conversation, port: u16, state: &State) {
    let Some(mut upstream) = Upstream::try_connect(port) else {
        return;
    };
    while let Some(request) = conversation.read() {
        let mut numbers = state.numbers();
        let way = if state.is_calm() {
            EXCHANGES
        } else {
            numbers.below(EXCHANGES)
        };
        match way {
            0..4 => state.answers.fetch_add(1, Ordering::SeqCst),
            4..6 => state.requests.fetch_add(1, Ordering::SeqCst),
            _ => 0,
        };
        let mut sent = request.clone();
        match way {
            // The request is lost, and the connection with it.
            4 => return,
            5 => flip(&mut sent, &mut numbers),
            _ => {}
        }
        let received = upstream.try_exchange(&sent, wait::PATIENCE);
        let Some(mut received) = received else { return };
        match way {
            // The answer is lost, and the connection with it.
            0 => return,
            1 => flip(&mut received, &mut numbers),
            2 => received.truncate(received.len() / 2),
            // It comes twice.
            3 => conversation.write(&received),
            _ => {}
        }
        conversation.write(&received);
        if is_transfer(&request) {
            // The messages of a transfer after the first one, up to a pause.
            while let Some(message) = upstream.receive(Duration::from_millis(150)) {
                conversation.write(&message);
            }
        }
    }
}

/// Answers as a broken or hostile server does.
fn be_broken(conversation: &mut Conversation, numbers: &mut Numbers) {
    let way = numbers.below(9);
    while let Some(request) = conversation.read() {
        match way {
            0 => return,
            1 => return conversation.reset(),
            2 => return conversation.stall(),
            3 => conversation.write(&[0xff; 40]),
            // A length of 200 octets, and five of them.
            4 => return conversation.write_raw(&[0, 200, 1, 2, 3, 4, 5]),
            // The request as it came.
            5 => conversation.write(&request),
            // NOERROR, SERVFAIL, REFUSED or NOTAUTH, and NXDOMAIN, without a signature.
            6 => conversation.write(&answer(&request, 0, &[])),
            7 => {
                let rcode = [2, 5, 9][usize::try_from(numbers.below(3)).expect("a small number")];
                conversation.write(&answer(&request, rcode, &[]));
            }
            _ => conversation.write(&answer(&request, 3, &[])),
        }
    }
}
