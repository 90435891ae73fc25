//! A peer that answers datagrams, and takes no TCP connection.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// The pause between two checks whether the test has ended, while no request comes.
const INTERVAL: Duration = Duration::from_millis(20);

/// A peer at a port; ends when dropped.
#[derive(Debug)]
pub(crate) struct Datagrams {
    address: SocketAddr,
    ending: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Datagrams {
    /// Receives at a free port, and answers each request with what `respond` has for it.
    pub(crate) fn start(respond: impl Fn(&[u8]) -> Option<Vec<u8>> + Send + 'static) -> Self {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let address = socket.local_addr().expect("a socket has an address");
        let waits = socket.set_read_timeout(Some(INTERVAL));
        waits.expect("the interval is not zero");
        let ending = Arc::new(AtomicBool::new(false));
        let is_ending = Arc::clone(&ending);
        let thread = std::thread::spawn(move || {
            let mut buffer = vec![0; 65_535];
            while !is_ending.load(Ordering::SeqCst) {
                let Ok((octets, client)) = socket.recv_from(&mut buffer) else {
                    continue;
                };
                if let Some(response) = respond(&buffer[..octets]) {
                    let _ = socket.send_to(&response, client);
                }
            }
        });
        Self {
            address,
            ending,
            thread: Some(thread),
        }
    }

    /// The port it receives at.
    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }
}

impl Drop for Datagrams {
    fn drop(&mut self) {
        self.ending.store(true, Ordering::SeqCst);
        let ended = self.thread.take().is_none_or(|it| it.join().is_ok());
        assert!(std::thread::panicking() || ended, "the peer panicked");
    }
}
