//! The HTTP API of PowerDNS: what keeps it from working is said with its remedy, and it is reached through TLS.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use socket2::{Domain, Socket, Type};
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::support::authority::Authority;
use crate::support::bridge::Bridge;
use crate::support::pdns::Pdns;
use crate::support::pdns_api::{PROVISION, delete, fresh, pass_request, reading_from, wanted};
use crate::support::server::Server as _;
use crate::support::wanted::zone;
use crate::support::{dig, payload, process};

#[test]
fn what_keeps_the_api_from_working_is_said_with_its_remedy() {
    let wrong = |setting: &str, value: &str| Pdns::builder().setting(setting, value).start();
    let cases = [
        (wrong("api", "no\nwebserver=yes"), "NB-API-OTHER-SERVICE"),
        (wrong("api", "no"), "NB-API-CONNECTION-REFUSED"),
        (wrong("api-key", "another"), "NB-API-KEY-REFUSED"),
        (wrong("webserver-allow-from", "192.0.2.1"), "NB-API-LOST"),
    ];
    for (pdns, code) in cases {
        let bridge = pdns.provisioning(Bridge::of(&pdns)).deadline_seconds(10);
        let run = bridge.plesk(wanted().call());
        assert!([Some(69), Some(75)].contains(&run.status), "{run:?}");
        run.assert_stdout("").assert_code(code);
    }
}

#[test]
fn another_service_on_the_port_is_told_from_powerdns() {
    let (pdns, bridge) = fresh();
    let page = "<!DOCTYPE html><html><body>It works!</body></html>";
    for (status, code) in [
        ("200 OK", "NB-API-OTHER-SERVICE"),
        ("404 Not Found", "NB-API-OTHER-SERVICE"),
        ("403 Forbidden", "NB-API-FORBIDDEN"),
    ] {
        let port = answering(format!(
            "HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n{page}",
            page.len()
        ));
        let url = format!("http://127.0.0.1:{port}");
        let run = pdns
            .provisioning(Bridge::of(&pdns))
            .set_text(PROVISION, "url", &url)
            .plesk(wanted().call());
        run.assert_status(75).assert_stdout("").assert_code(code);
    }
    let port = answering("220 mail.example.net ESMTP\r\n".to_owned());
    let url = format!("http://127.0.0.1:{port}");
    let bridge = bridge.set_text(PROVISION, "url", &url);
    let run = bridge.plesk(wanted().call());
    run.assert_status(75).assert_code("NB-API-LOST");
}

#[test]
fn a_server_that_hangs_up_in_the_tls_handshake_may_speak_plain_http() {
    let pdns = Pdns::builder().start();
    let directory = tempfile::tempdir().expect("a temporary directory");
    let authority = Authority::new(directory.path(), "authority").certificate();
    for answer in ["", "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"] {
        let url = format!("https://127.0.0.1:{}", answering(answer.to_owned()));
        let bridge = pdns
            .provisioning(Bridge::of(&pdns))
            .set_text(PROVISION, "url", &url)
            .set_text(PROVISION, "tls-ca-file", &authority.to_string_lossy());
        let run = bridge.plesk(wanted().call());
        run.assert_status(75).assert_code("NB-API-WITHOUT-TLS");
    }
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
    let bridge = reading_from(&reader, bridge);
    pdns.stop();
    let run = bridge.plesk(wanted().call());
    run.assert_status(75)
        .assert_stdout("")
        .assert_code("NB-API-CONNECTION-REFUSED");
    let silent = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = silent.local_addr().expect("the port").port();
    let bridge = bridge
        .set_text(PROVISION, "url", &format!("http://127.0.0.1:{port}"))
        .deadline_seconds(3);
    let run = bridge.plesk(wanted().call());
    run.assert_status(75).assert_code("NB-API-TIMED-OUT");
}

/// A firewall that drops packets looks so, too.
#[test]
fn an_api_whose_port_answers_no_handshake_is_told_soon_for_many_zones() {
    let (pdns, bridge) = fresh();
    let full = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    full.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into())
        .unwrap();
    full.listen(0).unwrap();
    let address = full.local_addr().unwrap().as_socket().unwrap();
    let connect = |_| TcpStream::connect_timeout(&address, Duration::from_millis(200)).ok();
    let waiting: Vec<TcpStream> = (0..10).map_while(connect).collect();
    assert!(waiting.len() < 10, "the kernel takes every connection");
    let bridge = bridge
        .set_text(PROVISION, "url", &format!("http://{address}"))
        .without_dry_run("a dry run waits as long");
    let zones = (0..20).map(|index| zone(&format!("z{index}.test"), "@ NS ns1.example.net."));
    let zones: Vec<_> = zones.map(|zone| zone.update()).collect();
    let began = Instant::now();
    let run = bridge.plesk(payload::call(&zones));
    run.assert_status(75)
        .assert_codes(&["NB-API-UNREACHABLE"])
        .assert_code_with("NB-API-UNREACHABLE", "19 more");
    let taken = began.elapsed();
    assert!(taken < Duration::from_secs(9), "{taken:?}");
    assert!(!dig::has_zone(&pdns, "z0.test"));
}

#[test]
fn a_key_file_that_others_can_read_is_refused() {
    let (pdns, bridge) = fresh();
    let permissions = std::fs::Permissions::from_mode(0o640);
    std::fs::set_permissions(pdns.api_key_file(), permissions).expect("the file is ours");
    let run = bridge.plesk(wanted().call());
    run.assert_status(78).assert_code("NB-SECRET-FILE-EXPOSED");
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
        .assert_code("NB-TLS-NO-TRUST");
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
        .assert_code_with("NB-API-UNREACHABLE", "`other.test`");
    let pin = process::run_ok("sh", &["-c", &pin_command(directory.path())]);
    let bridge = pdns
        .provisioning(Bridge::of(&pdns))
        .set_text(PROVISION, "url", &url)
        .set(PROVISION, "tls-pins", &format!("[{:?}]", pin.trim()));
    bridge.plesk(wanted().call()).assert_status(0);
    let wrong = "[\"YLh1dUR9y6Kja30RrAn7JKnbQG/uEtLMkBgFF2Fuihg=\"]";
    let bridge = bridge.set(PROVISION, "tls-pins", wrong);
    let run = bridge.plesk(delete());
    run.assert_code_with("NB-API-UNREACHABLE", "`tls-pins = [");
    assert!(dig::has_zone(&pdns, "example.com"));
    let bridge = bridge.set_text(
        PROVISION,
        "url",
        &format!("https://127.0.0.1:{}", pdns.api_port()),
    );
    let run = bridge.plesk(delete());
    run.assert_code("NB-API-WITHOUT-TLS");
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
