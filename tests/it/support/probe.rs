//! Asks a server for many names over and over, as resolvers do, and remembers what it did not answer.

use std::net::UdpSocket;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// How long an answer may take. A server that is busy is no dark one, so a name is asked again.
const PATIENCE: Duration = Duration::from_secs(2);
const ATTEMPTS: u32 = 5;
/// Between two rounds, so that the servers of the test have the processor as well.
const PAUSE: Duration = Duration::from_millis(10);

/// Asks until it is ended.
#[derive(Debug)]
pub(crate) struct Probe {
    is_over: Arc<AtomicBool>,
    rounds: Arc<AtomicUsize>,
    thread: JoinHandle<Vec<String>>,
}

impl Probe {
    /// Asks the server on this port of 127.0.0.1 for the A records of names, one after the other, again and again.
    pub(crate) fn start(port: u16, names: Vec<String>) -> Self {
        let (is_over, rounds) = (Arc::default(), Arc::default());
        let (over, round) = (Arc::clone(&is_over), Arc::clone(&rounds));
        let thread = thread::spawn(move || ask_all(port, &names, &over, &round));
        Self {
            is_over,
            rounds,
            thread,
        }
    }

    /// Ends it. Returns how often it has asked for all names, and each answer without a record.
    pub(crate) fn end(self) -> (usize, Vec<String>) {
        self.is_over.store(true, Ordering::SeqCst);
        let dark = self.thread.join().expect("the probe has ended well");
        (self.rounds.load(Ordering::SeqCst), dark)
    }
}

fn ask_all(port: u16, names: &[String], is_over: &AtomicBool, rounds: &AtomicUsize) -> Vec<String> {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    socket.connect(("127.0.0.1", port)).expect("an address");
    socket.set_read_timeout(Some(PATIENCE)).expect("a time");
    let (mut dark, mut id) = (Vec::new(), 0_u16);
    loop {
        for name in names {
            if is_over.load(Ordering::SeqCst) {
                return dark;
            }
            id = id.wrapping_add(1);
            if let Err(problem) = ask(&socket, name, id) {
                dark.push(format!("{name}: {problem}"));
            }
        }
        rounds.fetch_add(1, Ordering::SeqCst);
        thread::park_timeout(PAUSE);
    }
}

/// Asks for the A record of a name (RFC 1035 section 4.1).
fn ask(socket: &UdpSocket, name: &str, id: u16) -> Result<(), String> {
    let mut query = id.to_be_bytes().to_vec();
    query.extend([0, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
    for label in name.split('.') {
        query.push(u8::try_from(label.len()).expect("a label"));
        query.extend(label.as_bytes());
    }
    query.extend([0, 0, 1, 0, 1]);
    let mut answer = [0; 512];
    for _ in 0..ATTEMPTS {
        // A server that starts anew answers nothing.
        if socket.send(&query).is_err() {
            thread::park_timeout(Duration::from_millis(50));
            continue;
        }
        while let Ok(length) = socket.recv(&mut answer) {
            if length < 12 || answer[..2] != query[..2] {
                continue;
            }
            let (rcode, answers) = (answer[3] & 15, u16::from_be_bytes([answer[6], answer[7]]));
            return match (rcode, answers) {
                (0, 1..) => Ok(()),
                (rcode, answers) => Err(format!("rcode {rcode}, {answers} answers")),
            };
        }
    }
    Err("no answer".to_owned())
}
