//! What is remembered of refused records: the next call costs what one about an unchanged zone costs, and tells as
//! much as the first. They are tried again when something may have changed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use pretty_assertions::assert_eq;
use rusqlite::Connection;

use crate::support::bridge::{Bridge, Run};
use crate::support::jobs::{assert_empty, edit, jobs};
use crate::support::message;
use crate::support::named::{Named, Zone};
use crate::support::nsupdate::nsupdate;
use crate::support::refusal::{Exchanges, FORMERR, Proxy, REFUSED, Refusal};
use crate::support::refused_zone::assert_left_out;
use crate::support::wanted::zone;
use crate::support::worker::{start, stop};
use crate::support::{dig, payload, sync, wait};

const GOOD: &str = "@ 3600 NS ns1.example.com. | ns1 3600 A 192.0.2.1 | www A 192.0.2.7";
const BAD: &str =
    "a_0 A 192.0.2.9 | a_1 A 192.0.2.9 | @ MX 10 gone.example.com. | m MX 10 gone.example.com.";
const BAD_NAMES: [&str; 4] = [
    "a_0.example.com. A 192.0.2.9",
    "a_1.example.com. A 192.0.2.9",
    "example.com. MX 10 gone.example.com.",
    "m.example.com. MX 10 gone.example.com.",
];

/// A BIND with `example.com`, which refuses what BIND refuses by default, and a proxy that counts.
fn counted() -> (Named, Proxy, Bridge) {
    let named = Named::builder()
        .zone(Zone::dynamic("example.com", ""))
        .start();
    let proxy = Proxy::counting(&named);
    let bridge = proxy.bridge(&named);
    (named, proxy, bridge)
}

/// A call with these lines of `example.com`, and what was exchanged.
#[track_caller]
fn call(proxy: &Proxy, bridge: &Bridge, lines: &[&str], second: u32) -> (Run, Exchanges) {
    let wanted = zone("example.com", &lines.join(" | ")).sent(second);
    proxy.count(|| bridge.plesk(wanted.call()))
}

/// What nsbridge exchanges about a zone without refused records that it reads, where nothing changes, and where one address
/// does.
fn costs_without_refusals() -> [Exchanges; 2] {
    let (_named, proxy, bridge) = counted();
    call(&proxy, &bridge, &[GOOD], 0).0.assert_status(0);
    edit(&bridge, "UPDATE zone SET settled = NULL", []);
    let (run, unchanged) = call(&proxy, &bridge, &[GOOD], 1);
    run.assert_status(0).assert_stdout(UNCHANGED);
    let changed = GOOD.replace("192.0.2.7", "192.0.2.8");
    let (run, one_change) = call(&proxy, &bridge, &[&changed], 2);
    run.assert_status(0).assert_stderr("");
    assert_eq!((unchanged.updates, one_change.updates), (0, 1));
    [unchanged, one_change]
}

const UNCHANGED: &str = "example.com.: unchanged on main (127.0.0.1:PORT)\n";

#[test]
fn remembered_refusals_cost_no_exchange() {
    let [unchanged, one_change] = costs_without_refusals();
    let (named, proxy, bridge) = counted();
    let (run, _) = call(&proxy, &bridge, &[GOOD, BAD], 0);
    assert_left_out(&run, &BAD_NAMES);
    zone("example.com", GOOD).assert_on(&named);
    for second in 1..3 {
        let (run, cost) = call(&proxy, &bridge, &[GOOD, BAD], second);
        assert_left_out(&run, &BAD_NAMES);
        run.assert_stdout(UNCHANGED);
        assert_eq!(jobs(&bridge)[0]["state"], "held");
        assert_eq!(cost, unchanged);
    }
    let changed = GOOD.replace("192.0.2.7", "192.0.2.8");
    let (run, cost) = call(&proxy, &bridge, &[&changed, BAD], 3);
    assert_left_out(&run, &BAD_NAMES);
    zone("example.com", &changed).assert_on(&named);
    assert_eq!(cost, one_change);
}

/// The usual refusals are foreseen: what is healthy goes at once, and the suspects by themselves.
#[test]
fn a_refusal_that_can_be_foreseen_costs_few_updates() {
    let (named, proxy, bridge) = counted();
    let (run, cost) = call(&proxy, &bridge, &[GOOD, "a_0 A 192.0.2.9"], 0);
    assert_left_out(&run, &BAD_NAMES[..1]);
    zone("example.com", GOOD).assert_on(&named);
    assert!(cost.updates <= 3, "{cost:?}");
}

#[test]
fn a_refused_exchanger_is_tried_again_when_its_host_gets_an_address() {
    let (named, proxy, bridge) = counted();
    assert_left_out(&call(&proxy, &bridge, &[GOOD, BAD], 0).0, &BAD_NAMES);
    let (run, _) = call(&proxy, &bridge, &[GOOD, BAD, "gone A 192.0.2.3"], 1);
    assert_left_out(&run, &BAD_NAMES[..2]);
    let exchangers = "@ MX 10 gone.example.com. | m MX 10 gone.example.com. | gone A 192.0.2.3";
    zone("example.com", GOOD).with(exchangers).assert_on(&named);
}

#[test]
fn a_refused_record_is_tried_again_when_something_changes_at_its_name() {
    let (named, proxy, bridge) = counted();
    let bad = "a_0 A 192.0.2.9";
    assert_left_out(&call(&proxy, &bridge, &[GOOD, bad], 0).0, &BAD_NAMES[..1]);
    // Another value, which is refused as well, and a text, which is not.
    let (run, cost) = call(
        &proxy,
        &bridge,
        &[GOOD, "a_0 A 192.0.2.10 | a_0 TXT text"],
        1,
    );
    assert_left_out(&run, &["a_0.example.com. A 192.0.2.10"]);
    assert!(cost.updates > 0);
    zone("example.com", GOOD)
        .with("a_0 TXT text")
        .assert_on(&named);
    // The refused one is withdrawn, and nothing is remembered of it.
    let (run, _) = call(&proxy, &bridge, &[GOOD, "a_0 TXT text"], 2);
    run.assert_status(0)
        .assert_stdout(UNCHANGED)
        .assert_stderr("");
    assert_empty(&bridge);
}

/// A BIND that takes everything, behind a proxy that refuses what is added at `odd.example.com` until it is told
/// otherwise.
struct Changing {
    named: Named,
    proxy: Proxy,
    bridge: Bridge,
    refuses: Arc<AtomicBool>,
}

const ODD: &str = "odd A 192.0.2.9";
const ODD_NAME: &str = "odd.example.com. A 192.0.2.9";

fn adds_odd(update: &[u8]) -> bool {
    let mut added = message::additions(update).into_iter();
    added.any(|record| record == ODD_NAME)
}

impl Changing {
    /// After a call by which the record was refused, and another one that says so without an UPDATE.
    #[track_caller]
    fn start() -> Self {
        let changing = Self::refusing(Refusal {
            rcode: REFUSED,
            is_signed: true,
        });
        assert_eq!(changing.remembered(), 1);
        let (run, cost) = changing.call(1);
        assert_left_out(&run, &[ODD_NAME]);
        assert_eq!(cost.updates, 0);
        changing
    }

    /// After a call by which the record was refused.
    #[track_caller]
    fn refusing(refusal: Refusal) -> Self {
        let named = Named::builder()
            .zone(Zone::dynamic("example.com", ""))
            .start();
        let refuses = Arc::new(AtomicBool::new(true));
        let is_refused = Arc::clone(&refuses);
        let proxy = Proxy::refusing(&named, move |update| {
            (is_refused.load(Ordering::SeqCst) && adds_odd(update)).then_some(refusal)
        });
        let bridge = proxy.bridge(&named);
        let changing = Self {
            named,
            proxy,
            bridge,
            refuses,
        };
        assert_left_out(&changing.call(0).0, &[ODD_NAME]);
        zone("example.com", GOOD).assert_on(&changing.named);
        changing
    }

    #[track_caller]
    fn call(&self, second: u32) -> (Run, Exchanges) {
        call(&self.proxy, &self.bridge, &[GOOD, ODD], second)
    }

    fn takes_everything(&self) {
        self.refuses.store(false, Ordering::SeqCst);
    }

    fn queue(&self) -> Connection {
        Connection::open(self.bridge.file("state/queue.db")).expect("a queue")
    }

    /// How many refused records are remembered.
    fn remembered(&self) -> u32 {
        let sql = "SELECT count(*) FROM refused";
        let count = self.queue().query_row(sql, [], |row| row.get(0));
        count.expect("a table")
    }

    /// Lets all that is remembered have been tried so many seconds earlier, and the job be due so many earlier.
    #[track_caller]
    fn tried_earlier_by(&self, seconds: u32) {
        let tried = "UPDATE refused SET tried_at = tried_at - ?";
        let changed = self.queue().execute(tried, [seconds]);
        assert_eq!(changed.expect("a table"), 1);
        let due = "UPDATE job SET next_at = max(0, next_at - ?)";
        assert_eq!(edit(&self.bridge, due, [seconds]), 1);
    }

    #[track_caller]
    fn assert_in_place(&self) {
        zone("example.com", GOOD).with(ODD).assert_on(&self.named);
        assert_empty(&self.bridge);
        assert_eq!(self.remembered(), 0);
    }
}

#[test]
fn a_refused_record_is_tried_again_by_retry() {
    let changing = Changing::start();
    changing.takes_everything();
    let run = changing.bridge.run(&["queue", "retry", "example.com"], "");
    run.assert_status(0).assert_stderr("");
    changing.assert_in_place();
}

#[test]
fn a_refused_record_is_tried_again_after_six_hours() {
    let changing = Changing::start();
    changing.tried_earlier_by(6 * 3600 - 600);
    let (run, cost) = changing.call(2);
    assert_left_out(&run, &[ODD_NAME]);
    assert_eq!(cost.updates, 0);
    // Once more it is refused, and remembered.
    changing.tried_earlier_by(1200);
    let (run, cost) = changing.call(3);
    assert_left_out(&run, &[ODD_NAME]);
    assert!(cost.updates > 0);
    let (_, cost) = changing.call(4);
    assert_eq!(cost.updates, 0);
    changing.tried_earlier_by(6 * 3600 + 600);
    changing.takes_everything();
    let (run, _) = changing.call(5);
    run.assert_status(0).assert_stderr("");
    changing.assert_in_place();
}

#[test]
fn the_worker_tries_a_refused_record_again_after_six_hours() {
    let changing = Changing::start();
    changing.tried_earlier_by(6 * 3600 + 600);
    changing.takes_everything();
    let worker = start(&changing.bridge);
    wait::until("the worker has delivered it", || {
        jobs(&changing.bridge).is_empty()
    });
    stop(worker);
    changing.assert_in_place();
}

#[test]
fn a_dry_run_beside_remembered_refusals_foretells_what_the_run_does() {
    let named = Named::builder()
        .zone(Zone::dynamic("example.com", ""))
        .start();
    let bridge = Bridge::of(&named);
    let wanted = zone("example.com", GOOD).with(BAD);
    let first = bridge.start(&["plesk"], wanted.call()).finish();
    assert_left_out(&first, &BAD_NAMES);
    // Both are compared: where nothing changes, and where an address comes.
    for lines in ["", "new A 192.0.2.77"] {
        let run = bridge.plesk(wanted.clone().with(lines).sent(1).call());
        assert_left_out(&run, &BAD_NAMES);
    }
}

#[test]
fn a_file_with_refused_records_is_delivered_without_them_and_costs_nothing_again() {
    let named = Named::builder()
        .zone(Zone::dynamic("example.com", ""))
        .start();
    let proxy = Proxy::counting(&named);
    let bridge = proxy.bridge(&named);
    let bad = "a_0 A 192.0.2.9\na_1 A 192.0.2.9\n@ MX 10 gone\nm MX 10 gone\n";
    sync::write(&bridge, &format!("www A 192.0.2.7\n{bad}"));
    for call in 0..2 {
        let (run, cost) = proxy.count(|| sync::sync(&bridge, &[]));
        assert_left_out(&run, &BAD_NAMES);
        assert!(call == 0 || cost.updates == 0, "{cost:?}");
        assert_eq!(
            dig::short(&named, "www.example.com", "A"),
            ["192.0.2.7"],
            "{}",
            run.stderr
        );
    }
}

/// A search that the deadline ends leaves what is healthy in place, and later calls go on with it.
#[test]
fn a_search_that_takes_too_long_goes_on_with_later_calls() {
    // About five on a quiet machine.
    const CALLS_MAX: u32 = 40;
    let named = Named::builder()
        .zone(Zone::dynamic("example.com", ""))
        .start();
    let slow = |_: &[u8]| {
        std::thread::park_timeout(Duration::from_millis(50));
        None
    };
    let proxy = Proxy::refusing(&named, slow);
    let bridge = proxy.bridge(&named).deadline_seconds(2);
    let bad: Vec<String> = (0..60).map(|n| format!("b_{n} A 192.0.2.9")).collect();
    let bad = bad.join(" | ");
    let (run, cost) = call(&proxy, &bridge, &[GOOD, &bad], 0);
    run.assert_status(75);
    assert!(cost.updates > 3, "{cost:?}");
    zone("example.com", GOOD).assert_on(&named);
    let names: Vec<String> = (0..60)
        .map(|n| format!("b_{n}.example.com. A 192.0.2.9"))
        .collect();
    let last = (1..CALLS_MAX).find_map(|second| {
        let (run, _) = call(&proxy, &bridge, &[GOOD, &bad], second);
        (run.status != Some(75)).then_some(run)
    });
    let last = last.expect("a call that ends otherwise");
    assert_left_out(&last, &names.iter().map(String::as_str).collect::<Vec<_>>());
    zone("example.com", GOOD).assert_on(&named);
}

/// The dry run asks no primary whether it still refuses.
#[test]
fn a_dry_run_names_what_is_remembered_as_refused() {
    let changing = Changing::start();
    let wanted = zone("example.com", GOOD).with(ODD).sent(2);
    let (run, cost) = changing
        .proxy
        .count(|| changing.bridge.run(&["plesk", "--dry-run"], wanted.call()));
    assert_left_out(&run, &[ODD_NAME]);
    assert_eq!(cost.updates, 0);
}

/// Anybody may have sent what is not signed, so it is not believed for good.
#[test]
fn what_is_refused_without_a_signature_is_tried_again_after_six_hours() {
    let changing = Changing::refusing(Refusal {
        rcode: FORMERR,
        is_signed: false,
    });
    let (run, cost) = changing.call(1);
    assert_left_out(&run, &[ODD_NAME]);
    assert_eq!(cost.updates, 0);
    changing.tried_earlier_by(6 * 3600 + 600);
    changing.takes_everything();
    let (run, _) = changing.call(2);
    run.assert_status(0).assert_stderr("");
    changing.assert_in_place();
}

/// Where zones are not read, the memory alone says what is ours: what was refused is not, and somebody else may add it.
#[test]
fn what_was_refused_is_not_ours_where_zones_are_not_read() {
    let named = Named::builder()
        .zone(Zone::dynamic("example.com", ""))
        .start();
    let refuses = |update: &[u8]| {
        adds_odd(update).then_some(Refusal {
            rcode: REFUSED,
            is_signed: true,
        })
    };
    let proxy = Proxy::refusing(&named, refuses);
    let bridge = proxy
        .bridge(&named)
        .set_text("primaries.main", "read", "memory");
    let (run, _) = call(&proxy, &bridge, &[GOOD, ODD], 0);
    assert_left_out(&run, &[ODD_NAME]);
    nsupdate(&named, "update add odd.example.com 60 A 192.0.2.9");
    let (run, _) = call(&proxy, &bridge, &[GOOD], 1);
    run.assert_status(0).assert_stderr("");
    assert_eq!(dig::short(&named, "odd.example.com", "A"), ["192.0.2.9"]);
}

#[test]
fn nothing_is_remembered_of_a_zone_that_is_gone() {
    let changing = Changing::start();
    let delete = payload::call(&[payload::delete("example.com")]);
    changing.bridge.plesk(delete).assert_status(0);
    assert_eq!(changing.remembered(), 0);
}

/// Whoever sees a connection can forge a response without a signature: one alone decides nothing.
#[test]
fn one_unsigned_format_error_costs_nothing() {
    let named = Named::builder()
        .zone(Zone::dynamic("example.com", ""))
        .start();
    let forged = AtomicU32::new(0);
    let proxy = Proxy::refusing(&named, move |update| {
        let is_first = adds_odd(update) && forged.fetch_add(1, Ordering::SeqCst) == 0;
        is_first.then_some(Refusal {
            rcode: FORMERR,
            is_signed: false,
        })
    });
    let bridge = proxy.bridge(&named);
    let (run, _) = call(&proxy, &bridge, &[GOOD, ODD], 0);
    if run.status == Some(75) {
        // It waits, and the next call delivers it.
        let (run, _) = call(&proxy, &bridge, &[GOOD, ODD], 1);
        run.assert_status(0).assert_stderr("");
    } else {
        run.assert_status(0).assert_stderr("");
    }
    zone("example.com", GOOD).with(ODD).assert_on(&named);
}

/// Where nothing that is signed says that the key is good, no unsigned response is about content.
#[test]
fn unsigned_format_errors_to_all_updates_wait() {
    let named = Named::builder()
        .zone(Zone::dynamic("example.com", ""))
        .start();
    let before = dig::content(&named, "example.com");
    let proxy = Proxy::refusing(&named, |_| {
        Some(Refusal {
            rcode: FORMERR,
            is_signed: false,
        })
    });
    let bridge = proxy.bridge(&named);
    let (run, _) = call(&proxy, &bridge, &[GOOD, ODD], 0);
    run.assert_status(75);
    assert_eq!(jobs(&bridge)[0]["state"], "waiting");
    assert_eq!(dig::content(&named, "example.com"), before);
}
