//! The algorithms of keys (RFC 8945 section 6).

use pretty_assertions::assert_eq;

use super::hosted::{WANTED, ZONE};
use crate::support::bridge::Bridge;
use crate::support::habits::Habits;
use crate::support::hosted::Hosted;
use crate::support::wanted::zone;

/// The service computes its signatures itself, apart from nsbridge and BIND.
#[test]
fn each_algorithm_of_keys_is_that_of_the_service_too() {
    let wanted = zone(ZONE, WANTED);
    for algorithm in [
        "hmac-md5",
        "hmac-sha1",
        "hmac-sha224",
        "hmac-sha256",
        "hmac-sha384",
        "hmac-sha512",
    ] {
        let habits = Habits {
            algorithm,
            ..Habits::default()
        };
        let hosted = Hosted::start(&[ZONE], &[], habits);
        let bridge =
            Bridge::at(hosted.port("updates"), &hosted.key_file()).foretold_by(hosted.witness());
        let run = bridge.plesk(wanted.call());
        run.assert_status(0).assert_stderr("");
        let there = hosted.witness().axfr(ZONE);
        let lacks = |line: &String| !there.contains(line);
        assert_eq!(
            wanted.content().into_iter().find(lacks),
            None,
            "{algorithm}"
        );
        let updates = hosted.received().updates;
        assert_ne!(updates, 0, "{algorithm}");
        bridge.plesk(wanted.call()).assert_status(0);
        assert_eq!(hosted.received().updates, updates, "{algorithm}");
    }
}
