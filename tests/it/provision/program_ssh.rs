//! `packaging/command/ssh` and `ssh-server` as the program, against a real sshd with a key that can do
//! nothing else.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use pretty_assertions::assert_eq;
use tempfile::TempDir;

use crate::support::bridge::Bridge;
use crate::support::ports::Port;
use crate::support::process::Said;
use crate::support::program::packaged;
use crate::support::program::{Made, write_program};
use crate::support::server::Server as _;
use crate::support::{dig, payload, process, wait};

/// An sshd for one user and one key, killed when dropped.
struct Sshd {
    directory: TempDir,
    port: Port,
    child: Child,
}

impl Sshd {
    /// Starts one whose key runs this program.
    #[track_caller]
    fn start(program: &str) -> Self {
        let directory = TempDir::with_prefix("nsbridge-sshd-").expect("a temporary directory");
        let file = |name: &str| directory.path().join(name).to_string_lossy().into_owned();
        let port = Port::claim();
        for key in ["host", "client"] {
            process::run_ok(
                "ssh-keygen",
                &["-q", "-t", "ed25519", "-N", "", "-f", &file(key)],
            );
        }
        let public = fs::read_to_string(file("client.pub")).expect("ssh-keygen made it");
        let server = packaged("ssh-server");
        let line = format!(
            "restrict,command=\"{} {program}\" {public}",
            server.display()
        );
        fs::write(file("authorized_keys"), line).expect("a file of the test");
        let public = fs::read_to_string(file("host.pub")).expect("ssh-keygen made it");
        let known = format!("[127.0.0.1]:{} {public}", port.number());
        fs::write(file("known_hosts"), known).expect("a file of the test");
        let configuration = format!(
            "Port {}\nListenAddress 127.0.0.1\nHostKey {}\nAuthorizedKeysFile {}\nPidFile none\n\
             StrictModes no\nUsePAM no\nPasswordAuthentication no\nPermitRootLogin forced-commands-only\n",
            port.number(),
            file("host"),
            file("authorized_keys")
        );
        fs::write(file("sshd_config"), configuration).expect("a file of the test");
        if process::run_ok("id", &["-u"]).trim() == "0" {
            // sshd of root wants it; Debian's service makes it anew at each start.
            fs::create_dir_all("/run/sshd").expect("a directory for sshd");
        }
        let mut command = Command::new("/usr/sbin/sshd");
        command.args(["-D", "-e", "-f", &file("sshd_config")]);
        command.stdin(Stdio::null()).stdout(Stdio::null());
        let log = fs::File::create(file("log")).expect("a file of the test");
        let child = command.stderr(log).spawn();
        let child = child.unwrap_or_else(|error| process::cannot_start("sshd", &error));
        let log = file("log");
        wait::until("sshd listens", || {
            fs::read_to_string(&log).is_ok_and(|log| log.contains("listening on"))
        });
        Self {
            directory,
            port,
            child,
        }
    }

    /// The arguments that reach it, as an operator writes them.
    fn arguments(&self) -> Vec<String> {
        let file = |name: &str| {
            self.directory
                .path()
                .join(name)
                .to_string_lossy()
                .into_owned()
        };
        let user = process::run_ok("id", &["-un"]);
        vec![
            "-i".into(),
            file("client"),
            "-o".into(),
            format!("UserKnownHostsFile={}", file("known_hosts")),
            "-p".into(),
            self.port.number().to_string(),
            format!("{}@127.0.0.1", user.trim()),
        ]
    }

    /// Runs the program as nsbridge does, with whatever in place of action and zone.
    fn program(&self, rest: &[&str]) -> Said {
        let mut arguments = self.arguments();
        arguments.extend(rest.iter().map(|&text| text.to_owned()));
        process::run(
            &packaged("ssh").to_string_lossy(),
            &arguments,
            b"contents\n",
        )
    }

    fn stop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        self.stop();
    }
}

#[test]
fn a_zone_is_made_and_removed_over_ssh() {
    let made = Made::new();
    let sshd = Sshd::start(&made.named.file("make-zone").to_string_lossy());
    let mut arguments = sshd.arguments();
    arguments.extend(["{action}".to_owned(), "{zone}".to_owned()]);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let bridge = Bridge::of(&made.named).command(&packaged("ssh"), &arguments);
    let records = [
        ("example.com.", "NS", "", "ns1.example.net."),
        ("www.example.com.", "A", "", "192.0.2.1"),
    ];
    bridge
        .plesk(payload::call(&[payload::create("example.com", &records)]))
        .assert_status(0)
        .assert_stdout("example.com.: created with 3 records on main (127.0.0.1:PORT)\n")
        .assert_stderr("");
    // The first contents went along.
    assert_eq!(made.named.updates_received(), 0);
    assert_eq!(
        dig::short(&made.named, "www.example.com", "A"),
        ["192.0.2.1"]
    );
    bridge
        .plesk(payload::call(&[payload::delete("example.com")]))
        .assert_status(0)
        .assert_stdout("example.com.: deleted on main (127.0.0.1:PORT)\n");
    assert!(!dig::has_zone(&made.named, "example.com"));
}

#[test]
fn the_key_can_make_and_remove_zones_and_nothing_else() {
    let directory = TempDir::with_prefix("nsbridge-ssh-").expect("a temporary directory");
    let program: PathBuf = directory.path().join("program");
    write_program(
        &program,
        "#!/bin/sh\necho \"$# [$1] [$2] $(cat)\"\nexit 10\n",
    );
    assert_eq!(
        fs::metadata(&program).unwrap().permissions().mode() & 0o777,
        0o755
    );
    let mut sshd = Sshd::start(&program.to_string_lossy());
    let said = sshd.program(&["exists", "0/25.2.0.192.in-addr.arpa"]);
    assert_eq!(
        (said.status, &*said.stdout()),
        (
            Some(10),
            "2 [exists] [0/25.2.0.192.in-addr.arpa] contents\n"
        ),
        "{}",
        said.stderr()
    );
    for words in [
        ["exists", "example.com; id"],
        ["exists", "example.com id"],
        ["exists", "$(id)"],
        ["exists", "-rf"],
        ["exists", "/etc/passwd"],
        ["exists", ""],
        ["id", "example.com"],
        ["cat", "/etc/passwd"],
    ] {
        let said = sshd.program(&words);
        assert_eq!((said.status, &*said.stdout()), (Some(69), ""), "{words:?}");
    }
    sshd.stop();
    assert_eq!(sshd.program(&["exists", "example.com"]).status, Some(75));
}
