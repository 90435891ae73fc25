//! Which primary and which view, whose name servers, which of several commands, and dry runs.

use pretty_assertions::assert_eq;
use serde_json::{Value, json};

use crate::support::bridge::{Bridge, Run};
use crate::support::daemon::Release;
use crate::support::dig::{self, Asker};
use crate::support::keys::Key;
use crate::support::named::{Named, View};
use crate::support::nsupdate::nsupdate;
use crate::support::payload::{self, call, create_ptr, delete_ptr};
use crate::support::server::{Kind, Server, scenario};
use crate::support::wanted::zone;

scenario!(the_longest_suffix_chooses_the_primary);
fn the_longest_suffix_chooses_the_primary(kind: Kind) {
    let first = kind.start(&[("example.com", "")]);
    let second = kind.start(&[("sub.example.com", ""), ("2.0.192.in-addr.arpa", "")]);
    let bridge = Bridge::of(&first)
        .ptr_networks(&["192.0.2.0/24"])
        .primary("second", second.port(), "other", second.key_file())
        .route("sub.Example.com.", "second")
        .route("in-addr.arpa", "second");
    let apex = zone(
        "example.com",
        "@ 3600 NS ns1.example.com. | ns1 3600 A 192.0.2.1 | a TXT one",
    );
    let below = zone(
        "sub.example.com",
        "@ 3600 NS ns1.sub.example.com. | ns1 3600 A 192.0.2.1 | b TXT two",
    );
    let elsewhere = zone("notsub.example.com", "@ NS ns1.example.com.");
    bridge
        .plesk(call(&[
            apex.update(),
            below.update(),
            create_ptr("192.0.2.5", "a.example.com"),
        ]))
        .assert_status(0)
        .assert_stderr("")
        .assert_stdout(
            "example.com.: updated, 1 record added, 0 records removed, SOA changed on main \
             (127.0.0.1:PORT)\n\
             sub.example.com.: updated, 1 record added, 0 records removed, SOA changed on second \
             (127.0.0.1:PORT-second)\n\
             192.0.2.5 PTR a.example.com.: added at 5.2.0.192.in-addr.arpa. in \
             2.0.192.in-addr.arpa. on second (127.0.0.1:PORT-second)\n",
        );
    apex.assert_on(&first);
    below.assert_on(&second);
    let run = bridge.plesk(elsewhere.call());
    run.assert_status(69);
    assert!(
        run.stderr
            .contains("notsub.example.com. on main (127.0.0.1:PORT): "),
        "{}",
        run.stderr
    );
}

scenario!(a_primary_that_is_down_does_not_keep_back_another);
fn a_primary_that_is_down_does_not_keep_back_another(kind: Kind) {
    let first = kind.start(&[("example.com", "")]);
    let mut second = kind.start(&[]);
    let bridge = Bridge::of(&first)
        .primary("second", second.port(), "other", second.key_file())
        .route("example.org", "second");
    second.stop();
    let wanted = zone(
        "example.com",
        "@ 3600 NS ns1.example.com. | ns1 3600 A 192.0.2.1 | a TXT one",
    );
    let run = bridge.plesk(call(&[
        zone("example.org", "@ NS ns1.example.com.").update(),
        wanted.update(),
    ]));
    run.assert_status(75);
    assert!(
        run.stdout.starts_with("example.com.: updated"),
        "{}",
        run.stdout
    );
    assert!(
        run.stderr
            .starts_with("error: example.org. on second (127.0.0.1:PORT-second): "),
        "{}",
        run.stderr
    );
    wanted.assert_on(&first);
}

#[test]
fn zones_are_made_in_the_configured_view_only() {
    let named = Named::builder()
        .key(Key::new("outside"))
        .key(Key::new("inside"))
        .options("allow-transfer { key inside; key outside; };")
        .view(View::new("internal", "match-clients { key inside; };"))
        .view(View::new("external", ""))
        .start();
    let bridge =
        Bridge::at(named.port(), named.key_file()).set_text("primaries.main", "key", "outside");
    let bridge = bridge
        .set_text("keys.outside", "file", &named.key_file().to_string_lossy())
        .seed(&named)
        .set_text("primaries.main.provision", "view", "external");
    let wanted = zone("example.com", "@ NS ns1.example.net. | www A 192.0.2.7");
    bridge
        .plesk(wanted.call())
        .assert_status(0)
        .assert_stderr("");
    wanted.assert_on(&named);
    let inside = Asker::of(&named).with_key(named.key_file_of("inside"));
    assert!(inside.try_axfr("example.com").is_err());
    let wanted = zone("example.com", "@ NS ns1.example.net. | www A 192.0.2.8").sent(1);
    bridge
        .plesk(wanted.call())
        .assert_status(0)
        .assert_stderr("");
    wanted.assert_on(&named);
    let delete = call(&[payload::delete("example.com")]);
    bridge.plesk(&delete).assert_status(0).assert_stderr("");
    assert!(!dig::has_zone(&named, "example.com"));
}

#[test]
fn a_view_that_is_missing_in_the_configuration_is_asked_for() {
    let named = Named::builder().view(View::new("only", "")).start();
    let bridge = Bridge::of(&named).seed(&named);
    let run = bridge.plesk(zone("example.com", "@ NS ns1.example.net.").call());
    run.assert_status(69).assert_stdout("");
    run.assert_code("NB-VIEW-UNKNOWN");
}

scenario!(configured_name_servers_take_the_place_of_the_payloads);
fn configured_name_servers_take_the_place_of_the_payloads(kind: Kind) {
    let (server, bridge) = kind.fresh();
    let bridge = bridge.set(
        "primaries.main",
        "nameservers",
        r#"["NS1.example.org", "ns2.example.org."]"#,
    );
    let lines = "@ 300 NS plesk.example.net. | sub NS ns.example.net. | www A 192.0.2.7";
    bridge
        .plesk(zone("example.com", lines).call())
        .assert_status(0)
        .assert_stderr("");
    let made = "@ 300 NS ns1.example.org. | @ 300 NS ns2.example.org. | sub NS ns.example.net. | www A 192.0.2.7";
    zone("example.com", made).assert_on(&server);
    let mname = kind.mname("ns1.example.org.");
    assert_eq!(dig::soa(&server, "example.com").mname, mname);
    let bridge = bridge.set("primaries.main", "nameservers", r#"["ns3.example.org"]"#);
    let without = zone("example.com", "www A 192.0.2.7").sent(1);
    bridge
        .plesk(without.call())
        .assert_status(0)
        .assert_stderr("");
    assert_eq!(
        dig::short(&server, "example.com", "NS"),
        ["ns3.example.org."]
    );
}

scenario!(the_newest_of_several_commands_for_a_zone_wins);
fn the_newest_of_several_commands_for_a_zone_wins(kind: Kind) {
    let (server, bridge) = kind.fresh();
    let first = zone("example.com", "@ NS ns1.example.net. | a A 192.0.2.1");
    let last = zone("Example.COM", "@ NS ns1.example.net. | c A 192.0.2.3");
    let commands = [
        first.create(),
        payload::delete("example.com"),
        last.clone().update(),
    ];
    bridge
        .plesk(call(&commands))
        .assert_status(0)
        .assert_stdout("example.com.: created with 3 records on main (127.0.0.1:PORT)\n")
        .assert_stderr("");
    let wanted = zone("example.com", "@ NS ns1.example.net. | c A 192.0.2.3");
    match kind {
        // It keeps the case of the records that a zone began with.
        Kind::Bind(Release::Debian13) => {
            let lines = dig::content(&server, "example.com");
            let lines: Vec<_> = lines
                .iter()
                .map(|line| line.replace("Example.COM", "example.com"))
                .collect();
            assert_eq!(lines, wanted.content());
        }
        Kind::Bind(_) | Kind::PowerDns(_) | Kind::Knot(_) => wanted.assert_on(&server),
    }
    let commands = [last.update(), payload::delete("example.com")];
    bridge.plesk(call(&commands)).assert_status(0);
    assert!(!dig::has_zone(&server, "example.com"));
}

scenario!(a_rename_takes_everything_along);
fn a_rename_takes_everything_along(kind: Kind) {
    let server = kind.start(&[("2.0.192.in-addr.arpa", "")]);
    let bridge = server
        .provisioning(Bridge::of(&server))
        .ptr_networks(&["192.0.2.0/24"]);
    let lines = "@ NS ns1.example.net. | www A 192.0.2.5";
    bridge
        .plesk(call(&[
            zone("before.example", lines).create(),
            create_ptr("192.0.2.5", "before.example"),
        ]))
        .assert_status(0);
    let rename = [
        payload::delete("before.example"),
        delete_ptr("192.0.2.5", "before.example"),
        zone("after.example", lines).create(),
        create_ptr("192.0.2.5", "after.example"),
    ];
    let run = bridge.plesk(call(&rename));
    run.assert_status(0).assert_stderr("").assert_stdout(
        "before.example.: deleted on main (127.0.0.1:PORT)\n\
         192.0.2.5 PTR before.example.: removed at 5.2.0.192.in-addr.arpa. in \
         2.0.192.in-addr.arpa. on main (127.0.0.1:PORT)\n\
         after.example.: created with 3 records on main (127.0.0.1:PORT)\n\
         192.0.2.5 PTR after.example.: added at 5.2.0.192.in-addr.arpa. in \
         2.0.192.in-addr.arpa. on main (127.0.0.1:PORT)\n",
    );
    assert!(!dig::has_zone(&server, "before.example"));
    zone("after.example", lines).assert_on(&server);
    assert_eq!(
        dig::short(&server, "5.2.0.192.in-addr.arpa", "PTR"),
        ["after.example."]
    );
}

/// Runs `plesk --dry-run` and asserts that it changed nothing at all.
#[track_caller]
fn dry_run(server: &dyn Server, bridge: &Bridge, zones: &[&str], payload: &str) -> Run {
    let state = |name: &str| std::fs::read(bridge.file(name)).ok();
    let before: Vec<_> = zones.iter().map(|zone| dig::axfr(server, zone)).collect();
    let (updates, queue) = (server.updates_received(), state("state/queue.db"));
    let commands = server.commands_that_change().len();
    let run = bridge.run(&["plesk", "--dry-run"], payload);
    let changing = server.commands_that_change().split_off(commands);
    assert_eq!(changing, <[&str; 0]>::default());
    assert_eq!(state("state/queue.db"), queue);
    assert_eq!(server.updates_received(), updates);
    let after: Vec<_> = zones.iter().map(|zone| dig::axfr(server, zone)).collect();
    assert_eq!(after, before);
    run
}

scenario!(a_dry_run_shows_each_record_that_would_come_or_go);
fn a_dry_run_shows_each_record_that_would_come_or_go(kind: Kind) {
    let (server, bridge) = kind.fresh();
    let first = "@ NS ns1.example.net. | www 300 A 192.0.2.7 | www 300 A 192.0.2.8 | old TXT x";
    bridge
        .plesk(zone("example.com", first).call())
        .assert_status(0);
    nsupdate(&server, "update add hand.example.com 60 A 192.0.2.100");
    let second = "@ NS ns1.example.net. | www 60 A 192.0.2.7 | new MX 10 www.example.com.";
    let call = zone("example.com", second).sent(1).call();
    dry_run(&server, &bridge, &["example.com"], &call)
        .assert_status(1)
        .assert_stderr("")
        .assert_stdout(
            "example.com.: would be changed on main (127.0.0.1:PORT)\n\
             + new.example.com. 86400 IN MX 10 www.example.com.\n\
             - old.example.com. 86400 IN TXT \"x\"\n\
             - www.example.com. 300 IN A 192.0.2.8\n\
             - www.example.com. 300 IN A 192.0.2.7\n\
             + www.example.com. 60 IN A 192.0.2.7\n\
             total: 2 records to add, 3 records to remove, in 1 zone\n",
        );
    // What it said is what is done.
    bridge.plesk(&call).assert_status(0);
    dry_run(&server, &bridge, &["example.com"], &call)
        .assert_status(0)
        .assert_stderr("")
        .assert_stdout(
            "example.com.: no difference on main (127.0.0.1:PORT)\n\
             total: 0 records to add, 0 records to remove, in 0 zones\n",
        );
}

// `the_fields_of_the_soa_follow_the_payload` makes the change on every server.
scenario!(a_dry_run_shows_the_soa_before_and_after: law);
fn a_dry_run_shows_the_soa_before_and_after(kind: Kind) {
    let (server, bridge) = kind.fresh();
    let wanted = zone("example.com", "@ NS ns1.example.net.");
    bridge.plesk(wanted.call()).assert_status(0);
    let call = wanted.soa("refresh", 7_200).sent(60).call();
    let mname = kind.mname("ns1.example.net.");
    dry_run(&server, &bridge, &["example.com"], &call).assert_status(1).assert_stdout(&format!(
        "example.com.: would be changed on main (127.0.0.1:PORT)\n\
         - example.com. 86400 IN SOA {mname} hostmaster.example.net. 1764000000 10800 3600 604800 10800\n\
         + example.com. 86400 IN SOA {mname} hostmaster.example.net. 1764000060 7200 3600 604800 10800\n\
         total: 1 record to add, 1 record to remove, in 1 zone\n",
    ));
}

scenario!(a_dry_run_of_an_absent_zone_shows_its_first_contents_and_makes_nothing);
fn a_dry_run_of_an_absent_zone_shows_its_first_contents_and_makes_nothing(kind: Kind) {
    let (server, bridge) = kind.fresh();
    let call = zone("example.com", "@ NS ns1.example.net. | www A 192.0.2.7").call();
    dry_run(&server, &bridge, &[], &call).assert_status(1).assert_stderr("").assert_stdout(
        "example.com.: would be created on main (127.0.0.1:PORT)\n\
         + example.com. 86400 IN SOA ns1.example.net. hostmaster.example.net. 1764000000 10800 3600 604800 10800\n\
         + example.com. 86400 IN NS ns1.example.net.\n\
         + www.example.com. 86400 IN A 192.0.2.7\n\
         total: 3 records to add, 0 records to remove, in 1 zone\n",
    );
    assert!(!dig::has_zone(&server, "example.com"));
    assert!(!bridge.file("state/queue.db").exists());
    bridge
        .run(
            &["plesk", "--dry-run"],
            payload::call(&[payload::delete("example.com")]),
        )
        .assert_status(0);
    assert!(!bridge.file("state/queue.db").exists());
}

scenario!(a_dry_run_of_a_deletion_shows_what_would_go);
fn a_dry_run_of_a_deletion_shows_what_would_go(kind: Kind) {
    let (server, bridge) = kind.fresh();
    bridge
        .plesk(zone("example.com", "@ NS ns1.example.net. | www A 192.0.2.7").call())
        .assert_status(0);
    let delete = call(&[payload::delete("example.com")]);
    let mname = kind.mname("ns1.example.net.");
    dry_run(&server, &bridge, &["example.com"], &delete).assert_status(1).assert_stderr("").assert_stdout(&format!(
        "example.com.: would be deleted on main (127.0.0.1:PORT)\n\
         - example.com. 86400 IN NS ns1.example.net.\n\
         - www.example.com. 86400 IN A 192.0.2.7\n\
         - example.com. 86400 IN SOA {mname} hostmaster.example.net. 1764000000 10800 3600 604800 10800\n\
         total: 0 records to add, 3 records to remove, in 1 zone\n",
    ));
    let (server, bridge) = kind.by_hand("");
    let wanted = zone(
        "example.com",
        "@ 3600 NS ns1.example.com. | www A 192.0.2.7",
    );
    bridge.plesk(wanted.call()).assert_status(0);
    dry_run(&server, &bridge, &["example.com"], &delete)
        .assert_status(1)
        .assert_stderr("")
        .assert_stdout(
            "example.com.: would be changed on main (127.0.0.1:PORT)\n\
         - www.example.com. 86400 IN A 192.0.2.7\n\
         total: 0 records to add, 1 record to remove, in 1 zone\n",
        );
}

scenario!(a_dry_run_of_ptrs_shows_their_zone);
fn a_dry_run_of_ptrs_shows_their_zone(kind: Kind) {
    let server = kind.start(&[
        ("2.0.192.in-addr.arpa", "6 300 PTR b.example.com."),
        ("example.com", ""),
    ]);
    let bridge = server
        .provisioning(Bridge::of(&server))
        .ptr_networks(&["192.0.2.0/24", "198.51.100.0/24"]);
    let commands = [
        create_ptr("192.0.2.5", "a.example.com"),
        delete_ptr("192.0.2.6", "b.example.com"),
        delete_ptr("192.0.2.7", "c.example.com"),
        create_ptr("198.51.100.1", "d.example.com"),
    ];
    let run = dry_run(
        &server,
        &bridge,
        &["2.0.192.in-addr.arpa"],
        &call(&commands),
    );
    run.assert_status(1).assert_stderr("").assert_stdout(
        "192.0.2.5 PTR a.example.com. in 2.0.192.in-addr.arpa.: would be changed on main (127.0.0.1:PORT)\n\
         + 5.2.0.192.in-addr.arpa. 3600 IN PTR a.example.com.\n\
         192.0.2.6 PTR b.example.com. in 2.0.192.in-addr.arpa.: would be changed on main (127.0.0.1:PORT)\n\
         - 6.2.0.192.in-addr.arpa. 300 IN PTR b.example.com.\n\
         192.0.2.7 PTR c.example.com. in 2.0.192.in-addr.arpa.: no difference on main (127.0.0.1:PORT)\n\
         198.51.100.1 PTR d.example.com. in 100.51.198.in-addr.arpa., which would be created: would be changed on main (127.0.0.1:PORT)\n\
         + 100.51.198.in-addr.arpa. 86400 IN SOA ns1.example.com. hostmaster.example.com. 1 3600 600 86400 300\n\
         + 100.51.198.in-addr.arpa. 86400 IN NS ns1.example.com.\n\
         + 1.100.51.198.in-addr.arpa. 3600 IN PTR d.example.com.\n\
         total: 4 records to add, 1 record to remove, in 2 zones\n",
    );
    assert!(!dig::has_zone(&server, "100.51.198.in-addr.arpa"));
}

/// Runs `--output json`, parses what it prints, and asserts that the exit status is in it.
#[track_caller]
fn json(bridge: &Bridge, arguments: &[&str], payload: &str, status: i32) -> Value {
    let run = bridge.run(&[&["--output", "json"], arguments].concat(), payload);
    run.assert_status(status);
    let document: Value =
        serde_json::from_str(&run.stdout).unwrap_or_else(|error| panic!("{error}: {}", run.stdout));
    assert_eq!(document["status"], json!(status), "{document:#}");
    document
}

// A matter of the output; every outcome in it is met on every server as text.
scenario!(json_says_what_the_lines_say: law);
fn json_says_what_the_lines_say(kind: Kind) {
    let (_named, bridge) = kind.fresh();
    let lines = "@ NS ns1.example.net. | www A 192.0.2.7 | bad A 1.2.3";
    let first = zone("example.com", lines).call();
    let text = bridge.run(&["plesk", "--dry-run"], &first);
    text.assert_status(65);
    let dry = json(&bridge, &["plesk", "--dry-run"], &first, 65);
    let result = &dry["results"][0];
    assert_eq!(result["subject"], "example.com.");
    assert_eq!(result["result"], "would be created");
    assert_eq!(
        (&result["added"], &result["removed"]),
        (&json!(3), &json!(0))
    );
    for line in result["lines"].as_array().expect("lines") {
        assert!(text.stdout.lines().any(|said| said == line), "{line}");
    }
    let message = &dry["messages"][0];
    assert_eq!(message["severity"], "error");
    let said = format!(
        "error: {}; do: {}\n",
        message["text"].as_str().unwrap_or_default(),
        message["hint"].as_str().unwrap_or_default()
    );
    text.assert_stderr(&said);
    let done = json(&bridge, &["plesk"], &first, 65);
    assert_eq!(done["results"][0]["result"], "created");
    assert_eq!(done["results"][0]["records"], 3);
    assert_eq!(done["results"][0]["primary"], "main");
    let done = json(
        &bridge,
        &["plesk"],
        &zone("example.com", "@ NS ns1.example.net.").sent(1).call(),
        0,
    );
    assert_eq!(done["results"][0]["result"], "updated");
    assert_eq!(
        (&done["results"][0]["added"], &done["results"][0]["removed"]),
        (&json!(0), &json!(1))
    );
    let failed = json(&bridge, &["plesk"], &zone("empty.example", "").call(), 69);
    assert_eq!(failed["results"][0]["result"], "failed");
    assert_eq!(failed["results"][0]["kind"], "denied");
    let gone = json(
        &bridge,
        &["plesk"],
        &call(&[payload::delete("example.com")]),
        0,
    );
    assert_eq!(gone["results"][0]["result"], "deleted");
}

scenario!(kept_names_are_left_out_of_a_new_zone_but_for_its_name_servers);
fn kept_names_are_left_out_of_a_new_zone_but_for_its_name_servers(kind: Kind) {
    let keep = r#"["example.com", "ns1.*", "kept.*", "*.dyn.example.com"]"#;
    let lines = "@ NS ns1.example.com. | @ TXT left-out | ns1 A 192.0.2.1 | kept A 192.0.2.2 | \
                 a.dyn A 192.0.2.3 | www A 192.0.2.7";
    let made = "@ NS ns1.example.com. | ns1 A 192.0.2.1 | www A 192.0.2.7";
    let warnings: Vec<_> = ["example.com", "a.dyn.example.com", "kept.example.com"]
        .into_iter()
        .map(|name| {
            format!(
                "warning: example.com. on main (127.0.0.1:PORT): {name}. is not touched: \
                 `policy.keep`\n"
            )
        })
        .collect();
    let (server, bridge) = kind.fresh();
    let bridge = bridge.set("policy", "keep", keep);
    let payload = zone("example.com", lines).call();
    dry_run(&server, &bridge, &[], &payload)
        .assert_status(1)
        .assert_stderr(&warnings.concat());
    bridge
        .plesk(&payload)
        .assert_status(0)
        .assert_stderr(&warnings.concat())
        .assert_stdout("example.com.: created with 4 records on main (127.0.0.1:PORT)\n");
    zone("example.com", made).assert_on(&server);
    bridge
        .plesk(&payload)
        .assert_status(0)
        .assert_stderr(&warnings.concat())
        .assert_stdout("example.com.: unchanged on main (127.0.0.1:PORT)\n");
    zone("example.com", made).assert_on(&server);
}
