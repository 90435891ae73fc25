//! The harness itself: that its witnesses see what is there, and its assertions fail when they must.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, TcpListener, TcpStream, UdpSocket};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

use pretty_assertions::assert_eq;

use crate::support::bridge::Bridge;
use crate::support::daemon::Release;
use crate::support::dig::{self, Asker};
use crate::support::keys::Key;
use crate::support::named::{Named, View, Zone};
use crate::support::nsupdate::{nsupdate, try_nsupdate, try_nsupdate_at};
use crate::support::ports::Port;
use crate::support::process::Running;
use crate::support::refusal::{Proxy, REFUSED, Refusal};
use crate::support::scripted::{Scripted, Upstream};
use crate::support::server::Server as _;
use crate::support::{message, payload, process, record, wait};

#[test]
fn a_server_serves_its_zone_file_and_dig_sees_all_of_it() {
    let named = Named::builder()
        .zone(Zone::dynamic("example.com", "www 60 A 192.0.2.7"))
        .start();
    let expected = [
        "example.com. 3600 IN NS ns1.example.com.",
        "ns1.example.com. 3600 IN A 192.0.2.1",
        "www.example.com. 60 IN A 192.0.2.7",
    ];
    assert_eq!(dig::content(&named, "example.com"), expected);
    assert_eq!(dig::axfr(&named, "example.com").len(), 4);
    assert_eq!(dig::soa(&named, "example.com").serial, 1);
    assert_eq!(dig::short(&named, "www.example.com", "A"), ["192.0.2.7"]);
    assert_eq!(dig::status(&named, "nowhere.example.com", "A"), "NXDOMAIN");
    assert!(dig::has_zone(&named, "example.com"));
    assert!(!dig::has_zone(&named, "www.example.com"));
    let refused = Asker::of(&named).without_key().try_axfr("example.com");
    assert!(refused.is_err_and(|said| said.contains("Transfer failed")));
}

#[test]
fn nsupdate_changes_a_record_and_a_restart_keeps_it() {
    let mut named = Named::builder()
        .zone(Zone::dynamic("example.com", ""))
        .start();
    nsupdate(&named, "update add www.example.com 300 A 192.0.2.9");
    assert_eq!(dig::short(&named, "www.example.com", "A"), ["192.0.2.9"]);
    named.restart();
    assert_eq!(dig::short(&named, "www.example.com", "A"), ["192.0.2.9"]);
    named.kill();
    named.restart();
    assert_eq!(dig::short(&named, "www.example.com", "A"), ["192.0.2.9"]);
    assert!(dig::soa(&named, "example.com").serial > 1);
}

#[test]
fn a_zone_configured_by_hand_refuses_updates() {
    let named = Named::builder()
        .zone(Zone::fixed("example.com", ""))
        .start();
    let said = try_nsupdate(&named, "update add www.example.com 300 A 192.0.2.9");
    assert_eq!(said.status, Some(2));
    assert!(said.stderr().contains("REFUSED"), "{}", said.stderr());
}

#[test]
fn a_signed_zone_validates_with_and_without_inline_signing() {
    let named = Named::builder()
        .zone(Zone::signed("inline.test", "www A 192.0.2.7", true))
        .zone(Zone::signed("plain.test", "www A 192.0.2.7", false))
        .start();
    for zone in ["inline.test", "plain.test"] {
        let name = format!("www.{zone}");
        wait::until("the zone is signed", || {
            dig::axfr(&named, zone)
                .iter()
                .any(|line| line.contains(" RRSIG A "))
                && !dig::short(&named, zone, "DNSKEY").is_empty()
        });
        let answer = dig::delv(&named, zone, &name, "A");
        assert!(answer.contains("; fully validated"), "{answer}");
        assert_eq!(dig::content(&named, zone).len(), 3);
    }
}

#[test]
fn a_key_chooses_the_view() {
    let named = Named::builder()
        .key(Key::new("outside"))
        .key(Key::with_algorithm("inside", "hmac-sha512"))
        .options("allow-transfer { key inside; key outside; };")
        .view(
            View::new("internal", "match-clients { key inside; };")
                .zone(Zone::dynamic("example.com", "www A 10.0.0.1")),
        )
        .view(View::new("external", "").zone(Zone::dynamic("example.com", "www A 192.0.2.7")))
        .start();
    let inside = Asker::of(&named).with_key(named.key_file_of("inside"));
    assert_eq!(inside.short("www.example.com", "A"), ["10.0.0.1"]);
    assert_eq!(dig::short(&named, "www.example.com", "A"), ["192.0.2.7"]);
    assert_eq!(
        inside.without_key().short("www.example.com", "A"),
        ["192.0.2.7"]
    );
}

#[test]
fn rndc_reaches_the_control_channel_and_new_zones_can_be_refused() {
    let named = Named::builder()
        .closed_to_new_zones()
        .max_journal("64k")
        .start();
    assert_eq!(named.rndc(&["status"]).status, Some(0));
    let said = named.rndc(&["addzone", "a.test", "{ type primary; file \"a.db\"; };"]);
    assert!(
        said.stderr().contains("permission denied"),
        "{}",
        said.stderr()
    );
    assert!(named.log().contains("running"));
}

#[test]
fn a_server_answers_over_tls() {
    let named = Named::builder()
        .tls()
        .zone(Zone::dynamic("example.com", ""))
        .start();
    let (port, authority) = (named.tls_port().to_string(), named.authority());
    let authority = format!("+tls-ca={}", authority.certificate().display());
    let question = [
        "-r",
        "@127.0.0.1",
        "-p",
        &port,
        &authority,
        "+tls-hostname=ns.test",
    ];
    let answer = process::run_ok(
        "dig",
        &[&question[..], &["+short", "example.com", "NS"]].concat(),
    );
    assert_eq!(answer, "ns1.example.com.\n");
}

#[test]
fn servers_that_start_at_once_keep_apart() {
    let servers: Vec<_> = (0..8)
        .map(|_| std::thread::spawn(|| Named::builder().start().port()))
        .map(std::thread::JoinHandle::join)
        .collect();
    assert!(servers.iter().all(Result::is_ok));
}

#[test]
fn a_scripted_peer_answers_stalls_and_resets() {
    let peer = Scripted::start(|conversation| match conversation.number() {
        1 => {
            let message = conversation.read().expect("a message");
            conversation.write(&message);
            conversation.write_raw(&[0xff, 0xff, 0x00]);
        }
        2 => conversation.reset(),
        _ => conversation.stall(),
    });
    let mut first = Upstream::connect(peer.port());
    assert_eq!(first.exchange(b"hello"), b"hello");
    assert_eq!(first.receive(wait::PATIENCE), None);
    let mut second = Upstream::connect(peer.port());
    assert_eq!(second.receive(wait::PATIENCE), None);
    let mut third = Upstream::connect(peer.port());
    assert_eq!(third.receive(std::time::Duration::from_millis(50)), None);
    assert_eq!(peer.connections(), 3);
}

#[test]
fn a_proxy_alters_what_a_real_server_answers() {
    let named = Named::builder()
        .zone(Zone::dynamic("example.com", "www A 192.0.2.7"))
        .start();
    let honest = Scripted::proxy(named.port(), |_, answer| Some(answer));
    let zone = dig_through(&honest, &named, &["example.com", "AXFR", "+onesoa"]);
    assert!(zone.contains("192.0.2.7"), "{zone}");
    let forger = Scripted::proxy(named.port(), |_, mut answer| {
        if let Some(flags) = answer.get_mut(3) {
            *flags = (*flags & 0xf0) | 5; // REFUSED (RFC 1035 section 4.1.1)
        }
        Some(answer)
    });
    let answer = dig_through(&forger, &named, &["www.example.com", "A"]);
    assert!(answer.contains("status: REFUSED"), "{answer}");
    assert!(answer.contains("tsig verify failure"), "{answer}");
}

#[test]
fn a_peer_with_the_key_signs_as_a_server_does() {
    let named = Named::builder().start();
    let key = named.key().clone();
    let address = message::record("www.example.com", 1, &[192, 0, 2, 7]);
    let liar = Scripted::start(move |conversation| {
        while let Some(request) = conversation.read() {
            let answer = message::answer(&request, 0, std::slice::from_ref(&address));
            let signed = message::sign(answer, &request, &key);
            conversation.write(&match conversation.number() {
                1 => signed,
                2 => message::with_other_mac(signed),
                _ => message::without_tsig(&signed),
            });
        }
    });
    let question = ["www.example.com", "A"];
    let believed = dig_through(&liar, &named, &question);
    assert!(
        believed.contains("192.0.2.7") && !believed.contains("WARNING"),
        "{believed}"
    );
    let forged = dig_through(&liar, &named, &question);
    assert!(forged.contains("tsig verify failure"), "{forged}");
    let unsigned = dig_through(&liar, &named, &question);
    assert!(unsigned.contains("expected a TSIG or SIG(0)"), "{unsigned}");
}

fn dig_through(peer: &Scripted, named: &Named, question: &[&str]) -> String {
    let (port, key) = (peer.port().to_string(), named.key_file().to_string_lossy());
    let connection = [
        "-r",
        "@127.0.0.1",
        "-p",
        &port,
        "-k",
        &*key,
        "+tcp",
        "+tries=1",
    ];
    let said = process::run("dig", &[&connection, question].concat(), b"");
    said.stdout() + &said.stderr()
}

#[test]
fn a_run_of_nsbridge_is_kept_and_its_addresses_are_named() {
    let named = Named::builder().start();
    let bridge = Bridge::of(&named)
        .seed(&named)
        .ptr_networks(&["192.0.2.0/24"]);
    assert!(bridge.toml().contains("networks = [\"192.0.2.0/24\"]"));
    let run = bridge.run(&["--help"], "");
    run.assert_status(0);
    assert!(run.stdout.contains("help"));
    let call = payload::call(&[payload::delete("example.com")]);
    assert_eq!(
        call,
        r#"[{"command":"delete","zone":{"displayName":"example.com.","name":"example.com."}}]"#
    );
}

#[test]
fn a_proxy_refuses_what_it_is_told_to_and_counts_what_passes() {
    let named = Named::builder()
        .zone(Zone::dynamic("example.com", "a 60 A 192.0.2.7"))
        .start();
    let proxy = Proxy::refusing(&named, |update| {
        let added = message::additions(update);
        let adds = |record: &str| added.iter().any(|it| it == record);
        let is_signed = adds("a.example.com. A 192.0.2.7");
        let is_refused = is_signed || adds("b.example.com. MX 10 ns1.example.com.");
        is_refused.then_some(Refusal {
            rcode: REFUSED,
            is_signed,
        })
    });
    let send = |script: &str| try_nsupdate_at(proxy.port(), named.key_file(), script);
    let refused = "update add c.example.com 60 TXT c\nupdate add a.example.com 60 A 192.0.2.7";
    let said = send(refused).stderr();
    assert_eq!(said, "update failed: REFUSED\n");
    let said = send("update add b.example.com 60 MX 10 ns1.example.com").stderr();
    assert!(said.contains("expected a TSIG"), "{said}");
    let passed = "update add b.example.com 60 A 192.0.2.7\nupdate delete a.example.com A 192.0.2.7";
    assert_eq!(send(passed).status, Some(0));
    let expected = [
        "b.example.com. 60 IN A 192.0.2.7",
        "example.com. 3600 IN NS ns1.example.com.",
        "ns1.example.com. 3600 IN A 192.0.2.1",
    ];
    assert_eq!(dig::content(&named, "example.com"), expected);
    assert_eq!(proxy.updates_received(), 3);
    let asker = Asker::at(proxy.port(), named.key_file());
    let transferred = asker.axfr("example.com");
    assert_eq!(transferred, dig::axfr(&named, "example.com"));
}

#[test]
#[should_panic(expected = "the secret of key `told` is in standard output")]
fn a_secret_in_the_output_fails_the_test() {
    let key = Key::new("told");
    let secret = key
        .statement()
        .split('"')
        .nth(3)
        .map(str::to_owned)
        .expect("a secret");
    record::assert_no_secret("standard output", format!("key {secret}").as_bytes());
}

#[test]
#[should_panic(expected = "was killed after 0 s")]
fn a_program_that_hangs_is_killed() {
    let running = Running::start(Command::new("tail").args(["-f", "/dev/null"]), b"");
    running.finish(std::time::Duration::from_millis(50));
}

#[test]
#[should_panic(expected = "hint: testenv/install servers")]
fn a_missing_program_is_named_with_its_remedy() {
    process::run("nsbridge-no-such-program", &["-h"], b"");
}

#[test]
fn a_server_of_debian_13_is_another_one_than_that_of_this_machine_and_ends_when_killed() {
    let release = Release::Debian13;
    if !release.is_here() {
        return;
    }
    let mut named = Named::of(release)
        .zone(Zone::dynamic("example.com", ""))
        .start();
    assert!(named.log().contains("starting BIND 9.20."));
    nsupdate(&named, "update add www.example.com 300 A 192.0.2.9");
    named.kill();
    assert_eq!(Asker::of(&named).ask(&["example.com"]).status, Some(9));
    named.restart();
    assert_eq!(dig::short(&named, "www.example.com", "A"), ["192.0.2.9"]);
}

/// Between `fork` and `exec` a program has all sockets of the test that starts it.
#[test]
fn nobody_listens_on_a_claimed_port_whatever_is_started_meanwhile() {
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    assert!(Command::new("true").status().unwrap().success());
                }
            });
        }
        let connected = (0..1_000).find_map(|_| {
            let port = Port::claim();
            TcpStream::connect((Ipv4Addr::LOCALHOST, port.number()))
                .err()
                .is_none_or(|error| error.kind() != ErrorKind::ConnectionRefused)
                .then(|| port.number())
        });
        is_over.store(true, Ordering::Relaxed);
        assert_eq!(connected, None);
    });
}

#[test]
fn a_port_that_somebody_else_serves_is_not_claimed() {
    let number = Port::claim().number();
    let by_tcp = TcpListener::bind((Ipv4Addr::LOCALHOST, number)).unwrap();
    assert!(Port::try_claim(number).is_none());
    drop(by_tcp);
    let _by_udp = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, number)).unwrap();
    assert!(Port::try_claim(number).is_none());
}
