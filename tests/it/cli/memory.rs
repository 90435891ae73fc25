//! Secrets in memory: one copy each, which no other process of the user reads and no core file holds.

use std::os::unix::fs::MetadataExt as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use pretty_assertions::assert_eq;

use crate::support::bridge::Bridge;
use crate::support::jobs::{jobs, many_zones, wanted_at};
use crate::support::process::{as_root, run_ok};
use crate::support::scripted::{Conversation, Scripted};
use crate::support::server::Server as _;
use crate::support::worker;
use crate::support::{payload, wait};

/// Returns how often each octet string stands in the memory of a process.
#[track_caller]
fn copies(process: u32, secrets: &[&[u8]]) -> Vec<String> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/cli/copies.py");
    let line = format!("python3 {script} {process}");
    let words: Vec<String> = as_root(&line).into_iter().map(str::to_owned).collect();
    let words = [words, secrets.iter().map(|it| BASE64.encode(it)).collect()].concat();
    let counted = run_ok(&words[0], &words[1..]);
    counted.lines().map(str::to_owned).collect()
}

#[test]
fn a_worker_has_one_copy_of_a_secret() {
    const ZONES: u32 = 40;
    let mut named = many_zones(ZONES);
    let mut bridge = Bridge::of(&named).without_dry_run("jobs wait");
    // Many primaries have the key, and read it from one file.
    for number in 1..=20 {
        let primary = format!("p{number}");
        bridge = bridge
            .primary(&primary, named.port(), "plesk", named.key_file())
            .route(&format!("z{number}.test"), &primary);
    }
    let worker = worker::start(&bridge);
    named.stop();
    let zones: Vec<_> = (1..=ZONES)
        .map(|zone| wanted_at(zone, 1).update())
        .collect();
    bridge.plesk(payload::call(&zones)).assert_status(75);
    named.restart();
    wait::until("the worker has delivered", || jobs(&bridge).is_empty());
    let octets = named.key().secret();
    let text = BASE64.encode(&octets);
    let found = copies(worker.id(), &[&octets, text.as_bytes()]);
    let counts: Vec<&str> = found
        .iter()
        .map(|line| line.split(';').next().unwrap_or_default())
        .collect();
    assert_eq!(counts, ["1", "0"], "{found:#?}");
    worker::stop(worker);
    for zone in [1, ZONES] {
        wanted_at(zone, 1).assert_on(&named);
    }
}

#[test]
fn no_other_process_of_the_user_reads_the_memory() {
    let named = many_zones(1);
    let peer = Scripted::start(|conversation: &mut Conversation| conversation.stall());
    let bridge = Bridge::of(&named);
    let is_root = rustix::process::geteuid().is_root();
    let user = ["setpriv", "--reuid=nobody", "--clear-groups"];
    let bridge = if is_root {
        bridge.within(&user)
    } else {
        bridge
    };
    let script = format!(
        "server 127.0.0.1 {}\nzone example.com\nupdate add a.example.com 60 A 192.0.2.1\nsend\n",
        peer.port()
    );
    let going = bridge.start_bare(&[], &["nsupdate", "-v"], script);
    wait::until("it waits for an answer", || peer.connections() > 0);
    // proc(5): the files of a process whose memory may not be dumped belong to root, whoever it runs as.
    let of = |file: &str| {
        let metadata = std::fs::metadata(format!("/proc/{}/{file}", going.id()));
        metadata.expect("it is running").uid()
    };
    assert_eq!(of("mem"), 0);
    let status = std::fs::read_to_string(format!("/proc/{}/status", going.id()));
    let status = status.expect("it is running");
    let user = status.lines().find_map(|line| line.strip_prefix("Uid:\t"));
    assert!(
        user.is_some_and(|it| !it.starts_with("0\t")),
        "it runs as root"
    );
    going.signal("KILL");
    going.end();
}
