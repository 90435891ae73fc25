//! `nsbridge check --write`: what a primary takes in updates, found out by a name of its own.

use crate::support::dig;
use crate::support::server::{Kind, scenario};

scenario!(what_a_primary_takes_is_found_out_and_nothing_is_left_behind);
fn what_a_primary_takes_is_found_out_and_nothing_is_left_behind(kind: Kind) {
    let (server, bridge) = kind.by_hand("www A 192.0.2.7");
    let before = dig::content(&server, "example.com");
    let run = bridge.run(&["check", "--write", "example.com"], "");
    run.assert_status(0)
        .assert_stderr("")
        .assert_prints("takes all updates as they are sent: no line is needed");
    assert_eq!(dig::content(&server, "example.com"), before);
}
