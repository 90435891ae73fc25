//! A PowerDNS that is killed inside its own creation of a zone, or whose database keeps a part of it.
//!
//! PowerDNS adds the row of a zone first, and its records and metadata after that: in a transaction if its database
//! has any.

use pretty_assertions::assert_eq;

use crate::support::bridge::Bridge;
use crate::support::daemon::Release;
use crate::support::pdns::Pdns;
use crate::support::pdns_api::{delete, wanted};
use crate::support::server::Server as _;
use crate::support::{dig, wait};

const NOTHING: [&str; 0] = [];

const ROW: &str = "INSERT INTO domains (id, name, type, account) \
                   VALUES (1, 'example.com', 'SLAVE', 'nsbridge:plesk01')";
const SERIAL_POLICY: &str = "INSERT INTO domainmetadata (domain_id, kind, content) \
                             VALUES (1, 'SOA-EDIT-API', 'DEFAULT')";
const HOST: &str = "INSERT INTO records (domain_id, name, type, content, ttl) \
                    VALUES (1, 'www.example.com', 'A', '192.0.2.7', 3600)";
const MARK: &str = "INSERT INTO domainmetadata (domain_id, kind, content) \
                    VALUES (1, 'X-NSBRIDGE-INSTANCE', 'plesk01')";
const KEY: &str = "INSERT INTO domainmetadata (domain_id, kind, content) \
                   VALUES (1, 'TSIG-ALLOW-DNSUPDATE', 'plesk')";
const PRIMARY: &str = "UPDATE domains SET type = 'MASTER', account = ''";

/// Whole, marked, and nothing is left of what was there before.
#[track_caller]
fn assert_whole(pdns: &Pdns) {
    wanted().assert_on(pdns);
    let zones = pdns.stored("SELECT name || ' ' || type || ' ' || account FROM domains");
    assert_eq!(zones, ["example.com MASTER "]);
    let marks =
        pdns.stored("SELECT content FROM domainmetadata WHERE kind = 'X-NSBRIDGE-INSTANCE'");
    assert_eq!(marks, ["plesk01"]);
    for table in ["records", "domainmetadata"] {
        let orphans = format!(
            "SELECT 'row ' || id FROM {table} WHERE domain_id NOT IN (SELECT id FROM domains)"
        );
        assert_eq!(pdns.stored(&orphans), NOTHING, "{table}");
    }
}

#[test]
fn a_server_that_is_killed_inside_its_creation_of_a_zone_has_it_after_the_next_call() {
    for release in Release::stable() {
        let mut pdns = Pdns::of(release).start();
        let bridge = pdns.provisioning(Bridge::of(&pdns));
        // Some minutes for one record.
        pdns.sql_batch(
            "CREATE TABLE stall AS SELECT a.name FROM sqlite_schema a, sqlite_schema b; \
             CREATE TRIGGER slow BEFORE INSERT ON records BEGIN \
             SELECT count(*) FROM stall a, stall b, stall c, stall d, stall e; END",
        );
        let going = bridge.start(&["plesk"], wanted().call());
        wait::until("the server adds the zone", || {
            !pdns.stored("SELECT name FROM domains").is_empty()
        });
        pdns.kill();
        going.finish().assert_status(75);
        pdns.sql_batch("DROP TRIGGER slow; DROP TABLE stall");
        pdns.restart();
        assert_eq!(pdns.stored("SELECT name FROM domains"), ["example.com"]);
        assert_eq!(pdns.stored("SELECT name FROM records"), NOTHING);
        let run = bridge.plesk(wanted().call());
        run.assert_status(0).assert_stderr("");
        assert_whole(&pdns);
    }
}

#[test]
fn a_database_that_keeps_a_part_of_a_creation_holds_the_zone_after_the_next_call() {
    let parts: [&[&str]; 6] = [
        &[ROW],
        &[ROW, SERIAL_POLICY],
        &[ROW, SERIAL_POLICY, HOST],
        &[ROW, MARK],
        &[ROW, MARK, KEY],
        // The zone was finished without contents.
        &[ROW, MARK, KEY, PRIMARY],
    ];
    for part in parts {
        let mut pdns = Pdns::builder().start();
        let bridge = pdns.provisioning(Bridge::of(&pdns));
        for statement in part {
            pdns.sql(statement);
        }
        // Its cache of the names of zones.
        pdns.restart();
        let run = bridge.plesk(wanted().call());
        assert_eq!(run.status, Some(0), "{part:?}: {run:?}");
        assert_whole(&pdns);
    }
}

#[test]
fn a_zone_of_ours_whose_soa_is_gone_and_whose_records_are_not_is_left_to_the_operator() {
    let pdns = Pdns::builder().start();
    let bridge = pdns.provisioning(Bridge::of(&pdns));
    bridge.plesk(wanted().call()).assert_status(0);
    let bridge = bridge.without_dry_run("a server without the SOA answers as one without the zone");
    for change in [
        "UPDATE records SET disabled = 1 WHERE type = 'SOA'",
        "DELETE FROM records WHERE type = 'SOA'",
    ] {
        pdns.sql(change);
        pdns.pdns_control(&["purge"]);
        let wanted = wanted().with("ftp A 192.0.2.8");
        bridge
            .plesk(wanted.call())
            .assert_status(69)
            .assert_error("example.com.", "NB-ZONE-HIDDEN");
        assert_eq!(
            pdns.stored("SELECT content FROM records WHERE type = 'A'"),
            ["192.0.2.7"]
        );
    }
}

#[test]
fn a_deletion_of_which_a_part_is_done_is_finished() {
    let parts: [&[&str]; 2] = [
        &["DELETE FROM records"],
        &["DELETE FROM records", "DELETE FROM domainmetadata"],
    ];
    for release in Release::stable() {
        for part in parts {
            let pdns = Pdns::of(release).start();
            let bridge = pdns.provisioning(Bridge::of(&pdns));
            bridge.plesk(wanted().call()).assert_status(0);
            for statement in part {
                pdns.sql(statement);
            }
            pdns.pdns_control(&["purge"]);
            bridge.plesk(delete()).assert_status(0);
            assert!(!dig::has_zone(&pdns, "example.com"));
            assert_eq!(pdns.stored("SELECT name FROM domains"), NOTHING, "{part:?}");
        }
    }
}
