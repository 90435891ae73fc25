//! A primary whose data were put back from a backup: each zone is again as it was last delivered, and secondaries follow.

use pretty_assertions::assert_eq;

use super::machines::{Followers, deletion, deliver, panel, primary, wanted};
use crate::support::bridge::Bridge;
use crate::support::dig;
use crate::support::nsupdate::nsupdate;
use crate::support::older_copy::OlderCopy;
use crate::support::server::{Kind, Started, scenario};

/// A primary that was put back: `a.test` has an older value, `gone.test` is back, `new.test` is lost.
fn put_back(kind: Kind) -> (Started, Bridge, Followers) {
    let mut server = primary(kind);
    let bridge = panel(&server);
    for name in ["a.test", "gone.test", "same.test"] {
        deliver(&bridge, &wanted(name, 1, 0));
    }
    let copy = OlderCopy::of(&mut server);
    let followers = Followers::of(&server);
    deliver(&bridge, &wanted("a.test", 2, 1));
    deliver(&bridge, &wanted("new.test", 1, 1));
    bridge.plesk(deletion("gone.test")).assert_status(0);
    followers.assert_show(&[
        ("a.test", Some(2)),
        ("gone.test", None),
        ("new.test", Some(1)),
        ("same.test", Some(1)),
    ]);
    copy.put_back(&mut server);
    assert_eq!(dig::short(&server, "www.a.test", "A"), ["192.0.2.1"]);
    assert!(dig::has_zone(&server, "gone.test"));
    (server, bridge, followers)
}

scenario!(an_audit_finds_and_repairs_what_went_back);
fn an_audit_finds_and_repairs_what_went_back(kind: Kind) {
    let (server, bridge, followers) = put_back(kind);
    let run = bridge.run(&["audit"], "");
    run.assert_status(1)
        .assert_prints("a.test.: changed www.a.test. A on main")
        .assert_prints("gone.test.: orphaned it was deleted on main")
        .assert_prints("new.test.: absent on main");
    assert!(!run.stdout.contains("same.test"), "{}", run.stdout);
    let repaired = bridge.run(&["audit", "--repair"], "");
    repaired.assert_status(0);
    wanted("a.test", 2, 1).assert_on(&server);
    wanted("new.test", 1, 1).assert_on(&server);
    wanted("same.test", 1, 0).assert_on(&server);
    assert!(!dig::has_zone(&server, "gone.test"));
    bridge.run(&["audit"], "").assert_status(0);
    followers.assert_show(&[
        ("a.test", Some(2)),
        ("gone.test", None),
        ("new.test", Some(1)),
        ("same.test", Some(1)),
    ]);
    // What comes later is followed as well.
    deliver(&bridge, &wanted("a.test", 3, 2));
    followers.assert_show(&[("a.test", Some(3))]);
}

scenario!(a_resync_brings_back_what_went_back);
fn a_resync_brings_back_what_went_back(kind: Kind) {
    let (server, bridge, followers) = put_back(kind);
    bridge.run(&["resync"], "").assert_status(0);
    wanted("a.test", 2, 1).assert_on(&server);
    wanted("new.test", 1, 1).assert_on(&server);
    wanted("same.test", 1, 0).assert_on(&server);
    followers.assert_show(&[("a.test", Some(2)), ("new.test", Some(1))]);
    // What was deleted is not among what was delivered: an audit has it.
    bridge.run(&["audit", "--repair"], "").assert_status(0);
    followers.assert_show(&[("gone.test", None)]);
}

scenario!(the_next_call_leaves_no_old_value_beside_the_new_one);
fn the_next_call_leaves_no_old_value_beside_the_new_one(kind: Kind) {
    let (server, bridge, followers) = put_back(kind);
    deliver(&bridge, &wanted("a.test", 3, 2));
    wanted("a.test", 3, 2).assert_on(&server);
    deliver(&bridge, &wanted("new.test", 2, 2));
    wanted("new.test", 2, 2).assert_on(&server);
    bridge.plesk(deletion("gone.test")).assert_status(0);
    assert!(!dig::has_zone(&server, "gone.test"));
    followers.assert_show(&[
        ("a.test", Some(3)),
        ("gone.test", None),
        ("new.test", Some(2)),
        ("same.test", Some(1)),
    ]);
}

// Another program has changed the zone since it went back: its serial is that of the contents that secondaries have, or
// later.
scenario!(a_zone_that_went_back_and_has_the_serial_of_other_contents_is_made_whole);
fn a_zone_that_went_back_and_has_the_serial_of_other_contents_is_made_whole(kind: Kind) {
    for changes in [1, 3] {
        let (server, bridge, followers) = put_back(kind);
        for number in 0..changes {
            nsupdate(
                &server,
                &format!("update add other.a.test 300 TXT {number}"),
            );
        }
        deliver(&bridge, &wanted("a.test", 3, 2));
        let values = dig::short(&server, "www.a.test", "A");
        assert_eq!(values, ["192.0.2.3"]);
        assert_eq!(dig::short(&server, "other.a.test", "TXT").len(), changes);
        followers.assert_show(&[("a.test", Some(3))]);
        // Somebody has added a value that was removed before: it stays as one of others.
        nsupdate(&server, "update add www.a.test 300 A 192.0.2.1");
        deliver(&bridge, &wanted("a.test", 3, 3).with("more A 192.0.2.9"));
        let values = dig::short(&server, "www.a.test", "A");
        assert_eq!(values, ["192.0.2.1", "192.0.2.3"]);
    }
}
