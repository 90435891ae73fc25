//! `nsbridge check` of a Knot DNS that is not set up as it must be: its lines are followed, and mend it.

use std::fs;

use pretty_assertions::assert_eq;

use crate::support::bridge::Bridge;
use crate::support::checks::{ALONE, assert_begins, lines_below};
use crate::support::daemon::Release;
use crate::support::keys::Key;
use crate::support::knot::{Builder, Knot};
use crate::support::members::{FORMAT, listed};
use crate::support::server::Server as _;

/// A member of the catalog.
const MEMBER: &str = "shared.example";
/// A zone that is configured by hand.
const BY_HAND: &str = "hand.example";
/// The rights of all zones but the catalog.
const RIGHTS: &str = "    acl: [zones]\n";
const CATALOG_RIGHTS: &str = "acl: [catalog-transfers, catalog-changes, catalog-serial]";

const KEY_LINES: &str = "\
# only where the key is not there already: knotd refuses a second one
key:
  - id: {key}
    algorithm: hmac-sha256
    secret: <that of this host's key file>
";
const ACL_LINES: &str = "\
acl:
  - id: nsbridge
    key: plesk
    action: [update, transfer]
";
const TEMPLATE_LINES: &str = "\
# in the template's section, beside what its `acl` has; a `zone` section would take the zone out of the \
catalog:
template:
  - id: <template of its zones>
    acl: [nsbridge]
";

/// A server with a member of its catalog and a zone by hand.
fn server(release: Release) -> Builder {
    let member = FORMAT.to_owned() + &listed(MEMBER, "", "m1", "listed");
    Knot::of(release)
        .seeded()
        .members(&member)
        .zone(BY_HAND, ALONE)
}

fn by_catalog(knot: &Knot) -> Bridge {
    knot.provisioning(Bridge::of(knot))
}

/// Follows lines up to those of a `template` or `zone`, which the caller follows.
fn add_sections(knot: &mut Knot, lines: &[String]) {
    let is_section = |line: &&String| line.starts_with("# in the ");
    let sections: Vec<&str> = lines
        .iter()
        .take_while(|line| !is_section(line))
        .map(String::as_str)
        .collect();
    knot.amend("template:\n", &(sections.join("\n") + "\ntemplate:\n"));
}

#[test]
fn members_get_their_rights_by_their_template() {
    for release in Release::stable() {
        let transfers = "    acl: [catalog-transfers]\n";
        for (rights, missing) in [
            (transfers, &["updates of "][..]),
            ("", &["transfer of ", "updates of "]),
        ] {
            let mut knot = server(release).edit(RIGHTS, rights).start();
            let bridge = by_catalog(&knot);
            let run = bridge.run(&["check", MEMBER], "");
            run.assert_status(69);
            assert_begins(&run, &["ok: key `plesk`", "ok: clock: "]);
            let expected = format!("{ACL_LINES}{TEMPLATE_LINES}");
            for check in missing {
                let lines = lines_below(&run, check);
                assert_eq!(lines.join("\n") + "\n", expected);
            }
            assert!(!run.stdout.contains("zone:\n"), "{}", run.stdout);
            add_sections(&mut knot, &lines_below(&run, "updates of "));
            let template = format!(
                "file: seed.zone\n    zonefile-sync: -1\n    zonefile-load: whole\n    \
                                    journal-content: changes\n{rights}"
            );
            let whole = template.replace(rights, "") + "    acl: [nsbridge]\n";
            knot.amend(&template, &whole);
            bridge.run(&["check", MEMBER], "").assert_status(0);
            let run = bridge.run(&["check", BY_HAND], "");
            let lines = lines_below(&run, "updates of ");
            let section = format!("zone:\n  - domain: {BY_HAND}\n    acl: [nsbridge]");
            assert!(lines.join("\n").ends_with(&section), "{}", run.stdout);
        }
    }
}

#[test]
fn a_template_without_updates_is_told_by_a_creation() {
    for release in Release::stable() {
        let knot = server(release)
            .edit(RIGHTS, "    acl: [catalog-transfers]\n")
            .start();
        let bridge = by_catalog(&knot).set_text("primaries.main.provision", "group", "seeded");
        let run = bridge.run(&["check", "--create"], "");
        run.assert_status(69);
        let said = "failed: zone creation: NB-UPDATE-REFUSED";
        assert_begins(&run, &[said]);
        let template = TEMPLATE_LINES.replace("<template of its zones>", "seeded");
        let lines = lines_below(&run, "zone creation").join("\n") + "\n";
        assert_eq!(lines, format!("{ACL_LINES}{template}"));
    }
}

/// Where nothing else tells, the key may be there or not: both are told.
#[test]
fn a_key_that_knot_denies_may_be_there_or_not() {
    for release in Release::stable() {
        let mut knot = server(release)
            .edit(RIGHTS, "")
            .edit(CATALOG_RIGHTS, "acl: [catalog-changes, catalog-serial]")
            .start();
        let run = by_catalog(&knot).run(&["check", BY_HAND], "");
        run.assert_status(75);
        let lines = lines_below(&run, "key ").join("\n");
        let expected = KEY_LINES.replace("{key}", "plesk") + ACL_LINES;
        assert!(lines.starts_with(&expected), "{}", run.stdout);
        let codes = ["NB-KEY-UNKNOWN", "NB-UNSIGNED-REFUSAL"];
        assert!(
            run.codes().iter().any(|code| codes.contains(code)),
            "{run:?}"
        );

        let other = Key::new("other");
        let secret = other
            .statement()
            .split('"')
            .nth(3)
            .expect("a quoted secret");
        let bridge = by_catalog(&knot).key(&other);
        let run = bridge.run(&["check", BY_HAND], "");
        let lines = lines_below(&run, "key ").into_iter();
        let filled = lines.map(|line| line.replace("<that of this host's key file>", secret));
        add_sections(&mut knot, &filled.collect::<Vec<_>>());
        knot.amend(
            "file: \"%s.zone\"\n",
            "file: \"%s.zone\"\n    acl: [nsbridge]\n",
        );
        let run = bridge.run(&["check", BY_HAND], "");
        let well = [
            "ok: key `other`",
            "ok: transfer of hand.example.",
            "ok: updates of hand.example.",
            "failed: catalog catalog.example.: ",
        ];
        assert_begins(&run, &well);
        let lines = lines_below(&run, "catalog ");
        assert_eq!(lines[0], "acl:", "the key is known by now: {}", run.stdout);
    }
}

#[test]
fn a_catalog_that_denies_a_key_which_may_be_there_is_told_with_both() {
    for release in Release::stable() {
        let knot = server(release)
            .edit(CATALOG_RIGHTS, "acl: [catalog-changes, catalog-serial]")
            .start();
        let run = by_catalog(&knot).run(&["check"], "");
        run.assert_status(75);
        let lines = lines_below(&run, "catalog ").join("\n");
        let key = KEY_LINES.replace("{key}", "plesk");
        let expected = key + "acl:\n  - id: catalog-transfers\n";
        assert!(lines.starts_with(&expected), "{}", run.stdout);
    }
}

#[test]
fn a_catalog_that_is_not_loaded_is_told_with_what_its_file_holds() {
    let catalog = |name: &str, file: &str| {
        format!(
            "  - domain: {name}\n    storage: \"{{dir}}\"\n    file: {file}\n    zonefile-sync: -1\n    \
             zonefile-load: whole\n    journal-content: changes\n    {CATALOG_RIGHTS}\n    \
             catalog-role: interpret\n    catalog-template: [seeded]\n"
        )
    };
    for release in Release::stable() {
        let zones =
            catalog("missing.example", "missing.zone") + &catalog("broken.example", "broken.zone");
        let mut knot = server(release)
            .edit("zone:\n  - domain", &format!("zone:\n{zones}  - domain"))
            .start();
        for (name, file) in [
            ("missing.example", "missing.zone"),
            ("broken.example", "broken.zone"),
        ] {
            let bridge = Bridge::of(&knot).by_catalog(name);
            if name == "broken.example" {
                let text = "@ 0 SOA invalid. invalid. 1 3600 600 2147483646 0\n@ 0 NS invalid.\n";
                fs::write(knot.file(file), text).expect("the directory is ours");
                knot.restart();
            }
            let run = bridge.run(&["check"], "");
            run.assert_status(75);
            let said = format!("failed: catalog {name}.: NB-CATALOG-NOT-LOADED");
            assert_begins(&run, &[&said]);
            let lines = lines_below(&run, "catalog ");
            fs::write(knot.file(file), lines.join("\n") + "\n").expect("the directory is ours");
            knot.knotc(&["-b", "zone-reload", name]);
            bridge.run(&["check"], "").assert_status(0);
        }
    }
}

#[test]
fn a_fresh_server_shows_by_its_catalog_that_it_knows_the_key() {
    for release in Release::stable() {
        let knot = Knot::of(release).start();
        let run = by_catalog(&knot).run(&["check"], "");
        run.assert_status(0);
        assert_begins(&run, &["ok: key `plesk`", "ok: clock: the same as ours"]);
        let run = by_catalog(&knot).clock_ahead_by(200).run(&["check"], "");
        assert_begins(&run, &["warning: clock: "]);
    }
}

#[test]
fn a_key_with_another_secret_is_replaced_by_the_entry_that_is_told() {
    for release in Release::stable() {
        let mut knot = server(release).start();
        let other = knot.key().with_other_secret();
        let bridge = by_catalog(&knot).key(&other);
        let run = bridge.run(&["check", BY_HAND], "");
        run.assert_status(75).assert_code("NB-KEY-SECRET-DIFFERS");
        let lines = lines_below(&run, "key ");
        assert_eq!(lines[0], "# in place of the key's entry, which is there:");
        assert_eq!(lines[2], "  - id: plesk");
        let conf = fs::read_to_string(knot.file("knot.conf")).expect("it has a configuration");
        let from = conf.find("- id: plesk\n").expect("the key is there");
        let (_, rest) = conf.split_at(from);
        let secret_line = rest
            .lines()
            .find(|line| line.trim_start().starts_with("secret:"));
        let secret_line = secret_line.expect("the key has a secret");
        let until = rest.find(secret_line).expect("it is there") + secret_line.len();
        let secret = other
            .statement()
            .split('"')
            .nth(3)
            .expect("a quoted secret");
        let entry = lines[2..]
            .join("\n")
            .replace("<that of this host's key file>", secret);
        knot.amend(&rest[..until], entry.trim_start());
        bridge.run(&["check", BY_HAND], "").assert_status(0);
    }
}
