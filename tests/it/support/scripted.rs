//! A peer that does what a script says: wrong, cut, late or hostile answers over TCP, and a proxy
//! that changes what a real server answers.
//!
//! A message is the DNS message alone; its two octets of length (RFC 1035 section 4.2.2) are added
//! and taken away here, except by [`Conversation::write_raw`].

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::support::message::is_transfer;
use crate::support::wait;

/// How often a stalled conversation looks whether its peer shall end.
const STALL_INTERVAL: Duration = Duration::from_millis(20);
/// Most octets that are passed on at once.
const PIECE_OCTETS: usize = 16 * 1024;

/// A listening peer; ends when dropped, and passes on the panic of its script.
#[derive(Debug)]
pub(crate) struct Scripted {
    address: SocketAddr,
    ending: Arc<AtomicBool>,
    connections: Arc<AtomicUsize>,
    acceptor: Option<JoinHandle<()>>,
    conversations: Arc<Mutex<Vec<JoinHandle<()>>>>,
}

impl Scripted {
    /// Listens on a free port and runs `script` for each connection.
    pub(crate) fn start(script: impl Fn(&mut Conversation) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let address = listener.local_addr().expect("a listener has an address");
        let ending = Arc::new(AtomicBool::new(false));
        let connections = Arc::new(AtomicUsize::new(0));
        let conversations = Arc::new(Mutex::new(Vec::new()));
        let acceptor = Acceptor {
            listener,
            script: Arc::new(script),
            ending: Arc::clone(&ending),
            connections: Arc::clone(&connections),
            conversations: Arc::clone(&conversations),
        };
        let acceptor = Some(std::thread::spawn(move || acceptor.run()));
        Self {
            address,
            ending,
            connections,
            acceptor,
            conversations,
        }
    }

    /// Passes every message on to the server on `port`, and its answers back through `alter`, which
    /// gets the question and an answer and gives what the client shall see: the answer, another, or
    /// nothing.
    pub(crate) fn proxy(
        port: u16,
        alter: impl Fn(&[u8], Vec<u8>) -> Option<Vec<u8>> + Send + Sync + 'static,
    ) -> Self {
        Self::start(move |conversation| {
            let mut upstream = Upstream::connect(port);
            while let Some(question) = conversation.read() {
                upstream.send(&question);
                // A transfer has several answers; the first pause after one ends them.
                let mut answer = upstream.receive(wait::PATIENCE);
                while let Some(message) = answer {
                    if let Some(altered) = alter(&question, message) {
                        conversation.write(&altered);
                    }
                    if !is_transfer(&question) {
                        break;
                    }
                    answer = upstream.receive(Duration::from_millis(200));
                }
            }
        })
    }

    /// Passes messages on to the server on `port` and back, but answers by itself those questions that `answer`
    /// has an answer for: they never reach the server.
    pub(crate) fn before(
        port: u16,
        answer: impl Fn(&[u8]) -> Option<Vec<u8>> + Send + Sync + 'static,
    ) -> Self {
        Self::start(move |conversation| {
            let mut upstream = Upstream::connect(port).stream;
            let mut responses = upstream.try_clone().expect("a second handle");
            let client = conversation.stream.try_clone();
            let client = Mutex::new(client.expect("a second handle"));
            let write = |message: &[u8]| {
                let mut client = client.lock().unwrap_or_else(PoisonError::into_inner);
                let _ = write_message(&mut client, message);
            };
            std::thread::scope(|scope| {
                scope.spawn(|| {
                    while let Some(message) = read_message(&mut responses) {
                        write(&message);
                    }
                    let client = client.lock().unwrap_or_else(PoisonError::into_inner);
                    let _ = client.shutdown(Shutdown::Write);
                });
                while let Some(question) = conversation.read() {
                    match answer(&question) {
                        Some(message) => write(&message),
                        None => drop(write_message(&mut upstream, &question)),
                    }
                }
                let _ = upstream.shutdown(Shutdown::Both);
            });
        })
    }

    /// Passes octets on to the server on `port` as they come, whatever the protocol, and those pieces of
    /// its answers that `passes` is true for. After one that it is not true for the connection says
    /// nothing more, not even that it ends.
    pub(crate) fn relay(port: u16, passes: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        Self::relay_or(false, port, passes)
    }

    /// Does so, but ends the connection in place of silence.
    pub(crate) fn relay_or_cut(
        port: u16,
        passes: impl Fn() -> bool + Send + Sync + 'static,
    ) -> Self {
        Self::relay_or(true, port, passes)
    }

    fn relay_or(
        is_cut: bool,
        port: u16,
        passes: impl Fn() -> bool + Send + Sync + 'static,
    ) -> Self {
        Self::start(move |conversation| {
            // A server that is down refuses the connection; behind the relay it ends.
            let Some(Upstream { stream: upstream }) = Upstream::try_connect(port) else {
                return;
            };
            let client = conversation.stream.try_clone();
            let mut client = client.expect("a connection has a second handle");
            std::thread::scope(|scope| {
                scope.spawn(|| {
                    let (mut part, mut is_silent) = ([0; PIECE_OCTETS], false);
                    while let Ok(count @ 1..) = (&upstream).read(&mut part) {
                        is_silent = is_silent || !passes();
                        if is_silent && is_cut {
                            let _ = client.shutdown(Shutdown::Both);
                            break;
                        }
                        let _ = is_silent || client.write_all(&part[..count]).is_ok();
                    }
                    let _ = is_silent || client.shutdown(Shutdown::Write).is_ok();
                });
                let mut part = [0; PIECE_OCTETS];
                while let Some(count @ 1..) = conversation.fill_some(&mut part) {
                    let _ = (&upstream).write_all(&part[..count]);
                }
                let _ = upstream.shutdown(Shutdown::Both);
            });
        })
    }

    /// The port it listens on.
    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    /// How many connections it has accepted.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        self.ending.store(true, Ordering::SeqCst);
        // Wakes the acceptor.
        let _ = TcpStream::connect(self.address);
        let accepted = self
            .acceptor
            .take()
            .is_none_or(|thread| thread.join().is_ok());
        let conversations = std::mem::take(
            &mut *self
                .conversations
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        );
        let failed = conversations
            .into_iter()
            .map(JoinHandle::join)
            .filter(Result::is_err)
            .count();
        assert!(
            std::thread::panicking() || (accepted && failed == 0),
            "the script of a peer panicked; its message is above"
        );
    }
}

/// The thread that accepts connections.
struct Acceptor<S> {
    listener: TcpListener,
    script: Arc<S>,
    ending: Arc<AtomicBool>,
    connections: Arc<AtomicUsize>,
    conversations: Arc<Mutex<Vec<JoinHandle<()>>>>,
}

impl<S: Fn(&mut Conversation) + Send + Sync + 'static> Acceptor<S> {
    fn run(self) {
        for stream in self.listener.incoming() {
            if self.ending.load(Ordering::SeqCst) {
                return;
            }
            let Ok(stream) = stream else { continue };
            let number = self.connections.fetch_add(1, Ordering::SeqCst) + 1;
            let ending = Arc::clone(&self.ending);
            let script = Arc::clone(&self.script);
            let conversation = std::thread::spawn(move || {
                script(&mut Conversation {
                    stream,
                    number,
                    ending,
                });
            });
            self.conversations
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(conversation);
        }
    }
}

/// One connection, as the script sees it. The connection is closed when the script returns.
#[derive(Debug)]
pub(crate) struct Conversation {
    stream: TcpStream,
    number: usize,
    ending: Arc<AtomicBool>,
}

impl Conversation {
    /// Which connection this is, counted from 1.
    pub(crate) fn number(&self) -> usize {
        self.number
    }

    /// The next message, or `None` when the client has closed or the test is over.
    pub(crate) fn read(&mut self) -> Option<Vec<u8>> {
        let mut length = [0; 2];
        self.fill(&mut length)?;
        let mut message = vec![0; usize::from(u16::from_be_bytes(length))];
        self.fill(&mut message)?;
        Some(message)
    }

    /// Sends a message. A client that has gone away is no failure of the script.
    pub(crate) fn write(&mut self, message: &[u8]) {
        let _ = write_message(&mut self.stream, message);
    }

    /// Sends octets as they are: a false length, half a message, no DNS at all.
    pub(crate) fn write_raw(&mut self, octets: &[u8]) {
        let _ = self.stream.write_all(octets);
    }

    /// Says nothing and keeps the connection open, until the client closes it or the test is over.
    pub(crate) fn stall(&mut self) {
        let mut ignored = [0; 512];
        while self.fill_some(&mut ignored).is_some_and(|count| count > 0) {}
    }

    /// Sends FIN and reads on until the client closes too.
    pub(crate) fn close_writing(&mut self) {
        let _ = self.stream.shutdown(Shutdown::Write);
        self.stall();
    }

    /// Ends the connection with RST.
    pub(crate) fn reset(&mut self) {
        // With a linger time of zero, closing sends RST and forgets what was not sent.
        let _ = socket2::SockRef::from(&self.stream).set_linger(Some(Duration::ZERO));
    }

    fn fill(&mut self, buffer: &mut [u8]) -> Option<()> {
        let mut filled = 0;
        while filled < buffer.len() {
            match self.fill_some(&mut buffer[filled..])? {
                0 => return None,
                count => filled += count,
            }
        }
        Some(())
    }

    /// Reads some octets; `None` when the test is over or the connection broken.
    fn fill_some(&mut self, buffer: &mut [u8]) -> Option<usize> {
        self.stream.set_read_timeout(Some(STALL_INTERVAL)).ok()?;
        loop {
            match self.stream.read(buffer) {
                Ok(count) => return Some(count),
                Err(error) if is_timeout(&error) => {
                    if self.ending.load(Ordering::SeqCst) {
                        return None;
                    }
                }
                Err(_) => return None,
            }
        }
    }
}

/// A connection to a real server, for a script that passes messages on.
#[derive(Debug)]
pub(crate) struct Upstream {
    stream: TcpStream,
}

impl Upstream {
    /// Connects to a port of 127.0.0.1.
    #[track_caller]
    pub(crate) fn connect(port: u16) -> Self {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port));
        Self {
            stream: stream.unwrap_or_else(|error| panic!("127.0.0.1:{port}: {error}")),
        }
    }

    /// Connects to a port of 127.0.0.1 at which nobody may listen.
    pub(crate) fn try_connect(port: u16) -> Option<Self> {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).ok()?;
        Some(Self { stream })
    }

    /// Sends a message and gives its answer, if there is one.
    pub(crate) fn try_exchange(&mut self, message: &[u8], limit: Duration) -> Option<Vec<u8>> {
        write_message(&mut self.stream, message).ok()?;
        self.receive(limit)
    }

    /// Sends a message.
    #[track_caller]
    pub(crate) fn send(&mut self, message: &[u8]) {
        write_message(&mut self.stream, message).expect("the server takes the message");
    }

    /// The next message; `None` when none comes within `limit` or the server has closed.
    pub(crate) fn receive(&mut self, limit: Duration) -> Option<Vec<u8>> {
        self.stream.set_read_timeout(Some(limit)).ok()?;
        read_message(&mut self.stream)
    }

    /// Sends a message and gives its one answer.
    #[track_caller]
    pub(crate) fn exchange(&mut self, message: &[u8]) -> Vec<u8> {
        self.send(message);
        self.receive(wait::PATIENCE).expect("the server answers")
    }
}

fn write_message(stream: &mut TcpStream, message: &[u8]) -> io::Result<()> {
    let length = u16::try_from(message.len()).expect("a DNS message has up to 65,535 octets");
    stream.write_all(&[&length.to_be_bytes(), message].concat())
}

fn read_message(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut length = [0; 2];
    stream.read_exact(&mut length).ok()?;
    let mut message = vec![0; usize::from(u16::from_be_bytes(length))];
    stream.read_exact(&mut message).ok()?;
    Some(message)
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
    )
}
