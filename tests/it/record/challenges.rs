//! Which challenges `nsbridge acme` may change: those that it added, and those of a panel's own zones.

use pretty_assertions::assert_eq;
use rusqlite::Connection;

use super::acme::{OWNER, acme, values};
use crate::support::bridge::Bridge;
use crate::support::jobs::edit;
use crate::support::server::{Kind, Server as _, scenario};
use crate::support::wanted::zone;

scenario!(challenges_that_nobody_removes_are_forgotten: law);
fn challenges_that_nobody_removes_are_forgotten(kind: Kind) {
    let (server, bridge) = kind.by_hand("");
    let add = |value: &str| {
        acme(&bridge, &format!("add www.example.com {value}")).assert_status(0);
    };
    let delete = |value: &str| acme(&bridge, &format!("delete www.example.com {value}"));
    let known = || -> u32 {
        let queue = Connection::open(bridge.file("state/queue.db")).expect("a queue");
        let count = "SELECT count(*) FROM challenge";
        queue
            .query_row(count, [], |row| row.get(0))
            .expect("a count")
    };
    add("old");
    add("young");
    let age = "UPDATE challenge SET added_at = added_at - CASE CAST(substr(value, 2) AS TEXT)
                   WHEN 'old' THEN 2592000 ELSE 2591000 END";
    assert_eq!(edit(&bridge, age, []), 2);
    add("new");
    assert_eq!(known(), 2);
    delete("old")
        .assert_status(69)
        .assert_code("NB-CHALLENGE-OF-OTHERS");
    delete("young").assert_status(0);
    add("young");
    let many = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 9998)
                INSERT INTO challenge (primary_, owner, value) SELECT 'main', 'x' || i || '.', x'00' FROM n";
    assert_eq!(edit(&bridge, many, []), 9_998);
    assert_eq!(known(), 10_000);
    add("last");
    assert_eq!(known(), 10_000);
    delete("new")
        .assert_status(69)
        .assert_code("NB-CHALLENGE-OF-OTHERS");
    for value in ["young", "last"] {
        delete(value).assert_status(0);
    }
    let mut left = values(&server, OWNER);
    left.sort();
    assert_eq!(left, ["new", "old"]);
}

scenario!(customers_get_challenges_only_in_zones_that_their_panel_could_have);
fn customers_get_challenges_only_in_zones_that_their_panel_could_have(kind: Kind) {
    let zones = [("hand.example", ""), ("below.hand.example", "")];
    let mut server = kind.start(&zones);
    let bridge = server.provisioning(Bridge::of(&server));
    let own = zone("own.example", "@ 3600 NS ns1.example.net.");
    bridge.plesk(own.call()).assert_status(0);
    let panel = |bridge: &Bridge, words: &str| acme(bridge, &format!("add --trust panel {words}"));
    for name in ["own.example", "www.own.example", "*.own.example"] {
        panel(&bridge, &format!("{name} one")).assert_status(0);
    }
    panel(&bridge, "--exact own.example spf")
        .assert_status(69)
        .assert_code_with("NB-CHALLENGE-ELSEWHERE", "`own.example.`");
    assert_eq!(values(&server, "own.example"), <[&str; 0]>::default());
    // Of a zone by hand nobody knows whose it is. The queue keeps whose words the name is.
    panel(&bridge, "hand.example one")
        .assert_status(69)
        .assert_code("NB-ZONE-UNOWNED");
    server.stop();
    panel(&bridge, "hand.example two").assert_status(75);
    server.restart();
    bridge
        .run(&["queue", "retry", "--all"], "")
        .assert_status(69)
        .assert_code("NB-ZONE-UNOWNED");
    let challenges = || values(&server, "_acme-challenge.hand.example");
    assert_eq!(challenges(), <[&str; 0]>::default());
    // Where no zone can be made the panel could have it, but not what is below it.
    let adopting = Bridge::of(&server);
    panel(&adopting, "hand.example three").assert_status(0);
    panel(&adopting, "below.hand.example three")
        .assert_status(69)
        .assert_code_with("NB-BELOW-ZONE-UNOWNED", "`hand.example.`");
    let allowing = bridge.set("policy", "allow-zones", r#"["hand.example"]"#);
    panel(&allowing, "below.hand.example four").assert_status(0);
    // An operator names what he likes.
    acme(&allowing, "add --exact own.example text").assert_status(0);
    assert_eq!(challenges(), ["three"]);
    assert_eq!(values(&server, "own.example"), ["text"]);
}
