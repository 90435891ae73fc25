//! nsupdate over TLS: `-S`, `-A`, `-H`, `-O`, `-E` and `-K`. The installed nsupdate may be too old for them.

use pretty_assertions::assert_eq;

use crate::support::authority::Authority;
use crate::support::dig;
use crate::support::named::{Named, Zone};
use crate::support::nsupdate_pair::{ZONE, run_ours};
use crate::support::server::Server as _;

const SCRIPT: &str = "server 127.0.0.1 {tls}\nadd a.example.com 60 TXT a\nsend\n";
const UNVERIFIED: &str = "; Communication with 127.0.0.1#PORT failed: TLS peer certificate verification failed\n\
     could not reach any name server\n";

#[track_caller]
fn check(named: &Named, arguments: &[&str], status: i32, text: &str) {
    let said = run_ours(named, &[&["-k", "{key}"], arguments].concat(), SCRIPT);
    let port = format!("#{}", named.tls_port());
    let stderr = said.stderr().replace(&port, "#PORT");
    assert_eq!(
        (said.status, stderr.as_str()),
        (Some(status), text),
        "{arguments:?}"
    );
    let there = !dig::short(named, "a.example.com", "TXT").is_empty();
    assert_eq!(there, status == 0);
}

#[test]
fn nsupdate_verifies_the_server_over_tls() {
    let named = Named::builder().tls().zone(Zone::dynamic(ZONE, "")).start();
    let authority = named.authority().certificate();
    let authority = &*authority.to_string_lossy();
    check(&named, &["-S"], 1, UNVERIFIED);
    check(
        &named,
        &["-A", authority, "-H", "other.test"],
        1,
        UNVERIFIED,
    );
    check(&named, &["-A", authority], 0, "");
    check(&named, &["-A", authority, "-H", "ns.test"], 0, "");
    check(&named, &["-O"], 0, "");
    let missing = run_ours(&named, &["-A", "/nonexistent"], SCRIPT);
    let text = "could not open '/nonexistent': file not found\n";
    assert_eq!((missing.status, missing.stderr().as_str()), (Some(1), text));
}

#[test]
fn nsupdate_that_verifies_nothing_takes_the_certificate_that_bind_makes_itself() {
    // It has version 1 (X.509), which webpki does not read.
    let listens = "listen-on port {spare} tls ephemeral { 127.0.0.1; };";
    let named = Named::builder()
        .options(listens)
        .zone(Zone::dynamic(ZONE, ""))
        .start();
    check(&named, &["-O"], 0, "");
    let said = run_ours(
        &named,
        &["-k", "{key}", "-S"],
        &SCRIPT.replace("TXT a", "TXT b"),
    );
    assert_eq!(said.status, Some(1));
}

#[test]
fn nsupdate_shows_its_own_certificate_over_tls() {
    let named = Named::builder()
        .mutual_tls()
        .zone(Zone::dynamic(ZONE, ""))
        .start();
    let authority = named.authority();
    let (certificate, key) = authority.issue("client", "DNS:client.test");
    let other = Authority::new(&named.file("."), "other");
    let (wrong, wrong_key) = other.issue("stranger", "DNS:client.test");
    let word = |path: &std::path::Path| path.to_string_lossy().into_owned();
    let trusted = word(&authority.certificate());
    let refused = run_ours(&named, &["-k", "{key}", "-A", &trusted], SCRIPT);
    assert_eq!(refused.status, Some(1));
    // The server's alert or the end of the connection, whichever comes first.
    let text = refused.stderr();
    assert!(
        text.starts_with("; Communication with 127.0.0.1#"),
        "{text}"
    );
    let (wrong, wrong_key) = (word(&wrong), word(&wrong_key));
    let stranger = [
        "-k", "{key}", "-A", &trusted, "-E", &wrong, "-K", &wrong_key,
    ];
    assert_eq!(run_ours(&named, &stranger, SCRIPT).status, Some(1));
    let (certificate, key) = (word(&certificate), word(&key));
    check(
        &named,
        &["-A", &trusted, "-E", &certificate, "-K", &key],
        0,
        "",
    );
}
