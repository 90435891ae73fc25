//! `nsbridge check` of a BIND that is not set up as it must be: its lines are followed, and mend it.

use std::fs;

use pretty_assertions::assert_eq;

use crate::support::bridge::Bridge;
use crate::support::checks::{ALONE, ZONE, assert_begins, lines_below};
use crate::support::keys::Key;
use crate::support::named::{Named, View, Zone};
use crate::support::server::Server as _;
use crate::support::wanted::zone;
use crate::support::{dig, payload, process, wait};

#[test]
fn a_zone_that_takes_no_updates_takes_them_with_the_lines_that_are_told() {
    let by_hand = || Zone::fixed(ZONE, ALONE);
    let named = Named::builder().zone(by_hand()).start();
    let run = Bridge::of(&named).seed(&named).run(&["check", ZONE], "");
    run.assert_status(69);
    let lines = lines_below(&run, "updates of ").join("\n");
    let inner = lines.strip_prefix("zone \"example.com\" {\n");
    let inner = inner.and_then(|lines| lines.strip_suffix("\n};"));
    let inner = inner.unwrap_or_else(|| panic!("no statement of the zone:\n{lines}"));
    let mended = by_hand().option(&format!("\n{inner}\n"));
    let named = Named::builder().zone(mended).start();
    let bridge = Bridge::of(&named).seed(&named);
    bridge.run(&["check", ZONE], "").assert_status(0);
}

#[test]
fn a_zone_made_with_another_key_takes_updates_with_the_line_that_is_told() {
    let named = Named::builder()
        .key(Key::new("plesk"))
        .key(Key::new("second"))
        .start();
    let one = Bridge::of(&named).seed(&named).instance("one");
    let two = Bridge::of(&named).seed(&named).instance("two");
    let file = named.key_file_of("second").to_string_lossy().into_owned();
    let two = two
        .set_text("keys.second", "file", &file)
        .set_text("primaries.main", "key", "second")
        .set_text("primaries.main", "transfer-key", "plesk");
    let wanted = |address: &str| {
        let www = format!("www 3600 A {address}");
        zone("made.example", "@ 3600 NS ns1.example.net.").with(&www)
    };
    one.plesk(wanted("192.0.2.1").call()).assert_status(0);
    two.run(&["zone", "adopt", "made.example"], "")
        .assert_status(0);
    two.plesk(wanted("192.0.2.2").call()).assert_status(69);
    let run = two.run(&["check", "made.example"], "");
    run.assert_status(69);
    let lines = lines_below(&run, "updates of ");
    let [line] = &lines[..] else {
        panic!("{lines:?}")
    };
    let options = line.strip_prefix("rndc modzone made.example '");
    let options = options.and_then(|rest| rest.strip_suffix('\''));
    let options = options.unwrap_or_else(|| panic!("no line for a shell: {line}"));
    named.rndc(&["modzone", "made.example", options]);
    two.plesk(wanted("192.0.2.2").call()).assert_status(0);
    two.plesk(payload::call(&[payload::delete("made.example")]))
        .assert_status(0)
        .assert_stdout("made.example.: deleted on main (127.0.0.1:PORT)\n");
}

/// Follows the lines about a key: its statement takes the place of the one in named.conf.
#[track_caller]
fn follow_key_lines(named: &Named, key: &Key, lines: &[String]) {
    let statement = lines.last().expect("a statement");
    let secret = key.statement().split('"').nth(3).expect("a quoted secret");
    let statement = statement.replace("<that of this host's key file>", secret);
    let file = named.file("named.conf");
    let conf = fs::read_to_string(&file).expect("the server has a configuration");
    let changed = conf.replace(named.key().statement(), &statement);
    assert_ne!(changed, conf);
    fs::write(&file, changed).expect("the file is ours");
    let checked = process::run("named-checkconf", &[&file], b"");
    assert_eq!(checked.status, Some(0), "{}", checked.stdout());
    assert_eq!(named.rndc(&["reconfig"]).status, Some(0));
}

#[test]
fn a_key_with_another_secret_or_algorithm_is_replaced_by_the_statement_that_is_told() {
    type Change = fn(&Key) -> Key;
    let cases: [(Change, &str, &str); 2] = [
        (
            Key::with_other_secret,
            "NB-KEY-SECRET-DIFFERS",
            "// in place of the statement `key \"plesk\"` that is there:",
        ),
        (
            |key| key.with_same_secret("hmac-sha512"),
            "NB-KEY-UNKNOWN",
            "// in place of a statement `key \"plesk\"` that is there, which has another algorithm:",
        ),
    ];
    for (change, code, comment) in cases {
        let named = Named::builder().zone(Zone::dynamic(ZONE, ALONE)).start();
        let key = change(named.key());
        let bridge = Bridge::of(&named).seed(&named).key(&key);
        let run = bridge.run(&["check", ZONE], "");
        run.assert_status(75).assert_code(code);
        let lines = lines_below(&run, "key ");
        assert_eq!(lines[0], comment);
        follow_key_lines(&named, &key, &lines);
        bridge.run(&["check", ZONE], "").assert_status(0);
    }
}

#[test]
fn a_loaded_secondary_is_told_with_its_primary_which_takes_the_updates() {
    let primary = Named::builder().zone(Zone::dynamic(ZONE, ALONE)).start();
    let from = format!("127.0.0.1 port {}", primary.port());
    let body = format!("type secondary; file \"copy.db\"; primaries {{ {from} key plesk; }};");
    let secondary = Named::builder()
        .key(primary.key().clone())
        .zone(Zone::raw(ZONE, &body))
        .start();
    wait::until("the zone is loaded", || dig::has_zone(&secondary, ZONE));
    let bridge = || Bridge::of(&secondary).seed(&secondary);
    let run = bridge().run(&["check", ZONE], "");
    run.assert_status(69)
        .assert_code("NB-BIND-ZONE-NOT-PRIMARY");
    let said = "failed: updates of example.com.: NB-BIND-ZONE-NOT-PRIMARY";
    assert_begins(&run, &[said]);
    run.assert_prints(&format!(
        "it is secondary of {from} there; do: route it to its primary"
    ));
    assert!(!run.stdout.contains("update-policy"), "{}", run.stdout);
    let routed = bridge()
        .primary("other", primary.port(), "plesk", primary.key_file())
        .route(ZONE, "other");
    let run = routed.run(&["check", ZONE], "");
    run.assert_status(0);
    run.assert_prints("ok: other (127.0.0.1:PORT-other): updates of example.com.\n");
}

#[test]
fn a_view_that_does_not_show_its_zones_to_the_key_does_with_the_lines_that_are_told() {
    let start = |outer: &str, inner: &str| {
        let outer = View::new("outer", outer);
        let inner = View::new("inner", inner).zone(Zone::dynamic(ZONE, ALONE));
        Named::builder().view(outer).view(inner).start()
    };
    let bridge = |named: &Named| {
        let bridge = Bridge::of(named).seed(named);
        bridge.set_text("primaries.main.provision", "view", "inner")
    };
    let named = start("match-clients { any; };", "match-clients { any; };");
    let run = bridge(&named).run(&["check", ZONE], "");
    run.assert_status(69).assert_code("NB-ZONE-HIDDEN");
    let lines = lines_below(&run, "transfer of ");
    let created = bridge(&named).run(&["check", "--create"], "");
    created.assert_status(69).assert_code("NB-ZONE-HIDDEN");
    assert_eq!(lines_below(&created, "zone creation"), lines);
    let expected = [
        "// if the zones belong into the view \"inner\": beside what its `match-clients` has; in each view before it:",
        "// `!key \"plesk\";`. Else set `view` in [primaries.NAME.provision].",
        "view \"inner\" {",
        "  match-clients { key \"plesk\"; };",
        "};",
    ];
    assert_eq!(lines, expected);
    let named = start("match-clients { !key \"plesk\"; any; };", &lines[3]);
    let run = bridge(&named).run(&["check", ZONE, "--create"], "");
    run.assert_status(0);
    // The other way: the view of the configuration is the one that the key sees.
    let named = start("match-clients { any; };", "match-clients { any; };");
    let outer = bridge(&named).set_text("primaries.main.provision", "view", "outer");
    outer.run(&["check", "--create"], "").assert_status(0);
}

#[test]
fn a_frozen_zone_is_told_with_the_command_that_thaws_it() {
    for view in [None, Some("all")] {
        let dynamic = Zone::dynamic(ZONE, ALONE);
        let (named, bridge, words) = match view {
            None => {
                let named = Named::builder().zone(dynamic).start();
                let bridge = Bridge::of(&named).seed(&named);
                (named, bridge, vec![ZONE])
            }
            Some(view) => {
                let all = View::new(view, "match-clients { any; };").zone(dynamic);
                let named = Named::builder().view(all).start();
                let bridge = Bridge::of(&named).seed(&named);
                let bridge = bridge.set_text("primaries.main.provision", "view", view);
                (named, bridge, vec![ZONE, "IN", view])
            }
        };
        let bridge = bridge
            .adopting()
            .without_dry_run("only a run shows that a zone is frozen");
        named.rndc(&[&["freeze"], &words[..]].concat());
        let run = bridge.run(&["check", ZONE], "");
        run.assert_status(75).assert_code("NB-ZONE-FROZEN");
        assert_begins(&run, &["failed: updates of example.com.: NB-ZONE-FROZEN"]);
        run.assert_prints(&format!("`rndc thaw {}`", words.join(" ")));
        let wanted = zone(ZONE, "@ NS ns1.example.net. | www A 192.0.2.1");
        let run = bridge.plesk(wanted.call());
        run.assert_status(75).assert_code("NB-ZONE-FROZEN");
        assert_eq!(run.jobs, ["kept 1"]);
        named.rndc(&[&["thaw"], &words[..]].concat());
        bridge.run(&["check", ZONE], "").assert_status(0);
        bridge.plesk(wanted.call()).assert_status(0);
    }
}

/// Replaces a text of named.conf, and starts the server anew.
#[track_caller]
fn amend(named: &mut Named, changes: &[(&str, &str)]) {
    let file = named.file("named.conf");
    let mut conf = fs::read_to_string(&file).expect("the server has a configuration");
    for (from, to) in changes {
        assert!(conf.contains(from), "no `{from}` in\n{conf}");
        conf = conf.replace(from, to);
    }
    fs::write(&file, conf).expect("the file is ours");
    named.restart();
}

#[test]
fn a_transfer_is_allowed_by_the_lines_that_are_told_in_the_options_or_in_the_zone() {
    let spare = "allow-transfer { key \"spare\"; };";
    let server = || {
        let keys = Named::builder().key(Key::new("plesk"));
        keys.key(Key::new("spare"))
    };
    let zone = || Zone::dynamic(ZONE, ALONE);
    for mut named in [
        server().options(spare).zone(zone()).start(),
        server().zone(zone().option(spare)).start(),
    ] {
        let bridge = Bridge::of(&named).seed(&named);
        let run = bridge.run(&["check", ZONE], "");
        run.assert_status(69).assert_code("NB-TRANSFER-REFUSED");
        let lines = lines_below(&run, "transfer of ");
        let told = lines[2].trim();
        let both = told.replace("{ ", "{ key \"spare\"; ");
        amend(&mut named, &[(spare, &both)]);
        bridge.run(&["check", ZONE], "").assert_status(0);
    }
}

#[test]
fn new_zones_are_allowed_by_the_line_that_is_told() {
    let mut named = Named::builder().closed_to_new_zones().start();
    let bridge = Bridge::of(&named).seed(&named);
    let run = bridge.run(&["check"], "");
    run.assert_status(69).assert_code("NB-NEW-ZONES-OFF");
    let lines = lines_below(&run, "zone creation");
    amend(&mut named, &[("allow-new-zones no;", lines[1].trim())]);
    bridge.run(&["check", "--create"], "").assert_status(0);
}

#[test]
fn a_control_channel_takes_the_key_by_the_statements_that_are_told() {
    let mut named = Named::builder().start();
    let other = Key::new("rndc");
    let keys = tempfile::tempdir().expect("a temporary directory");
    let file = other.write(keys.path()).to_string_lossy().into_owned();
    let bridge = Bridge::of(&named)
        .seed(&named)
        .set_text("keys.rndc", "file", &file);
    let run = bridge.run(&["check"], "");
    run.assert_status(75).assert_code("NB-CONTROL-UNANSWERED");
    let lines = lines_below(&run, "control channel");
    let secret = other
        .statement()
        .split('"')
        .nth(3)
        .expect("a quoted secret");
    let key = lines[1].replace("<that of this host's key file>", secret);
    let conf = fs::read_to_string(named.file("named.conf")).expect("a configuration");
    let old_key = fs::read_to_string(named.control_key_file()).expect("a key");
    let old = conf.lines().find(|line| line.starts_with("controls {"));
    let old = old.expect("a statement");
    amend(&mut named, &[(&old_key, &key), (old, &lines[3])]);
    bridge.run(&["check"], "").assert_status(0);
}

/// No line of named.conf opens a control channel where DNS is.
#[test]
fn a_control_channel_at_the_port_of_dns_is_told_without_lines() {
    let named = Named::builder().start();
    let bridge = Bridge::of(&named).seed(&named).control_port(named.port());
    let run = bridge.run(&["check"], "");
    run.assert_status(75)
        .assert_code("NB-CONTROL-UNANSWERED")
        .assert_prints("; do: see named's log: port of `controls` (953), ");
    assert!(!run.stdout.contains("in named.conf:"), "{}", run.stdout);
}

/// A call and a check say the same of it.
#[test]
fn a_secondary_that_is_not_loaded_is_told_as_one() {
    let body = "type secondary; file \"theirs.db\"; primaries { 127.0.0.1 port 9; };";
    let named = Named::builder().zone(Zone::raw(ZONE, body)).start();
    let bridge = Bridge::of(&named).seed(&named);
    bridge
        .run(&["check", ZONE], "")
        .assert_status(69)
        .assert_code("NB-BIND-ZONE-NOT-PRIMARY");
    bridge
        .plesk(zone(ZONE, "@ NS ns1.example.net.").call())
        .assert_status(69)
        .assert_code("NB-BIND-ZONE-NOT-PRIMARY");
}
