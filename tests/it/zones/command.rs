//! `nsbridge zone create`, `delete` and `adopt`: zones made, removed and taken over from the command line.

use pretty_assertions::assert_eq;

use crate::support::bridge::Bridge;
use crate::support::dig;
use crate::support::knot::Knot;
use crate::support::named::{Named, Zone};
use crate::support::server::Server;
use crate::support::wanted::{by_hand, zone};
use crate::support::zone_command::{fresh, shared};

#[test]
fn an_empty_zone_is_made_once_listed_and_removed() {
    let (named, bridge) = fresh();
    let create = |arguments: &[&str]| bridge.run(&[&["zone", "create"], arguments].concat(), "");
    create(&["Example.COM"])
        .assert_status(0)
        .assert_stdout("example.com.: created with 3 records on main (127.0.0.1:PORT)\n")
        .assert_stderr("");
    let content = [
        "example.com. 86400 IN NS ns1.example.net.",
        "example.com. 86400 IN NS ns2.example.net.",
    ];
    assert_eq!(dig::content(&named, "example.com"), content);
    assert_eq!(
        &*dig::soa(&named, "example.com").rname,
        "hostmaster.example.com."
    );
    create(&["example.com."])
        .assert_status(0)
        .assert_stdout("example.com.: unchanged on main (127.0.0.1:PORT)\n")
        .assert_stderr("");
    create(&["example.org", "--nameserver", "a.example.net"]).assert_status(0);
    assert_eq!(
        dig::content(&named, "example.org"),
        ["example.org. 86400 IN NS a.example.net."]
    );
    bridge
        .run(&["zone", "list"], "")
        .assert_status(0)
        .assert_stderr("")
        .assert_stdout(
            "example.com.: created by nsbridge, 2 records delivered, on main (127.0.0.1:PORT)\n\
         example.org.: created by nsbridge, 1 record delivered, on main (127.0.0.1:PORT)\n",
        );
    let delete = || bridge.run(&["zone", "delete", "example.com"], "");
    delete()
        .assert_status(0)
        .assert_stdout("example.com.: deleted on main (127.0.0.1:PORT)\n")
        .assert_stderr("");
    assert!(!dig::has_zone(&named, "example.com"));
    assert!(dig::has_zone(&named, "example.org"));
    delete()
        .assert_status(0)
        .assert_stdout("example.com.: already gone on main (127.0.0.1:PORT)\n");
}

#[test]
fn a_zone_that_is_there_is_left_alone_by_create_whatever_the_policy() {
    let (named, bridge) = shared();
    let bridge = bridge.foreign_records("remove").set(
        "primaries.main",
        "nameservers",
        r#"["ns9.example.net"]"#,
    );
    let before = dig::axfr(&named, "example.com");
    let arguments = [
        "zone",
        "create",
        "example.com",
        "--nameserver",
        "ns8.example.net",
    ];
    bridge
        .run(&arguments, "")
        .assert_status(0)
        .assert_stdout("example.com.: unchanged on main (127.0.0.1:PORT)\n")
        .assert_stderr("");
    assert_eq!(dig::axfr(&named, "example.com"), before);
    let shown = bridge.run(&["zone", "show", "example.com"], "");
    assert!(
        shown
            .stdout
            .contains("ours.example.com. 86400 IN A 192.0.2.8 ; delivered\n")
    );
}

#[test]
fn a_zone_that_is_there_needs_no_name_servers() {
    let named = Named::builder()
        .zone(Zone::dynamic("hand.example", ""))
        .start();
    let without = || Bridge::of(&named).seed(&named);
    let with = without().set("primaries.main", "nameservers", r#"["ns1.example.net"]"#);
    with.run(&["zone", "create", "made.example"], "")
        .assert_status(0);
    for zone in ["hand.example", "made.example"] {
        let before = dig::axfr(&named, zone);
        // With a state that does not know it.
        without()
            .run(&["zone", "create", zone], "")
            .assert_status(0)
            .assert_stderr("")
            .assert_stdout(&format!("{zone}.: unchanged on main (127.0.0.1:PORT)\n"));
        assert_eq!(dig::axfr(&named, zone), before);
    }
}

#[test]
fn a_zone_without_name_servers_is_not_made() {
    let named = Named::builder().start();
    let bridge = Bridge::of(&named).seed(&named);
    bridge
        .run(&["zone", "create", "example.com"], "")
        .assert_status(69)
        .assert_error("example.com.", "NB-NAMESERVERS-UNKNOWN");
    assert!(!dig::has_zone(&named, "example.com"));
}

#[test]
fn what_cannot_be_made_says_why() {
    let (named, bridge) = fresh();
    let denied = bridge.set("policy", "deny-zones", r#"["example.com"]"#);
    denied
        .run(&["zone", "create", "a.example.com"], "")
        .assert_status(69)
        .assert_error("a.example.com.", "NB-ZONE-PROTECTED")
        .assert_code_with("NB-ZONE-PROTECTED", "`example.com.`");
    let without = Bridge::of(&named).set("primaries.main", "nameservers", r#"["ns1.example.net"]"#);
    without
        .run(&["zone", "create", "example.org"], "")
        .assert_absent("example.org.");
    let run = without.run(&["zone", "create", "a..b"], "");
    run.assert_status(64).assert_stdout("");
    let run = without.run(
        &["zone", "create", "example.com", "--nameserver", "a..b"],
        "",
    );
    run.assert_status(64).assert_stdout("");
    let seeding = Bridge::of(&named).seed(&named);
    for (nameserver, cause) in [
        ("192.0.2.53", "192.0.2.53.: an address stands"),
        (".", ".: the root stands"),
    ] {
        let names = [
            "--nameserver",
            "ns1.example.net",
            "--nameserver",
            nameserver,
        ];
        let run = seeding.run(
            &[&["zone", "create", "example.com"][..], &names].concat(),
            "",
        );
        run.assert_status(65)
            .assert_stdout("")
            .assert_codes(&["NB-NAME-SERVER-INVALID"])
            .assert_code_with("NB-NAME-SERVER-INVALID", cause);
    }
    assert!(!dig::has_zone(&named, "example.com"));
}

#[test]
fn delete_takes_only_what_was_delivered_out_of_a_zone_of_somebody_else() {
    let (named, bridge) = shared();
    bridge.run(&["zone", "delete", "example.com"], "").assert_status(0).assert_stderr("").assert_stdout(
        "example.com.: 1 record removed; the zone is not nsbridge's alone, so it stays with its \
         SOA and name servers on main (127.0.0.1:PORT)\n",
    );
    assert_eq!(dig::short(&named, "theirs.example.com", "A"), ["192.0.2.7"]);
    assert_eq!(dig::short(&named, "ours.example.com", "A"), [""; 0]);
}

#[test]
fn the_root_zone_is_not_made_and_no_entry_of_a_catalog_neither() {
    let knot = Knot::builder().start();
    let bridge = knot.provisioning(Bridge::of(&knot));
    let create = ["zone", "create", "--nameserver", "ns1.example.net", "."];
    bridge
        .run(&create, "")
        .assert_status(69)
        .assert_stdout("")
        .assert_codes(&["NB-ROOT-ZONE"]);
    let file = "@ 300 SOA ns1 hostmaster 1 3600 600 86400 300\n@ 300 NS ns1.example.net.\n";
    let dry = bridge.run(&["sync", "--dry-run", ".", "-"], file);
    dry.assert_status(69).assert_code("NB-ROOT-ZONE");
    assert!(!dry.stdout.contains("would be created"), "{}", dry.stdout);
    assert_eq!(knot.catalog(), [""; 0]);
    let list = bridge.run(&["zone", "list"], "");
    list.assert_status(0).assert_stdout("").assert_stderr("");
}

#[test]
fn a_zone_of_nobody_is_adopted_on_purpose_where_policy_forbids_it_otherwise() {
    let (named, bridge) = by_hand("");
    let bridge = bridge.set_text("policy", "unowned-zones", "refuse");
    let wanted = zone(
        "example.com",
        "@ 3600 NS ns1.example.com. | ns1 3600 A 192.0.2.9",
    );
    bridge
        .plesk(wanted.call())
        .assert_status(69)
        .assert_code("NB-ZONE-UNOWNED");
    let adopt = |zone: &str| bridge.run(&["zone", "adopt", zone], "");
    let line = "example.com.: adopted, it was nobody's on main (127.0.0.1:PORT)\n";
    adopt("example.com").assert_status(0).assert_stdout(line);
    let line = "example.com.: unchanged, it is this instance's on main (127.0.0.1:PORT)\n";
    adopt("example.com").assert_status(0).assert_stdout(line);
    adopt("missing.test").assert_status(69).assert_stdout("");
    bridge.plesk(wanted.call()).assert_status(0);
    assert_eq!(
        dig::short(&named, "ns1.example.com", "A"),
        ["192.0.2.1", "192.0.2.9"]
    );
}
