//! `nsbridge check`: what is not as it must be is told with its remedy, nothing is changed, and one failure does
//! not keep the rest from being checked.

use std::fs;
use std::time::{Duration, Instant};

use pretty_assertions::assert_eq;
use serde_json::{Value, json};

use crate::support::bridge::{Bridge, Run};
use crate::support::daemon::Release;
use crate::support::dig;
use crate::support::keys::Key;
use crate::support::named::{Named, Zone};
use crate::support::payload;
use crate::support::ports::Port;
use crate::support::process;
use crate::support::server::Server as _;
use crate::support::wait;

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
pub(crate) fn well_until(line: &str, rest: &str) -> String {
    let at = DNS_IS_WELL.find(line).unwrap();
    format!("{}{rest}", &DNS_IS_WELL[..at])
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
    run.assert_prints(line);
    fs::remove_dir(bridge.file("state/queue.db")).unwrap();
    fs::remove_dir(bridge.file("state")).unwrap();
    fs::write(bridge.file("state"), "").unwrap();
    let run = check(&bridge, &named, &[]);
    assert_lines(&run, 78, DNS_IS_WELL);
    let line = "failed: queue file: cannot create a file in `DIR/state`: Not a directory (os error 20); \
        hint: give the directory to the user that nsbridge runs as, or set `queue.path`\n";
    run.assert_prints(line);
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
        run.assert_prints(&line);
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
