//! Ports of 127.0.0.1 that belong to one test until it ends.
//!
//! Taken from below the kernel's ephemeral range, so that no outgoing connection takes a port while
//! its server restarts. A socket bound to the same port of 127.0.0.2 is the claim: it is seen by
//! every other process that runs these tests, and ends with its process. (Binding 127.0.0.1 itself
//! would not do: a name server that sets `SO_REUSEPORT` could share a port unnoticed. Nor even for a moment: a program
//! that is being started has all sockets of its test until `exec`, and would listen there or be in a server's way.)

use std::fs;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU32, Ordering};

/// The first port tried, well above the well-known ones.
const FIRST: u32 = 10_000;
/// How many ports are tried: up to just below Linux's default ephemeral range, 32768 and up.
const COUNT: u32 = 22_000;

/// Where claims are bound, so that they are in no server's way.
const CLAIMS: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

/// A port of 127.0.0.1 that no other test uses while this value lives.
#[derive(Debug)]
pub(crate) struct Port {
    number: u16,
    _claim: TcpListener,
}

impl Port {
    /// Claims a free port.
    pub(crate) fn claim() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        // Two processes start at different places, which saves tries; the claim decides.
        let start = std::process::id().wrapping_mul(97);
        for _ in 0..COUNT {
            let step = NEXT.fetch_add(1, Ordering::Relaxed);
            let number = FIRST + start.wrapping_add(step) % COUNT;
            let number = u16::try_from(number).expect("below 32768");
            if let Some(port) = Self::try_claim(number) {
                return port;
            }
        }
        panic!(
            "no free port of 127.0.0.1 between {FIRST} and {}",
            FIRST + COUNT
        );
    }

    /// Claims two free ports beside each other.
    pub(crate) fn claim_pair() -> [Self; 2] {
        loop {
            let first = Self::claim();
            if let Some(second) = Self::try_claim(first.number + 1) {
                return [first, second];
            }
        }
    }

    /// Claims a port if it is free.
    pub(crate) fn try_claim(number: u16) -> Option<Self> {
        let claim = TcpListener::bind((CLAIMS, number)).ok()?;
        (!is_in_use(number)).then_some(Self {
            number,
            _claim: claim,
        })
    }

    /// The number.
    pub(crate) fn number(&self) -> u16 {
        self.number
    }
}

/// Returns whether somebody listens on the port, or takes datagrams there. Binds nothing.
fn is_in_use(number: u16) -> bool {
    let port = format!(":{number:04X}");
    // Source: proc_pid_net(5); the second word is the local address.
    let has_udp = |table: &&str| {
        let sockets = fs::read_to_string(format!("/proc/net/{table}")).unwrap_or_default();
        let mut addresses = sockets
            .lines()
            .filter_map(|line| line.split_whitespace().nth(1));
        addresses.any(|address| address.ends_with(&port))
    };
    TcpStream::connect((Ipv4Addr::LOCALHOST, number)).is_ok() || ["udp", "udp6"].iter().any(has_udp)
}
