//! A server whose key is replaced by another while it runs, and nsbridge before it.

use std::fs;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::support::bridge::Bridge;
use crate::support::keys::Key;
use crate::support::knot::Knot;
use crate::support::named::Named;
use crate::support::pdns::Pdns;
use crate::support::server::{Kind, Server};

/// The name of the key that takes the place of `plesk`.
pub(crate) const NEW: &str = "plesk-2027";

/// The table of the primary.
pub(crate) const MAIN: &str = "primaries.main";

/// A server that knows the key `plesk`, and the new key, which it does not know yet.
#[derive(Debug)]
pub(crate) struct Rolling {
    pub(crate) on: On,
    pub(crate) new: Key,
}

/// The server.
#[derive(Debug)]
pub(crate) enum On {
    Bind(Named),
    Knot(Knot),
    PowerDns(Pdns),
}

impl Rolling {
    #[track_caller]
    pub(crate) fn start(kind: Kind) -> Self {
        Self {
            on: match kind {
                Kind::Bind(release) => On::Bind(Named::of(release).start()),
                Kind::Knot(release) => On::Knot(Knot::of(release).start()),
                Kind::PowerDns(release) => On::PowerDns(Pdns::of(release).start()),
            },
            new: Key::new(NEW),
        }
    }

    pub(crate) fn server(&self) -> &dyn Server {
        match &self.on {
            On::Bind(named) => named,
            On::Knot(knot) => knot,
            On::PowerDns(pdns) => pdns,
        }
    }

    fn old(&self) -> &Key {
        match &self.on {
            On::Bind(named) => named.key(),
            On::Knot(knot) => knot.key(),
            On::PowerDns(pdns) => pdns.key(),
        }
    }

    /// nsbridge, which makes zones there, has both key files and uses the old key.
    pub(crate) fn bridge(&self) -> Bridge {
        let server = self.server();
        self.with_new_file(server.provisioning(Bridge::of(server)))
            .without_dry_run("the witness has the old key alone")
    }

    /// Gives nsbridge the file of the new key, which it does not use yet.
    pub(crate) fn with_new_file(&self, bridge: Bridge) -> Bridge {
        let directory = bridge.file("new");
        fs::create_dir(&directory).expect("a directory for the new key");
        let file = self.new.write(&directory);
        bridge.set_text(&format!("keys.{NEW}"), "file", &file.to_string_lossy())
    }

    /// Makes the new key known beside the old one, wherever that may do something but in single zones.
    #[track_caller]
    pub(crate) fn add_new(&self) {
        let new = &self.new;
        match &self.on {
            On::Bind(_) => self.edit(|conf| {
                let lists = conf.replace(
                    "key \"plesk\"; }",
                    &format!("key \"plesk\"; key \"{NEW}\"; }}"),
                );
                let grants = each_grant(&lists, |grant| {
                    let of_new = grant.replace("grant plesk", &format!("grant \"{NEW}\""));
                    format!("{of_new} {grant}")
                });
                grants + new.statement()
            }),
            On::Knot(_) => {
                let secret = STANDARD.encode(new.secret());
                let id = format!(
                    "key:\n  - id: {NEW}\n    algorithm: hmac-sha256\n    secret: {secret}\n"
                );
                self.edit(|conf| {
                    conf.replace("key:\n", &id)
                        .replace("key: plesk\n", &format!("key: [plesk, {NEW}]\n"))
                });
            }
            On::PowerDns(pdns) => {
                let secret = STANDARD.encode(new.secret());
                pdns.pdnsutil(&["import-tsig-key", NEW, "hmac-sha256", &secret]);
            }
        }
    }

    /// Removes the old key, wherever it may do something but in single zones.
    #[track_caller]
    pub(crate) fn remove_old(&self) {
        let old = self.old();
        match &self.on {
            On::Bind(_) => self.edit(|conf| {
                let lists = conf
                    .replace(old.statement(), "")
                    .replace("key \"plesk\"; ", "");
                each_grant(&lists, |_| String::new())
            }),
            On::Knot(_) => {
                let secret = STANDARD.encode(old.secret());
                let id =
                    format!("  - id: plesk\n    algorithm: hmac-sha256\n    secret: {secret}\n");
                self.edit(|conf| conf.replace(&id, "").replace("key: [plesk, ", "key: ["));
            }
            On::PowerDns(pdns) => {
                pdns.pdnsutil(&["delete-tsig-key", "plesk"]);
            }
        }
    }

    /// Gives the server another secret for the old key, or the right one again.
    #[track_caller]
    pub(crate) fn set_secret(&self, from: &Key, to: &Key) {
        let [from, to] = [from, to].map(|key| STANDARD.encode(key.secret()));
        match &self.on {
            On::Bind(_) | On::Knot(_) => self.edit(|conf| conf.replace(&from, &to)),
            On::PowerDns(pdns) => {
                let set = format!("UPDATE tsigkeys SET secret = '{to}' WHERE secret = '{from}'");
                pdns.sql(&set);
                pdns.pdns_control(&["purge"]);
            }
        }
    }

    /// The key that the server knows.
    pub(crate) fn old_key(&self) -> Key {
        self.old().clone()
    }

    /// Changes the server's configuration while it runs.
    #[track_caller]
    fn edit(&self, change: impl FnOnce(String) -> String) {
        let name = match &self.on {
            On::Bind(_) => "named.conf",
            On::Knot(_) => "knot.conf",
            On::PowerDns(_) => panic!("keys are no part of pdns.conf"),
        };
        let file = self.server().file(name);
        let before = fs::read_to_string(&file).expect("it has a configuration");
        let after = change(before.clone());
        assert_ne!(before, after, "nothing was changed");
        fs::write(&file, after).expect("it is ours");
        match &self.on {
            On::Bind(named) => {
                let said = named.rndc(&["reconfig"]);
                assert_eq!(said.status, Some(0), "{}", said.stderr());
            }
            On::Knot(knot) => knot.knotc(&["reload"]),
            On::PowerDns(_) => {}
        }
    }
}

/// Replaces each grant of the old key in a configuration of BIND.
fn each_grant(conf: &str, replaced: impl Fn(&str) -> String) -> String {
    let mut pieces = conf.split("grant plesk ");
    let mut edited = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let (rights, rest) = piece.split_once(';').expect("a grant ends");
        edited += &replaced(&format!("grant plesk {rights};"));
        edited += rest;
    }
    edited
}
