//! What `nsbridge check` says of the key, the clock, transfers and updates of a primary: each refusal is told
//! from the others, with the line that mends it.

use pretty_assertions::assert_eq;

use crate::support::bridge::Bridge;
use crate::support::checks::{
    ALONE, DNS_IS_WELL, ZONE, assert_begins, assert_is_named_conf, assert_lines, check,
    fetching_unknown, server, well_until,
};
use crate::support::confdb::Knot;
use crate::support::daemon::Release;
use crate::support::dig;
use crate::support::keys::Key;
use crate::support::named::{Named, Zone};
use crate::support::pdns::Pdns;
use crate::support::server::Server as _;

#[test]
fn a_key_that_the_primary_does_not_know_is_told_with_its_statement() {
    let named = server(Release::Installed);
    let bridge = Bridge::of(&named).seed(&named).key(&Key::new("other"));
    let run = check(&bridge, &named, &[]);
    let expected = "ok: connection: to 127.0.0.1:PORT\n\
        failed: key `other`: NB-KEY-UNKNOWN\n\
        \x20 in named.conf:\n\
        \x20   // in place of a statement `key \"other\"` that is there, which has another algorithm:\n\
        \x20   key \"other\" { algorithm hmac-sha256; secret \"<that of this host's key file>\"; };\n\
        not tried: clock: needs the key `other`\n\
        not tried: transfer of example.com.: needs the key `other`\n\
        not tried: updates of example.com.: needs the key `other`\n\
        ok: control channel\n\
        ok: zone creation\n";
    assert_lines(&run, 75, &(expected.to_owned() + &fetching_unknown()));
    assert_is_named_conf(&run);
}

#[test]
fn a_wrong_secret_is_told_from_an_unknown_key() {
    let named = server(Release::Installed);
    let bridge = Bridge::of(&named).key(&named.key().with_other_secret());
    let run = check(&bridge, &named, &[]);
    let expected = "ok: connection: to 127.0.0.1:PORT\n\
        failed: key `plesk`: NB-KEY-SECRET-DIFFERS\n  \
          in named.conf:\n    \
            // in place of the statement `key \"plesk\"` that is there:\n    \
            key \"plesk\" { algorithm hmac-sha256; secret \"<that of this host's key file>\"; };\n\
        not tried: clock: needs the key `plesk`\n\
        not tried: transfer of example.com.: needs the key `plesk`\n\
        not tried: updates of example.com.: needs the key `plesk`\n";
    assert_lines(&run, 75, expected);
    assert_is_named_conf(&run);
}

#[test]
fn a_clock_is_odd_before_it_is_wrong() {
    let named = server(Release::Installed);
    let run = check(&Bridge::of(&named).clock_ahead_by(200), &named, &[]);
    let lines: Vec<&str> = run.assert_status(0).stdout.lines().collect();
    let clock = lines
        .iter()
        .find(|line| line.contains(": clock: "))
        .unwrap();
    // Seconds may pass meanwhile.
    let said = (198..=202).any(|seconds| {
        clock.starts_with(&format!(
            "warning: main (127.0.0.1:PORT): clock: {seconds} s behind ours"
        ))
    });
    assert!(said, "{clock}");
    run.assert_code("NB-CLOCKS-DRIFT");
    for (ahead, offset) in [(1000, "behind ours"), (-1000, "ahead of ours")] {
        let bridge = Bridge::of(&named).seed(&named).clock_ahead_by(ahead);
        let run = check(&bridge, &named, &[]);
        run.assert_status(75);
        assert_begins(
            &run,
            &["ok: key `plesk`", "failed: clock: NB-CLOCKS-DIFFER"],
        );
        run.assert_code_with("NB-CLOCKS-DIFFER", offset);
        let untried =
            "\nnot tried: main (127.0.0.1:PORT): transfer of example.com.: needs the clock\n";
        run.assert_prints(untried);
        // named would give no reason.
        run.assert_prints("\nnot tried: main (127.0.0.1:PORT): control channel: needs the clock\n");
    }
}

#[test]
fn a_transfer_that_is_refused_is_told_with_the_line_that_allows_it() {
    let named = Named::builder()
        .zone(Zone::dynamic(ZONE, ALONE).option("allow-transfer { key \"spare\"; };"))
        .key(Key::new("plesk"))
        .key(Key::new("spare"))
        .start();
    let bridge = Bridge::of(&named).seed(&named);
    let serial = dig::soa(&named, ZONE).serial;
    let run = bridge.run(&["check", ZONE], "");
    let rest = "failed: transfer of example.com.: NB-TRANSFER-REFUSED\n\
        \x20 in named.conf:\n\
        \x20   // beside what an `allow-transfer` there has; a zone with one of its own needs the key in that:\n\
        \x20   options {\n\
        \x20     allow-transfer { key \"plesk\"; };\n\
        \x20   };\n\
        ok: updates of example.com.\n\
        ok: control channel\n\
        ok: zone creation\n";
    let expected = well_until("ok: transfer", rest) + &fetching_unknown();
    assert_lines(&run, 69, &expected);
    assert_is_named_conf(&run);
    assert_eq!(dig::soa(&named, ZONE).serial, serial);
    let memory = bridge.set_text("primaries.main", "read", "memory");
    let run = memory.run(&["check", ZONE], "");
    let rest = "ok: transfer of example.com.: not needed (`read = \"memory\"`)\n\
        ok: updates of example.com.\n\
        ok: control channel\n\
        ok: zone creation\n";
    assert_lines(
        &run,
        0,
        &(well_until("ok: transfer", rest) + &fetching_unknown()),
    );
}

#[test]
fn updates_that_are_refused_are_told_with_the_lines_that_allow_them() {
    let policy = "grant spare zonesub ANY;";
    let named = Named::builder()
        .key(Key::new("plesk"))
        .key(Key::new("spare"))
        .zone(Zone::with_policy(ZONE, ALONE, policy))
        .start();
    let run = check(&Bridge::of(&named).seed(&named), &named, &[]);
    let lines = "  in named.conf:\n\
        \x20   zone \"example.com\" {\n\
        \x20     // beside what is there, in place of `allow-update`; the grant into an `update-policy` that is there.\n\
        \x20     // A zone that was made at run time is changed by `rndc modzone`.\n\
        \x20     check-names ignore;\n\
        \x20     check-integrity no;\n\
        \x20     update-policy { grant \"plesk\" zonesub ANY; };\n\
        \x20   };\n\
        ok: control channel\n\
        ok: zone creation\n";
    let rest = "failed: updates of example.com.: NB-UPDATE-REFUSED\n";
    let expected = well_until("ok: updates", rest) + lines + &fetching_unknown();
    assert_lines(&run, 69, &expected);

    let policy = "grant plesk zonesub A AAAA CNAME SOA TXT;";
    let named = Named::builder()
        .zone(Zone::with_policy(ZONE, ALONE, policy))
        .start();
    let run = check(&Bridge::of(&named).seed(&named), &named, &[]);
    let rest = "failed: updates of example.com.: NB-TYPES-REFUSED\n";
    let expected = well_until("ok: updates", rest) + lines + &fetching_unknown();
    assert_lines(&run, 69, &expected);
}

#[test]
fn a_reverse_zone_is_asked_for_what_reverse_zones_hold() {
    let zone = "2.0.192.in-addr.arpa";
    let policy = "grant plesk zonesub PTR NS SOA;";
    let named = Named::builder()
        .zone(Zone::with_policy(zone, ALONE, policy))
        .start();
    let run = Bridge::of(&named).run(&["check", zone], "");
    run.assert_status(0);
    let line = "ok: main (127.0.0.1:PORT): updates of 2.0.192.in-addr.arpa.\n";
    run.assert_prints(line);
    let named = Named::builder()
        .zone(Zone::with_policy(
            zone,
            ALONE,
            "grant plesk zonesub A NS SOA;",
        ))
        .start();
    let run = Bridge::of(&named).run(&["check", zone], "");
    run.assert_status(69);
    run.assert_code_with("NB-TYPES-REFUSED", "types PTR");
}

#[test]
fn a_primary_with_another_certificate_is_not_asked() {
    let named = Named::builder()
        .zone(Zone::dynamic(ZONE, ALONE))
        .tls()
        .start();
    let authority = named.authority().certificate();
    let bridge = || {
        Bridge::at(named.tls_port(), named.key_file())
            .set_text("primaries.main", "transport", "tls")
            .set_text(
                "primaries.main",
                "tls-ca-file",
                &authority.to_string_lossy(),
            )
    };
    assert_lines(&bridge().run(&["check", ZONE], ""), 0, DNS_IS_WELL);
    let pin = "YLh1dUR9y6Kja30RrAn7JKnbQG/uEtLMkBgFF2Fuihg=";
    let pinned = bridge().set("primaries.main", "tls-pins", &format!("[{pin:?}]"));
    let run = pinned.run(&["check", ZONE], "");
    run.assert_status(75);
    let failed = "failed: connection: NB-TLS-OTHER-PIN";
    assert_begins(
        &run,
        &[failed, "not tried: key `plesk`: needs the connection"],
    );
}

#[test]
fn a_zone_that_is_not_there_yet_is_a_failure_only_where_nothing_makes_it() {
    let named = server(Release::Installed);
    let zone = "example.org";
    let run = Bridge::of(&named).run(&["check", zone], "");
    let rest = "failed: transfer of example.org.: NB-ZONE-ABSENT\n  \
          in named.conf:\n    \
            zone \"example.org\" {\n      \
              type primary;\n      \
              file \"example.org.db\";\n      \
              check-names ignore;\n      \
              check-integrity no;\n      \
              update-policy { grant \"plesk\" zonesub ANY; };\n    \
            };\n\
        not tried: updates of example.org.: needs the transfer of example.org.\n";
    assert_lines(&run, 69, &well_until("ok: transfer", rest));
    let run = Bridge::of(&named).seed(&named).run(&["check", zone], "");
    let rest = "unknown: transfer of example.org.: NB-CHECK-ZONE-ABSENT\n\
        not tried: updates of example.org.: needs the transfer of example.org.\n\
        ok: control channel\n\
        ok: zone creation\n";
    assert_lines(
        &run,
        0,
        &(well_until("ok: transfer", rest) + &fetching_unknown().replace(ZONE, zone)),
    );
}

/// PowerDNS does not tell a wrong clock from an unknown key.
#[test]
fn what_power_dns_allows_is_told_from_what_it_does_not() {
    for release in Release::stable() {
        let pdns = Pdns::of(release).zone(ZONE, ALONE).start();
        let before = dig::axfr(&pdns, ZONE);
        let bridge = Bridge::of(&pdns);
        let check = || bridge.run(&["check", ZONE], "");
        assert_lines(&check(), 0, DNS_IS_WELL);
        assert_eq!(dig::axfr(&pdns, ZONE), before);
        pdns.pdnsutil(&["set-meta", ZONE, "TSIG-ALLOW-DNSUPDATE", "other"]);
        let update = "failed: updates of example.com.: NB-UPDATE-REFUSED";
        let run = check();
        run.assert_status(69);
        assert_begins(&run, &["ok: transfer of example.com.", update]);
        pdns.pdnsutil(&["set-meta", ZONE, "TSIG-ALLOW-AXFR", "other"]);
        let transfer = "failed: transfer of example.com.: NB-TRANSFER-DENIED";
        assert_begins(&check(), &[transfer, update]);
        let run = Bridge::of(&pdns)
            .clock_ahead_by(1000)
            .run(&["check", ZONE], "");
        assert_begins(&run, &["failed: key `plesk`: NB-UNSIGNED-REFUSAL"]);
        let run = Bridge::of(&pdns)
            .key(&Key::new("other"))
            .run(&["check", ZONE], "");
        assert_begins(&run, &["failed: key `other`: NB-UNSIGNED-REFUSAL"]);
    }
}

#[test]
fn what_knot_allows_is_told_from_what_it_does_not() {
    let knot = Knot::start();
    let control = |commands: &[&str]| {
        for command in commands {
            let words: Vec<&str> = command.split('|').collect();
            let said = knot.control(&words);
            assert_eq!(
                said.status,
                Some(0),
                "{command}: {}{}",
                said.stdout(),
                said.stderr()
            );
        }
    };
    control(&[
        "conf-begin",
        "conf-set|zone[example.com]",
        "conf-set|zone[example.com].template|nsbridge",
        "conf-commit",
        "zone-begin|example.com",
        "zone-set|example.com|@|3600|SOA|ns1.example.net.|h.example.net.|1|3600|600|86400|300",
        "zone-set|example.com|@|3600|NS|ns1.example.net.",
        "zone-commit|example.com",
    ]);
    let bridge = Bridge::at(knot.port(), knot.key_file());
    let asker = dig::Asker::at(knot.port(), knot.key_file());
    let before = asker.axfr(ZONE);
    let run = bridge.run(&["check", ZONE], "");
    assert_lines(&run, 0, DNS_IS_WELL);
    control(&[
        "conf-begin",
        "conf-set|acl[plesk].update-type|A|AAAA|SOA|NS|CNAME|TXT",
        "conf-commit",
    ]);
    let run = bridge.run(&["check", ZONE], "");
    run.assert_status(69);
    assert_begins(&run, &["ok: transfer of example.com."]);
    run.assert_code_with("NB-TYPES-REFUSED", "MX, SRV, CAA");
    assert_eq!(asker.axfr(ZONE), before);
    let run = bridge.run(&["check", "example.org"], "");
    run.assert_status(69);
    let unsigned = "unknown: key `plesk`: NB-CHECK-UNSIGNED";
    assert_begins(&run, &[unsigned]);
}
