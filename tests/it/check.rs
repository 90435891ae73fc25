//! `nsbridge check`: what is not as it must be is told with its remedy, and nothing is changed.

use std::fs;
use std::time::{Duration, Instant};

use pretty_assertions::assert_eq;
use serde_json::{Value, json};

use crate::bridge::{Bridge, Run};
use crate::confdb::Knot;
use crate::daemon::Release;
use crate::dig;
use crate::keys::Key;
use crate::named::{Named, Zone};
use crate::payload;
use crate::pdns::Pdns;
use crate::ports::Port;
use crate::process;
use crate::server::Server as _;
use crate::wait;

pub(crate) const ZONE: &str = "example.com";

/// A server with a zone of somebody else.
pub(crate) fn server(release: Release) -> Named {
    Named::of(release)
        .zone(Zone::dynamic(ZONE, "* A 192.0.2.7\n"))
        .start()
}

/// What `check` may not change: the zone, and every file.
pub(crate) fn state(named: &Named) -> (Vec<String>, Vec<String>) {
    let directory = fs::read_dir(named.file("")).unwrap();
    let mut files: Vec<String> = directory
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        // What the server's database of new zones is locked by.
        .filter(|file| !file.ends_with("-lock"))
        .collect();
    files.sort();
    (dig::axfr(named, ZONE), files)
}

/// How many zones the server says that it has. It counts one that is removed for some time: up to
/// minutes where it was a secondary.
fn zone_count(named: &Named) -> String {
    let status = named.rndc(&["status"]).stdout();
    let mut lines = status.lines();
    let count = lines.find(|line| line.starts_with("number of zones"));
    count.unwrap().to_owned()
}

/// Whether the server has the zone that a check may make.
pub(crate) fn has_probe(named: &Named) -> bool {
    named
        .rndc(&["zonestatus", "nsbridge-check-plesk01.invalid"])
        .status
        == Some(0)
}

/// Runs `check ZONE`, and looks that nothing has changed.
#[track_caller]
pub(crate) fn check(bridge: &Bridge, named: &Named, arguments: &[&str]) -> Run {
    let before = state(named);
    let run = bridge.run(&[&["check", ZONE], arguments].concat(), "");
    run.assert_stderr("");
    // BIND removes the file of a zone some time after the zone.
    wait::until_some(wait::PATIENCE, || (state(named) == before).then_some(()));
    assert_eq!(state(named), before);
    run
}

/// Asserts the lines about the primary `main`, without its name and address. `127.0.0.1:N` stands for
/// where first contents are served.
#[track_caller]
pub(crate) fn assert_lines(run: &Run, status: i32, expected: &str) {
    run.assert_status(status);
    let lines = run.stdout.lines().filter_map(|line| {
        let line = line.replace("main (127.0.0.1:PORT): ", "\t");
        let line = match line.split_once("reaches 127.0.0.1:") {
            Some((start, rest)) => {
                let rest = rest.trim_start_matches(|c: char| c.is_ascii_digit());
                format!("{start}reaches 127.0.0.1:N{rest}")
            }
            None => line,
        };
        let is_about_main = line.contains('\t') || line.starts_with("  ");
        is_about_main.then(|| line.replace('\t', ""))
    });
    let lines: Vec<String> = lines.collect();
    let expected: Vec<&str> = expected.lines().collect();
    assert_eq!(lines, expected, "of\n{}", run.stdout);
}

/// Asserts that there are lines about the primary `main` that begin so.
#[track_caller]
pub(crate) fn assert_begins(run: &Run, starts: &[&str]) {
    for start in starts {
        let (word, rest) = start.split_once(": ").unwrap();
        let start = format!("{word}: main (127.0.0.1:PORT): {rest}");
        let is_there = run.stdout.lines().any(|line| line.starts_with(&start));
        assert!(is_there, "no line begins with `{start}`:\n{}", run.stdout);
    }
}

/// The lines that are told below a failed check of the primary `main`, such as `key `.
#[track_caller]
pub(crate) fn lines_below(run: &Run, check: &str) -> Vec<String> {
    let start = format!("failed: main (127.0.0.1:PORT): {check}");
    let lines = run
        .stdout
        .lines()
        .skip_while(|line| !line.starts_with(&start));
    let below = lines.skip(2).map_while(|line| line.strip_prefix("    "));
    let below: Vec<String> = below.map(str::to_owned).collect();
    assert!(
        !below.is_empty(),
        "no lines below `{start}`:\n{}",
        run.stdout
    );
    below
}

/// Asserts that BIND takes the lines that were printed for named.conf.
#[track_caller]
pub(crate) fn assert_is_named_conf(run: &Run) {
    let lines = run
        .stdout
        .lines()
        .filter_map(|line| line.strip_prefix("    "));
    let lines: Vec<&str> = lines.collect();
    assert!(!lines.is_empty(), "no lines:\n{}", run.stdout);
    let mut conf = lines
        .join("\n")
        .replace("<that of this host's key file>", "c2VjcmV0");
    if !conf.contains("key \"plesk\" { algorithm") {
        conf.push_str("\nkey \"plesk\" { algorithm hmac-sha256; secret \"c2VjcmV0\"; };\n");
    }
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("named.conf");
    fs::write(&file, &conf).unwrap();
    let said = process::run("named-checkconf", &[file], b"");
    assert_eq!(
        said.status,
        Some(0),
        "{conf}\n{}{}",
        said.stdout(),
        said.stderr()
    );
}

/// The releases that are here.
pub(crate) fn releases() -> impl Iterator<Item = Release> {
    let all = [Release::Installed, Release::Debian13];
    all.into_iter().filter(|release| release.is_here())
}

pub(crate) const DNS_IS_WELL: &str = "ok: connection: to 127.0.0.1:PORT\n\
    ok: key `plesk`\n\
    ok: clock: the same as ours\n\
    ok: transfer of example.com.\n\
    ok: updates of example.com.\n";

pub(crate) const CHANNEL_IS_WELL: &str = "ok: control channel\n";

pub(crate) const CREATION_IS_WELL: &str = "ok: zone creation\n";

pub(crate) const CREATE: &str =
    "hint: `nsbridge check --create` makes a zone and removes it again\n";

pub(crate) const OWNER_IS_NOBODY: &str = "ok: owner of example.com.: nobody\n";

/// What a server that fetches first contents is not known to do, and what follows.
pub(crate) fn fetching_unknown() -> String {
    format!(
        "unknown: first contents of new zones: whether the server reaches 127.0.0.1:N over UDP and \
         TCP shows only when it fetches a new zone; {CREATE}{OWNER_IS_NOBODY}"
    )
}

/// The lines about DNS up to one, and then what follows.
fn well_until(line: &str, rest: &str) -> String {
    let at = DNS_IS_WELL.find(line).unwrap();
    format!("{}{rest}", &DNS_IS_WELL[..at])
}

#[test]
fn a_server_that_is_set_up_passes_and_stays_as_it_is() {
    for release in releases() {
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
        assert!(run.stdout.contains(queue), "{}", run.stdout);
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
fn a_key_that_the_primary_does_not_know_is_told_with_its_statement() {
    let named = server(Release::Installed);
    let bridge = Bridge::of(&named).seed(&named).key(&Key::new("other"));
    let run = check(&bridge, &named, &[]);
    let expected = "ok: connection: to 127.0.0.1:PORT\n\
        failed: key `other`: the primary does not know the key `other` with this algorithm (BADKEY); \
        hint: the primary needs the same `key \"other\" { algorithm …; secret …; };` statement as the \
        key file; Knot says so also of a key that it has, where no `acl` of the zone allows it\n\
        \x20 in named.conf:\n\
        \x20   key \"other\" { algorithm hmac-sha256; secret \"<that of this host's key file>\"; };\n\
        not tried: clock: needs the key `other`\n\
        not tried: transfer of example.com.: needs the key `other`\n\
        not tried: updates of example.com.: needs the key `other`\n\
        ok: control channel\n\
        ok: zone creation\n";
    assert_lines(&run, 69, &(expected.to_owned() + &fetching_unknown()));
    assert_is_named_conf(&run);
}

#[test]
fn a_wrong_secret_is_told_from_an_unknown_key() {
    let named = server(Release::Installed);
    let bridge = Bridge::of(&named).key(&named.key().with_other_secret());
    let run = check(&bridge, &named, &[]);
    let expected = "ok: connection: to 127.0.0.1:PORT\n\
        failed: key `plesk`: the primary has another secret for the key `plesk` (BADSIG); hint: copy \
        the key file anew from the one that the primary includes\n\
        not tried: clock: needs the key `plesk`\n\
        not tried: transfer of example.com.: needs the key `plesk`\n\
        not tried: updates of example.com.: needs the key `plesk`\n";
    assert_lines(&run, 69, expected);
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
        let line = format!(
            "warning: main (127.0.0.1:PORT): clock: {seconds} s behind ours; hint: signatures fail \
             from 300 s on: set both clocks right, best with NTP"
        );
        *clock == line
    });
    assert!(said, "{clock}");
    for (ahead, offset) in [(1000, "behind ours"), (-1000, "ahead of ours")] {
        let bridge = Bridge::of(&named).seed(&named).clock_ahead_by(ahead);
        let run = check(&bridge, &named, &[]);
        run.assert_status(69);
        let expected = "\nok: main (127.0.0.1:PORT): key `plesk`\n\
             failed: main (127.0.0.1:PORT): clock: the clocks differ too much for signatures \
             (BADTIME): the primary's is ";
        assert!(run.stdout.contains(expected), "{}", run.stdout);
        assert!(
            run.stdout.contains(&format!("{offset}; hint: ")),
            "{}",
            run.stdout
        );
        let untried =
            "\nnot tried: main (127.0.0.1:PORT): transfer of example.com.: needs the clock\n";
        assert!(run.stdout.contains(untried), "{}", run.stdout);
        let channel = "failed: main (127.0.0.1:PORT): control channel: ";
        assert!(run.stdout.contains(channel), "{}", run.stdout);
    }
}

#[test]
fn a_transfer_that_is_refused_is_told_with_the_line_that_allows_it() {
    let named = Named::builder()
        .zone(Zone::dynamic(ZONE, "").option("allow-transfer { key \"spare\"; };"))
        .key(Key::new("plesk"))
        .key(Key::new("spare"))
        .start();
    let bridge = Bridge::of(&named).seed(&named);
    let serial = dig::soa(&named, ZONE).serial;
    let run = bridge.run(&["check", ZONE], "");
    let rest = "failed: transfer of example.com.: the primary refuses the zone transfer (REFUSED); \
        hint: allow the key in named.conf: `allow-transfer { key \"plesk\"; };`; PowerDNS: `TSIG-ALLOW-AXFR` \
        of the zone, which must be a primary one, without NSEC3 in narrow mode; Knot: an `acl` with `action: \
        transfer`\n\
        \x20 in named.conf:\n\
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
        .zone(Zone::with_policy(ZONE, "", policy))
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
    let rest = "failed: updates of example.com.: the primary refuses the update (REFUSED); hint: allow \
        the key in the zone's configuration: `update-policy { grant \"plesk\" zonesub ANY; };`; BIND \
        also refuses an update for one record that it objects to, which its log names: `check-names \
        ignore; check-integrity no;` there lets most of them pass; PowerDNS: `dnsupdate=yes` and \
        `allow-dnsupdate-from` in pdns.conf, `TSIG-ALLOW-DNSUPDATE` of the zone; Knot: an `acl` with \
        `action: update`\n";
    let expected = well_until("ok: updates", rest) + lines + &fetching_unknown();
    assert_lines(&run, 69, &expected);

    let policy = "grant plesk zonesub A AAAA CNAME SOA TXT;";
    let named = Named::builder()
        .zone(Zone::with_policy(ZONE, "", policy))
        .start();
    let run = check(&Bridge::of(&named).seed(&named), &named, &[]);
    let rest = "failed: updates of example.com.: the primary refuses updates of the types NS, MX, SRV, \
        CAA; hint: allow them in the zone's configuration, or all types: `update-policy { grant \
        \"plesk\" zonesub ANY; };`\n";
    let expected = well_until("ok: updates", rest) + lines + &fetching_unknown();
    assert_lines(&run, 69, &expected);
}

#[test]
fn a_reverse_zone_is_asked_for_what_reverse_zones_hold() {
    let zone = "2.0.192.in-addr.arpa";
    let policy = "grant plesk zonesub PTR NS SOA;";
    let named = Named::builder()
        .zone(Zone::with_policy(zone, "", policy))
        .start();
    let run = Bridge::of(&named).run(&["check", zone], "");
    run.assert_status(0);
    let line = "ok: main (127.0.0.1:PORT): updates of 2.0.192.in-addr.arpa.\n";
    assert!(run.stdout.contains(line), "{}", run.stdout);
    let named = Named::builder()
        .zone(Zone::with_policy(zone, "", "grant plesk zonesub A NS SOA;"))
        .start();
    let run = Bridge::of(&named).run(&["check", zone], "");
    run.assert_status(69);
    let said = "the primary refuses updates of the types PTR; hint: ";
    assert!(run.stdout.contains(said), "{}", run.stdout);
}

#[test]
fn a_primary_that_is_down_leaves_the_rest_untried() {
    let mut named = server(Release::Installed);
    let bridge = Bridge::of(&named).seed(&named);
    named.stop();
    let run = bridge.run(&["check", ZONE], "");
    let port = named.control_port();
    let expected = "failed: connection: 127.0.0.1:PORT refused the connection; hint: see that the \
        server runs and listens on 127.0.0.1:PORT for TCP (BIND: `listen-on`, also for `tls`)\n\
        not tried: key `plesk`: needs the connection\n\
        not tried: clock: needs the connection\n\
        not tried: transfer of example.com.: needs the connection\n\
        not tried: updates of example.com.: needs the connection\n\
        failed: control channel: control channel 127.0.0.1:CONTROL: cannot connect: Connection refused \
        (os error 111); hint: is named running, and does named.conf have `controls { inet … port "
        .to_owned()
        + &port.to_string()
        + " allow { <this host>; } keys { \"<control-key>\"; }; };`?\n"
        + &controls(port)
        + "not tried: zone creation: needs the control channel\n\
           not tried: first contents of new zones: needs the control channel\n\
           not tried: owner of example.com.: needs the control channel\n";
    assert_lines(&run, 75, &expected);
    assert_is_named_conf(&run);
}

pub(crate) fn controls(port: u16) -> String {
    format!(
        "  in named.conf:\n\
         \x20   key \"rndc\" {{ algorithm hmac-sha256; secret \"<that of this host's key file>\"; }};\n\
         \x20   controls {{ inet 127.0.0.1 port {port} allow {{ 127.0.0.1; }} keys {{ \"rndc\"; }}; }};\n"
    )
}

#[test]
fn a_primary_with_another_certificate_needs_a_person() {
    let named = Named::builder().zone(Zone::dynamic(ZONE, "")).tls().start();
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
    run.assert_status(69);
    let failed = "failed: connection: 127.0.0.1:PORT: the server's public key has the pin `";
    assert_begins(
        &run,
        &[failed, "not tried: key `plesk`: needs the connection"],
    );
}

/// PowerDNS does not tell a wrong clock from an unknown key.
#[test]
fn what_power_dns_allows_is_told_from_what_it_does_not() {
    for release in releases() {
        let pdns = Pdns::of(release).zone(ZONE, "www A 192.0.2.7\n").start();
        let before = dig::axfr(&pdns, ZONE);
        let bridge = Bridge::of(&pdns);
        let check = || bridge.run(&["check", ZONE], "");
        assert_lines(&check(), 0, DNS_IS_WELL);
        assert_eq!(dig::axfr(&pdns, ZONE), before);
        pdns.pdnsutil(&["set-meta", ZONE, "TSIG-ALLOW-DNSUPDATE", "other"]);
        let update =
            "failed: updates of example.com.: the primary refuses the update (REFUSED); hint: ";
        let run = check();
        run.assert_status(69);
        assert_begins(&run, &["ok: transfer of example.com.", update]);
        pdns.pdnsutil(&["set-meta", ZONE, "TSIG-ALLOW-AXFR", "other"]);
        let transfer = "failed: transfer of example.com.: the primary refuses the zone transfer \
                        (NOTAUTH); hint: ";
        assert_begins(&check(), &[transfer, update]);
        let unsigned = ": the primary answers NOTAUTH without a signature; hint: some servers answer so \
                        when the key `";
        let run = Bridge::of(&pdns)
            .clock_ahead_by(1000)
            .run(&["check", ZONE], "");
        assert_begins(
            &run,
            &[&format!(
                "failed: key `plesk`{unsigned}plesk`, its secret, "
            )],
        );
        let run = Bridge::of(&pdns)
            .key(&Key::new("other"))
            .run(&["check", ZONE], "");
        assert_begins(
            &run,
            &[&format!(
                "failed: key `other`{unsigned}other`, its secret, "
            )],
        );
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
    let types =
        "failed: updates of example.com.: the primary refuses updates of the types MX, SRV, CAA; ";
    assert_begins(&run, &["ok: transfer of example.com.", types]);
    assert_eq!(asker.axfr(ZONE), before);
    let run = bridge.run(&["check", "example.org"], "");
    run.assert_status(69);
    let unsigned = "unknown: key `plesk`: the primary answers REFUSED without a signature, as some do \
                    where they do not have the zone; hint: name a zone that this primary has: ";
    assert_begins(&run, &[unsigned]);
}

#[test]
fn zones_are_those_remembered_where_none_is_named() {
    let named = server(Release::Installed);
    let bridge = Bridge::of(&named);
    let unknown = "unknown: transfers: no zone of this primary is known; hint: name a zone that this \
        primary has: `nsbridge check ZONE`\n\
        unknown: updates: no zone of this primary is known; hint: name a zone that this \
        primary has: `nsbridge check ZONE`\n";
    let run = bridge.run(&["check"], "");
    assert_lines(&run, 0, &well_until("ok: transfer", unknown));
    let records = [("ours.example.com.", "A", "", "192.0.2.8")];
    let call = payload::call(&[payload::update(ZONE, 0, &records)]);
    bridge.plesk(call).assert_status(0);
    let run = bridge.run(&["check"], "");
    assert_lines(&run, 0, DNS_IS_WELL);
    assert!(
        run.stdout.contains("/queue.db: schema version "),
        "{}",
        run.stdout
    );
}

#[test]
fn a_zone_that_is_not_there_yet_is_a_failure_only_where_nothing_makes_it() {
    let named = server(Release::Installed);
    let zone = "example.org";
    let run = Bridge::of(&named).run(&["check", zone], "");
    let rest = "failed: transfer of example.org.: the zone is not on the primary; hint: create the zone \
        there, or let nsbridge do it: `nsbridge zone create`, with [primaries.….provision] in the \
        configuration\n\
        not tried: updates of example.org.: needs the transfer of example.org.\n";
    assert_lines(&run, 69, &well_until("ok: transfer", rest));
    let run = Bridge::of(&named).seed(&named).run(&["check", zone], "");
    let rest = "unknown: transfer of example.org.: the zone is not on the primary yet; hint: check it \
        again when it is there\n\
        not tried: updates of example.org.: needs the transfer of example.org.\n\
        ok: control channel\n\
        ok: zone creation\n";
    assert_lines(
        &run,
        0,
        &(well_until("ok: transfer", rest) + &fetching_unknown().replace(ZONE, zone)),
    );
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
    let line = "failed: example.org.: route: no route leads to a primary for it; hint: add a [[routes]] \
        entry with its suffix, or one for \".\"\n";
    assert!(run.stdout.ends_with(line), "{}", run.stdout);
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
        lines[0].ends_with("; hint: the nearest valid key is `path`"),
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
    let line = "failed: queue file: cannot open `DIR/state/queue.db`: unable to open database file: \
        DIR/state/queue.db; hint: check the permissions and the free space of the file and of its \
        directory\n";
    assert!(run.stdout.contains(line), "{}", run.stdout);
    fs::remove_dir(bridge.file("state/queue.db")).unwrap();
    fs::remove_dir(bridge.file("state")).unwrap();
    fs::write(bridge.file("state"), "").unwrap();
    let run = check(&bridge, &named, &[]);
    assert_lines(&run, 78, DNS_IS_WELL);
    let line = "failed: queue file: cannot create a file in `DIR/state`: Not a directory (os error 20); \
        hint: give the directory to the user that nsbridge runs as, or set `queue.path`\n";
    assert!(run.stdout.contains(line), "{}", run.stdout);
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
        let line = format!(
            "failed: {name} (127.0.0.1:PORT-{name}): key `plesk`: 127.0.0.1:PORT-{name}: waiting for the \
             answer timed out after 3.0 s; "
        );
        assert!(run.stdout.contains(&line), "{}", run.stdout);
    }
    assert!(took < Duration::from_secs(6), "{took:?}");
    drop(listeners);
}

#[test]
fn quiet_is_what_failed_and_json_is_everything() {
    let named = server(Release::Installed);
    let bridge = Bridge::of(&named).key(&Key::new("other"));
    let run = bridge.run(&["-q", "check", ZONE], "");
    run.assert_status(69).assert_stdout(
        "failed: main (127.0.0.1:PORT): key `other`: the primary does not know the key `other` with \
         this algorithm (BADKEY); hint: the primary needs the same `key \"other\" { algorithm …; secret \
         …; };` statement as the key file; Knot says so also of a key that it has, where no `acl` of \
         the zone allows it\n",
    );
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
            "check": "first-contents", "result": "unknown",
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
