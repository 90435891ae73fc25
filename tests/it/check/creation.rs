//! `nsbridge check` of how zones are made: on BIND, on PowerDNS and by a program.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use pretty_assertions::assert_eq;

use crate::support::bridge::Bridge;
use crate::support::checks::{
    ALONE, API_IS_WELL, CHANNEL_IS_WELL, CREATION_IS_WELL, DNS_IS_WELL, OWNER_IS_NOBODY, ZONE,
    assert_begins, assert_is_named_conf, assert_lines, check, controls, fetching_unknown,
    has_probe, server, state,
};
use crate::support::daemon::Release;
use crate::support::keys::Key;
use crate::support::named::{Named, TEMPLATE, View, Zone};
use crate::support::pdns::Pdns;
use crate::support::server::Server as _;

#[test]
fn a_zone_is_created_and_removed_on_demand() {
    for release in Release::stable() {
        let named = server(release);
        let bridge = Bridge::of(&named).seed(&named);
        let run = check(&bridge, &named, &["--create"]);
        let made = "ok: zone creation: `nsbridge-check-plesk01.invalid.` was created and removed\n\
                    ok: first contents of new zones\n";
        assert_lines(
            &run,
            0,
            &[DNS_IS_WELL, CHANNEL_IS_WELL, made, OWNER_IS_NOBODY].concat(),
        );
        let commands = named.control_commands();
        assert!(commands.iter().filter(|it| *it == "addzone").count() >= 3);
        assert!(!has_probe(&named));
    }
}

#[test]
fn what_a_killed_check_left_is_told_and_removed_by_the_next() {
    let named = server(Release::Installed);
    let bridge = Bridge::of(&named).seed(&named);
    let clean = state(&named);
    let mark = "nsbridge-check-plesk01.invalid.nsbridge-plesk01-00000000000000ab.db";
    fs::write(
        named.file(mark),
        "@ 0 IN SOA ns.invalid. ns.invalid. 1 2 3 4 5\n@ 0 IN NS ns.invalid.\n",
    )
    .unwrap();
    let config = format!("{{ type primary; file \"{mark}\"; }};");
    let added = named.rndc(&["addzone", "nsbridge-check-plesk01.invalid", &config]);
    assert_eq!(added.status, Some(0), "{}", added.stderr());
    assert!(has_probe(&named));
    let left = "unknown: zone creation: NB-CHECK-ZONE-LEFT\n";
    let run = check(&bridge, &named, &[]);
    let expected = [DNS_IS_WELL, CHANNEL_IS_WELL, left].concat() + &fetching_unknown();
    assert_lines(&run, 0, &expected);
    let run = bridge.run(&["check", "--create"], "");
    run.assert_status(0);
    run.assert_prints("` was created and removed\n");
    assert!(!has_probe(&named));
    assert_eq!(state(&named), clean);
}

#[test]
fn a_control_channel_that_takes_another_key_is_told_with_its_statement() {
    let named = server(Release::Installed);
    let other = Key::new("rndc");
    let keys = tempfile::tempdir().unwrap();
    let file = other.write(keys.path());
    let bridge =
        Bridge::of(&named)
            .seed(&named)
            .set_text("keys.rndc", "file", &file.to_string_lossy());
    let run = check(&bridge, &named, &[]);
    run.assert_status(75);
    run.assert_code_with("NB-CONTROL-UNANSWERED", ": control channel: ");
    let expected = controls(named.control_port())
        + "not tried: main (127.0.0.1:PORT): zone creation: needs the control channel\n\
           not tried: main (127.0.0.1:PORT): first contents of new zones: needs the control channel\n\
           not tried: main (127.0.0.1:PORT): owner of example.com.: needs the control channel\n";
    assert!(run.stdout.ends_with(&expected), "{}", run.stdout);
}

#[test]
fn a_server_that_allows_no_new_zones_is_told_with_the_line_that_allows_them() {
    let named = Named::builder()
        .zone(Zone::dynamic(ZONE, ALONE))
        .closed_to_new_zones()
        .start();
    for arguments in [&[][..], &["--create"]] {
        let run = check(&Bridge::of(&named).seed(&named), &named, arguments);
        let rest = "failed: zone creation: NB-NEW-ZONES-OFF\n\
            \x20 in named.conf:\n\
            \x20   options {\n\
            \x20     allow-new-zones yes;\n\
            \x20   };\n\
            not tried: first contents of new zones: needs the zone creation\n";
        assert_lines(
            &run,
            69,
            &[DNS_IS_WELL, CHANNEL_IS_WELL, rest, OWNER_IS_NOBODY].concat(),
        );
        assert_is_named_conf(&run);
    }
}

#[test]
fn a_view_that_the_server_does_not_have_is_told() {
    let named = Named::builder()
        .view(View::new("external", "match-clients { any; };").zone(Zone::dynamic(ZONE, ALONE)))
        .start();
    let seed = || Bridge::of(&named).seed(&named);
    let table = "primaries.main.provision";
    let run = check(&seed().set_text(table, "view", "internal"), &named, &[]);
    let rest = "failed: zone creation: NB-VIEW-UNKNOWN\n\
        not tried: first contents of new zones: needs the zone creation\n\
        failed: owner of example.com.: NB-VIEW-UNKNOWN\n";
    assert_lines(&run, 69, &[DNS_IS_WELL, CHANNEL_IS_WELL, rest].concat());
    let run = check(&seed().set_text(table, "view", "external"), &named, &[]);
    run.assert_status(0);
    check(&seed(), &named, &[]).assert_status(69);
}

#[test]
fn a_template_that_the_server_does_not_have_is_told_with_its_statement() {
    let named = server(Release::Installed);
    let run = check(&Bridge::of(&named).template(&named, "plesk"), &named, &[]);
    run.assert_status(69);
    run.assert_code_with("NB-TEMPLATE-REFUSED", ": zone creation: ");
    let lines = "  in named.conf:\n\
        \x20   template plesk {\n\
        \x20     type primary;\n\
        \x20     file \"$name.db\";\n\
        \x20     initial-file \"/etc/bind/initial.db\";\n\
        \x20     check-names ignore;\n\
        \x20     check-integrity no;\n\
        \x20     update-policy { grant \"plesk\" zonesub ANY; };\n\
        \x20   };\n\
        not tried: main (127.0.0.1:PORT): first contents of new zones: needs the zone creation\n";
    assert!(run.stdout.ends_with(lines), "{}", run.stdout);
}

#[test]
fn a_template_is_tried_without_its_first_contents_and_on_demand_with_them() {
    let release = Release::Experimental;
    if !release.is_here() {
        return;
    }
    let named = server(release);
    let bridge = || Bridge::of(&named).template(&named, TEMPLATE);
    let clean = state(&named);
    let run = check(&bridge(), &named, &[]);
    let open = "unknown: first contents of new zones: NB-INITIAL-FILE-UNTRIED\n";
    let expected = [DNS_IS_WELL, CHANNEL_IS_WELL, CREATION_IS_WELL, open].concat();
    assert_lines(&run, 0, &expected);
    let run = check(&bridge(), &named, &["--create"]);
    let made = "ok: zone creation: `nsbridge-check-plesk01.invalid.` was created and removed\n\
                ok: first contents of new zones\n";
    assert_lines(&run, 0, &[DNS_IS_WELL, CHANNEL_IS_WELL, made].concat());
    assert!(!has_probe(&named));
    assert_eq!(state(&named), clean);

    let run = check(&Bridge::of(&named).template(&named, "other"), &named, &[]);
    run.assert_status(69);
    run.assert_code_with("NB-TEMPLATE-REFUSED", ": zone creation: ");
    fs::remove_file(named.file("initial.db")).expect("the server has an initial file");
    check(&bridge(), &named, &[]).assert_status(0);
    let run = check(&bridge(), &named, &["--create"]);
    run.assert_status(69);
    run.assert_code("NB-TEMPLATE-FILE-MISSING");
    assert!(!has_probe(&named));
}

#[test]
fn an_address_for_first_contents_that_is_not_ours_is_told() {
    let named = server(Release::Installed);
    let bridge = Bridge::of(&named).seed(&named).set_text(
        "primaries.main.provision",
        "listen",
        "192.0.2.1:5300",
    );
    let run = check(&bridge, &named, &[]);
    let rest = "failed: first contents of new zones: NB-LISTEN-FAILED\n";
    let expected = [
        DNS_IS_WELL,
        CHANNEL_IS_WELL,
        CREATION_IS_WELL,
        rest,
        OWNER_IS_NOBODY,
    ]
    .concat();
    assert_lines(&run, 75, &expected);
}

#[test]
fn a_program_is_asked_whether_a_zone_exists() {
    let named = server(Release::Installed);
    let directory = tempfile::tempdir().unwrap();
    let program = directory.path().join("make-zone");
    let asked = directory.path().join("asked");
    let script = |status: u8| {
        let text = format!(
            "#!/bin/sh\necho \"$@\" >> {}\nexit {status}\n",
            asked.display()
        );
        fs::write(&program, text).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        Bridge::of(&named).command(&program, &["{action}", "{zone}"])
    };
    let run = check(&script(10), &named, &[]);
    let rest = "ok: program\n\
        unknown: zone creation: NB-PROGRAM-UNTRIED\n";
    assert_lines(&run, 0, &[DNS_IS_WELL, rest].concat());
    let said = fs::read_to_string(&asked).unwrap();
    assert_eq!(said, "exists nsbridge-check-plesk01.invalid\n");
    let run = check(&script(1), &named, &[]);
    run.assert_status(69);
    let said = "not tried: main (127.0.0.1:PORT): zone creation: needs the program\n";
    assert!(run.stdout.ends_with(said), "{}", run.stdout);
}

#[test]
fn a_power_dns_that_makes_zones_is_asked_over_its_api() {
    for release in Release::stable() {
        let pdns = Pdns::of(release).zone(ZONE, ALONE).start();
        let bridge = || Bridge::of(&pdns).powerdns(pdns.api_port(), &pdns.api_key_file());
        let run = bridge().run(&["check", ZONE], "");
        let open = "unknown: zone creation: NB-API-UNTRIED\n";
        assert_lines(
            &run,
            0,
            &[DNS_IS_WELL, API_IS_WELL, open, OWNER_IS_NOBODY].concat(),
        );
        let run = bridge().run(&["check", ZONE, "--create"], "");
        let made = "ok: zone creation: `nsbridge-check-plesk01.invalid.` was created and removed\n";
        assert_lines(
            &run,
            0,
            &[DNS_IS_WELL, API_IS_WELL, made, OWNER_IS_NOBODY].concat(),
        );
        assert!(!pdns.pdnsutil(&["list-all-zones"]).contains("invalid"));
        for kind in ["TSIG-ALLOW-DNSUPDATE", "TSIG-ALLOW-AXFR"] {
            pdns.pdnsutil(&["set-meta", ZONE, kind, "other"]);
        }
        let run = bridge().run(&["check", ZONE], "");
        run.assert_status(69);
        let lines = run
            .stdout
            .lines()
            .filter_map(|line| line.strip_prefix("    pdnsutil "));
        let lines: Vec<&str> = lines.collect();
        assert_eq!(lines.len(), 2, "{}", run.stdout);
        for line in lines {
            let words: Vec<&str> = line.split(' ').collect();
            pdns.pdnsutil(&words);
        }
        let run = bridge().run(&["check", ZONE], "");
        assert_lines(
            &run,
            0,
            &[DNS_IS_WELL, API_IS_WELL, open, OWNER_IS_NOBODY].concat(),
        );
        let run = bridge()
            .key(&Key::new("other"))
            .run(&["check", ZONE, "--create"], "");
        let missing = "failed: zone creation: ";
        assert_begins(&run, &["failed: key `other`: ", "ok: API", missing]);
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("api.key");
        fs::write(&file, "wrong").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        let run = Bridge::of(&pdns)
            .powerdns(pdns.api_port(), &file)
            .run(&["check", ZONE], "");
        run.assert_status(75);
        let untried = "not tried: zone creation: needs the API";
        assert_begins(&run, &["failed: API: ", untried]);
    }
}
