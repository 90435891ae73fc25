//! `nsbridge sync --all` as root, of files that hostile customers of a panel have written.

use std::fs::{self, File};
use std::os::unix::fs::symlink;

use pretty_assertions::assert_eq;

use crate::support::dig;
use crate::support::process::run_ok;
use crate::support::server::{Kind, scenario};
use crate::support::sync_all::{assert_total, contents, put, sync, www};

scenario!(a_file_of_a_panel_costs_its_zone_alone_and_reads_nothing_outside_of_its_folder: law);
fn a_file_of_a_panel_costs_its_zone_alone_and_reads_nothing_outside_of_its_folder(kind: Kind) {
    let (server, bridge) = kind.fresh();
    let bridge = bridge.without_dry_run("some files are read for a while");
    let including = |file: &str| contents(1) + "$INCLUDE " + file + "\n";
    // One could be published, and an error of the other one could be.
    fs::write(bridge.file("valid"), "hush A 192.0.2.66\n").unwrap();
    fs::write(bridge.file("secret"), "a hush-word b\n").unwrap();
    let at = |name: &str| bridge.file(name).display().to_string();
    put(&bridge, "valid.test.db", &including(&at("valid")));
    put(&bridge, "secret.test.db", &including(&at("secret")));
    put(&bridge, "climbs.test.db", &including("../secret"));
    put(&bridge, "links.test.db", &including("link"));
    symlink("../secret", bridge.file("zones/link")).unwrap();
    put(&bridge, "device.test.db", &including("/dev/zero"));
    put(&bridge, "pipe.test.db", &including("pipe"));
    put(&bridge, "folder.test.db", &including("."));
    run_ok("mkfifo", &[&at("zones/pipe"), &at("zones/other.test.db")]);
    symlink("/dev/zero", bridge.file("zones/zero.test.db")).unwrap();
    let outside = [
        "valid", "secret", "climbs", "links", "device", "pipe", "folder",
    ];
    put(&bridge, "itself.test.db", &including("itself.test.db"));
    let many = contents(1) + "$GENERATE 1-99999999 a$ A 192.0.2.1\n";
    put(&bridge, "many.test.db", &many);
    let huge = File::create(bridge.file("zones/huge.test.db")).unwrap();
    huge.set_len(4 << 30).unwrap();
    put(&bridge, "good.test.db", &including("part"));
    put(&bridge, "part", "part A 192.0.2.1\n");

    let run = sync(&bridge, &[]);
    run.assert_status(65)
        .assert_code_with("NB-MASTER-FILE-INCLUDE-DEPTH", "itself.test.")
        .assert_code_with("NB-MASTER-FILE-LONG-RANGE", "many.test.")
        .assert_code_with("NB-MASTER-FILE-TOO-LARGE", "huge.test.");
    for name in outside {
        run.assert_code_with("NB-MASTER-FILE-INCLUDE", &format!("{name}.test."));
        assert!(!dig::has_zone(&server, &format!("{name}.test")), "{name}");
    }
    assert!(!run.stderr.contains("hush"), "{}", run.stderr);
    assert_total(&run, 1, 0, 0);
    assert_eq!(www(&server, "good.test"), Some(1));
    assert_eq!(dig::short(&server, "part.good.test", "A"), ["192.0.2.1"]);

    // A hook delivers a single file, and standard input has no folder.
    for (file, input) in [
        ("zones/valid.test.db", ""),
        ("-", &*including(&at("valid"))),
    ] {
        let run = bridge.run(&["sync", "--trust", "panel", "valid.test", file], input);
        run.assert_status(65)
            .assert_codes(&["NB-MASTER-FILE-INCLUDE"]);
    }
    // An operator has written the files.
    let run = bridge.run(&["sync", "valid.test", "zones/valid.test.db"], "");
    run.assert_status(0).assert_stderr("");
    assert_eq!(dig::short(&server, "hush.valid.test", "A"), ["192.0.2.66"]);
}

scenario!(a_large_configuration_is_read_to_its_end: law);
fn a_large_configuration_is_read_to_its_end(kind: Kind) {
    let (server, bridge) = kind.fresh();
    let bridge = bridge.without_dry_run("the file is large");
    let zone =
        |name: &str| format!("zone \"{name}.test\" {{ type master; file \"{name}.db\"; }};\n");
    put(&bridge, "a.db", &contents(1));
    put(&bridge, "b.db", &contents(1));
    // A reader that stops after some octets stops in the comment, and reports nothing.
    let comment = format!("#{}\n", "-".repeat(70 << 20));
    put(&bridge, "named.conf", &(zone("a") + &comment + &zone("b")));
    let run = bridge.run(&["sync", "--all", "zones/named.conf"], "");
    run.assert_status(0).assert_stderr("");
    assert_total(&run, 2, 0, 0);
    assert_eq!(www(&server, "b.test"), Some(1));
}
