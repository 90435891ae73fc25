//! Zones created over the HTTP API of a PowerDNS, and a proxy before it.

use std::io::{Read, Write};
use std::net::TcpStream;

use crate::support::bridge::Bridge;
use crate::support::payload;
use crate::support::pdns::Pdns;
use crate::support::server::Server as _;
use crate::support::wanted::{Wanted, zone};

pub(crate) const PROVISION: &str = "primaries.main.provision";

/// A server without zones, and nsbridge before it, making zones.
pub(crate) fn fresh() -> (Pdns, Bridge) {
    let pdns = Pdns::builder().start();
    let bridge = pdns.provisioning(Bridge::of(&pdns));
    (pdns, bridge)
}

/// With another server for all that goes over DNS; zones are still made over the API.
pub(crate) fn reading_from(reader: &Pdns, bridge: Bridge) -> Bridge {
    let address = format!("127.0.0.1:{}", reader.port());
    bridge
        .set_text("primaries.main", "address", &address)
        .set_text("keys.plesk", "file", &reader.key_file().to_string_lossy())
}

pub(crate) fn wanted() -> Wanted {
    zone("example.com", "@ NS ns1.example.net. | www A 192.0.2.7")
}

pub(crate) fn delete() -> String {
    payload::call(&[payload::delete("example.com")])
}

/// Passes one request on and its answer back; fails those that `fails` says of by their head.
pub(crate) fn pass_request(
    client: &mut (impl Read + Write),
    api_port: u16,
    fails: impl Fn(&str) -> bool,
) -> std::io::Result<()> {
    let mut head = Vec::new();
    let mut octet = [0];
    while !head.ends_with(b"\r\n\r\n") && client.read(&mut octet)? == 1 {
        head.push(octet[0]);
    }
    let text = String::from_utf8_lossy(&head).to_lowercase();
    let length = text
        .split("content-length: ")
        .nth(1)
        .and_then(|rest| rest.split('\r').next()?.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    client.read_exact(&mut body)?;
    if fails(&text) {
        let body = r#"{"error": "broken"}"#;
        let length = body.len();
        return write!(
            client,
            "HTTP/1.1 500 Oops\r\nContent-Length: {length}\r\n\r\n{body}"
        );
    }
    let mut server = TcpStream::connect(("127.0.0.1", api_port))?;
    server.write_all(&[head, body].concat())?;
    std::io::copy(&mut server, client).map(drop)
}
