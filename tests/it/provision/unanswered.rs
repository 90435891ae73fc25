//! Servers that carry out what they are asked for, whose answer is lost without the end of the connection.

#![expect(
    clippy::unwrap_used,
    reason = "the helpers of these tests are as much test as the tests"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use nsbridge::diagnostic::Diagnose;
use nsbridge::model::Secret;
use nsbridge::provision::powerdns::PowerDnsSettings;
use nsbridge::provision::rndc::{Rndc, RndcSettings, Way};
use nsbridge::provision::{Deleted, PowerDns, ProvisionError, Provisioner, RemovalScope};
use nsbridge::transport::{Endpoint, Security};

use crate::support::bridge::Bridge;
use crate::support::control::{ANYWHERE, run, settings_of, zone, zone_name};
use crate::support::dig;
use crate::support::named::Named;
use crate::support::pdns::Pdns;
use crate::support::scripted::Scripted;
use crate::support::server::Server;
use crate::support::wait;
use crate::support::{wanted, worker};

/// The longest wait for one answer: more than any answer takes on a busy machine.
const ANSWER_TIME: Duration = Duration::from_secs(5);
/// The time of an attempt of the worker.
const ATTEMPT_TIME: Duration = Duration::from_secs(300);
/// Waits for the lost answer and for a few others, and the work itself.
const TIME_MAX: Duration = Duration::from_secs(60);
/// More answers than a creation or a deletion has.
const ANSWERS: usize = 24;

/// Changes at a time at a server that fails some of many, since its database has one writer.
const OF_DATABASE: usize = 4;

/// A proxy that swallows one answer, of which it keeps the connection open.
struct Swallowing {
    relay: Scripted,
    left: Arc<AtomicUsize>,
}

impl Swallowing {
    /// Passes every answer on until a test chooses the one to swallow.
    fn before(port: u16) -> Self {
        let left = Arc::new(AtomicUsize::new(usize::MAX));
        let counted = Arc::clone(&left);
        let relay = Scripted::relay(port, move || counted.fetch_sub(1, Ordering::SeqCst) != 1);
        Self { relay, left }
    }

    /// Swallows the answer of this number from now on, counted from 1.
    fn swallow(&self, number: usize) {
        self.left.store(number, Ordering::SeqCst);
    }

    /// Returns whether the answer was swallowed, and passes all others.
    fn has_swallowed(&self) -> bool {
        let left = self.left.swap(usize::MAX, Ordering::SeqCst);
        left == 0 || left > ANSWERS
    }
}

/// Asserts that an action whose answer was lost ends soon, as one to be tried again. Returns whether an answer was lost.
#[track_caller]
fn assert_waits<T: std::fmt::Debug>(
    proxy: &Swallowing,
    code: &str,
    action: impl FnOnce() -> Result<T, ProvisionError>,
) -> bool {
    let began = Instant::now();
    let result = action();
    let took = began.elapsed();
    assert!(took < TIME_MAX, "{took:?}");
    if !proxy.has_swallowed() {
        assert!(result.is_ok(), "no answer was lost: {result:?}");
        return false;
    }
    let error = result.unwrap_err();
    assert!(error.is_transient(), "{error}");
    let diagnostic = error.diagnostic();
    assert_eq!(diagnostic.code(), code, "{error}");
    true
}

/// Has each answer of a creation and of a deletion swallowed, of zones of their own; each action is then repeated, and
/// finds what the first one did. Returns how many answers were lost.
fn swallow_each(
    server: &(impl Server + Sync),
    port: u16,
    at_once: usize,
    code: &'static str,
    provisioner: impl Fn(u16) -> Provisioner + Sync,
) -> usize {
    let swallowed = AtomicUsize::new(0);
    let one = |number: usize| {
        let name = format!("z{number}.test");
        let initial = zone(&name, 2);
        let proxy = Swallowing::before(port);
        let provisioner = provisioner(proxy.relay.port());
        let deadline = || tokio::time::Instant::now() + ATTEMPT_TIME;
        let create = || run(provisioner.create(&initial, deadline()));
        let scope = RemovalScope::Recorded;
        let delete = || run(provisioner.delete(&zone_name(&name), scope, deadline()));
        proxy.swallow(number);
        if assert_waits(&proxy, code, create) {
            swallowed.fetch_add(1, Ordering::SeqCst);
            create().unwrap();
        }
        assert!(dig::has_zone(server, &name), "{name}");
        proxy.swallow(number);
        if assert_waits(&proxy, code, delete) {
            swallowed.fetch_add(1, Ordering::SeqCst);
            let again = delete().unwrap();
            let is_absent = matches!(again, Deleted::Removed | Deleted::WasAbsent);
            assert!(is_absent, "{name}: {again:?}");
        }
        assert!(!dig::has_zone(server, &name), "{name}");
    };
    let numbers: Vec<usize> = (1..=ANSWERS).collect();
    for numbers in numbers.chunks(at_once) {
        std::thread::scope(|threads| {
            for number in numbers {
                threads.spawn(|| one(*number));
            }
        });
    }
    swallowed.into_inner()
}

fn swallow_each_of_rndc(named: &Named, way: &Way) -> usize {
    let code = "NB-CONTROL-TIMED-OUT";
    swallow_each(named, named.control_port(), ANSWERS, code, |port| {
        let settings = RndcSettings {
            control: ("127.0.0.1".to_owned(), port),
            exchange_time_max: ANSWER_TIME,
            ..settings_of(named, way.clone())
        };
        Provisioner::Rndc(Box::new(Rndc::new(settings).unwrap()))
    })
}

#[test]
fn whichever_answer_of_the_control_channel_is_lost_a_seeded_zone_comes_and_goes() {
    let named = Named::builder().start();
    let swallowed = swallow_each_of_rndc(&named, &ANYWHERE);
    assert!(swallowed > 12, "{swallowed}");
}

/// Without `modzone` BIND may lose a zone at its next start, and no later creation sends it.
#[test]
fn a_zone_whose_last_addzone_is_not_answered_is_written_to_disk() {
    let named = Arc::new(Named::builder().start());
    let (is_lost, seen) = (Arc::new(AtomicBool::new(false)), Arc::clone(&named));
    let lost = Arc::clone(&is_lost);
    let relay = Scripted::relay(named.control_port(), move || {
        let log = seen.log();
        let command = log.rsplit("control channel command '").next();
        let is_last =
            command.is_some_and(|it| it.starts_with("addzone") && it.contains("primary;"));
        !is_last || lost.swap(true, Ordering::SeqCst)
    });
    let rndc = Rndc::new(RndcSettings {
        control: ("127.0.0.1".to_owned(), relay.port()),
        exchange_time_max: ANSWER_TIME,
        ..settings_of(&named, ANYWHERE)
    });
    let deadline = tokio::time::Instant::now() + ATTEMPT_TIME;
    let created = run(rndc.unwrap().create(&zone("example.com", 2), deadline));
    let error = created.unwrap_err();
    assert_eq!(error.diagnostic().code(), "NB-CONTROL-TIMED-OUT");
    assert!(is_lost.load(Ordering::SeqCst), "no answer was lost");
    assert!(dig::has_zone(&*named, "example.com"));
    let commands = named.control_commands();
    assert!(commands.contains(&"modzone".to_owned()), "{commands:?}");
}

#[test]
fn whichever_answer_of_the_control_channel_is_lost_a_zone_of_a_file_comes_and_goes() {
    let named = Named::builder().start();
    for number in 1..=ANSWERS {
        let contents = "$TTL 300\n@ SOA ns.test. h.test. 1 2 3 4 5\n@ NS ns.test.\n";
        std::fs::write(named.file(&format!("z{number}.test.db")), contents).unwrap();
    }
    let swallowed = swallow_each_of_rndc(&named, &Way::File);
    assert!(swallowed >= 5, "{swallowed}");
}

#[test]
fn whichever_answer_of_the_api_is_lost_a_zone_comes_and_goes() {
    let pdns = Pdns::builder().start();
    let api_key = std::fs::read_to_string(pdns.api_key_file()).unwrap();
    let key_name: nsbridge::model::Name = pdns.key().name().parse().unwrap();
    let code = "NB-API-TIMED-OUT";
    let swallowed = swallow_each(&pdns, pdns.api_port(), OF_DATABASE, code, |port| {
        let settings = PowerDnsSettings {
            endpoint: Endpoint {
                host: "127.0.0.1".to_owned(),
                port,
                security: Security::Tcp,
            },
            path: String::new(),
            api_key: Secret::new(api_key.trim().to_owned()),
            instance: "plesk01".to_owned(),
            update_keys: vec![key_name.clone()],
            transfer_keys: vec![key_name.clone()],
            exchange_time_max: ANSWER_TIME,
        };
        Provisioner::PowerDns(PowerDns::new(settings).unwrap())
    });
    assert!(swallowed > 6, "{swallowed}");
}

/// The worker gives an attempt 300 s.
#[test]
fn an_answer_that_is_lost_holds_no_attempt_of_the_worker_up() {
    let mut named = Named::builder().start();
    let proxy = Swallowing::before(named.control_port());
    let bridge = Bridge::of(&named)
        .seed(&named)
        .control_port(proxy.relay.port())
        .deadline_seconds(1)
        .without_dry_run("the server is down");
    let pretender = worker::pretend(&bridge);
    let wanted = wanted::zone("example.com", "@ NS ns1.example.net. | www A 192.0.2.7");
    named.stop();
    bridge.plesk(wanted.call()).assert_status(75);
    drop(pretender);
    named.restart();
    // The answers to `null`, `zonestatus` and `addzone`.
    proxy.swallow(3);
    let worker = worker::start(&bridge);
    wait::until("the zone is there", || {
        dig::has_zone(&named, "example.com")
            && dig::short(&named, "www.example.com", "A") == ["192.0.2.7"]
    });
    wait::until("the job is done", || {
        crate::support::jobs::jobs(&bridge).is_empty()
    });
    assert!(proxy.has_swallowed());
    worker::stop(worker).assert_code("NB-CONTROL-TIMED-OUT");
    wanted.assert_on(&named);
}
