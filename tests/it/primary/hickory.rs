//! hickory-dns's own server, which `testenv/hickory` builds: nsbridge with the line that docs/servers/hosted.md has for it.

use std::fmt::Write as _;
use std::fs;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use pretty_assertions::assert_eq;
use tempfile::TempDir;

use super::hosted::{CHANGED, FEWER, REVERSE, WANTED, ZONE};
use crate::support::bridge::Bridge;
use crate::support::dig::Asker;
use crate::support::keys::Key;
use crate::support::message::is_update;
use crate::support::ports::Port;
use crate::support::process::Running;
use crate::support::scripted::Scripted;
use crate::support::sync;
use crate::support::wait;
use crate::support::wanted::zone;

/// The environment variable with the path of the server's program.
const PROGRAM_VARIABLE: &str = "NSBRIDGE_TEST_HICKORY";

/// The server with both zones, and a proxy that counts UPDATEs.
struct Hickory {
    witness: Asker,
    bridge: Bridge,
    updates: Arc<AtomicUsize>,
    _proxy: Scripted,
    _server: Running,
    _directory: TempDir,
}

impl Hickory {
    #[expect(
        clippy::disallowed_methods,
        reason = "the environment of the test, not of nsbridge, says where the server is"
    )]
    fn start() -> Self {
        let program = std::env::var(PROGRAM_VARIABLE).expect("testenv/hickory sets the variable");
        let directory = TempDir::with_prefix("nsbridge-hickory-").expect("a directory");
        let (path, port, key) = (directory.path(), Port::claim(), Key::new("plesk"));
        // As root it would become a user and a group of its own choice, of which Debian lacks one.
        let mut conf = format!(
            "user = \"root\"\ngroup = \"root\"\nlisten_addrs_ipv4 = [\"127.0.0.1\"]\nlisten_port = {}\ndirectory = \"{}\"\n",
            port.number(),
            path.display()
        );
        for name in [ZONE, REVERSE] {
            let _ = write!(
                conf,
                "[[zones]]\nzone = {name:?}\nzone_type = \"Primary\"\naxfr_policy = \"AllowSigned\"\n\
                 [zones.stores]\ntype = \"sqlite\"\nzone_path = \"{name}.zone\"\njournal_path = \"{name}.jrnl\"\n\
                 allow_update = true\n[[zones.stores.tsig_keys]]\nname = \"plesk.\"\nkey_file = \"key\"\n\
                 algorithm = \"hmac-sha256\"\n"
            );
            let origin = format!("$ORIGIN {name}.\n{}", sync::HEAD);
            fs::write(path.join(format!("{name}.zone")), origin).expect("a zone file");
        }
        fs::write(path.join("key"), key.secret()).expect("a key");
        let file = path.join("named.toml");
        fs::write(&file, conf).expect("a configuration");
        let mut command = Command::new(program);
        let server = Running::start(command.arg("--config").arg(&file), b"");
        let key_file = key.write(path);
        let asker = Asker::at(port.number(), &key_file);
        wait::until("the server answers", || {
            asker.clone().without_key().has_zone(ZONE)
        });
        let updates = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&updates);
        let proxy = Scripted::proxy(port.number(), move |question, answer| {
            count.fetch_add(is_update(question).into(), Ordering::SeqCst);
            Some(answer)
        });
        let bridge = Bridge::at(proxy.port(), &key_file)
            .set_text("primaries.main", "read", "none")
            .ptr_networks(&["192.0.2.0/24"])
            .without_dry_run("the server shows nothing");
        Self {
            witness: asker,
            bridge,
            updates,
            _proxy: proxy,
            _server: server,
            _directory: directory,
        }
    }

    /// Runs a command, and gives the number of its UPDATEs.
    #[track_caller]
    fn updates_of(&self, arguments: &[&str], input: &str) -> usize {
        let before = self.updates.load(Ordering::SeqCst);
        self.bridge.run(arguments, input).assert_status(0);
        self.updates.load(Ordering::SeqCst) - before
    }

    /// Asserts that a zone has these records beside its SOA, and no others.
    #[track_caller]
    fn assert_has(&self, name: &str, expected: &[String]) {
        let mut there = self.witness.axfr(name);
        there.retain(|line| !line.contains(" IN SOA "));
        assert_eq!(there, expected, "{name}");
    }
}

#[test]
#[ignore = "testenv/hickory builds the server"]
fn hickory_dns_takes_what_plesk_sync_ptr_and_acme_send() {
    let hickory = Hickory::start();
    let mut counts = Vec::new();
    for (second, records) in [
        (0, WANTED),
        (1, WANTED),
        (2, WANTED),
        (3, CHANGED),
        (4, FEWER),
    ] {
        let wanted = zone(ZONE, records);
        let call = wanted.clone().sent(second).call();
        counts.push(hickory.updates_of(&["plesk"], &call));
        let mut content = wanted.content();
        if second == 3 {
            // hickory-dns: where a CNAME was removed, it ignores additions of other types.
            content.retain(|line| !line.starts_with("www."));
        }
        hickory.assert_has(ZONE, &content);
    }
    println!("UPDATEs of five calls of plesk: {counts:?}");
    assert_eq!(counts[1..3], [0, 0], "nothing changed");

    for (action, present) in [("add", true), ("delete", false)] {
        assert_eq!(hickory.updates_of(&["acme", action, ZONE, "one"], ""), 1);
        let challenge = hickory.witness.axfr(ZONE);
        let is_there = challenge
            .iter()
            .any(|line| line.ends_with(" IN TXT \"one\""));
        assert_eq!(is_there, present, "{action}: {challenge:?}");
        let pointer = ["ptr", action, "192.0.2.7", "www.example.com"];
        assert_eq!(hickory.updates_of(&pointer, ""), 1);
        let pointers = hickory.witness.axfr(REVERSE);
        let is_there = pointers
            .iter()
            .any(|line| line.ends_with(" IN PTR www.example.com."));
        assert_eq!(is_there, present, "{action}: {pointers:?}");
    }

    let file = "web 300 A 192.0.2.9\nweb 300 A 192.0.2.10\n";
    sync::write(&hickory.bridge, file);
    let command = ["sync", ZONE, "zone.db"];
    assert_ne!(hickory.updates_of(&command, ""), 0);
    let wanted = zone(
        ZONE,
        "@ 3600 NS ns1.example.com. | ns1 3600 A 192.0.2.1 | web 300 A 192.0.2.9 | web 300 A 192.0.2.10",
    );
    hickory.assert_has(ZONE, &wanted.content());
    assert_eq!(hickory.updates_of(&command, ""), 0);
}
