//! DNS over TLS to a real server: who is trusted, by what, and what is said when it does not fit.

use crate::support::authority::Authority;
use crate::support::bridge::{Bridge, Run};
use crate::support::dig;
use crate::support::documented;
use crate::support::hostile::{call, untouched, zone};
use crate::support::named::Named;
use crate::support::process;
use crate::support::server::Server as _;

const CONFIGURATION: &str = include_str!("../../../docs/configuration.md");

fn server() -> Named {
    Named::builder().tls().zone(zone()).start()
}

/// nsbridge over TLS, without any setting of whom to trust.
fn over_tls(named: &Named) -> Bridge {
    Bridge::at(named.tls_port(), named.key_file()).set_text("primaries.main", "transport", "tls")
}

/// Trusts `authority` for a server called `name`.
fn trusting(bridge: Bridge, authority: &Authority, name: &str) -> Bridge {
    bridge
        .set_text(
            "primaries.main",
            "tls-ca-file",
            &authority.certificate().to_string_lossy(),
        )
        .set_text("primaries.main", "tls-name", name)
}

/// The pin of a certificate (RFC 7858 section 4.2), as docs/configuration.md has openssl compute it.
fn pin_of(certificate: &std::path::Path) -> String {
    let [command] = &documented::blocks(CONFIGURATION, "sh")[..] else {
        panic!("configuration.md has other commands");
    };
    assert!(command.contains(" ns1.pem "), "{command}");
    let command = command.replace("ns1.pem", &certificate.to_string_lossy());
    process::run_ok("sh", &["-c", &command]).trim().to_owned()
}

#[track_caller]
fn assert_delivers(named: &Named, bridge: &Bridge) {
    bridge.plesk(call()).assert_status(0);
    assert_eq!(dig::short(named, "new.example.com", "A"), ["192.0.2.99"]);
}

#[track_caller]
fn assert_distrusts(named: &Named, bridge: &Bridge, code: &str) -> Run {
    let run = untouched(named, || bridge.plesk(call()));
    run.assert_status(75)
        .assert_code_with(code, "example.com. on main (127.0.0.1:PORT");
    run
}

#[test]
fn a_server_is_trusted_by_its_authority_and_name() {
    let named = server();
    assert_delivers(
        &named,
        &trusting(over_tls(&named), &named.authority(), "ns.test"),
    );
}

#[test]
fn a_server_is_trusted_by_its_address() {
    let named = server();
    let authority = named.authority().certificate();
    let bridge = over_tls(&named);
    let authority = authority.to_string_lossy();
    assert_delivers(
        &named,
        &bridge.set_text("primaries.main", "tls-ca-file", &authority),
    );
}

#[test]
fn a_server_is_trusted_by_its_pin() {
    let named = server();
    let pins = format!("[{:?}]", pin_of(&named.certificate()));
    assert_delivers(
        &named,
        &over_tls(&named).set("primaries.main", "tls-pins", &pins),
    );
}

#[test]
fn a_server_with_another_pin_is_not_trusted() {
    let named = server();
    let stranger = Authority::new(&named.file("."), "stranger");
    let pins = format!("[{:?}]", pin_of(&stranger.certificate()));
    let bridge = over_tls(&named).set("primaries.main", "tls-pins", &pins);
    let presented = pin_of(&named.certificate());
    assert_distrusts(&named, &bridge, "NB-TLS-OTHER-PIN")
        .assert_code_with("NB-TLS-OTHER-PIN", &presented);
}

#[test]
fn a_server_of_another_name_is_not_trusted() {
    let named = server();
    let bridge = trusting(over_tls(&named), &named.authority(), "ns.example.net");
    assert_distrusts(&named, &bridge, "NB-TLS-OTHER-NAME");
}

/// The certificate names 127.0.0.1, which is the name of `address` alone.
#[test]
fn the_server_of_each_address_is_trusted_by_the_name_of_its_own() {
    let named = server();
    let authority = named.authority().certificate();
    let authority = authority.to_string_lossy();
    for option in ["query-address", "transfer-address"] {
        let with = |host: &str| {
            let address = format!("{host}:{}", named.tls_port());
            over_tls(&named)
                .set_text("primaries.main", "tls-ca-file", &authority)
                .set_text("primaries.main", option, &address)
        };
        assert_distrusts(&named, &with("localhost"), "NB-TLS-OTHER-NAME");
        with("127.0.0.1").plesk(call()).assert_status(0);
        // A name that the configuration gives holds for all of them.
        let named_alike = with("localhost").set_text("primaries.main", "tls-name", "ns.test");
        named_alike.plesk(call()).assert_status(0);
    }
}

#[test]
fn a_server_of_another_authority_is_not_trusted() {
    let named = server();
    let stranger = Authority::new(&named.file("."), "stranger");
    let bridge = trusting(over_tls(&named), &stranger, "ns.test");
    assert_distrusts(&named, &bridge, "NB-TLS-UNKNOWN-ISSUER");
}

#[test]
fn a_server_may_ask_for_a_certificate() {
    let named = Named::builder().mutual_tls().zone(zone()).start();
    let (certificate, key) = named.authority().issue("client", "DNS:plesk01.test");
    let bridge = trusting(over_tls(&named), &named.authority(), "ns.test");
    // BIND hangs up without an alert that says why: closes or resets, as it comes.
    untouched(&named, || bridge.plesk(call()))
        .assert_status(75)
        .assert_code("NB-CONNECTION-CLOSED");
    let bridge = bridge
        .set_text(
            "primaries.main",
            "tls-certificate-file",
            &certificate.to_string_lossy(),
        )
        .set_text("primaries.main", "tls-key-file", &key.to_string_lossy());
    assert_delivers(&named, &bridge);
}

#[test]
fn a_port_without_tls_is_told() {
    let named = server();
    let bridge = Bridge::of(&named).set_text("primaries.main", "transport", "tls");
    let bridge = trusting(bridge, &named.authority(), "ns.test").deadline_seconds(5);
    let run = untouched(&named, || bridge.plesk(call()));
    // Plain DNS takes the first octets of TLS for a length, and waits for the rest or hangs up.
    assert!(matches!(run.status, Some(69 | 75)), "{run:?}");
    run.assert_says("TLS");
}
