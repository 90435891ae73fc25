//! Killed at each step of each way to make and remove a zone: the next run of the same call repairs it.
//!
//! The barrier stands before DNS and before the control channel or the API. What nsbridge itself answers
//! while BIND fetches a new zone is not held back: a kill in between leaves a secondary zone without its
//! contents, as one after the `addzone` does.

use std::cell::RefCell;
use std::fmt::Write as _;
use std::fs;

use pretty_assertions::assert_eq;

use crate::support::bridge::Bridge;
use crate::support::daemon::Release;
use crate::support::dig;
use crate::support::kills::{Barrier, STEPS_MAX};
use crate::support::named::{Named, TEMPLATE};
use crate::support::payload;
use crate::support::pdns::Pdns;
use crate::support::process;
use crate::support::program::Made;
use crate::support::server::Server;
use crate::support::wait;
use crate::support::wanted::{Wanted, zone};

/// More zones than a change or a deletion has steps.
const ZONES_MIN: usize = 9;

const NOTHING: [&str; 0] = [];

fn name(step: usize) -> String {
    format!("z{step:02}.test")
}

/// What the zones shall hold at first, and then.
fn first(step: usize) -> Wanted {
    zone(&name(step), "@ NS ns1.example.net. | www A 192.0.2.7")
}

fn second(step: usize) -> Wanted {
    let records = "@ NS ns2.example.net. | www A 192.0.2.8 | ftp A 192.0.2.9";
    zone(&name(step), records).sent(1)
}

fn delete(step: usize) -> String {
    payload::call(&[payload::delete(&name(step))])
}

/// Kills creations, changes and deletions at each of their steps, one zone for each, and makes the calls
/// again. `assert_are` is given the zones that the server must have then, and no others.
#[expect(clippy::print_stdout, reason = "how many steps there were")]
fn assert_repaired<S: Server>(
    barrier: &Barrier,
    bridges: &[Bridge],
    server: &mut S,
    assert_are: impl Fn(&S, &[String]),
) {
    let created = barrier.kill_and_repeat(bridges, |step| first(step).call());
    // As many as the other calls have steps at most.
    let last = created.max(ZONES_MIN);
    let whole = bridges.iter().enumerate().take(last + 1).skip(created + 1);
    for (step, bridge) in whole {
        bridge.plesk(first(step).call()).assert_status(0);
    }
    let all: Vec<String> = (0..=last).map(name).collect();
    assert_hold(server, 0..=last, first);
    assert_are(server, &all);
    server.restart();
    assert_hold(server, 0..=last, first);

    let changed = barrier.kill_and_repeat(bridges, |step| second(step).call());
    assert_hold(server, 0..=changed, second);
    assert_are(server, &all);

    let deleted = barrier.kill_and_repeat(bridges, delete);
    assert_are(server, &all[deleted + 1..]);
    let rest = bridges.iter().enumerate().take(last + 1).skip(deleted + 1);
    for (step, bridge) in rest {
        let run = bridge.plesk(delete(step));
        run.assert_status(0).assert_stderr("");
    }
    assert_are(server, &[]);
    server.restart();
    for step in 0..=last {
        assert!(!dig::has_zone(server, &name(step)), "{step} is back");
    }
    assert_are(server, &[]);
    println!("killed in {created} creations, {changed} changes and {deleted} deletions");
    assert!(created > 1 && changed > 1, "few steps");
}

fn assert_hold(
    server: &dyn Server,
    steps: std::ops::RangeInclusive<usize>,
    wanted: impl Fn(usize) -> Wanted,
) {
    for step in steps {
        wanted(step).assert_on(server);
    }
}

/// An nsbridge for each step.
fn bridges(bridge: impl Fn() -> Bridge) -> Vec<Bridge> {
    (0..STEPS_MAX).map(|_| bridge()).collect()
}

/// The zone files in the server's directory, sorted; a journal goes with its file.
fn zone_files(named: &Named) -> Vec<String> {
    let files = fs::read_dir(named.file("")).expect("the server has a directory");
    let names = files.map(|file| file.unwrap().file_name().to_string_lossy().into_owned());
    let zones = names.filter(|name| name.starts_with('z') && !name.contains(".jnl"));
    let mut zones: Vec<String> = zones.collect();
    zones.sort();
    zones
}

/// The zones that it would have if it were started now, beside those of its configuration.
fn added_zones(named: &Named) -> Vec<String> {
    let database = named.file("_default.nzd").to_string_lossy().into_owned();
    let said = process::run_ok("named-nzd2nzf", &[&database]);
    let zones = said.lines().filter_map(|line| line.split('"').nth(1));
    let mut zones: Vec<String> = zones.map(str::to_owned).collect();
    zones.sort();
    zones
}

/// That these are the zones which the server has, now and when it is started again, all of them primary
/// zones. Gives the files of others.
fn other_files(named: &Named, zones: &[String]) -> Vec<String> {
    assert_eq!(added_zones(named), zones);
    let mut files = zone_files(named);
    for zone in zones {
        let status = named.rndc(&["zonestatus", zone]).stdout();
        assert!(status.contains("type: primary"), "{zone}: {status}");
        let used = status.lines().find_map(|line| line.strip_prefix("files: "));
        files.retain(|file| Some(&**file) != used);
    }
    files
}

/// The same, and that there are no other files.
fn assert_primaries(named: &Named, zones: &[String]) {
    wait::until("the files of removed zones are gone", || {
        other_files(named, zones).is_empty()
    });
}

/// Goes through all of it on a BIND where zones are made as `way` says.
fn assert_way_repairs(
    mut named: Named,
    way: impl Fn(&Named, Bridge) -> Bridge,
    assert_are: impl Fn(&Named, &[String]),
) {
    let mut barrier = Barrier::default();
    let (dns, control) = (
        barrier.before(named.port()),
        barrier.before(named.control_port()),
    );
    let bridges = bridges(|| way(&named, Bridge::at(dns, named.key_file())).control_port(control));
    assert_repaired(&barrier, &bridges, &mut named, assert_are);
}

#[test]
fn the_way_seed_repairs_what_a_kill_left() {
    let seed = |named: &Named, bridge: Bridge| bridge.rndc(named, "seed");
    assert_way_repairs(Named::builder().start(), seed, |named, zones| {
        wait::until("the files of removed zones are gone", || {
            let left = other_files(named, zones);
            // Of a zone that was killed between the removal of the secondary and the addition of the primary
            // one file stays, which BIND knows nothing of; docs/servers/bind.md says so.
            let is_known = |file: &String| file.contains(".test.nsbridge-plesk01-");
            let mut zones: Vec<&str> = left.iter().map(|file| &file[..3]).collect();
            zones.dedup();
            left.iter().all(is_known) && zones.len() == left.len() && left.len() <= 4
        });
    });
}

#[test]
fn the_way_template_repairs_what_a_kill_left() {
    if Release::Experimental.is_here() {
        let named = Named::of(Release::Experimental).start();
        let template = |named: &Named, bridge: Bridge| bridge.template(named, TEMPLATE);
        assert_way_repairs(named, template, assert_primaries);
    }
}

#[test]
fn a_reverse_zone_that_is_made_from_the_template_repairs_what_a_kill_left() {
    if !Release::Experimental.is_here() {
        return;
    }
    let named = Named::of(Release::Experimental).start();
    let mut barrier = Barrier::default();
    let (dns, control) = (
        barrier.before(named.port()),
        barrier.before(named.control_port()),
    );
    let networks = (0..STEPS_MAX).map(|step| format!("10.0.{step}.0/24"));
    let networks: Vec<String> = networks.collect();
    let networks: Vec<&str> = networks.iter().map(String::as_str).collect();
    let bridges = bridges(|| {
        Bridge::at(dns, named.key_file())
            .template(&named, TEMPLATE)
            .control_port(control)
            .ptr_networks(&networks)
            .set("primaries.main", "nameservers", r#"["ns1.example.net"]"#)
    });
    let create = |step: usize| {
        let address = format!("10.0.{step}.7");
        payload::call(&[payload::create_ptr(&address, "www.example.com.")])
    };
    let steps = barrier.kill_and_repeat(&bridges, create);
    assert!(steps > 5, "few steps");
    let names: Vec<String> = (0..=steps)
        .map(|step| format!("{step}.0.10.in-addr.arpa"))
        .collect();
    for name in &names {
        let wanted = zone(name, "@ NS ns1.example.net. | 7 3600 PTR www.example.com.");
        wanted.assert_on(&named);
    }
    let mut added = added_zones(&named);
    added.sort_by_key(String::len);
    assert_eq!(added, names);
    let delete = |step: usize| {
        let address = format!("10.0.{step}.7");
        payload::call(&[payload::delete_ptr(&address, "www.example.com.")])
    };
    let steps = barrier.kill_and_repeat(&bridges, delete);
    for name in names.iter().take(steps + 1) {
        zone(name, "@ NS ns1.example.net.").assert_on(&named);
    }
}

#[test]
fn the_way_file_repairs_what_a_kill_left() {
    let named = Named::builder().start();
    // What puts the files in place does so before nsbridge is called, here for more zones than there will be.
    let contents = "$TTL 300\n@ SOA ns.test. h.test. 1 2 3 4 5\n@ NS ns.test.\n";
    for step in 0..STEPS_MAX {
        fs::write(named.file(&format!("{}.db", name(step))), contents).unwrap();
    }
    let file = |named: &Named, bridge: Bridge| bridge.rndc(named, "file");
    assert_way_repairs(named, file, |named, zones| {
        other_files(named, zones);
    });
}

#[test]
fn the_api_of_powerdns_repairs_what_a_kill_left() {
    for release in Release::stable() {
        let mut pdns = Pdns::of(release).start();
        let mut barrier = Barrier::default();
        let (dns, api) = (barrier.before(pdns.port()), barrier.before(pdns.api_port()));
        let bridges =
            bridges(|| Bridge::at(dns, pdns.key_file()).powerdns(api, &pdns.api_key_file()));
        assert_repaired(&barrier, &bridges, &mut pdns, assert_stored);
    }
}

/// Kills the server and nsbridge together at each step of a creation, starts the server, and makes the calls again. Then
/// changes the zones: an unfinished one may show its contents, and take no change.
#[expect(clippy::print_stdout, reason = "how many steps there were")]
fn assert_repaired_after_crashes<S: Server>(
    server: S,
    barrier: &Barrier,
    bridges: &[Bridge],
    kill: impl Fn(&mut S),
) {
    let server = RefCell::new(server);
    let repair = |step: usize| {
        kill(&mut server.borrow_mut());
        server.borrow_mut().restart();
        let run = bridges[step].plesk(first(step).call());
        assert_eq!(run.status, Some(0), "step {step}: {run:?}");
    };
    let call = |step: usize| first(step).call();
    let steps = barrier.kill_at_each_step(|step| &bridges[step], call, repair);
    assert_hold(&*server.borrow(), 0..=steps, first);
    for (step, bridge) in bridges.iter().enumerate().take(steps + 1) {
        bridge.plesk(second(step).call()).assert_status(0);
    }
    assert_hold(&*server.borrow(), 0..=steps, second);
    println!("killed at {steps} steps");
    assert!(steps > 5, "few steps");
}

#[test]
fn a_bind_that_is_killed_at_any_step_of_a_creation_has_the_zone_after_the_next_call() {
    let named = Named::builder().start();
    let mut barrier = Barrier::default();
    let dns = barrier.before(named.port());
    let control = barrier.before(named.control_port());
    let seed = || Bridge::at(dns, named.key_file()).rndc(&named, "seed");
    let bridges = bridges(|| seed().control_port(control));
    assert_repaired_after_crashes(named, &barrier, &bridges, Named::kill);
}

#[test]
fn a_powerdns_that_is_killed_at_any_step_of_a_creation_has_the_zone_after_the_next_call() {
    for release in Release::stable() {
        let pdns = Pdns::of(release).start();
        let mut barrier = Barrier::default();
        let (dns, api) = (barrier.before(pdns.port()), barrier.before(pdns.api_port()));
        let bridges =
            bridges(|| Bridge::at(dns, pdns.key_file()).powerdns(api, &pdns.api_key_file()));
        assert_repaired_after_crashes(pdns, &barrier, &bridges, Pdns::kill);
    }
}

/// That these are the zones in the database, each with its mark and its keys, and nothing else.
fn assert_stored(pdns: &Pdns, zones: &[String]) {
    let stored = pdns.stored("SELECT name || ' ' || type || ' ' || account FROM domains");
    let each =
        |text: &str| -> Vec<String> { zones.iter().map(|zone| format!("{zone} {text}")).collect() };
    assert_eq!(stored, each("MASTER "));
    for (kind, content) in [
        ("X-NSBRIDGE-INSTANCE", "plesk01"),
        ("TSIG-ALLOW-DNSUPDATE", "plesk"),
        ("TSIG-ALLOW-AXFR", "plesk."),
    ] {
        let stored = pdns.stored(&format!(
            "SELECT name || ' ' || content FROM domainmetadata m, domains d \
             WHERE d.id = m.domain_id AND kind = '{kind}'"
        ));
        assert_eq!(stored, each(content), "{kind}");
    }
    for table in ["records", "domainmetadata", "comments"] {
        let orphans = pdns.stored(&format!(
            "SELECT 'row ' || id FROM {table} WHERE domain_id NOT IN (SELECT id FROM domains)"
        ));
        assert_eq!(orphans, NOTHING, "{table}");
    }
}

#[test]
fn a_program_is_called_again_for_what_a_kill_left() {
    let mut barrier = Barrier::default();
    let mut made = Made::new();
    let dns = barrier.before(made.named.port());
    let bridges = bridges(|| made.bridge_at(dns));
    assert_repaired(&barrier, &bridges, &mut made.named, assert_primaries);
}

/// Kills nsbridge while its program is at a hook, together with the program or without, and makes the
/// call again.
fn assert_repaired_at(hook: &str, is_program_killed: bool, call: &str) -> Made {
    let mut made = Made::new();
    if hook.ends_with("delete") {
        made.bridge.plesk(first(0).call()).assert_status(0);
    }
    // The program that goes on does so while the second is at work, or before it.
    made.hook(
        hook,
        "echo $$ >reached; until [[ -e go ]]; do sleep 0.05; done",
    );
    let going = made.bridge.start(&["plesk"], call);
    let reached = made.named.file("reached");
    let id = wait::until_some(wait::PATIENCE, || {
        fs::read_to_string(&reached)
            .ok()?
            .trim()
            .parse::<u32>()
            .ok()
    });
    let id = id.unwrap_or_else(|| panic!("the program does not come to {hook}"));
    going.signal("KILL");
    drop(going.finish());
    if is_program_killed {
        process::send_signal(id, "KILL");
    }
    let reason = "the program of the killed run, or the server, goes on meanwhile";
    made.bridge = made.bridge.without_dry_run(reason);
    made.unhook(hook);
    fs::write(made.named.file("go"), "").expect("a file of the test");
    let run = made.bridge.plesk(call);
    run.assert_status(0).assert_stderr("");
    wait::until("the first program is gone", || {
        !fs::exists(format!("/proc/{id}")).unwrap() || is_zombie(id)
    });
    made
}

fn is_zombie(id: u32) -> bool {
    fs::read_to_string(format!("/proc/{id}/stat")).is_ok_and(|state| state.contains(") Z "))
}

#[test]
fn a_kill_while_the_program_runs_is_repaired_whether_the_program_lives_on_or_not() {
    for is_program_killed in [true, false] {
        for hook in ["before-create", "then-create"] {
            let made = assert_repaired_at(hook, is_program_killed, &first(0).call());
            first(0).assert_on(&made.named);
            assert_primaries(&made.named, &[name(0)]);
            // It is known to have been made here, and so it goes.
            made.bridge
                .plesk(delete(0))
                .assert_status(0)
                .assert_stdout("z00.test.: deleted on main (127.0.0.1:PORT)\n");
            assert_primaries(&made.named, &[]);
        }
        for hook in ["before-delete", "then-delete"] {
            let made = assert_repaired_at(hook, is_program_killed, &delete(0));
            assert!(!dig::has_zone(&made.named, &name(0)), "{hook}");
            assert_primaries(&made.named, &[]);
        }
    }
}

#[test]
fn a_program_that_outlives_nsbridge_has_all_of_the_first_contents() {
    let made = Made::new();
    let mut lines = String::from("@ NS ns1.example.net.");
    for number in 0..4000 {
        let _ = write!(lines, " | host{number} A 192.0.2.{}", number % 250);
    }
    let wanted = zone(&name(0), &lines);
    made.hook(
        "before-create",
        "touch reached; until [[ -e go ]]; do sleep 0.05; done",
    );
    let going = made.bridge.start(&["plesk"], wanted.call());
    let reached = made.named.file("reached");
    wait::until("the program runs", || reached.exists());
    going.signal("KILL");
    drop(going.finish());
    fs::write(made.named.file("go"), "").expect("a file of the test");
    wait::until("the zone is there", || dig::has_zone(&made.named, &name(0)));
    wanted.assert_on(&made.named);
}
