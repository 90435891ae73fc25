//! Which real servers a scenario runs on, and what every one of them can be asked.
//!
//! A scenario is a function that takes a [`Kind`]; [`scenario`] makes a test of it for each server.
//! It starts servers with [`Kind::start`], [`Kind::fresh`] or [`Kind::by_hand`], and where servers
//! differ it says so in a `match` on the kind.
//!
//! # On which servers
//!
//! On all of them: whatever a server could do otherwise than another one. How it takes an update,
//! a TTL, a CNAME, an NS at the apex, a delegation; what it gives back (letter case, pieces of a TXT,
//! its own SOA); how zones are created, signed, locked, transferred.
//!
//! On BIND alone, as a `law`: what is decided before a server is asked, or what comes of the plan
//! alone: the reading of a payload or a file, addresses outside the networks, how differences are
//! counted and serials chosen. A law names beside its test the scenario that proves on every server
//! what the law sends, if it sends anything.

use std::fmt::Debug;
use std::path::{Path, PathBuf};

use crate::support::bridge::Bridge;
use crate::support::daemon::Release;
use crate::support::knot::Knot;
use crate::support::named::{self, Named};
use crate::support::pdns::Pdns;

/// A server that tests run against. It is killed and waited for when dropped.
pub(crate) trait Server: Debug {
    /// The port for DNS over UDP and TCP.
    fn port(&self) -> u16;

    /// The file of the key that may do everything.
    fn key_file(&self) -> &Path;

    /// A file of the server's directory.
    fn file(&self, name: &str) -> PathBuf;

    /// Everything it has logged.
    fn log(&self) -> String;

    /// How many UPDATE messages it has received, whatever became of them.
    fn updates_received(&self) -> u32;

    /// The commands beside UPDATEs that it has received and that can change something: over BIND's
    /// control channel, or PowerDNS's API.
    fn commands_that_change(&self) -> Vec<String>;

    /// Whether an SOA keeps the TTL that it has, whatever an update says: PowerDNS.
    fn keeps_soa_ttl(&self) -> bool {
        false
    }

    /// Lets nsbridge make and remove zones on it.
    fn provisioning(&self, bridge: Bridge) -> Bridge;

    /// Ends it in good order.
    fn stop(&mut self);

    /// Ends it at once, as a crash does, and waits for the end.
    fn kill(&mut self);

    /// Starts it again on the same ports, after ending it in good order if it runs.
    fn restart(&mut self);
}

/// A server that runs, whichever it is.
pub(crate) type Started = Box<dyn Server + Send + Sync>;

impl Server for Started {
    fn port(&self) -> u16 {
        (**self).port()
    }

    fn key_file(&self) -> &Path {
        (**self).key_file()
    }

    fn file(&self, name: &str) -> PathBuf {
        (**self).file(name)
    }

    fn log(&self) -> String {
        (**self).log()
    }

    fn updates_received(&self) -> u32 {
        (**self).updates_received()
    }

    fn commands_that_change(&self) -> Vec<String> {
        (**self).commands_that_change()
    }

    fn keeps_soa_ttl(&self) -> bool {
        (**self).keeps_soa_ttl()
    }

    fn provisioning(&self, bridge: Bridge) -> Bridge {
        (**self).provisioning(bridge)
    }

    fn stop(&mut self) {
        (**self).stop();
    }

    fn kill(&mut self) {
        (**self).kill();
    }

    fn restart(&mut self) {
        (**self).restart();
    }
}

/// The servers there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Bind(Release),
    PowerDns(Release),
    Knot(Release),
}

impl Kind {
    /// A server with these zones, each a name and master-file text with relative names, configured by
    /// hand; its key may do everything with them. A zone without an SOA of its own gets one (serial 1),
    /// an NS `ns1` and the address of that.
    #[track_caller]
    pub(crate) fn start(self, zones: &[(&str, &str)]) -> Started {
        match self {
            Self::Bind(release) => {
                let mut builder = Named::of(release);
                for (name, records) in zones {
                    let zone = named::Zone::dynamic(name, records);
                    builder = builder.zone(zone.option("check-names ignore;"));
                }
                Box::new(builder.start())
            }
            Self::PowerDns(release) => {
                let mut builder = Pdns::of(release);
                for (name, records) in zones {
                    builder = builder.zone(name, records);
                }
                Box::new(builder.start())
            }
            Self::Knot(release) => {
                let mut builder = Knot::of(release);
                for (name, records) in zones {
                    builder = builder.zone(name, records);
                }
                Box::new(builder.start())
            }
        }
    }

    /// A server without zones, and nsbridge before it, making zones.
    #[track_caller]
    pub(crate) fn fresh(self) -> (Started, Bridge) {
        let server = self.start(&[]);
        let bridge = server.provisioning(Bridge::of(&server));
        (server, bridge)
    }

    /// A server with one zone `example.com` that was configured by hand and holds `records` beside
    /// its SOA, its NS `ns1` and the address of that; and nsbridge before it, making no zones.
    #[track_caller]
    pub(crate) fn by_hand(self, records: &str) -> (Started, Bridge) {
        let server = self.start(&[("example.com", records)]);
        let bridge = Bridge::of(&server);
        (server, bridge)
    }

    /// The MNAME of a zone that was made with this first name server: that of the seed, where zones are
    /// made from one.
    pub(crate) fn mname(self, first: &str) -> &str {
        match self {
            Self::Knot(Release::Installed) | Self::Bind(Release::Experimental) => "ns1.invalid.",
            Self::Bind(_) | Self::PowerDns(_) | Self::Knot(_) => first,
        }
    }

    /// Lines of a zone as this server shows them: PowerDNS and Knot keep the owner of a record in lower
    /// case.
    pub(crate) fn shows(self, lines: &[&str]) -> Vec<String> {
        let show = |line: &&str| match (self, line.split_once(' ')) {
            (Self::PowerDns(_) | Self::Knot(_), Some((owner, rest))) => {
                format!("{} {rest}", owner.to_lowercase())
            }
            (Self::Bind(_) | Self::PowerDns(_) | Self::Knot(_), _) => (*line).to_owned(),
        };
        let mut lines: Vec<String> = lines.iter().map(show).collect();
        lines.sort_unstable();
        lines
    }
}

/// Makes tests of a scenario, a function of a [`Kind`], on every server or on those that are named: each as
/// installed on this machine, and as Debian 13 has it. `templates` is the BIND that has them; a `law` is
/// tested on the installed BIND alone.
macro_rules! scenario {
    ($name:ident) => {
        crate::support::server::scenario!($name: bind, powerdns, knot);
    };
    ($name:ident: $($server:ident),+) => {
        mod $name {
            $(crate::support::server::scenario!(@$server $name);)+
        }
    };
    (@law $name:ident) => {
        #[test]
        fn on_bind() {
            let release = crate::support::daemon::Release::Installed;
            super::$name(crate::support::server::Kind::Bind(release));
        }
    };
    (@bind $name:ident) => {
        crate::support::server::scenario!(@releases $name Bind on_bind on_bind_of_debian_13);
    };
    (@templates $name:ident) => {
        #[test]
        fn on_bind_with_templates() {
            let release = crate::support::daemon::Release::Experimental;
            if release.is_here() {
                super::$name(crate::support::server::Kind::Bind(release));
            }
        }
    };
    (@powerdns $name:ident) => {
        crate::support::server::scenario!(@releases $name PowerDns on_powerdns on_powerdns_of_debian_13);
    };
    (@knot $name:ident) => {
        crate::support::server::scenario!(@releases $name Knot on_knot on_knot_of_debian_13);
    };
    (@releases $name:ident $kind:ident $installed:ident $debian_13:ident) => {
        #[test]
        fn $installed() {
            super::$name(crate::support::server::Kind::$kind(crate::support::daemon::Release::Installed));
        }

        #[test]
        fn $debian_13() {
            let release = crate::support::daemon::Release::Debian13;
            if release.is_here() {
                super::$name(crate::support::server::Kind::$kind(release));
            }
        }
    };
}
pub(crate) use scenario;
