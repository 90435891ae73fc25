//! What docs/servers/powerdns.md says of PowerDNS, run as it stands there.

use crate::support::bridge::Bridge;
use crate::support::documented::{POWERDNS, documented};
use crate::support::pdns::Pdns;
use crate::support::pdns_api::{PROVISION, wanted};
use crate::support::server::Server as _;

#[test]
fn the_documented_configuration_serves() {
    let mut builder = Pdns::builder();
    for line in documented(POWERDNS, "launch=gsqlite3").lines() {
        let setting = line.split('#').next().unwrap_or_default().trim();
        let (name, value) = setting.split_once('=').expect("a setting in each line");
        let value = match name {
            "gsqlite3-database" => "{dir}/pdns.sqlite3".to_owned(),
            "webserver-port" => "{api}".to_owned(),
            "api-key" => "{api-key}".to_owned(),
            _ => value
                .replace("192.0.2.53", "127.0.0.1")
                .replace("198.51.100.7", "127.0.0.1"),
        };
        builder = builder.setting(name, &value);
    }
    let pdns = builder.start();
    let mut bridge = pdns.provisioning(Bridge::of(&pdns));
    for line in documented(POWERDNS, "method = \"powerdns\"").lines() {
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
    for line in documented(POWERDNS, "pdnsutil set-kind example.com").lines() {
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
