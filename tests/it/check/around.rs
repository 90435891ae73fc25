//! `nsbridge check` of what surrounds a zone: the queue, the other name servers, and the reverse zones of
//! `ptr.networks`.

use std::fs;

use crate::support::bridge::Bridge;
use crate::support::checks::{ALONE, ZONE, assert_begins, lines_below, server};
use crate::support::daemon::Release;
use crate::support::dig;
use crate::support::knot::Knot;
use crate::support::named::{Named, View, Zone};
use crate::support::pdns::Pdns;
use crate::support::process::as_root;
use crate::support::server::Server as _;
use crate::support::wanted::zone;

/// Runs nsbridge as the user 4001, who owns its directory, after this preparation by root.
fn as_user(bridge: Bridge, prepare: &str) -> Bridge {
    let script = format!(
        "chown -R 4001 . && {prepare} && exec setpriv --reuid=4001 --regid=4999 --clear-groups \"$@\""
    );
    bridge.within(&[&as_root("sh -c")[..], &[&script, "sh"]].concat())
}

#[test]
fn a_queue_that_a_delivery_could_not_write_fails_with_its_owner_mode_and_user() {
    let named = Named::builder()
        .zone(Zone::dynamic("a.example", ""))
        .start();
    let call = |second: u8| zone("a.example", &format!("@ NS ns1 | @ A 192.0.2.{second}")).call();
    let of_root = |file: &str, mode: u32| {
        format!("touch state{file} && chown root state{file} && chmod {mode} state{file}")
    };
    for (file, mode) in [
        ("/queue.db", 644),
        ("/queue.db-wal", 644),
        ("/queue.db-shm", 644),
        ("", 755),
    ] {
        let bridge = Bridge::of(&named).without_dry_run("root changes the queue in between");
        let key = bridge.file("own.key");
        fs::copy(named.key_file(), &key).expect("a copy of the key");
        let bridge = bridge.set_text("keys.plesk", "file", &key.to_string_lossy());
        let bridge = as_user(bridge, "true");
        bridge.plesk(call(1)).assert_status(0);
        bridge.run(&["check", "a.example"], "").assert_status(0);
        let bridge = as_user(bridge, &of_root(file, mode));
        let run = bridge.run(&["check"], "");
        run.assert_status(78).assert_code("NB-QUEUE-FORBIDDEN");
        run.assert_prints(&format!(
            "user 4001 cannot use `DIR/state{file}` (owner root, mode 0{mode}); do: run `chown 4001 \
             DIR/state{file}`\n"
        ));
        let run = bridge.plesk(call(2));
        run.assert_code("NB-QUEUE-FORBIDDEN");
    }
}

#[test]
fn held_jobs_are_counted_with_their_codes() {
    let named = server(Release::Installed);
    let bridge = Bridge::of(&named).without_dry_run("the zones are absent");
    for name in ["a.example", "b.example"] {
        let wanted = zone(name, "@ NS ns1.example.net.");
        bridge.plesk(wanted.call()).assert_status(69);
    }
    let run = bridge.run(&["check"], "");
    run.assert_status(0).assert_code("NB-JOBS-HELD");
    run.assert_prints(
        "warning: queue: 2 jobs held (NB-ZONE-ABSENT); do: `nsbridge queue list` shows them, and what to do\n",
    );
    // The list says what to do, once for each code.
    let list = bridge.run(&["queue", "list"], "");
    let advice = "total: 2 jobs, 2 held\nNB-ZONE-ABSENT: do: create it: `nsbridge zone create`\n\
                  then: `nsbridge queue retry --all`\n";
    assert!(list.stdout.ends_with(advice), "{}", list.stdout);
    // The command works when pasted, wherever the configuration is.
    let other = "another place.toml";
    fs::copy(bridge.write_configuration(), bridge.file(other)).expect("a copy");
    let run = bridge.run_bare(&[], &["--config", other, "check"], "");
    run.assert_prints("`nsbridge --config 'DIR/another place.toml' queue list`");
    bridge.run(&["queue", "drop", "--all"], "").assert_status(0);
    assert!(!bridge.run(&["check"], "").stdout.contains("held"));
}

#[test]
fn other_name_servers_must_have_the_serial_of_the_primary() {
    let records = |serial: u32| {
        format!(
            "$TTL 60\n@ SOA ns1 h {serial} 1 1 1 1\n@ NS ns1\n@ NS ns2\n@ NS ns3\nns1 A 127.0.0.1\nns2 A 127.99.1.2\n\
             ns3 A 127.99.1.3\n"
        )
    };
    let primary = Named::builder()
        .zone(Zone::dynamic(ZONE, &records(7)))
        .start();
    let bridge = Bridge::of(&primary);
    // BIND listens on addresses of interfaces only.
    let other = |serial: u32| {
        let listen = "listen: 127.0.0.1@{port}";
        Knot::builder()
            .zone(ZONE, &records(serial))
            .edit(
                listen,
                "listen: [127.0.0.1@{port}, 127.99.1.2@53, 127.99.1.3@53]",
            )
            .start()
    };
    let run = bridge.run(&["check", ZONE], "");
    run.assert_status(0).assert_code("NB-SECONDARIES-DIFFER");
    let differ = "warning: other name servers of example.com.: NB-SECONDARIES-DIFFER";
    assert_begins(&run, &[differ]);
    run.assert_prints(
        "the primary has the serial 7; ns2.example.com. (127.99.1.2) does not answer, \
         ns3.example.com. (127.99.1.3) does not answer; do: `rndc notify example.com.`",
    );
    let behind = other(5);
    let run = bridge.run(&["check", ZONE], "");
    assert_begins(&run, &[differ]);
    run.assert_prints(
        "ns2.example.com. (127.99.1.2) has 5, ns3.example.com. (127.99.1.3) has 5; do: ",
    );
    drop(behind);
    let _level = other(7);
    let run = bridge.run(&["check", ZONE], "");
    run.assert_status(0);
    assert_begins(
        &run,
        &["ok: other name servers of example.com.: 2 servers with the serial 7"],
    );
    // Nobody named it.
    let run = bridge.run(&["check"], "");
    assert!(!run.stdout.contains("other name servers"), "{}", run.stdout);
}

fn with_empty_zones(options: &str) -> Named {
    let options = format!("recursion yes; empty-zones-enable yes; {options}");
    Named::builder().view(View::new("all", &options)).start()
}

#[test]
fn reverse_zones_that_bind_has_built_in_are_told_with_the_lines_that_take_them_away() {
    let networks = ["10.1.2.0/24", "172.16.0.0/15"];
    let named = with_empty_zones("");
    let run = Bridge::of(&named)
        .ptr_networks(&networks)
        .run(&["check"], "");
    run.assert_status(69).assert_code("NB-BUILT-IN-ZONE");
    assert_begins(
        &run,
        &["failed: reverse zones of 10.1.2.0/24: NB-BUILT-IN-ZONE"],
    );
    let mut lines = lines_below(&run, "reverse zones of 10.1.2.0/24");
    lines.extend(lines_below(&run, "reverse zones of 172.16.0.0/15"));
    lines.retain(|line| line.starts_with(' '));
    let expected = [
        "  disable-empty-zone \"10.in-addr.arpa\";",
        "  disable-empty-zone \"16.172.in-addr.arpa\";",
        "  disable-empty-zone \"17.172.in-addr.arpa\";",
    ];
    assert_eq!(lines, expected);
    let named = with_empty_zones(&lines.concat());
    let bridge = Bridge::of(&named)
        .seed(&named)
        .set_text("primaries.main.provision", "view", "all")
        .set("primaries.main", "nameservers", "[\"ns1.example.net\"]")
        .ptr_networks(&networks);
    let run = bridge.run(&["check"], "");
    run.assert_status(0);
    let created = "ok: reverse zones of 10.1.2.0/24: 2.1.10.in-addr.arpa.: absent, created with the first PTR record";
    assert_begins(&run, &[created]);
    bridge
        .run(&["ptr", "add", "10.1.2.3", "www.example.com"], "")
        .assert_status(0);
    let run = bridge.run(&["check"], "");
    run.assert_prints("reverse zones of 10.1.2.0/24: 2.1.10.in-addr.arpa.\n");
}

#[test]
fn a_reverse_zone_that_is_absent_is_a_failure_if_nothing_creates_it() {
    let named = server(Release::Installed);
    let bridge = Bridge::of(&named).ptr_networks(&["192.0.2.0/24"]);
    let run = bridge.run(&["check"], "");
    run.assert_status(69).assert_code("NB-REVERSE-ZONE-ABSENT");
    let failed = "failed: reverse zones of 192.0.2.0/24: NB-REVERSE-ZONE-ABSENT";
    assert_begins(&run, &[failed]);
    let pdns = Pdns::builder().zone("2.0.192.in-addr.arpa", ALONE).start();
    let run = Bridge::of(&pdns)
        .ptr_networks(&["192.0.2.0/25"])
        .run(&["check"], "");
    let well = "ok: reverse zones of 192.0.2.0/25: 2.0.192.in-addr.arpa.";
    assert_begins(&run, &[well]);
    assert!(dig::has_zone(&pdns, "2.0.192.in-addr.arpa"));
}
