//! `nsbridge check`: what is not as it must be is told with its remedy, nothing is changed, and one failure does
//! not keep the rest from being checked.

use std::fs;
use std::time::{Duration, Instant};

use pretty_assertions::assert_eq;
use serde_json::{Value, json};

use crate::support::bridge::Bridge;
use crate::support::checks::{
    CHANNEL_IS_WELL, CREATION_IS_WELL, DNS_IS_WELL, ZONE, assert_is_named_conf, assert_lines,
    check, controls, fetching_unknown, server, well_until,
};
use crate::support::daemon::Release;
use crate::support::keys::Key;
use crate::support::named::Named;
use crate::support::payload;
use crate::support::ports::Port;
use crate::support::server::Server as _;

/// How many zones the server says that it has. It counts one that is removed for some time: up to
/// minutes where it was a secondary.
fn zone_count(named: &Named) -> String {
    let status = named.rndc(&["status"]).stdout();
    let mut lines = status.lines();
    let count = lines.find(|line| line.starts_with("number of zones"));
    count.unwrap().to_owned()
}

#[test]
fn a_server_that_is_set_up_passes_and_stays_as_it_is() {
    for release in Release::stable() {
        let named = server(release);
        let count = zone_count(&named);
        let run = check(&Bridge::of(&named).seed(&named), &named, &[]);
        assert_eq!(zone_count(&named), count);
        let made = [DNS_IS_WELL, CHANNEL_IS_WELL, CREATION_IS_WELL].concat();
        assert_lines(&run, 0, &(made + &fetching_unknown()));
        assert!(
            run.stdout
                .starts_with("ok: configuration: DIR/nsbridge.toml\nok: key file of `plesk`: ")
        );
        let queue = "\nok: queue file: DIR/state/queue.db: not there yet, and can be created\n";
        run.assert_prints(queue);
        assert!(run.stdout.contains("/rndc.key: `rndc`, hmac-sha256\n"));
        let commands = named.control_commands();
        let changing = ["delzone", "modzone", "reload", "reconfig"];
        assert!(
            !commands
                .iter()
                .any(|command| changing.contains(&&**command))
        );
    }
}

#[test]
fn a_primary_that_is_down_leaves_the_rest_untried() {
    let mut named = server(Release::Installed);
    let bridge = Bridge::of(&named).seed(&named);
    named.stop();
    let run = bridge.run(&["check", ZONE], "");
    let port = named.control_port();
    let expected = "failed: connection: NB-CONNECTION-REFUSED\n\
        not tried: key `plesk`: needs the connection\n\
        not tried: clock: needs the connection\n\
        not tried: transfer of example.com.: needs the connection\n\
        not tried: updates of example.com.: needs the connection\n\
        failed: control channel: NB-CONTROL-UNREACHABLE\n"
        .to_owned()
        + &controls(port)
        + "not tried: zone creation: needs the control channel\n\
           not tried: first contents of new zones: needs the control channel\n\
           not tried: owner of example.com.: needs the control channel\n";
    assert_lines(&run, 75, &expected);
    assert_is_named_conf(&run);
}

#[test]
fn zones_are_those_remembered_where_none_is_named() {
    let named = server(Release::Installed);
    let bridge = Bridge::of(&named);
    let unknown = "unknown: transfers: NB-CHECK-NEEDS-ZONE\n\
        unknown: updates: NB-CHECK-NEEDS-ZONE\n";
    let run = bridge.run(&["check"], "");
    assert_lines(&run, 0, &well_until("ok: transfer", unknown));
    let records = [("ours.example.com.", "A", "", "192.0.2.8")];
    let call = payload::call(&[payload::update(ZONE, 0, &records)]);
    bridge.plesk(call).assert_status(0);
    let run = bridge.run(&["check"], "");
    assert_lines(&run, 0, DNS_IS_WELL);
    run.assert_prints("/queue.db: schema version ");
}

#[test]
fn a_zone_that_no_route_leads_to_is_told() {
    let named = server(Release::Installed);
    let text = Bridge::of(&named)
        .toml()
        .replace("suffix = \".\"", "suffix = \"example.com\"");
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("nsbridge.toml");
    fs::write(&file, text).unwrap();
    let config = file.to_string_lossy();
    let bridge = Bridge::of(&named);
    let run = bridge.run_bare(
        &[("NSBRIDGE_CONFIG", &config)],
        &["check", "example.org"],
        "",
    );
    run.assert_status(69);
    run.assert_code_with("NB-ROUTE-ABSENT", "failed: example.org.: route: ");
}

#[test]
fn a_configuration_that_cannot_be_used_leaves_everything_untried() {
    let named = server(Release::Installed);
    let bridge = Bridge::of(&named).set_text("queue", "paht", "x");
    let run = check(&bridge, &named, &[]);
    run.assert_status(78);
    let lines: Vec<&str> = run.stdout.lines().collect();
    let failed = "failed: configuration: DIR/nsbridge.toml:";
    assert!(lines[0].starts_with(failed), "{}", run.stdout);
    assert!(
        lines[0].ends_with("; do: the nearest valid key is `path`"),
        "{}",
        run.stdout
    );
    let rest = [
        "not tried: queue file: needs the configuration",
        "not tried: primaries: needs the configuration",
    ];
    assert_eq!(lines[1..], rest);
}

#[test]
fn a_queue_file_that_cannot_be_used_does_not_keep_the_primaries_from_being_checked() {
    let named = server(Release::Installed);
    let bridge = Bridge::of(&named);
    fs::create_dir(bridge.file("state/queue.db")).unwrap();
    let run = check(&bridge, &named, &[]);
    assert_lines(&run, 78, DNS_IS_WELL);
    run.assert_code("NB-QUEUE-FILE-IRREGULAR");
    fs::remove_dir(bridge.file("state/queue.db")).unwrap();
    fs::remove_dir(bridge.file("state")).unwrap();
    fs::write(bridge.file("state"), "").unwrap();
    let run = check(&bridge, &named, &[]);
    assert_lines(&run, 78, DNS_IS_WELL);
    run.assert_code("NB-QUEUE-UNWRITABLE");
}

#[test]
fn a_check_leaves_no_queue_file_and_nothing_beside_it() {
    let named = server(Release::Installed);
    let bridge = Bridge::of(&named);
    check(&bridge, &named, &[]).assert_status(0);
    let left = fs::read_dir(bridge.file("state")).unwrap().count();
    assert_eq!(left, 0);
}

#[test]
fn primaries_are_checked_at_the_same_time_and_none_longer_than_the_deadline() {
    let named = server(Release::Installed);
    let silent = [Port::claim(), Port::claim()];
    let listeners = silent
        .each_ref()
        .map(|port| std::net::TcpListener::bind(("127.0.0.1", port.number())).unwrap());
    let key = named.key_file().to_owned();
    let bridge = Bridge::of(&named)
        .primary("a", silent[0].number(), "plesk", &key)
        .primary("z", silent[1].number(), "plesk", &key)
        .deadline_seconds(3);
    let started = Instant::now();
    let run = check(&bridge, &named, &[]);
    let took = started.elapsed();
    assert_lines(&run, 75, DNS_IS_WELL);
    for name in ["a", "z"] {
        run.assert_code_with(
            "NB-ANSWER-TIMED-OUT",
            &format!("{name} (127.0.0.1:PORT-{name}): key `plesk`"),
        );
    }
    assert!(took < Duration::from_secs(6), "{took:?}");
    drop(listeners);
}

#[test]
fn quiet_is_what_failed_and_json_is_everything() {
    let named = server(Release::Installed);
    let bridge = Bridge::of(&named).key(&Key::new("other"));
    let run = bridge.run(&["-q", "check", ZONE], "");
    run.assert_status(75)
        .assert_code_with("NB-KEY-UNKNOWN", "key `other`");
    let mut lines = run.stdout.lines().skip(1);
    assert!(lines.all(|line| line.starts_with("  ")), "{}", run.stdout);
    Bridge::of(&named)
        .run(&["-q", "check", ZONE], "")
        .assert_status(0)
        .assert_stdout("");
    let run = Bridge::of(&named)
        .rndc(&named, "file")
        .run(&["--output", "json", "check", ZONE], "");
    let mut document: Value = serde_json::from_str(&run.stdout).unwrap();
    let offset = document["results"][6]["offset-seconds"].take();
    assert!((-1..=1).contains(&offset.as_i64().unwrap()), "{offset}");
    assert_eq!(
        (&document["status"], &document["messages"]),
        (&json!(0), &json!([]))
    );
    let results = document["results"].as_array().unwrap();
    let main = |entry: Value| {
        let mut main = json!({
            "subject": "main", "primary": "main", "address": "127.0.0.1:PORT", "result": "ok",
        });
        main.as_object_mut()
            .unwrap()
            .extend(entry.as_object().unwrap().clone());
        main
    };
    let expected = [
        main(json!({ "check": "reachable", "detail": "to 127.0.0.1:PORT" })),
        main(json!({ "check": "key" })),
        main(json!({ "check": "clock", "detail": "the same as ours", "offset-seconds": null })),
        main(json!({ "check": "transfer", "zone": "example.com." })),
        main(json!({ "check": "update", "zone": "example.com." })),
        main(json!({ "check": "control-channel" })),
        main(json!({ "check": "zone-creation" })),
        main(json!({
            "check": "first-contents", "result": "unknown", "code": "NB-ZONE-FILE-UNTRIED",
            "detail": "whether a new zone's file is put in place is not known",
            "hint": "see that ZONE.db is put into the server's `directory` before a zone is made",
        })),
    ];
    assert_eq!(results[4..], expected);
    let words: Vec<&str> = results[..4]
        .iter()
        .map(|it| it["check"].as_str().unwrap())
        .collect();
    assert_eq!(
        words,
        ["configuration", "key-file", "key-file", "queue-file"]
    );
}
