//! Host names to addresses, by the resolver of the system.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::thread;

use tokio::sync::oneshot;

/// Looks up the addresses of a host. The resolver of the system may take long: a caller that stops waiting leaves its
/// thread behind.
///
/// The runtime has threads for that, but panics if the system has none left.
///
/// # Errors
/// The error of the resolver, or of the system if it gives no thread.
pub(crate) async fn look_up(host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    let (sender, receiver) = oneshot::channel();
    let host = host.to_owned();
    thread::Builder::new().spawn(move || {
        let found = (host.as_str(), port).to_socket_addrs();
        // The caller may have stopped waiting.
        sender.send(found.map(Iterator::collect)).ok();
    })?;
    receiver
        .await
        .unwrap_or_else(|_| Err(io::Error::other("the resolver of the system failed")))
}
