//! A proxy before PowerDNS's API that answers in its place.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

use crate::support::bridge::Bridge;
use crate::support::dig;
use crate::support::payload;
use crate::support::pdns::Pdns;
use crate::support::server::Server as _;
use crate::support::wanted::{Wanted, zone};

const PROVISION: &str = "primaries.main.provision";
const PAGE: &str =
    "<html><head><title>nginx</title></head><body><center>nginx</center></body></html>";

fn wanted() -> Wanted {
    zone("example.com", "@ NS ns1.example.net. | www A 192.0.2.7")
}

fn delete() -> String {
    payload::call(&[payload::delete("example.com")])
}

/// Reaches the API through a proxy that answers requests of these methods itself, with this status and a page.
fn behind(
    pdns: &Pdns,
    bridge: Bridge,
    methods: &'static [&'static str],
    status: &'static str,
) -> Bridge {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("the port").port();
    let api_port = pdns.api_port();
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            std::thread::spawn(move || answer(client, api_port, methods, status));
        }
    });
    bridge.set_text(PROVISION, "url", &format!("http://127.0.0.1:{port}"))
}

fn answer(
    mut client: TcpStream,
    api_port: u16,
    methods: &[&str],
    status: &str,
) -> std::io::Result<()> {
    let mut request = Vec::new();
    let mut octets = [0; 8192];
    while !is_whole(&request) {
        match client.read(&mut octets)? {
            0 => return Ok(()),
            count => request.extend_from_slice(&octets[..count]),
        }
    }
    let method = request.split(|octet| *octet == b' ').next();
    if methods.iter().any(|it| Some(it.as_bytes()) == method) {
        let (length, to) = (PAGE.len(), "Location: https://api.example.net/\r\n");
        return write!(
            client,
            "HTTP/1.1 {status}\r\n{to}Content-Length: {length}\r\nConnection: close\r\n\r\n{PAGE}"
        );
    }
    let mut server = TcpStream::connect(("127.0.0.1", api_port))?;
    server.write_all(&request)?;
    std::io::copy(&mut server, &mut client).map(drop)
}

/// Whether the head and as much of a body is there as the head says.
fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request).to_lowercase();
    let Some((head, _)) = text.split_once("\r\n\r\n") else {
        return false;
    };
    let length = head.split("content-length: ").nth(1);
    let length = length.and_then(|rest| rest.split('\r').next()?.parse().ok());
    request.len() >= head.len() + 4 + length.unwrap_or(0)
}

#[test]
fn a_proxy_whose_server_is_away_is_waited_for() {
    let pdns = Pdns::builder().start();
    for status in [
        "429 Too Many Requests",
        "502 Bad Gateway",
        "503 Service Unavailable",
        "504 Gateway Timeout",
    ] {
        let bridge = pdns.provisioning(Bridge::of(&pdns));
        let bridge = behind(&pdns, bridge, &["GET", "POST"], status);
        let number = &status[..3];
        let run = bridge.plesk(wanted().call());
        run.assert_status(75).assert_stdout("");
        run.assert_code_with("NB-API-PROXY-FAILED", &format!("(status {number})"));
        // It is back, and what waited is done.
        let bridge = pdns.provisioning(bridge);
        bridge
            .run(&["queue", "retry", "--all"], "")
            .assert_status(0);
        wanted().assert_on(&pdns);
        bridge.plesk(delete()).assert_status(0);
    }
}

#[test]
fn a_redirect_is_told_as_what_it_is() {
    let pdns = Pdns::builder().start();
    let bridge = pdns.provisioning(Bridge::of(&pdns));
    let bridge = behind(&pdns, bridge, &["GET", "POST"], "308 Permanent Redirect");
    bridge
        .plesk(wanted().call())
        .assert_status(75)
        .assert_code("NB-API-REDIRECTED");
    bridge.run(&["zone", "list"], "").assert_stdout("");
}

#[test]
fn a_page_in_place_of_an_answer_is_no_success() {
    let pdns = Pdns::builder().start();
    let bridge = pdns.provisioning(Bridge::of(&pdns));
    let bridge = behind(&pdns, bridge, &["POST"], "200 OK");
    let run = bridge.plesk(wanted().call());
    run.assert_status(75).assert_stdout("");
    run.assert_code_with("NB-API-OTHER-SERVICE", "(status 200)");
    // Nothing was made, so nothing was begun.
    bridge.run(&["zone", "list"], "").assert_stdout("");

    let bridge = pdns.provisioning(bridge);
    bridge.plesk(wanted().call()).assert_status(0);
    let bridge = behind(&pdns, bridge, &["DELETE"], "200 OK");
    let run = bridge.plesk(delete());
    run.assert_status(75).assert_stdout("");
    assert_eq!(dig::status(&pdns, "www.example.com", "A"), "NOERROR");
    wanted().assert_on(&pdns);
    pdns.provisioning(bridge).plesk(delete()).assert_status(0);
}
