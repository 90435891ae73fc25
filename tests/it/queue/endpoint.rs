//! What the worker answers over HTTP: its metrics, and whether all is well.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant, SystemTime};

use pretty_assertions::assert_eq;

use super::damage::on_full_disk;
use crate::support::bridge::Bridge;
use crate::support::jobs::wanted_at;
use crate::support::named::{Named, Zone};
use crate::support::payload;
use crate::support::ports::Port;
use crate::support::process;
use crate::support::server::Server as _;
use crate::support::wait;
use crate::support::worker::{start, stop};

/// A response: its status, its header and its body.
#[derive(Debug)]
struct Response {
    status: u16,
    header: String,
    body: String,
}

impl Response {
    /// Whether one of the lines of the body is this one.
    fn has(&self, line: &str) -> bool {
        self.body.lines().any(|it| it == line)
    }
}

#[track_caller]
fn request(port: &Port, line: &str, header: &str) -> Response {
    let mut stream =
        TcpStream::connect(("127.0.0.1", port.number())).expect("the endpoint listens");
    stream
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    let request = format!("{line} HTTP/1.1\r\nHost: nsbridge\r\nConnection: close\r\n{header}\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).expect("a response");
    let (header, body) = text.split_once("\r\n\r\n").expect("a header");
    let status = header.split(' ').nth(1).and_then(|it| it.parse().ok());
    Response {
        status: status.expect("a status"),
        header: header.to_lowercase(),
        body: body.to_owned(),
    }
}

#[track_caller]
fn get(port: &Port, path: &str) -> Response {
    request(port, &format!("GET {path}"), "")
}

fn listening(bridge: Bridge, port: &Port) -> Bridge {
    bridge.set_text("serve", "listen", &format!("127.0.0.1:{}", port.number()))
}

/// What `promtool check metrics` says of a text.
fn linted(text: &str) -> process::Said {
    process::run("promtool", &["check", "metrics"], text.as_bytes())
}

#[test]
fn metrics_show_jobs_attempts_and_primaries_in_both_formats() {
    let mut named = Named::builder().start();
    let port = Port::claim();
    let bridge = listening(Bridge::of(&named).seed(&named), &port);
    let worker = start(&bridge);
    let version = env!("CARGO_PKG_VERSION");
    let page = get(&port, "/metrics");
    assert_eq!(page.status, 200);
    assert!(
        page.has(&format!("nsbridge_build_info{{version=\"{version}\"}} 1")),
        "{page:?}"
    );
    assert!(
        page.has("nsbridge_primary_unreachable{primary=\"main\"} 0"),
        "{page:?}"
    );
    assert!(page.has("nsbridge_oldest_job_age_seconds 0"), "{page:?}");

    named.stop();
    bridge.plesk(wanted_at(1, 1).call()).assert_status(75);
    let waiting =
        "nsbridge_jobs{primary=\"main\",state=\"waiting\",code=\"NB-CONNECTION-REFUSED\"} 1";
    let unreachable = "nsbridge_primary_unreachable{primary=\"main\"} 1";
    wait::until("the worker has tried the job", || {
        let page = get(&port, "/metrics");
        page.has(waiting) && page.has(unreachable)
    });
    let page = get(&port, "/metrics");
    let attempt = "nsbridge_attempts_total{primary=\"main\",kind=\"zone\",result=\"waiting\",code=\"NB-CONNECTION-REFUSED\"} ";
    assert!(page.body.contains(attempt), "{page:?}");
    assert!(
        page.body
            .contains("nsbridge_primary_last_failure_timestamp_seconds{"),
        "{page:?}"
    );
    let said = linted(&page.body);
    assert_eq!((said.status, said.stderr().as_str()), (Some(0), ""));
    assert!(
        page.header
            .contains("content-type: text/plain; version=0.0.4"),
        "{page:?}"
    );

    let accepts = "Accept: application/openmetrics-text; version=1.0.0, text/plain\r\n";
    let open = request(&port, "GET /metrics", accepts);
    assert!(
        open.header
            .contains("content-type: application/openmetrics-text; version=1.0.0")
    );
    assert!(open.body.ends_with("\n# EOF\n") && open.has("# TYPE nsbridge_attempts counter"));

    named.restart();
    wait::until("the worker has delivered the job", || {
        let page = get(&port, "/metrics");
        let delivered = "nsbridge_attempts_total{primary=\"main\",kind=\"zone\",result=\"in-place\",code=\"\"} 1";
        let reachable = "nsbridge_primary_unreachable{primary=\"main\"} 0";
        page.has(delivered) && page.has(reachable) && !page.body.contains("nsbridge_jobs{")
    });
    stop(worker);
}

#[test]
fn health_fails_while_a_job_waits_for_too_long_or_the_queue_takes_nothing() {
    let mut named = Named::builder().start();
    let port = Port::claim();
    let bridge = listening(Bridge::of(&named).seed(&named), &port);
    let bridge = bridge.set("serve", "oldest-job-seconds-max", "1");
    let worker = start(&bridge);
    let health = get(&port, "/health");
    assert_eq!((health.status, health.body.as_str()), (200, "well\n"));

    named.stop();
    bridge.plesk(wanted_at(1, 1).call()).assert_status(75);
    wait::until("the job is old", || get(&port, "/health").status == 503);
    let health = get(&port, "/health");
    assert!(
        health.body.starts_with("the oldest job waits for "),
        "{health:?}"
    );
    named.restart();
    wait::until("the job is delivered", || {
        get(&port, "/health").status == 200
    });

    // Nobody can write a file of this name.
    std::fs::create_dir(bridge.file("state/queue.db.probe")).unwrap();
    let health = get(&port, "/health");
    assert_eq!(health.status, 503);
    assert!(health.body.contains("[NB-QUEUE-UNWRITABLE]"), "{health:?}");
    assert!(get(&port, "/metrics").has("nsbridge_queue_writable 0"));
    std::fs::remove_dir(bridge.file("state/queue.db.probe")).unwrap();
    assert_eq!(get(&port, "/health").status, 200);
    assert!(!bridge.file("state/queue.db.probe").exists());
    stop(worker);
}

#[test]
fn other_requests_are_refused_and_those_who_say_nothing_keep_nobody_out() {
    let named = Named::builder().start();
    let port = Port::claim();
    let bridge = listening(Bridge::of(&named), &port);
    let worker = start(&bridge);
    assert_eq!(get(&port, "/").status, 404);
    assert_eq!(
        request(&port, "POST /metrics", "Content-Length: 0\r\n").status,
        405
    );
    let head = request(&port, "HEAD /metrics", "");
    assert_eq!((head.status, head.body.as_str()), (200, ""));
    let silent: Vec<TcpStream> = (0..8)
        .map(|_| TcpStream::connect(("127.0.0.1", port.number())).expect("a connection"))
        .collect();
    assert_eq!(get(&port, "/health").status, 200);
    drop(silent);

    let other = bridge.run(&["serve"], "");
    other.assert_status(69).assert_code("NB-WORKER-TAKEN");
    stop(worker);
    let taken =
        std::net::TcpListener::bind(("127.0.0.1", port.number())).expect("it is free again");
    let refused = bridge.run(&["serve"], "");
    refused
        .assert_status(78)
        .assert_code("NB-SERVE-LISTEN-FAILED");
    drop(taken);
}

#[test]
fn metrics_count_many_jobs_that_wait_and_those_that_are_held() {
    const WAITING: usize = 1_000;
    let mut dead = Named::builder().start();
    let closed = Named::builder()
        .zone(Zone::fixed("closed.test", ""))
        .start();
    let port = Port::claim();
    let bridge = listening(Bridge::of(&dead), &port);
    let bridge = bridge
        .primary("second", closed.port(), "other", closed.key_file())
        .route("closed.test", "second");
    dead.stop();
    let began = seconds();
    let update = |zone: &str| {
        let host = format!("www.{zone}.");
        payload::update(zone, 0, &[(&host, "A", "", "192.0.2.8")])
    };
    let zones = (1..=WAITING).map(|it| update(&format!("z{it}.test")));
    let calls: Vec<_> = zones.chain([update("closed.test")]).collect();
    let run = bridge.run(&["plesk"], payload::call(&calls));
    run.assert_status(69);

    let worker = start(&bridge);
    let count = |page: &Response, start: &str| {
        let lines = page.body.lines().filter(|it| it.starts_with(start));
        let values = lines.filter_map(|it| it.rsplit(' ').next()?.parse::<usize>().ok());
        values.sum::<usize>()
    };
    let of_main = "nsbridge_jobs{primary=\"main\",state=\"waiting\"";
    let since = "nsbridge_primary_unreachable_since_timestamp_seconds{primary=\"main\"} ";
    wait::until("the worker finds the primary dead", || {
        get(&port, "/metrics").body.contains(since)
    });
    let started = Instant::now();
    let page = get(&port, "/metrics");
    println!("{} octets in {:?}", page.body.len(), started.elapsed());
    let ended = seconds();
    assert_eq!(count(&page, of_main), WAITING, "{page:?}");
    let codes = page.body.lines().filter(|it| it.starts_with(of_main));
    for line in codes {
        let is_known = ["NB-CONNECTION-REFUSED", ""]
            .iter()
            .any(|code| line.contains(&format!("code=\"{code}\"}}")));
        assert!(is_known, "{line}");
    }
    let held = "nsbridge_jobs{primary=\"second\",state=\"held\",code=\"NB-UPDATE-REFUSED\"} 1";
    assert!(page.has(held), "{page:?}");
    assert_eq!(count(&page, "nsbridge_jobs{primary=\"second\""), 1);
    for line in [
        "nsbridge_primary_unreachable{primary=\"main\"} 1",
        "nsbridge_primary_unreachable{primary=\"second\"} 0",
        "nsbridge_queue_writable 1",
    ] {
        assert!(page.has(line), "{line}: {page:?}");
    }
    let since = count(&page, since);
    assert!((began..=ended).contains(&since), "{since}: {page:?}");
    let oldest = count(&page, "nsbridge_oldest_job_age_seconds ");
    assert!(oldest <= ended - began, "{oldest}: {page:?}");
    let said = linted(&page.body);
    assert_eq!((said.status, said.stderr().as_str()), (Some(0), ""));
    wait::until("the oldest job is older", || {
        let page = get(&port, "/metrics");
        count(&page, "nsbridge_oldest_job_age_seconds ") > oldest
    });
    stop(worker);
}

/// Seconds since 1970.
#[expect(
    clippy::disallowed_methods,
    reason = "nsbridge reads the clock of the system as well"
)]
fn seconds() -> usize {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    usize::try_from(now.unwrap().as_secs()).unwrap()
}

#[test]
fn a_full_disk_shows_before_it_costs_a_change() {
    let named = Named::builder().start();
    let bridge = Bridge::of(&named).seed(&named);
    bridge.plesk(wanted_at(1, 1).call()).assert_status(0);
    let bridge = on_full_disk(bridge);
    let page = bridge.run(&["status"], "");
    page.assert_status(1);
    let line = page
        .stdout
        .lines()
        .find(|it| it.starts_with("! queue file: cannot create a file in "));
    let line = line.unwrap_or_else(|| panic!("{}", page.stdout));
    assert!(line.ends_with("(NB-QUEUE-UNWRITABLE)"), "{line}");
    let run = bridge.run(&["check"], "");
    run.assert_status(78);
    assert!(
        run.stdout
            .contains("failed: queue file: cannot create a file in "),
        "{}",
        run.stdout
    );
}
