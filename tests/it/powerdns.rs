//! Zones made and removed over the HTTP API of a real PowerDNS, and what a user is told when that
//! does not work.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;

use pretty_assertions::assert_eq;
use serde_json::{Value, json};
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::authority::Authority;
use crate::bridge::Bridge;
use crate::nsupdate::try_nsupdate;
use crate::pdns::Pdns;
use crate::process::Said;
use crate::server::Server as _;
use crate::wanted::{Wanted, zone};
use crate::{dig, payload, process};

const PROVISION: &str = "primaries.main.provision";
const MARK: &str = "X-NSBRIDGE-INSTANCE";

/// A server without zones, and nsbridge before it, making zones.
fn fresh() -> (Pdns, Bridge) {
    let pdns = Pdns::builder().start();
    let bridge = pdns.provisioning(Bridge::of(&pdns));
    (pdns, bridge)
}

fn wanted() -> Wanted {
    zone("example.com", "@ NS ns1.example.net. | www A 192.0.2.7")
}

fn delete() -> String {
    payload::call(&[payload::delete("example.com")])
}

/// Sends a request to the API, as `curl` does; gives the status and the JSON of the answer.
#[track_caller]
fn api(pdns: &Pdns, method: &str, path: &str, body: Option<Value>) -> (u16, Value) {
    let body = body.map_or_else(String::new, |body| body.to_string());
    let key = std::fs::read_to_string(pdns.api_key_file()).expect("the key of the API");
    let request = format!(
        "{method} /api/v1/servers/localhost{path} HTTP/1.0\r\nX-API-Key: {key}\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut stream = TcpStream::connect(("127.0.0.1", pdns.api_port())).expect("the API listens");
    stream.write_all(request.as_bytes()).expect("it is sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it is answered");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
    let status = head.split(' ').nth(1).and_then(|word| word.parse().ok());
    let status = status.unwrap_or_else(|| panic!("no status: {head}"));
    (status, serde_json::from_str(body).unwrap_or_default())
}

/// Makes `example.com` as the first step of a creation by `account` leaves it.
#[track_caller]
fn half_made(pdns: &Pdns, account: &str) {
    let set = |rtype: &str, content: &str| {
        json!({ "name": "example.com.", "type": rtype, "ttl": 300,
                "records": [{ "content": content, "disabled": false }] })
    };
    let sets = [
        set(
            "SOA",
            "ns1.example.net. hostmaster.example.com. 5 10800 3600 604800 10800",
        ),
        set("NS", "ns1.example.net."),
    ];
    let new = json!({
        "name": "example.com.", "kind": "Slave", "masters": [], "account": account,
        "soa_edit_api": "", "master_tsig_key_ids": ["plesk."], "rrsets": sets,
    });
    assert_eq!(api(pdns, "POST", "/zones", Some(new)).0, 201);
}

fn metadata(pdns: &Pdns, kind: &str) -> Value {
    let path = format!("/zones/example.com./metadata/{kind}");
    api(pdns, "GET", &path, None).1["metadata"].clone()
}

fn kind(pdns: &Pdns) -> Value {
    api(pdns, "GET", "/zones/example.com.?rrsets=false", None).1["kind"].clone()
}

#[test]
fn a_zone_is_marked_and_takes_updates_of_its_key_only() {
    let (pdns, bridge) = fresh();
    bridge
        .plesk(wanted().call())
        .assert_status(0)
        .assert_stdout("example.com.: created with 3 records on main (127.0.0.1:PORT)\n")
        .assert_stderr("");
    wanted().assert_on(&pdns);
    assert_eq!(dig::soa(&pdns, "example.com").serial, 1_764_000_000);
    assert_eq!(metadata(&pdns, MARK), json!(["plesk01"]));
    assert_eq!(metadata(&pdns, "TSIG-ALLOW-DNSUPDATE"), json!(["plesk"]));
    assert_eq!(kind(&pdns), json!("Master"));
    let said = unsigned_update(&pdns);
    assert!(said.stderr().contains("REFUSED"), "{}", said.stderr());
}

#[test]
fn a_zone_half_made_takes_no_updates_from_anybody() {
    let (pdns, _) = fresh();
    half_made(&pdns, "nsbridge:plesk01");
    let said = try_nsupdate(&pdns, "update add x.example.com 60 A 192.0.2.1");
    assert!(said.stderr().contains("SERVFAIL"), "{}", said.stderr());
    let said = unsigned_update(&pdns);
    assert!(said.stderr().contains("SERVFAIL"), "{}", said.stderr());
}

/// What the server says to somebody without a key.
fn unsigned_update(pdns: &Pdns) -> Said {
    let script = format!(
        "server 127.0.0.1 {}\nzone example.com\nupdate add x.example.com 60 A 192.0.2.1\nsend\n",
        pdns.port()
    );
    process::run("nsupdate", &["-v"], script.as_bytes())
}

#[test]
fn a_creation_that_was_killed_at_any_step_is_finished_by_the_next_delivery() {
    let steps: [&[&str]; 3] = [&[], &[MARK], &[MARK, "TSIG-ALLOW-DNSUPDATE"]];
    for done in steps {
        let (pdns, bridge) = fresh();
        half_made(&pdns, "nsbridge:plesk01");
        for step in done {
            let value = if *step == MARK { "plesk01" } else { "plesk" };
            let path = format!("/zones/example.com./metadata/{step}");
            let body = json!({ "kind": step, "metadata": [value] });
            assert_eq!(api(&pdns, "PUT", &path, Some(body)).0, 200);
        }
        bridge
            .plesk(wanted().call())
            .assert_status(0)
            .assert_stderr("");
        wanted().assert_on(&pdns);
        assert_eq!(metadata(&pdns, MARK), json!(["plesk01"]));
        assert_eq!(metadata(&pdns, "TSIG-ALLOW-DNSUPDATE"), json!(["plesk"]));
        assert_eq!(kind(&pdns), json!("Master"));
    }
}

#[test]
fn a_zone_that_is_half_made_by_another_instance_is_left_alone() {
    let (pdns, bridge) = fresh();
    half_made(&pdns, "nsbridge:other");
    let bridge = bridge.deadline_seconds(8);
    bridge.plesk(wanted().call()).assert_status(69).assert_error(
        "example.com.",
        "the zone belongs to the instance `other`",
        "if that instance is gone or gives the zone away, `nsbridge zone adopt example.com` takes it over",
    );
    assert_eq!(kind(&pdns), json!("Slave"));
    assert_eq!(metadata(&pdns, MARK), json!([]));
}

#[test]
fn only_a_zone_that_bears_our_mark_is_deleted() {
    let gone = "example.com.: deleted on main (127.0.0.1:PORT)\n";
    for (mark, status, is_deleted) in [
        (json!(["plesk01"]), 0, true),
        (json!(["other"]), 69, false),
        (json!([]), 0, false),
    ] {
        let (pdns, bridge) = fresh();
        bridge.plesk(wanted().call()).assert_status(0);
        let path = format!("/zones/example.com./metadata/{MARK}");
        let body = json!({ "kind": MARK, "metadata": mark });
        assert_eq!(api(&pdns, "PUT", &path, Some(body)).0, 200);
        let run = bridge.plesk(delete());
        run.assert_status(status);
        let others = run.stderr.contains("belongs to the instance `other`");
        assert_eq!(others, status == 69, "{mark}: {}", run.stderr);
        assert_eq!(run.stdout == gone, is_deleted, "{mark}: {}", run.stdout);
        assert_eq!(dig::has_zone(&pdns, "example.com"), !is_deleted, "{mark}");
    }
}

#[test]
fn a_key_that_the_server_does_not_know_is_named_and_nothing_is_made() {
    let pdns = Pdns::builder().without_key().start();
    let bridge = pdns.provisioning(Bridge::of(&pdns));
    // Without the key nothing can be read either, so the zone is asked for by a server that knows it.
    let reader = Pdns::builder().start();
    let bridge = bridge
        .set_text(
            "primaries.main",
            "address",
            &format!("127.0.0.1:{}", reader.port()),
        )
        .set_text("keys.plesk", "file", &reader.key_file().to_string_lossy());
    let run = bridge.plesk(wanted().call());
    run.assert_status(69).assert_stdout("");
    run.assert_says("PowerDNS at 127.0.0.1:API does not know the TSIG key `plesk.`; hint: ");
    run.assert_says("`pdnsutil import-tsig-key plesk ALGORITHM 'SECRET'`");
    assert_eq!(api(&pdns, "GET", "/zones/example.com.", None).0, 404);
}

#[test]
fn a_creation_that_fails_half_way_is_rolled_back() {
    let (pdns, bridge) = fresh();
    let port = failing_metadata(pdns.api_port());
    let url = format!("http://127.0.0.1:{port}");
    let broken = bridge.set_text(PROVISION, "url", &url);
    let run = broken.plesk(wanted().call());
    run.assert_status(75).assert_stdout("");
    run.assert_says("(status 500): broken; the zone was half made and was removed again");
    assert_eq!(api(&pdns, "GET", "/zones/example.com.", None).0, 404);
    let bridge = pdns.provisioning(broken);
    bridge.plesk(wanted().call()).assert_status(0);
    wanted().assert_on(&pdns);
}

/// A way to the API on which every change of metadata fails.
fn failing_metadata(api_port: u16) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("the port").port();
    let fails = |head: &str| head.starts_with("put ") && head.contains("/metadata/");
    std::thread::spawn(move || {
        for mut client in listener.incoming().flatten() {
            std::thread::spawn(move || pass_request(&mut client, api_port, fails));
        }
    });
    port
}

/// Passes one request on and its answer back; fails those that `fails` says of by their head.
fn pass_request(
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

#[test]
fn what_keeps_the_api_from_working_is_said_with_its_remedy() {
    let wrong = |setting: &str, value: &str| Pdns::builder().setting(setting, value).start();
    let off = "is not the API of PowerDNS Authoritative Server (status 404); hint: pdns.conf needs \
               `api=yes`";
    let cases = [
        (wrong("api", "no\nwebserver=yes"), off),
        (
            wrong("api", "no"),
            "cannot connect: 127.0.0.1:API refused the connection; hint: is PowerDNS running, and \
             does pdns.conf have `api=yes`",
        ),
        (
            wrong("api-key", "another"),
            "the API key is not accepted; hint: `api-key-file` must hold the value of `api-key`",
        ),
        (
            wrong("webserver-allow-from", "192.0.2.1"),
            "hint: pdns.conf needs `webserver-allow-from=<this host>`, without which PowerDNS hangs up",
        ),
    ];
    for (pdns, says) in cases {
        let bridge = pdns.provisioning(Bridge::of(&pdns)).deadline_seconds(10);
        let run = bridge.plesk(wanted().call());
        assert!([Some(69), Some(75)].contains(&run.status), "{run:?}");
        run.assert_stdout("").assert_says(says);
    }
}

#[test]
fn another_service_on_the_port_is_told_from_powerdns() {
    let (pdns, bridge) = fresh();
    let page = "<!DOCTYPE html><html><body>It works!</body></html>";
    for status in ["200 OK", "404 Not Found", "403 Forbidden"] {
        let port = answering(format!(
            "HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n{page}",
            page.len()
        ));
        let url = format!("http://127.0.0.1:{port}");
        let run = pdns
            .provisioning(Bridge::of(&pdns))
            .set_text(PROVISION, "url", &url)
            .plesk(wanted().call());
        run.assert_status(69)
            .assert_stdout("")
            .assert_says("hint: ");
    }
    let port = answering("220 mail.example.net ESMTP\r\n".to_owned());
    let url = format!("http://127.0.0.1:{port}");
    let bridge = bridge.set_text(PROVISION, "url", &url);
    let run = bridge.plesk(wanted().call());
    run.assert_status(75).assert_says(": no answer: ");
}

/// A port on which whatever is sent is answered so.
fn answering(answer: String) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("the port").port();
    std::thread::spawn(move || {
        for mut client in listener.incoming().flatten() {
            let _ = client.read(&mut [0; 4096]);
            let _ = client.write_all(answer.as_bytes());
        }
    });
    port
}

#[test]
fn an_api_that_nobody_serves_is_unreachable() {
    let (mut pdns, bridge) = fresh();
    let reader = Pdns::builder().start();
    let bridge = bridge
        .set_text(
            "primaries.main",
            "address",
            &format!("127.0.0.1:{}", reader.port()),
        )
        .set_text("keys.plesk", "file", &reader.key_file().to_string_lossy());
    pdns.stop();
    let run = bridge.plesk(wanted().call());
    run.assert_status(75)
        .assert_stdout("")
        .assert_says("PowerDNS's API at 127.0.0.1:API: cannot connect: ")
        .assert_says("hint: is PowerDNS running, and does pdns.conf have `api=yes`");
    let silent = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = silent.local_addr().expect("the port").port();
    let bridge = bridge
        .set_text(PROVISION, "url", &format!("http://127.0.0.1:{port}"))
        .deadline_seconds(3);
    let run = bridge.plesk(wanted().call());
    run.assert_status(75)
        .assert_says("time was over while waiting for the answer");
}

#[test]
fn a_key_file_that_others_can_read_is_refused() {
    let (pdns, bridge) = fresh();
    let permissions = std::fs::Permissions::from_mode(0o640);
    std::fs::set_permissions(pdns.api_key_file(), permissions).expect("the file is ours");
    let run = bridge.plesk(wanted().call());
    run.assert_status(78).assert_says("has mode 0640");
}

#[test]
fn the_api_is_reached_through_tls_with_an_authority_or_a_pin() {
    let pdns = Pdns::builder().start();
    let directory = tempfile::tempdir().expect("a temporary directory");
    let authority = Authority::new(directory.path(), "authority");
    authority.issue("api", "DNS:api.test,IP:127.0.0.1");
    let port = through_tls(pdns.api_port(), directory.path());
    let plain = pdns.provisioning(Bridge::of(&pdns));
    let url = format!("https://127.0.0.1:{port}");
    let bridge = plain.set_text(PROVISION, "url", &url);
    bridge
        .plesk(wanted().call())
        .assert_status(78)
        .assert_says("TLS needs `tls-ca-file` or `tls-pins`");
    let file = authority.certificate();
    let bridge = bridge.set_text(PROVISION, "tls-ca-file", &file.to_string_lossy());
    bridge
        .plesk(wanted().call())
        .assert_status(0)
        .assert_stderr("");
    wanted().assert_on(&pdns);
    bridge.plesk(delete()).assert_status(0);
    let bridge = bridge.set_text(PROVISION, "tls-name", "other.test");
    let run = bridge.plesk(wanted().call());
    run.assert_status(75)
        .assert_says("is not valid for `other.test`");
    let pin = process::run_ok("sh", &["-c", &pin_command(directory.path())]);
    let bridge = pdns
        .provisioning(Bridge::of(&pdns))
        .set_text(PROVISION, "url", &url)
        .set(PROVISION, "tls-pins", &format!("[{:?}]", pin.trim()));
    bridge.plesk(wanted().call()).assert_status(0);
    let wrong = "[\"YLh1dUR9y6Kja30RrAn7JKnbQG/uEtLMkBgFF2Fuihg=\"]";
    let bridge = bridge.set(PROVISION, "tls-pins", wrong);
    let run = bridge.plesk(delete());
    run.assert_says("which is none of `tls-pins`");
    assert!(dig::has_zone(&pdns, "example.com"));
    let bridge = bridge.set_text(
        PROVISION,
        "url",
        &format!("https://127.0.0.1:{}", pdns.api_port()),
    );
    let run = bridge.plesk(delete());
    run.assert_says("PowerDNS itself speaks plain HTTP");
}

/// The command that prints the pin of the certificate `api.crt`.
fn pin_command(directory: &Path) -> String {
    format!(
        "openssl x509 -in {}/api.crt -noout -pubkey | openssl pkey -pubin -outform der \
         | openssl dgst -sha256 -binary | openssl base64",
        directory.display()
    )
}

/// A way to the API with TLS, as a proxy before it gives.
fn through_tls(api_port: u16, directory: &Path) -> u16 {
    let chain = CertificateDer::pem_file_iter(directory.join("api.crt")).expect("PEM");
    let chain = chain.collect::<Result<Vec<_>, _>>().expect("certificates");
    let key = PrivateKeyDer::from_pem_file(directory.join("api.key")).expect("a key");
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|config| config.with_no_client_auth().with_single_cert(chain, key));
    let mut config = config.expect("a key and its certificate");
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("the port").port();
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let session =
                ServerConnection::new(Arc::clone(&config)).expect("a valid configuration");
            std::thread::spawn(move || {
                let mut client = StreamOwned::new(session, client);
                pass_request(&mut client, api_port, |_| false)?;
                client.conn.send_close_notify();
                client.flush()
            });
        }
    });
    port
}

/// The block of docs/servers.md that begins with this line.
#[track_caller]
pub(crate) fn documented(first: &str) -> String {
    let text = include_str!("../../docs/servers.md");
    let start = text
        .find(first)
        .unwrap_or_else(|| panic!("no block `{first}`"));
    let block = text[start..].split("```").next();
    block.unwrap_or_default().to_owned()
}

#[test]
fn the_documented_configuration_serves() {
    let mut builder = Pdns::builder();
    for line in documented("launch=gsqlite3").lines() {
        let setting = line.split('#').next().unwrap_or_default().trim();
        let (name, value) = setting.split_once('=').expect("a setting in each line");
        let value = match name {
            "gsqlite3-database" => "{dir}/pdns.sqlite3".to_owned(),
            "webserver-port" => "{api}".to_owned(),
            "api-key" => "{api-key}".to_owned(),
            _ => value
                .replace("192.0.2.53", "127.0.0.1")
                .replace("192.0.2.20", "127.0.0.1"),
        };
        builder = builder.setting(name, &value);
    }
    let pdns = builder.start();
    let mut bridge = pdns.provisioning(Bridge::of(&pdns));
    for line in documented("method = \"powerdns\"").lines() {
        let (key, value) = line.split_once(" = ").expect("an option in each line");
        let value = value
            .replace(
                "http://192.0.2.53:8081",
                &format!("http://127.0.0.1:{}", pdns.api_port()),
            )
            .replace(
                "/etc/nsbridge/powerdns.key",
                &pdns.api_key_file().to_string_lossy(),
            );
        bridge = bridge.set(PROVISION, key, &value);
    }
    bridge
        .plesk(wanted().call())
        .assert_status(0)
        .assert_stderr("");
    wanted().assert_on(&pdns);
}

#[test]
fn a_zone_by_hand_takes_what_the_documented_commands_allow() {
    let mut pdns = Pdns::builder().start();
    let file = pdns.file("example.com.zone");
    std::fs::write(
        &file,
        "$ORIGIN example.com.\n@ 60 SOA ns1 h 1 2 3 4 5\n@ 60 NS ns1.example.net.\n",
    )
    .expect("the file is written");
    pdns.pdnsutil(&["load-zone", "example.com", &file.to_string_lossy()]);
    for line in documented("pdnsutil set-kind example.com").lines() {
        let words: Vec<&str> = line.split_whitespace().skip(1).collect();
        pdns.pdnsutil(&words);
    }
    // It would see the zone within five minutes.
    pdns.restart();
    let bridge = Bridge::of(&pdns);
    bridge.plesk(wanted().call()).assert_status(0);
    wanted().assert_on(&pdns);
    let unchanged = "example.com.: unchanged on main (127.0.0.1:PORT)\n";
    bridge
        .plesk(wanted().sent(1).call())
        .assert_stdout(unchanged);
}

#[test]
fn a_record_that_stands_there_in_another_spelling_is_named_and_not_forgotten() {
    let pdns = Pdns::builder().zone("example.com", "").start();
    let bridge = Bridge::of(&pdns);
    let apex = "@ 3600 NS ns1.example.com. | ns1 3600 A 192.0.2.1";
    let first = zone(
        "example.com",
        &format!("{apex} | old AAAA 2001:db8::1 | old TXT x"),
    );
    bridge.plesk(first.call()).assert_status(0);
    let respell = "UPDATE records SET content = '2001:DB8:0:0:0:0:0:1' WHERE type = 'AAAA'";
    pdns.sql(respell);
    for second in 1..=2 {
        let second = zone("example.com", apex).sent(second);
        let run = bridge.plesk(second.call());
        run.assert_status(69).assert_says(
            ": old.example.com. AAAA 2001:db8::1 is still there, though the primary took the update that removes \
             it; hint: remove it on the primary by its own tools",
        );
        assert_eq!(run.jobs.len(), 1);
    }
    assert_eq!(dig::status(&pdns, "old.example.com", "TXT"), "NOERROR");
    assert!(dig::short(&pdns, "old.example.com", "TXT").is_empty());
    pdns.sql("DELETE FROM records WHERE type = 'AAAA'");
    let third = zone("example.com", apex).sent(3);
    bridge
        .plesk(third.call())
        .assert_status(0)
        .assert_stderr("");
}
