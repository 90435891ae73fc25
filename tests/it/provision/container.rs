//! The main job against a BIND in a container: another machine as far as the network goes, which
//! fetches new zones from nsbridge over an address that is not loopback.

use std::path::PathBuf;
use std::process::Command;

use pretty_assertions::assert_eq;
use tempfile::TempDir;

use crate::support::bridge::Bridge;
use crate::support::dig::Asker;
use crate::support::docker::{assert_success, can_use_docker, make_base_image, place, run};
use crate::support::payload;
use crate::support::ports::Port;
use crate::support::process::Said;
use crate::support::wait;

#[test]
fn a_zone_and_its_ptr_are_made_changed_and_removed_in_a_container() {
    let Some(container) = Container::start() else {
        return;
    };
    let (bridge, asker) = (container.bridge(), container.asker());

    let name_server = ("example.com.", "NS", "", "ns1.example.com.");
    let address = ("ns1.example.com.", "A", "", "192.0.2.53");
    let www = ("www.example.com.", "A", "", "192.0.2.10");
    let run = bridge.plesk(payload::call(&[
        payload::create("example.com", &[name_server, address, www]),
        payload::create_ptr("192.0.2.10", "www.example.com."),
    ]));
    run.assert_status(0).assert_stderr("");
    assert!(asker.has_zone("example.com"));
    assert_eq!(asker.short("www.example.com", "A"), ["192.0.2.10"]);
    assert_eq!(
        asker.short("10.2.0.192.in-addr.arpa", "PTR"),
        ["www.example.com."]
    );
    let serial = asker.soa("example.com").serial;

    let exchanger = ("example.com.", "MX", "10", "mail.example.com.");
    let mail = ("mail.example.com.", "A", "", "192.0.2.11");
    let run = bridge.plesk(payload::call(&[payload::update(
        "example.com",
        60,
        &[name_server, address, exchanger, mail],
    )]));
    run.assert_status(0).assert_stderr("");
    assert_eq!(asker.status("www.example.com", "A"), "NXDOMAIN");
    assert_eq!(asker.short("example.com", "MX"), ["10 mail.example.com."]);
    assert!(asker.soa("example.com").serial > serial);

    let run = bridge.plesk(payload::call(&[
        payload::delete("example.com"),
        payload::delete_ptr("192.0.2.10", "www.example.com."),
    ]));
    run.assert_status(0).assert_stderr("");
    assert!(!asker.has_zone("example.com"));
    assert_eq!(asker.short("10.2.0.192.in-addr.arpa", "PTR"), [""; 0]);
}

/// The container of `testenv/docker`, on free ports of 127.0.0.1; removed when dropped.
struct Container {
    project: String,
    keys: TempDir,
    dns: Port,
    control: Port,
}

impl Container {
    /// Starts it and waits until it has made its keys and answers; `None` where there need not be a
    /// Docker, and is none.
    #[track_caller]
    fn start() -> Option<Self> {
        if !can_use_docker() {
            return None;
        }
        make_base_image("bookworm");
        let container = Self {
            project: format!("nsbridge-test-{}", std::process::id()),
            keys: TempDir::with_prefix("nsbridge-docker-").expect("a temporary directory"),
            dns: Port::claim(),
            control: Port::claim(),
        };
        assert_success(
            &container.compose(&["up", "--detach", "--build"]),
            "compose up",
        );
        wait::until("the container makes its keys", || {
            container.key_file("plesk").exists()
        });
        wait::until("the container's BIND runs", || {
            let said = container.asker().ask(&["version.bind", "CH", "TXT"]);
            said.stdout().contains("status: ")
        });
        Some(container)
    }

    /// nsbridge as it is set up for a primary on another machine.
    fn bridge(&self) -> Bridge {
        let provision = "primaries.main.provision";
        let seed = Port::claim();
        let listen = format!("{}:{}", self.host_address(), seed.number());
        let control = format!("127.0.0.1:{}", self.control.number());
        Bridge::at(self.dns.number(), &self.key_file("plesk"))
            .set_text(
                "keys.rndc",
                "file",
                &self.key_file("rndc").to_string_lossy(),
            )
            .set_text(provision, "method", "rndc")
            .set_text(provision, "way", "seed")
            .set_text(provision, "control", &control)
            .set_text(provision, "control-key", "rndc")
            .set_text(provision, "listen", &listen)
            .ptr_networks(&["192.0.2.0/24"])
    }

    fn asker(&self) -> Asker {
        Asker::at(self.dns.number(), &self.key_file("plesk"))
    }

    fn key_file(&self, name: &str) -> PathBuf {
        self.keys.path().join(format!("{name}.key"))
    }

    /// The address of this machine that the container reaches it by.
    fn host_address(&self) -> String {
        let file = self.keys.path().join("host-address");
        let address = std::fs::read_to_string(&file);
        let address = address.unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        address.trim().to_owned()
    }

    fn compose(&self, arguments: &[&str]) -> Said {
        let file = place("testenv/docker/compose.yaml");
        let file = file.to_string_lossy();
        let is_plugin = run(Command::new("docker").args(["compose", "version"])).status == Some(0);
        let mut command = Command::new(if is_plugin {
            "docker"
        } else {
            "docker-compose"
        });
        command
            .args(is_plugin.then_some("compose"))
            .args(["--project-name", &self.project, "--file", &file])
            .args(arguments)
            .env("NSBRIDGE_KEYS", self.keys.path())
            .env("NSBRIDGE_DNS_PORT", self.dns.number().to_string())
            .env("NSBRIDGE_RNDC_PORT", self.control.number().to_string());
        run(&mut command)
    }
}

impl Drop for Container {
    #[expect(
        clippy::print_stderr,
        reason = "the test fails; libtest shows this with its message"
    )]
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = self.compose(&["logs", "--tail", "60"]);
            eprintln!("--- the container:\n{}{}---", log.stdout(), log.stderr());
        }
        self.compose(&["down", "--volumes"]);
    }
}
