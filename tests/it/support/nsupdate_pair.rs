//! Two like servers, and a script that runs on one by the installed nsupdate and on the other by ours: what
//! both programs say, how they end, and what the zone is afterwards have to be the same.

use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

use pretty_assertions::assert_eq;

use crate::support::dig;
use crate::support::keys::Key;
use crate::support::named::{Builder, Named, Zone};
use crate::support::process::{Running, Said};
use crate::support::server::Server as _;
use crate::support::wait;

/// The zone that most scripts change.
pub(crate) const ZONE: &str = "example.com";

/// The two servers.
pub(crate) struct Pair {
    theirs: Named,
    ours: Named,
    zones: Vec<&'static str>,
}

impl Pair {
    /// Two servers with one dynamic zone and a zone that takes no updates.
    pub(crate) fn start() -> Self {
        let key = Key::new("plesk");
        let make = || with_zones(Named::builder().key(key.clone()));
        Self::of(&make, vec![ZONE, "open.test"])
    }

    /// Two servers, each as `make` describes it.
    pub(crate) fn of(make: &dyn Fn() -> Builder, zones: Vec<&'static str>) -> Self {
        Self {
            theirs: make().start(),
            ours: make().start(),
            zones,
        }
    }

    /// Runs a script by both. In script and arguments `{port}`, `{key}` and `{secret}` stand for the
    /// server's port, key file and secret.
    #[track_caller]
    pub(crate) fn same(&self, arguments: &[&str], script: &str) -> Said {
        let said = self.same_but_zone(arguments, script);
        self.compare_zones(arguments, script);
        said
    }

    /// The same, without a look at the zones.
    #[track_caller]
    pub(crate) fn same_but_zone(&self, arguments: &[&str], script: &str) -> Said {
        let theirs = run_theirs(&self.theirs, arguments, script);
        self.like(&theirs, arguments, script, str::to_owned)
    }

    /// The same as [`Self::same`], but for the reasons why data or a secret are wrong, of which only that they
    /// are is compared. Nothing where the installed nsupdate was ended by a signal: some wrong lines after
    /// each other make it fail an assertion. The servers may differ then.
    #[track_caller]
    pub(crate) fn same_unless_it_crashes(&self, arguments: &[&str], script: &str) -> Option<Said> {
        let theirs = run_theirs(&self.theirs, arguments, script);
        theirs.status?;
        let said = self.like(&theirs, arguments, script, without_reasons);
        self.compare_zones(arguments, script);
        Some(said)
    }

    #[track_caller]
    fn compare_zones(&self, arguments: &[&str], script: &str) {
        for zone in &self.zones {
            assert_eq!(
                dig::axfr(&self.ours, zone),
                dig::axfr(&self.theirs, zone),
                "{arguments:?}\n{script}"
            );
        }
    }

    /// Runs a script by ours, which has to say what `theirs` said, as `seen` leaves it.
    #[track_caller]
    fn like(
        &self,
        theirs: &Said,
        arguments: &[&str],
        script: &str,
        seen: fn(&str) -> String,
    ) -> Said {
        let ours = run_ours(&self.ours, arguments, script);
        let shown = |said: &Said, named: &Named| {
            let text = format!(
                "{:?}\n--- stdout\n{}--- stderr\n{}",
                said.status,
                said.stdout(),
                said.stderr()
            );
            seen(&normal(&text, named))
        };
        let (left, right) = (shown(theirs, &self.theirs), shown(&ours, &self.ours));
        assert_eq!(right, left, "{arguments:?}\n{script}");
        ours
    }

    /// The server that our program talks to.
    pub(crate) fn ours(&self) -> &Named {
        &self.ours
    }
}

/// The zones of every pair: one that wants the key, one that anybody may update, one that nobody may.
fn with_zones(builder: Builder) -> Builder {
    let open = Zone::fixed("open.test", "www A 192.0.2.7").option("allow-update { any; };");
    builder
        .zone(Zone::dynamic(ZONE, "www A 192.0.2.7\nalias CNAME www"))
        .zone(open)
        .zone(Zone::fixed("closed.test", ""))
}

/// Runs the installed nsupdate.
#[track_caller]
pub(crate) fn run_theirs(named: &Named, arguments: &[&str], script: &str) -> Said {
    run(Command::new("nsupdate"), named, arguments, script)
}

/// Runs our program under the name of nsupdate.
#[track_caller]
pub(crate) fn run_ours(named: &Named, arguments: &[&str], script: &str) -> Said {
    run(ours(), named, arguments, script)
}

/// Our program under the name of nsupdate.
pub(crate) fn ours() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_nsbridge"));
    command.arg0("nsupdate");
    command
}

#[track_caller]
fn run(mut command: Command, named: &Named, arguments: &[&str], script: &str) -> Said {
    let arguments = arguments.iter().map(|argument| filled(argument, named));
    command.args(arguments).env("LC_ALL", "C");
    Running::start(&mut command, filled(script, named).as_bytes()).finish(wait::PATIENCE)
}

/// The text with what stands for the server's own values replaced.
fn filled(text: &str, named: &Named) -> String {
    let secret = named
        .key()
        .statement()
        .split('"')
        .nth(3)
        .unwrap_or_default();
    text.replace("{port}", &named.port().to_string())
        .replace("{tls}", &named.tls_port().to_string())
        .replace("{key}", &named.key_file().to_string_lossy())
        .replace("{dir}", &directory(named).to_string_lossy())
        .replace("{secret}", secret)
}

fn directory(named: &Named) -> &Path {
    named
        .key_file()
        .parent()
        .expect("a key file is in a directory")
}

/// What a program said without what differs from run to run: ports, paths, ids, times and MACs; and without
/// the log lines of BIND's library, which name places in memory.
fn normal(text: &str, named: &Named) -> String {
    let text = text
        .replace(&directory(named).to_string_lossy().into_owned(), "DIR")
        .replace(&format!("#{}", named.port()), "#PORT");
    let lines = text.lines().filter(|line| !is_log(line)).map(|line| {
        if let Some((before, _)) = line.split_once(", id: ") {
            format!("{before}, id: N")
        } else if line.contains("\tANY\tTSIG\t") {
            without_mac(line)
        } else if line.contains("\tANY\tSIG\t") {
            without_signature(line)
        } else {
            line.to_owned()
        }
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// The text without the reasons that follow these words.
fn without_reasons(text: &str) -> String {
    let lines = text.lines().map(|line| {
        let starts = ["invalid rdata format", "could not create key"];
        let start = starts.into_iter().find(|start| line.starts_with(start));
        start.unwrap_or(line)
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// `24-Nov-2026 12:29:37.183 …`
fn is_log(line: &str) -> bool {
    let octets = line.as_bytes();
    octets.len() > 24 && octets[2] == b'-' && octets[6] == b'-' && octets[14] == b':'
}

/// A SIG(0) record without its times and its signature.
fn without_signature(line: &str) -> String {
    let words: Vec<&str> = line.split(' ').collect();
    format!("{:?} {:?}", words.get(..4), words.get(6..8))
}

/// The data of a TSIG record without time, MAC and id.
fn without_mac(line: &str) -> String {
    let words: Vec<&str> = line.split(' ').collect();
    let (head, tail) = (words.first(), words.get(words.len().saturating_sub(3)..));
    format!("{head:?} {:?} {tail:?}", words.get(2..4))
}
