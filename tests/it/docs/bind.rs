//! What docs/servers/bind.md says of BIND, run as it stands there, on every release.

use crate::support::bridge::Bridge;
use crate::support::daemon::Release;
use crate::support::documented::{BIND, documented};
use crate::support::keys::Key;
use crate::support::named::Named;
use crate::support::payload;
use crate::support::server::Server as _;
use crate::support::wanted::zone;

/// What a server of a test needs beside.
const TEST_OPTIONS: &str = "listen-on port {port} { 127.0.0.1; };\n  listen-on-v6 { none; };\n  \
                            pid-file none;\n  session-keyfile \"{dir}/session.key\";\n  notify no;";

fn changed(text: &str, from: &str, to: &str) -> String {
    assert!(
        text.contains(from),
        "docs/servers/bind.md does not say `{from}`"
    );
    text.replace(from, to)
}

/// The documented configuration, followed by a view or not.
fn serve(release: Release, view: &str) -> (Named, Bridge) {
    let conf = documented(BIND, "include \"/etc/bind/plesk.key\";");
    let conf = changed(&conf, "/etc/bind/", "{dir}/");
    let conf = changed(
        &conf,
        "inet 192.0.2.53 port 953",
        "inet 127.0.0.1 port {control}",
    );
    let conf = changed(&conf, "198.51.100.7;", "127.0.0.1;");
    let conf = changed(&conf, "/var/cache/bind", "{dir}");
    let conf = changed(&conf, "options {", &format!("options {{\n  {TEST_OPTIONS}"));
    let named = Named::of(release)
        .key(Key::new("plesk"))
        .key(Key::new("plesk-rndc"))
        .written(&(conf + view))
        .start();
    let key_file = named.key_file_of("plesk-rndc").to_string_lossy();
    let mut bridge = Bridge::of(&named).set_text("keys.plesk-rndc", "file", &key_file);
    let control = format!("\"127.0.0.1:{}\"", named.control_port());
    for line in documented(BIND, "method = \"rndc\"").lines() {
        let (key, value) = line.split_once(" = ").expect("an option in each line");
        let value = value.replace("\"192.0.2.53:953\"", &control);
        bridge = bridge.set("primaries.main.provision", key, &value);
    }
    (named, bridge)
}

fn assert_serves(named: &Named, bridge: &Bridge) {
    let wanted = zone("example.com", "@ NS ns1.example.net. | www A 192.0.2.7");
    bridge
        .plesk(wanted.call())
        .assert_status(0)
        .assert_stderr("");
    wanted.assert_on(named);
    let changed = zone("example.com", "@ NS ns1.example.net. | www A 192.0.2.8").sent(2);
    bridge.plesk(changed.call()).assert_status(0);
    changed.assert_on(named);
    bridge
        .run(&["check", "example.com"], "")
        .assert_status(0)
        .assert_stderr("");
    bridge
        .plesk(payload::call(&[payload::delete("example.com")]))
        .assert_status(0)
        .assert_stdout("example.com.: deleted on main (127.0.0.1:PORT)\n");
}

#[test]
fn the_documented_configuration_of_bind_serves() {
    for release in Release::stable() {
        let (named, bridge) = serve(release, "");
        assert_serves(&named, &bridge);
    }
}

#[test]
fn the_documented_template_of_bind_serves() {
    let release = Release::Experimental;
    if !release.is_here() {
        return;
    }
    let template = documented(BIND, "template member {");
    let (named, bridge) = serve(release, &changed(&template, "/etc/bind/", "{dir}/"));
    let zone = documented(
        BIND,
        "$TTL 300\n@ SOA ns1.example.net. hostmaster.example.net. 1 10800",
    );
    std::fs::write(named.file("initial.db"), zone).expect("a file of the test");
    let options = documented(BIND, "way = \"template\"");
    let bridge = options.lines().fold(bridge, |bridge, line| {
        let (key, value) = line.split_once(" = ").expect("an option in each line");
        bridge.set("primaries.main.provision", key, value)
    });
    assert_serves(&named, &bridge);
}

#[test]
fn the_documented_view_of_bind_serves() {
    for release in Release::stable() {
        let (named, bridge) = serve(release, &documented(BIND, "view \"external\""));
        let bridge = bridge.set_text("primaries.main.provision", "view", "external");
        assert_serves(&named, &bridge);
    }
}
