//! `nsbridge sync --all` of a configuration of BIND.

use std::fs;

use pretty_assertions::assert_eq;

use crate::support::bridge::{Bridge, Run};
use crate::support::dig;
use crate::support::process;
use crate::support::server::{Kind, scenario};
use crate::support::sync_all::{assert_total, contents, put, www};

/// The configuration of a panel, in the words of several.
const CONFIGURATION: &str = r#"
// zone "comment1.test" { type master; file "a.db"; };
# zone "comment2.test" { type master; file "a.db"; };
/* zone "comment3.test" {
     type master; file "a.db"; }; */
acl own { 127.0.0.1; { 192.0.2.0/24; }; };
include "{here}/options.conf";
include "parts/*.conf";
view "inside" {
    match-clients { own; };
    zone "localhost" { type master; file "/etc/bind/db.local"; };
    zone "127.in-addr.arpa" { type master; file "/etc/bind/db.127"; };
    zone "16.172.in-addr.arpa" IN { type master; file "/etc/bind/db.empty"; };
    zone "A.Test" IN {
        include "type.conf";
        file "deeper/a.db"; // "; };
        allow-query { any; };
    };
    zone "both.test" { type primary; file "both.db"; };
    zone "split.test" { type primary; file "inside.db"; };
    zone "theirs.test" { type slave; masters { 192.0.2.9; }; file "theirs.db"; };
};
view outside IN {
    zone "both.test" { type primary; file "both.db"; };
    zone "split.test" { type primary; file "outside.db"; };
    zone a.test { in-view "inside"; };
};
view "chaos" CH {
    recursion no;
    zone "version.bind" CH { type primary; file "version.db"; };
    zone "chaos.test" { type primary; file "version.db"; };
};
"#;

fn configuration(bridge: &Bridge) -> String {
    CONFIGURATION.replace("{here}", &bridge.file("zones").display().to_string())
}

fn write(bridge: &Bridge) {
    put(bridge, "named.conf", &configuration(bridge));
    let data = bridge.file("zones/data").display().to_string();
    put(
        bridge,
        "options.conf",
        &format!("options {{ directory \"{data}\"; }};\n"),
    );
    // Names of files start from the directory as soon as the option is read, as in BIND.
    put(bridge, "data/parts/1.conf", "acl one { any; };\n");
    put(
        bridge,
        "data/parts/2.conf",
        "key k { algorithm hmac-sha256; secret \"AAAA\"; };\n",
    );
    put(bridge, "data/type.conf", "type /* of a */ master;\n");
    put(
        bridge,
        "data/deeper/a.db",
        &(contents(1) + "$INCLUDE common/mail\n"),
    );
    put(bridge, "data/common/mail", "mail A 192.0.2.25\n");
    for (file, last) in [
        ("both.db", 2),
        ("inside.db", 3),
        ("outside.db", 4),
        ("theirs.db", 5),
    ] {
        put(bridge, &format!("data/{file}"), &contents(last));
    }
}

#[track_caller]
fn sync(bridge: &Bridge, options: &[&str]) -> Run {
    bridge.run(
        &[&["sync", "--all", "zones/named.conf"], options].concat(),
        "",
    )
}

scenario!(the_primary_zones_of_a_configuration_are_delivered: law);
fn the_primary_zones_of_a_configuration_are_delivered(kind: Kind) {
    let (server, bridge) = kind.fresh();
    write(&bridge);
    // BIND takes it, too.
    let path = bridge.file("zones/named.conf").display().to_string();
    let said = process::run("named-checkconf", &[&path], b"");
    let errors = String::from_utf8_lossy(&said.stdout);
    assert_eq!((said.status, &*errors), (Some(0), ""));

    let run = sync(&bridge, &["-v"]);
    run.assert_status(65)
        .assert_code_with("NB-ZONE-LISTED-TWICE", "split.test.")
        .assert_says("localhost.: skipped, each name server has the zone for itself")
        .assert_says("16.172.in-addr.arpa.: skipped, each name server has the zone for itself")
        .assert_says("theirs.test.: skipped, the server is not its primary");
    assert_total(&run, 2, 0, 0);
    assert_eq!(www(&server, "a.test"), Some(1));
    assert_eq!(dig::short(&server, "mail.a.test", "A"), ["192.0.2.25"]);
    assert_eq!(www(&server, "both.test"), Some(2));
    for absent in [
        "chaos.test",
        "split.test",
        "theirs.test",
        "comment1.test",
        "comment2.test",
        "comment3.test",
    ] {
        assert!(!dig::has_zone(&server, absent), "{absent}");
    }
    let quiet = sync(&bridge, &[]);
    quiet
        .assert_status(65)
        .assert_codes(&["NB-ZONE-LISTED-TWICE"]);
    assert_total(&quiet, 0, 0, 2);

    // One view less: `both.test` stays by the other one, and `split.test` has one file now.
    let text = configuration(&bridge).replace("zone \"both.test\" { type primary; file \"both.db\"; };\n    zone \"split.test\" { type primary; file \"inside.db\"; };", "");
    put(&bridge, "named.conf", &text);
    let run = sync(&bridge, &[]);
    run.assert_status(0).assert_stderr("");
    assert_total(&run, 1, 0, 2);
    assert_eq!(www(&server, "split.test"), Some(4));

    // A zone that has another primary now stays as it is; one that is gone is deleted.
    let text = text.replace(
        "type primary; file \"both.db\"",
        "type secondary; primaries { 192.0.2.9; }",
    );
    let text = text.replace("zone \"split.test\"", "zone \"new.test\"");
    put(&bridge, "named.conf", &text);
    let run = sync(&bridge, &[]);
    run.assert_status(0).assert_stderr("");
    assert_total(&run, 1, 1, 1);
    assert_eq!(www(&server, "both.test"), Some(2));
    assert_eq!(www(&server, "new.test"), Some(4));
    assert!(!dig::has_zone(&server, "split.test"));
}

scenario!(a_configuration_that_cannot_be_read_deletes_nothing: law);
fn a_configuration_that_cannot_be_read_deletes_nothing(kind: Kind) {
    let (server, bridge) = kind.fresh();
    let zone =
        |name: &str| format!("zone \"{name}.test\" {{ type master; file \"{name}.db\"; }};\n");
    put(&bridge, "a.db", &contents(1));
    put(&bridge, "b.db", &contents(1));
    put(&bridge, "named.conf", &(zone("a") + &zone("b")));
    let run = sync(&bridge, &[]);
    run.assert_status(0).assert_stderr("");
    assert_total(&run, 2, 0, 0);
    for (text, code) in [
        (zone("b") + "include \"gone.conf\";", "NB-SOURCE-UNREADABLE"),
        (
            zone("b") + "include \"gone/*.conf\";",
            "NB-SOURCE-UNREADABLE",
        ),
        (
            zone("b") + "include \"named.conf\";",
            "NB-NAMED-CONF-INVALID",
        ),
        (
            zone("b") + "zone \"a.test\" { type master;",
            "NB-NAMED-CONF-INVALID",
        ),
        (zone("b") + "zone \"a.test", "NB-NAMED-CONF-INVALID"),
        (zone("b") + "/* ", "NB-NAMED-CONF-INVALID"),
        (zone("b") + "}", "NB-NAMED-CONF-INVALID"),
        (zone("localhost").replace(".test", ""), "NB-SOURCE-EMPTY"),
        (String::new(), "NB-SOURCE-EMPTY"),
    ] {
        put(&bridge, "named.conf", &text);
        for options in [&[][..], &["--force"]] {
            sync(&bridge, options)
                .assert_status(65)
                .assert_stdout("")
                .assert_codes(&[code]);
        }
        assert_eq!(www(&server, "a.test"), Some(1), "{text}");
    }
    // A zone that cannot be read costs itself alone.
    put(
        &bridge,
        "named.conf",
        &(zone("a").replace("type master;", "") + &zone("b") + &zone("c")),
    );
    put(&bridge, "b.db", &contents(2));
    let run = sync(&bridge, &[]);
    run.assert_status(65)
        .assert_code_with("NB-ZONE-STATEMENT-INCOMPLETE", "a.test.")
        .assert_code_with("NB-SOURCE-UNREADABLE", "c.test.");
    assert_total(&run, 1, 0, 0);
    assert_eq!(www(&server, "a.test"), Some(1));
    assert_eq!(www(&server, "b.test"), Some(2));
    fs::remove_file(bridge.file("zones/named.conf")).unwrap();
    sync(&bridge, &[])
        .assert_status(65)
        .assert_codes(&["NB-SOURCE-UNREADABLE"]);
}
